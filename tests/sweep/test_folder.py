"""The folder of a sweep: what makes a run's id, parameters checked first, nothing half written, one holder of a run."""

import datetime
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from pnn import ParameterError
from pnn.sweep import folder as module
from pnn.sweep import run as sweep
from pnn.sweep.folder import Basis, Busy, Folder, Outcome, SweepError, check_points, run_id

POINT = {"act": "ok", "seed": 1, "rate": 0.5}


@pytest.fixture
def notebook(tmp_path, notebook_of) -> Path:
    return notebook_of(tmp_path / "notebook.ipynb", "# A title", "print(seed)")


@pytest.fixture
def begun(tmp_path, notebook) -> Folder:
    folder = Folder(tmp_path / "sweep")
    folder.begin(Basis.of(notebook), [POINT])
    return folder


KEY = "0" * 16


# --- ids -------------------------------------------------------------------------------------------------------------


def id_of(notebook: Path, point: dict | None = None) -> str:
    return run_id(Basis.of(notebook), POINT if point is None else point)


def edit(notebook: Path, cell: int, source: str) -> None:
    content = nbformat.read(notebook, 4)
    content.cells[cell].source = source
    nbformat.write(content, notebook)


def test_an_id_is_the_same_whatever_the_order_of_the_parameters(notebook):
    assert id_of(notebook, dict(reversed(POINT.items()))) == id_of(notebook)


@pytest.mark.parametrize("change", [{"seed": 2}, {"act": "fail"}, {"seed": True}, {"rate": 0.6}, {"more": 1}])
def test_an_id_is_another_for_another_parameter(notebook, change):
    assert id_of(notebook, {**POINT, **change}) != id_of(notebook)


def test_an_id_is_another_for_another_cell_of_code_and_the_same_for_another_text(notebook):
    before = id_of(notebook)
    edit(notebook, 1, "# Another title")
    assert id_of(notebook) == before
    edit(notebook, 2, "print(seed, rate)")
    assert id_of(notebook) != before


def test_cells_are_told_apart_where_they_are_divided(tmp_path, notebook_of):
    one = notebook_of(tmp_path / "one.ipynb", "print(1)\nprint(2)", "print(3)")
    other = notebook_of(tmp_path / "other.ipynb", "print(1)", "print(2)\nprint(3)")
    assert Basis.of(one).cells != Basis.of(other).cells


def test_an_id_is_another_for_another_file_of_pnn(tmp_path, notebook, monkeypatch):
    package = tmp_path / "pnn" / "sweep"
    package.mkdir(parents=True)
    (package / "folder.py").write_text("one = 1")
    (package.parent / "train.py").write_text("two = 2")
    monkeypatch.setattr(module, "__file__", str(package / "folder.py"))
    before = id_of(notebook)
    (package.parent / "log.txt").write_text("not code")
    assert id_of(notebook) == before
    (package.parent / "train.py").write_text("two = 3")
    edited = id_of(notebook)
    (package.parent / "train.py").rename(package.parent / "fit.py")
    assert len({before, edited, id_of(notebook)}) == 3


def test_an_id_is_another_for_other_data(tmp_path, notebook, monkeypatch):
    ids = [id_of(notebook)]

    def changed() -> bool:
        ids.append(id_of(notebook))
        return ids[-1] != ids[-2]

    data = tmp_path / "data"
    (data / "cifar10").mkdir(parents=True)
    file = data / "cifar10" / "train.parquet"
    file.write_bytes(b"1")
    monkeypatch.setenv("PNN_DATA", str(data))
    assert changed()
    file.write_bytes(b"12")
    assert changed()
    file.rename(file.with_name("test.parquet"))
    assert changed()
    assert not changed()
    (data / "SHA256SUMS").write_text("abc cifar10/test.parquet\n")
    assert changed()
    (data / "cifar10" / "notes.txt").touch()  # the sums say what there is
    assert not changed()
    (data / "SHA256SUMS").write_text("abd cifar10/test.parquet\n")
    assert changed()
    assert len(set(ids)) == 6


def test_a_whole_number_for_a_float_is_the_same_run(notebook):
    (rate,) = check_points(notebook, [{"rate": 1}, {"rate": 1.0}])
    assert type(rate["rate"]) is float
    assert id_of(notebook, rate) == id_of(notebook, {"rate": 1.0})
    assert type(check_points(notebook, [{"seed": 1}])[0]["seed"]) is int


