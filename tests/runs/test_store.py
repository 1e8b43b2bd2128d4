"""The store: a Record is found in its file or in the parquet of its task and size, and packing loses none."""

import dataclasses
import hashlib
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet
from whole import whole_record

import pnn
from pnn.runs import packed, store
from pnn.runs.store import (
    RecordError,
    has_record,
    load_record,
    load_records,
    pack,
    packed_path,
    put_aside,
    record_path,
    run_lock,
    save_record,
)
from pnn.runs.sums import sums
from pnn.system.extras import MissingExtraError

ROOT = Path(__file__).parents[2]
RUN = pnn.Run(pnn.Digits(), pnn.CNN("polynomial", 4), pnn.Recipe(1), 0, "laptop")
RUNS = [dataclasses.replace(RUN, seed=seed) for seed in range(3)]


@pytest.fixture
def results(tmp_path) -> Path:
    """Three Records in files."""
    for run in RUNS:
        save_record(whole_record(run), tmp_path / "results")
    return tmp_path / "results"


def files(results: Path) -> list[str]:
    return sorted(path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file())


def test_a_record_lives_in_the_folder_of_its_task_and_size(results):
    assert record_path(RUN, results) == results / "digits" / "laptop" / f"{RUN.name}.json"
    assert files(results) == [f"digits/laptop/{run.name}.json" for run in sorted(RUNS, key=lambda run: run.name)]
    assert json.loads(record_path(RUN, results).read_text())["run"] == RUN.to_dict()
    assert load_record(RUN, results) == whole_record(RUN)
    assert load_record(dataclasses.replace(RUN, seed=9), results) is None


def test_packed_records_are_found_like_files(results):
    before = load_records(results)
    assert pack(results, "digits", "laptop") == 3
    assert files(results) == ["digits/laptop.parquet"]
    assert [load_record(run, results) for run in RUNS] == [whole_record(run) for run in RUNS]
    assert all(has_record(run, results) for run in RUNS)
    other = dataclasses.replace(RUN, seed=9)
    assert load_record(other, results) is None
    assert not has_record(other, results)
    assert load_records(results) == before == sorted(before, key=lambda record: record.run.name)


def test_others_can_read_a_parquet_of_records(results):
    pack(results, "digits", "laptop")
    table = parquet.read_table(results / "digits/laptop.parquet").to_pydict()
    assert table["name"] == sorted(run.name for run in RUNS)
    assert [json.loads(text)["run"]["seed"] for text in table["record"]] == [
        int(name.split("seed")[1].split("-")[0]) for name in table["name"]
    ]


def test_the_same_records_are_packed_into_the_same_bytes(results, tmp_path):
    for run in reversed(RUNS):
        save_record(whole_record(run), tmp_path / "again")
    for folder in (results, tmp_path / "again"):
        pack(folder, "digits", "laptop")
    assert (results / "digits/laptop.parquet").read_bytes() == (tmp_path / "again/digits/laptop.parquet").read_bytes()


def test_later_files_are_packed_beside_the_earlier_ones(results):
    pack(results, "digits", "laptop")
    later = dataclasses.replace(RUN, seed=9)
    save_record(whole_record(later), results)
    assert len(load_records(results)) == 4
    assert pack(results, "digits", "laptop") == 1
    assert files(results) == ["digits/laptop.parquet"]
    assert len(load_records(results)) == 4


def test_other_tasks_and_sizes_stay_as_they_are(results):
    paper = dataclasses.replace(RUN, size="paper")
    save_record(whole_record(paper), results)
    pack(results, "digits", "laptop")
    assert files(results) == ["digits/laptop.parquet", f"digits/paper/{paper.name}.json"]
    with pytest.raises(RecordError, match=r"no single Record of 'digits' and size 'smoke' in .*, so none to pack"):
        pack(results, "digits", "smoke")


def test_a_record_in_both_is_fine_if_it_is_the_same_and_named_twice_if_not(results):
    kept = {path: path.read_bytes() for path in results.rglob("*.json")}
    pack(results, "digits", "laptop")
    for path, content in kept.items():
        path.write_bytes(content)
    assert [load_record(run, results) for run in RUNS] == [whole_record(run) for run in RUNS]
    assert len(load_records(results)) == 3
    path = record_path(RUN, results)
    path.write_text(whole_record(RUN, 0.25).to_json())
    message = rf"the Record {path} differs from that in {packed_path(results, 'digits', 'laptop')}"
    before = (results / "digits/laptop.parquet").read_bytes()
    for read in (
        lambda: load_record(RUN, results),
        lambda: load_records(results),
        lambda: pack(results, "digits", "laptop"),
    ):
        with pytest.raises(RecordError, match=message):
            read()
    assert (results / "digits/laptop.parquet").read_bytes() == before
    assert all(path.exists() for path in kept)
    path.write_bytes(kept[path])
    assert pack(results, "digits", "laptop") == 3
    assert files(results) == ["digits/laptop.parquet"]


def test_a_record_that_was_changed_is_not_believed(results):
    path = record_path(RUN, results)
    text = path.read_text()
    path.write_text(text.replace('"device": "an abacus"', '"device": "an abacvs"'))
    assert path.read_text() != text
    with pytest.raises(RecordError, match=rf"{path} cannot be read: .*does not match its SHA-256"):
        load_record(RUN, results)


def test_an_older_record_is_compared_with_the_sums(results):
    path = record_path(RUN, results)
    path.write_text(whole_record(RUN).to_json())
    assert load_record(RUN, results) == whole_record(RUN)
    (results / "SHA256SUMS").write_text(sums(results))
    assert load_record(RUN, results) == whole_record(RUN)
    path.write_text(whole_record(RUN, 0.75).to_json())
    with pytest.raises(RecordError, match=rf"{path} cannot be .* SHA-256 is .*python -m pnn records --sums"):
        load_record(RUN, results)
    save_record(whole_record(RUN, 0.75), results)  # Trained again, it has a digest of its own.
    assert load_record(RUN, results) == whole_record(RUN, 0.75)
    (results / "SHA256SUMS").write_text("no sums")
    path.write_text(whole_record(RUN).to_json())
    with pytest.raises(RecordError, match=r"SHA256SUMS cannot be used: line 1.*Restore the former, or write it again"):
        load_record(RUN, results)


def test_a_link_to_a_record_that_is_kept_elsewhere_is_no_record_that_is_missing(results):
    path = record_path(RUN, results)
    path.unlink()
    path.symlink_to(results / "elsewhere.json")
    assert has_record(RUN, results)
    with pytest.raises(RecordError, match=rf"{path} cannot be read: it is a link to a file that is not there"):
        load_record(RUN, results)


def test_a_record_that_is_trained_again_makes_the_packed_one_go(results):
    save_record(pnn.Record.of_failure(RUN, "killed", "by signal 9"), results)
    pack(results, "digits", "laptop")
    assert load_record(RUN, results).outcome == "killed"
    save_record(whole_record(RUN), results)  # as --retry killed does
    assert load_record(RUN, results) == whole_record(RUN)
    assert files(results) == ["digits/laptop.parquet", f"digits/laptop/{RUN.name}.json"]
    pack(results, "digits", "laptop")
    assert [record.outcome for record in load_records(results)] == ["ok"] * 3


@pytest.mark.parametrize("in_parquet", [False, True])
def test_a_record_that_is_put_aside_is_there_and_no_longer_here(results, tmp_path, in_parquet):
    if in_parquet:
        pack(results, "digits", "laptop")
    aside = tmp_path / "aside"
    assert put_aside(RUN, results, aside)
    assert load_record(RUN, results) is None
    assert load_records(aside) == [whole_record(RUN)]
    assert [load_record(run, results) for run in RUNS[1:]] == [whole_record(run) for run in RUNS[1:]]
    assert not put_aside(RUN, results, aside)


def test_a_parquet_is_read_once_and_again_when_it_has_changed(results, tmp_path, monkeypatch):
    pack(results, "digits", "laptop")
    reads, texts = [], packed._texts
    monkeypatch.setattr(packed, "_texts", lambda path: reads.append(path) or texts(path))
    packed._read.clear()
    for run in RUNS * 2:
        load_record(run, results)
    assert len(reads) == 1
    save_record(whole_record(RUN, 0.25), tmp_path / "theirs")  # another process has packed others
    pack(tmp_path / "theirs", "digits", "laptop")
    os.replace(tmp_path / "theirs/digits/laptop.parquet", results / "digits/laptop.parquet")
    assert load_record(RUN, results) == whole_record(RUN, 0.25)
    assert load_record(RUNS[1], results) is None


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def no_parquet(path: Path) -> None:
    path.write_text("{}")


def other_columns(path: Path) -> None:
    parquet.write_table(pyarrow.table({"name": ["a"], "accuracy": [0.5]}), path)


def twice(path: Path) -> None:
    parquet.write_table(pyarrow.table({"name": ["a", "a"], "record": ["{}", "{}"]}), path)


def nothing_in_it(path: Path) -> None:
    parquet.write_table(
        pyarrow.table(
            {"name": [RUN.name], "record": [None]},
            pyarrow.schema([("name", pyarrow.string()), ("record", pyarrow.string())]),
        ),
        path,
    )


@pytest.mark.parametrize("damage", [cut, no_parquet, other_columns, twice, nothing_in_it])
def test_a_damaged_parquet_is_named_and_nothing_is_lost(results, damage):
    pack(results, "digits", "laptop")
    path = results / "digits/laptop.parquet"
    damage(path)
    damaged = path.read_bytes()
    with pytest.raises(RecordError, match=rf"the packed Records {path} cannot be read: "):
        load_record(RUN, results)
    with pytest.raises(RecordError, match=r"laptop\.parquet cannot be read"):
        save_record(whole_record(RUN), results)
    assert path.read_bytes() == damaged