def test_what_some_points_leave_out_has_the_notebooks_own_value(notebook):
    first, second = check_points(notebook, [{"seed": 1}, {"seed": 2, "rate": 0.25}])
    assert first == {"seed": 1, "rate": 0.5}
    assert second == {"seed": 2, "rate": 0.25}
    assert check_points(notebook, [{"seed": 1}]) == [{"seed": 1}]


# --- what is refused before anything starts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([{"sead": 1}], r"no parameter 'sead' \(did you mean 'seed'\?\); it has act, seed, rate, mode"),
        ([{"seed": 1}, {"seed": "1"}], "seed must be of type int, got '1' of type str"),
        ([{"seed": True}], "seed must be of type int, got True of type bool"),
        ([{"seed": 1.0}], "seed must be of type int, got 1.0 of type float"),
        ([{"rate": float("nan")}], "rate must be a finite number, got nan"),
        ([{"rate": 0.1}, {"rate": float("-inf")}], "rate must be a finite number, got -inf"),
        ([{"mode": "medium"}], 'mode must be one of "fast", "slow", got \'medium\''),
        ([{"seed": None}], "seed must be of type int, got None"),
        ([{"seed": [1]}], r"seed must be of type int, got \[1\] of type list"),
        ([], "a sweep needs at least one point"),
    ],
)
def test_a_wrong_parameter_is_an_error_before_anything_is_started_or_written(
    tmp_path, notebook, no_process, points, message
):
    with pytest.raises(ParameterError, match=message):
        sweep(notebook, points, out=tmp_path / "sweep", progress=False)
    assert not (tmp_path / "sweep").exists()


def test_what_json_cannot_hold_is_an_error_before_anything_is_started(tmp_path, notebook_of, no_process):
    notebook = notebook_of(tmp_path / "notebook.ipynb", parameters="days: list = []  # of a week")
    with pytest.raises(ParameterError, match="cannot be written as JSON: Object of type date"):
        sweep(notebook, [{"days": [datetime.date(2026, 1, 1)]}], out=tmp_path / "sweep", progress=False)
    assert not (tmp_path / "sweep").exists()


def test_an_id_is_another_if_another_cell_takes_the_parameters(notebook):
    before = id_of(notebook)
    form = nbformat.read(notebook, 4)
    form.cells[0].metadata.tags = []
    nbformat.write(form, notebook)
    assert id_of(notebook) != before


@pytest.mark.parametrize("name", ["outcome", "message", "run"])
def test_a_parameter_with_a_name_of_the_table_is_refused(tmp_path, notebook_of, name):
    notebook = notebook_of(tmp_path / "notebook.ipynb", parameters=f"{name}: int = 0  # a number")
    with pytest.raises(ParameterError, match=f"a parameter named '{name}' cannot be swept; rename it"):
        check_points(notebook, [{name: 1}])


def test_a_notebook_that_is_not_there_or_takes_no_parameters_is_named(tmp_path, notebook_of):
    with pytest.raises(ParameterError, match=r"no notebook .*nowhere\.ipynb"):
        check_points(tmp_path / "nowhere.ipynb", [POINT])
    empty = notebook_of(tmp_path / "empty.ipynb", parameters="")
    with pytest.raises(ParameterError, match=r"empty\.ipynb: its cell tagged parameters declares none"):
        check_points(empty, [POINT])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "ray"}, 'engine must be "local" or "dask", got \'ray\''),
        ({"scheduler": "tcp://127.0.0.1:1"}, 'a scheduler is for engine "dask"'),
        ({"jobs": -1}, "jobs must be at least 0, got -1"),
        ({"max_failures": 0}, "max_failures must be at least 1, got 0"),
        ({"timeout": -1.0}, "timeout must be at least 0"),
        ({"retry": ["ok"]}, r"retry takes bad outcomes \(failed, diverged, exploded, oom, timeout, killed\), got ok"),
        ({"retry": "failed"}, "retry takes bad outcomes"),
        ({"gpus_per_run": 1}, "torch sees none here"),
        ({"gpus_per_run": -1}, "must be a share such as 0.25, or a whole number, got -1"),
    ],
)
def test_a_wrong_option_says_what_is_allowed(tmp_path, notebook, no_process, monkeypatch, options, message):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(ValueError, match=message):
        sweep(notebook, [POINT], out=tmp_path / "sweep", progress=False, **options)
    assert not list(tmp_path.glob("sweep/runs/*/outcome.json"))


# --- the files -------------------------------------------------------------------------------------------------------


def test_the_folder_of_another_notebook_is_refused(begun, tmp_path, notebook_of):
    other = notebook_of(tmp_path / "other.ipynb")
    with pytest.raises(SweepError, match=r"is the sweep of .*/notebook\.ipynb; give another folder \(--out\)"):
        begun.begin(Basis.of(other), [POINT])