def test_a_damaged_row_is_named(results):
    path = results / "digits/laptop.parquet"
    packed.write_texts(path, {RUN.name: whole_record(RUN).to_json().replace('"loss"', '"less"')})
    record_path(RUN, results).unlink()
    with pytest.raises(RecordError, match=rf"the Record {path}, row {RUN.name} cannot be read: Record.final.train"):
        load_record(RUN, results)
    packed.write_texts(path, {RUN.name: whole_record(RUNS[1]).to_json()})
    with pytest.raises(RecordError, match=f"the Record {RUN.name} in {path} is of another run than its name says"):
        load_record(RUN, results)


@pytest.mark.parametrize("text", ["[" * 100_000, "", "{", b"\xff\xfe", '{"a": NaN}'])
def test_a_file_that_is_no_json_is_named(results, text):
    path = record_path(RUN, results)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RecordError, match=rf"the Record {path} cannot be read: .* delete it to train it"):
        load_record(RUN, results)
    with pytest.raises(RecordError, match=path.name):
        pack(results, "digits", "laptop")
    assert len(files(results)) == 3


def test_a_file_under_another_name_is_not_packed(results):
    path = record_path(RUN, results)
    path.rename(path.with_name("mine.json"))
    for read in (load_records, lambda folder: pack(folder, "digits", "laptop")):
        with pytest.raises(RecordError, match=r"mine\.json is of another run than its name says"):
            read(results)
    assert not (results / "digits/laptop.parquet").exists()


def test_no_file_goes_before_the_parquet_was_read_back(results, monkeypatch):
    def lossy(path, texts):
        packed.write_texts(path, dict(list(texts.items())[:2]))

    with monkeypatch.context() as broken:
        broken.setattr(store, "write_texts", lossy)
        with pytest.raises(RecordError, match="does not hold what was written into it; the single files are kept"):
            pack(results, "digits", "laptop")
    assert len(list(results.rglob("*.json"))) == 3

    def full(part, *_, **__):
        raise OSError(28, "No space left on device")

    (results / "digits/laptop.parquet").unlink()
    with monkeypatch.context() as broken:
        broken.setattr(parquet, "write_table", full)
        with pytest.raises(OSError, match="No space left"):
            pack(results, "digits", "laptop")
    assert len(files(results)) == 3
    assert pack(results, "digits", "laptop") == 3


def test_without_pyarrow_the_error_says_what_to_install(results, monkeypatch):
    pack(results, "digits", "laptop")
    packed._read.clear()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"packed Records needs pyarrow, which is not installed"):
        load_record(RUN, results)


def test_records_in_files_need_no_pyarrow(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert len(load_records(results)) == 3
    save_record(whole_record(RUN), results)


def save_many(folder: str, first: int) -> None:
    for seed in range(first, first + 20):
        save_record(whole_record(dataclasses.replace(RUN, seed=seed)), Path(folder))


def test_trainings_that_end_while_others_are_packed_lose_nothing(results):
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=save_many, args=(str(results), first)) for first in (100, 200)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if list(results.rglob("*.json")):
            pack(results, "digits", "laptop")
        time.sleep(0.01)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    seeds = {record.run.seed for record in load_records(results)}
    assert seeds == {0, 1, 2, *range(100, 120), *range(200, 220)}


# --- checksums -------------------------------------------------------------------------------------------------------


def test_sums_are_those_of_sha256sum_and_leave_smoke_out(results):
    save_record(whole_record(dataclasses.replace(RUN, size="smoke")), results)
    save_record(whole_record(dataclasses.replace(RUN, size="paper")), results)
    pack(results, "digits", "paper")
    lines = dict(reversed(line.split("  ")) for line in sums(results).splitlines())
    names = ["digits/paper.parquet", *(f"digits/laptop/{run.name}.json" for run in RUNS)]
    assert list(lines) == sorted(names)
    for name, digest in lines.items():
        assert hashlib.sha256((results / name).read_bytes()).hexdigest() == digest


def test_the_committed_records_are_those_of_their_sums():
    assert (ROOT / "results/SHA256SUMS").read_text() == sums(ROOT / "results")


# --- held against others ---------------------------------------------------------------------------------------------


def test_a_run_is_held_by_one(results):
    with run_lock(RUN, results) as mine, run_lock(RUN, results) as again, run_lock(RUNS[1], results) as other:
        assert (mine, again, other) == (True, False, True)


def test_a_run_has_one_holder_whichever_name_the_folder_is_given_by(results, tmp_path, monkeypatch):
    results.mkdir(exist_ok=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link").symlink_to(results)
    monkeypatch.chdir(results)
    for name in (Path("."), Path("../results"), tmp_path / "elsewhere" / "link"):
        with run_lock(RUN, results) as mine, run_lock(RUN, name) as again:
            assert (mine, again) == (True, False)
    assert sorted(path.name for path in tmp_path.rglob("lock")) == ["lock"]