def test_an_outcome_is_read_as_it_was_written(begun):
    outcome = Outcome("diverged", "NaN", 1 / 3, "2026", "here", "0", {"a": 0.1, "b": "x"}, {"ok": 2, "diverged": 1})
    (key,) = begun.keys()
    assert begun.outcome(key) is None
    begun.finish(key, outcome)
    assert begun.outcome(key) == outcome
    begun.forget({key: outcome}, {"failed"})
    assert begun.outcome(key) == outcome
    begun.forget({key: outcome}, {"failed", "diverged"})
    assert begun.outcome(key) is None


def test_an_outcome_has_one_of_the_names():
    with pytest.raises(ValueError, match="one of ok, failed, diverged, exploded, oom, timeout, killed, got 'good'"):
        Outcome("good")


@pytest.mark.parametrize(
    "content", ["{", "", "[" * 100_000, b"\xff\xfe", "[]", "{}", '{"outcome": "good"}', '{"outcome": "ok", "more": 1}']
)
def test_a_damaged_outcome_is_named_with_what_to_do(begun, content):
    (key,) = begun.keys()
    path = begun.run(key) / "outcome.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SweepError, match=rf"{path} (is damaged|cannot be read): .*[Dd]elete it"):
        begun.outcome(key)


def full_disk(path: Path, write) -> None:
    """As pnn.system.files.write_atomically where there is no room: nothing is left behind."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


@pytest.mark.parametrize("name", ["notebooks/*.ipynb", "run.json", "sweep.json"])
def test_a_full_disk_at_the_beginning_is_told_and_it_goes_on_later(tmp_path, notebook, monkeypatch, name):
    write = module.write_atomically
    folder = Folder(tmp_path / "sweep")
    with monkeypatch.context() as full:
        full.setattr(
            module, "write_atomically", lambda path, text: (full_disk if path.match(name) else write)(path, text)
        )
        with pytest.raises(SweepError, match=rf"{folder.path} could not be written: .*No space left.* Make room, and"):
            folder.begin(Basis.of(notebook), [POINT])
    assert folder.plan() is None
    assert folder.begin(Basis.of(notebook), [POINT]) == {id_of(notebook): POINT}
    assert folder.point(id_of(notebook))["parameters"] == POINT


def test_a_full_disk_leaves_the_outcome_before(begun, monkeypatch):
    (key,) = begun.keys()
    begun.finish(key, Outcome("failed", "earlier"))

    def half(path, text):
        path.write_bytes(text[:20].encode())
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(SweepError, match="No space left"):
        begun.finish(key, Outcome("ok"))
    monkeypatch.undo()
    assert begun.outcome(key) == Outcome("failed", "earlier")
    assert sorted(path.name for path in begun.run(key).iterdir()) == ["outcome.json", "run.json"]


def test_what_cannot_be_opened_is_told(begun):
    (key,) = begun.keys()
    (begun.run(key) / "lock").mkdir()
    with pytest.raises(SweepError, match=rf"{begun.path} could not be written: .*Is a directory"), begun.lock(key):
        pass


# --- one holder of a run ---------------------------------------------------------------------------------------------


HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_run_has_one_holder_and_is_free_when_that_ends_however_it_does(begun):
    (key,) = begun.keys()
    with begun.lock(key), pytest.raises(Busy), begun.lock(key):
        pass
    command = [sys.executable, "-c", HOLDER, str(begun.run(key) / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy), begun.lock(key):
            pass
        holder.kill()
    with begun.lock(key):
        pass


def test_a_run_whose_folder_is_not_seen_here_says_so(tmp_path):
    with pytest.raises(SweepError, match=r"run\.json is missing: not every machine sees the folder"):
        Folder(tmp_path / "nowhere").point(KEY)
    assert not (tmp_path / "nowhere").exists()


def test_a_flipped_bit_in_an_outcome_is_told_and_an_older_outcome_is_read(begun):
    (key,) = begun.keys()
    begun.finish(key, Outcome("ok", values={"loss": 0.5}))
    path = begun.run(key) / "outcome.json"
    text = path.read_text()
    path.write_text(text.replace("0.5", "0.4"))
    with pytest.raises(SweepError, match="does not match its SHA-256"):
        begun.outcome(key)
    form = json.loads(text)
    del form["sha256"]
    path.write_text(json.dumps(form))
    assert begun.outcome(key).values == {"loss": 0.5}
