"""study: what has a Record is loaded, the rest is trained once; whatever dies, stops or is damaged is told and kept."""

import contextlib
import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from trained import without_time
from whole import whole_record

import pnn
from pnn.runs import store
from pnn.runs.store import load_record, record_path, save_record
from pnn.studies import pool
from pnn.studies import study as module
from pnn.studies.study import largest_size, parse_seconds, study
from pnn.system import processes
from pnn.system.extras import MissingExtraError
from pnn.training.checkpoint import ForeignCheckpointError


def run_of(seed: int, size: str = "smoke", epochs: int = 1) -> pnn.Run:
    recipe = pnn.Recipe(epochs, batch_size=64)
    return pnn.Run(pnn.Digits(validation=1300), pnn.CNN("polynomial", 2), recipe, seed, size)


def record_of(run: pnn.Run, outcome: str = "ok", message: str = "") -> pnn.Record:
    if outcome == "ok":
        return whole_record(run, seconds=1.5)
    record = pnn.Record.of_failure(run, outcome, message or "why")
    return dataclasses.replace(record, seconds=1.5, used={"device": "none"})


RUNS = [run_of(seed) for seed in range(4)]


@pytest.fixture
def results(tmp_path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def trained(monkeypatch) -> list[pnn.Run]:
    """The runs that were trained; each leaves a checkpoint behind, as a training that was stopped before would."""
    runs = []

    def fit(run, *, data, device, folder, progress):
        runs.append(run)
        home = folder / run.name
        home.mkdir(parents=True, exist_ok=True)
        (home / "checkpoint.safetensors").touch()
        return record_of(run)

    monkeypatch.setattr(module, "fit", fit)
    return runs


def checkpoint_of(run: pnn.Run, results: Path) -> Path:
    return results.parent / "runs" / run.name / "checkpoint.safetensors"


# --- one after another -----------------------------------------------------------------------------------------------


def test_what_is_missing_is_trained_and_kept(results, trained):
    records = study(RUNS, results=results)
    assert trained == RUNS
    assert records == [record_of(run) for run in RUNS]
    assert sorted(results.rglob("*.json")) == sorted(record_path(run, results) for run in RUNS)
    assert not any(checkpoint_of(run, results).exists() for run in RUNS)
    trained.clear()
    assert study(RUNS, results=results) == records
    assert trained == []


def test_a_record_that_was_deleted_is_trained_again_and_no_other(results, trained):
    study(RUNS, results=results)
    record_path(RUNS[2], results).unlink()
    trained.clear()
    assert [record.run for record in study(RUNS, results=results)] == RUNS
    assert trained == [RUNS[2]]


def test_the_order_is_that_of_the_runs_and_a_run_named_twice_is_trained_once(results, trained):
    runs = [RUNS[3], RUNS[0], RUNS[3], RUNS[1]]
    study([RUNS[1]], results=results)
    assert [record.run for record in study(iter(runs), results=results)] == runs
    assert trained == [RUNS[1], RUNS[3], RUNS[0]]


def test_a_training_that_is_stopped_leaves_the_records_before_it(results, trained, monkeypatch):
    fit = module.fit

    def stopped(run, **options):
        if run == RUNS[2]:
            raise KeyboardInterrupt
        return fit(run, **options)

    monkeypatch.setattr(module, "fit", stopped)
    with pytest.raises(KeyboardInterrupt):
        study(RUNS, results=results)
    monkeypatch.setattr(module, "fit", fit)
    study(RUNS, results=results)
    assert trained == RUNS


def _not_json(form):
    return "{"


def _binary(form):
    return b"\xff\xfe\x00"


def _fields_missing(form):
    return json.dumps({"run": form["run"]})


def _edit(**changes):
    return lambda form: json.dumps({**form, **changes})


@pytest.mark.parametrize(
    "damage",
    [
        _not_json,
        _binary,
        _fields_missing,
        _edit(outcome="fine"),
        _edit(run={}),
        _edit(final=[]),
        _edit(final={"test": {"loss": 1.0}}),
    ],
)
def test_a_damaged_record_is_named_before_anything_is_trained(results, trained, damage):
    path = save_record(record_of(RUNS[3]), results)
    content = damage(json.loads(path.read_text()))
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(pnn.RecordError, match=rf"the Record {path} cannot be read: .* delete it"):
        study(RUNS, results=results)
    assert trained == []


def test_a_record_under_another_runs_name_is_refused(results, trained):
    save_record(record_of(RUNS[0]), results).rename(record_path(RUNS[1], results))
    with pytest.raises(pnn.RecordError, match=rf"{RUNS[1].name}.json is of another run"):
        study(RUNS, results=results)


@pytest.mark.parametrize("collect", [list, set, iter])
def test_a_bad_ending_stays_until_it_is_to_be_tried_again(results, trained, collect):
    endings = ["ok", "killed", "failed", "diverged"]
    for run, outcome in zip(RUNS, endings, strict=True):
        save_record(record_of(run, outcome), results)
    assert [record.outcome for record in study(RUNS, results=results)] == endings
    records = study(RUNS, results=results, retry=collect(["killed", "failed"]))
    assert [record.outcome for record in records] == ["ok", "ok", "ok", "diverged"]
    assert trained == RUNS[1:3]


def test_a_repeated_run_of_a_sweep_trains_again_what_ended_as_it_did(results, trained, monkeypatch):
    for run, outcome in zip(RUNS, ["ok", "oom", "failed", "diverged"], strict=True):
        save_record(record_of(run, outcome), results)
    monkeypatch.setenv("PNN_RETRY", "oom,killed")
    records = study(RUNS, results=results, retry=["failed"])
    assert [record.outcome for record in records] == ["ok", "ok", "ok", "diverged"]
    assert trained == RUNS[1:3]


def test_what_another_process_trains_is_waited_for_after_all_others(results, trained, monkeypatch, capsys):
    monkeypatch.setattr(store, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(pool, "LOOK_SECONDS", 0.01)
    with contextlib.ExitStack() as other:
        assert other.enter_context(store.run_lock(RUNS[1], results))

        def sleep(_):
            assert trained == [RUNS[0], *RUNS[2:]]
            save_record(record_of(RUNS[1], "diverged"), results)
            other.close()

        monkeypatch.setattr(store, "time", SimpleNamespace(sleep=sleep))
        records = study(RUNS, results=results)
    assert [record.outcome for record in records] == ["ok", "diverged", "ok", "ok"]
    assert trained == [RUNS[0], *RUNS[2:]]
    assert f"waiting for {RUNS[1].name}, which another process trains" in capsys.readouterr().err


def test_what_another_process_left_without_a_record_is_trained(results, trained, monkeypatch):
    with contextlib.ExitStack() as other:
        other.enter_context(store.run_lock(RUNS[0], results))
        monkeypatch.setattr(store, "time", SimpleNamespace(sleep=lambda _: other.close()))
        assert len(study(RUNS[:1], results=results, progress=False)) == 1
    assert trained == RUNS[:1]


def test_where_files_cannot_be_locked_a_run_is_trained_all_the_same(results, trained, monkeypatch, capsys):
    def unsupported(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", unsupported)
    assert len(study(RUNS[:1], results=results)) == 1
    said = f"cannot be locked: [Errno 37] No locks available. Two processes may train {RUNS[0].name} at once"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("in_sweep", [False, True])
def test_a_checkpoint_of_another_machine_is_put_aside_in_a_sweep_alone(results, trained, monkeypatch, in_sweep, capsys):
    checkpoint = checkpoint_of(RUNS[0], results)
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text("theirs")
    fit = module.fit

    def elsewhere(run, **options):
        if checkpoint.exists():
            raise ForeignCheckpointError("it cannot be continued here: device: A there, B here", checkpoint)
        return fit(run, **options)

    monkeypatch.setattr(module, "fit", elsewhere)
    if not in_sweep:
        with pytest.raises(ForeignCheckpointError):
            study(RUNS[:1], results=results)
        assert checkpoint.read_text() == "theirs"
        return
    monkeypatch.setenv("PNN_VALUES", str(results.parent / "values"))
    assert len(study(RUNS[:1], results=results)) == 1
    (aside,) = checkpoint.parent.glob("checkpoint-*.safetensors")
    assert aside.read_text() == "theirs"
    assert f"device: A there, B here. It is kept as {aside}; the training begins again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retry": ["crashed"]}, "failed, diverged, exploded, oom, timeout, killed.*, got crashed"),
        ({"retry": "killed"}, "retry takes bad outcomes"),
        ({"jobs": 0}, "jobs must be at least 1, got 0"),
    ],
)
def test_wrong_options_are_errors(results, trained, options, message):
    with pytest.raises(ValueError, match=message):
        study(RUNS, results=results, **options)
    assert trained == []


def test_a_full_disk_leaves_no_half_record_and_the_checkpoint(results, trained, monkeypatch):
    def half(path, text):
        path.write_bytes(text[:20].encode())
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", half)
        with pytest.raises(pnn.RecordError, match=rf"{RUNS[0].name}.json could not be .*No space left.* Make room"):
            study(RUNS, results=results)
    assert not [path for path in results.rglob("*") if path.is_file()]
    assert checkpoint_of(RUNS[0], results).exists()
    assert len(study(RUNS, results=results)) == 4


def test_a_record_is_kept_when_its_successor_cannot_be_written(results, monkeypatch):
    path = save_record(record_of(RUNS[0], "killed"), results)
    before = path.read_bytes()

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(pnn.RecordError, match="Input/output error"):
        save_record(record_of(RUNS[0]), results)
    assert [path for path in results.rglob("*") if path.is_file()] == [path]
    assert path.read_bytes() == before


# --- one bad Run takes no other with it -------------------------------------------------------------------------------


def bad_at(runs, error, monkeypatch, trained) -> None:
    """Let the trainings of some runs end with an error."""
    fit = module.fit

    def failing(run, **options):
        if run in runs:
            raise error
        return fit(run, **options)

    monkeypatch.setattr(module, "fit", failing)


DAMAGED = [kind("damaged") for kind in (pnn.CheckpointError, pnn.RecordError, pnn.RunError, MissingExtraError)]


@pytest.mark.parametrize("error", DAMAGED, ids=repr)
def test_a_run_that_cannot_go_on_is_told_after_all_others_were_trained(results, trained, monkeypatch, error):
    bad_at(RUNS[1:2], error, monkeypatch, trained)
    with pytest.raises(type(error), match=r"^damaged$"):
        study(RUNS, results=results)
    assert trained == [RUNS[0], *RUNS[2:]]
    assert [load_record(run, results) is not None for run in RUNS] == [True, False, True, True]


def test_several_runs_that_cannot_go_on_are_told_together(results, trained, monkeypatch):
    bad_at(RUNS[:2], pnn.CheckpointError("damaged"), monkeypatch, trained)
    with pytest.raises(pnn.StudyError, match=r"^damaged$"):
        study(RUNS, results=results)
    assert trained == RUNS[2:]


def test_a_task_without_data_leaves_the_others_to_be_trained(results, trained, monkeypatch):
    other = dataclasses.replace(RUNS[3], task=pnn.Digits(validation=1200))
    bad_at(RUNS, pnn.DataError("no data"), monkeypatch, trained)
    with pytest.raises(pnn.DataError, match=r"^no data$"):
        study([*RUNS[:3], other], results=results)
    assert trained == [other]


@pytest.mark.parametrize(("outcome", "kept"), [("failed", True), ("oom", True), ("diverged", False)])
def test_what_failed_keeps_its_checkpoint_to_go_on_from(results, trained, monkeypatch, outcome, kept):
    fit = module.fit

    def ended(run, **options):
        fit(run, **options)
        return record_of(run, outcome)

    monkeypatch.setattr(module, "fit", ended)
    study(RUNS[:1], results=results)
    assert checkpoint_of(RUNS[0], results).exists() == kept


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_device_that_is_not_there_is_told_before_anything_is_trained(results, trained, jobs):
    with pytest.raises(ValueError, match='device must be "auto"'):
        study(RUNS, results=results, device="gpu", jobs=jobs)
    assert not results.exists()


@pytest.mark.slow
def test_real_children_that_cannot_be_trained_harm_no_other(results):
    table = pnn.HIGGS(validation=80, rows="stand-in")
    rows = len(table.load().train)
    one_left = pnn.Run(table, pnn.MLP("standard", 8), pnn.Recipe(1, augment="none", batch_size=rows - 1), 0, "smoke")
    good = [dataclasses.replace(one_left, recipe=pnn.Recipe(1, augment="none"), seed=seed) for seed in range(2)]
    huge = dataclasses.replace(one_left, network=pnn.MLP("standard", 2**62))
    records = study([one_left, huge, *good], results=results, device="cpu", jobs=2, progress=False)
    assert [record.outcome for record in records] == ["failed", "failed", "ok", "ok"]


# --- how large Records are --------------------------------------------------------------------------------------------


def test_the_largest_size_is_the_largest_that_is_complete(results):
    def experiment(size, *, seeds=2):
        return {"standard": [run_of(seed, size) for seed in range(seeds)]}

    def keep(size, seed):
        save_record(record_of(run_of(seed, size)), results)

    assert largest_size(experiment, results) == "smoke"
    keep("paper", 0)
    assert largest_size(experiment, results) == "smoke"
    assert largest_size(experiment, results, seeds=1) == "paper"
    keep("laptop", 0)
    keep("laptop", 1)
    assert largest_size(experiment, results) == "laptop"
    keep("paper", 1)
    assert largest_size(experiment, results) == "paper"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("25m", 1500), ("2h", 7200), ("0.5h", 1800), ("1.5", 1.5)]
)
def test_times(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "0", "-5m", "2d", "nan", "infh", "1h30", "five"])
def test_what_is_no_time_says_what_is(text):
    with pytest.raises(pnn.RunError, match="90s, 25m or 2h; got"):
        parse_seconds(text)


# --- side by side: the pool, with children that do as they are told ---------------------------------------------------

CHILD = """#!{python} -I
import json, os, shutil, signal, sys, time
from pathlib import Path

run = json.load(sys.stdin)
home = Path({home!r}) / str(run["seed"])
results = sys.argv[sys.argv.index("--results") + 1]
tries = len(list(home.glob("try-*")))
(home / f"try-{{tries}}").touch()
act = json.loads((home / "plan.json").read_text())[tries]
if act in ("ok", "diverged"):
    shutil.copytree(home / act, results, dirs_exist_ok=True)
    print(act)
    sys.exit(act != "ok")
if act == "spoils":
    shutil.copytree(home / "ok", results, dirs_exist_ok=True)
    name = {spoilt!r}
    Path(results, "digits", "smoke", name).write_text("half")
    sys.exit(0)
if act == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if act == "crash":
    print("Traceback (most recent call last):\\n  ...\\nRuntimeError: a crash")
    sys.exit(1)
if act == "no data":
    print("error: there is no data")
    sys.exit(4)
if act == "damaged":
    print("error: its checkpoint is damaged")
    sys.exit(2)
if act == "stopped":
    sys.exit(143)

def stop(number, frame):  # as a training does, unless it hangs
    if act == "busy":
        (home / "saved").touch()
        sys.exit(143)

signal.signal(signal.SIGTERM, stop)
(home / "pid").write_text(str(os.getpid()))  # it listens
while True:
    time.sleep(0.05)
"""


PYTHON = sys.executable


def executable(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def children(tmp_path, monkeypatch):
    """Plan what the child of each run does at each try; returns the folder in which they note what they did."""
    home = tmp_path / "children"
    home.mkdir()
    monkeypatch.setattr(
        sys,
        "executable",
        executable(home / "python", CHILD.format(python=PYTHON, home=str(home), spoilt=f"{RUNS[3].name}.json")),
    )

    def plan(*acts: list[str]) -> Path:
        for run, does in zip(RUNS, acts, strict=False):
            for outcome in ("ok", "diverged"):
                save_record(record_of(run, outcome), home / str(run.seed) / outcome)
            (home / str(run.seed) / "plan.json").write_text(json.dumps(does))
        return home

    return plan


def tries(home: Path, run: pnn.Run) -> int:
    return len(list((home / str(run.seed)).glob("try-*")))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_pool_gives_the_records_in_order(results, children):
    home = children(["ok"], ["ok"], ["ok"], ["ok"])
    save_record(record_of(RUNS[1]), results)
    assert study(RUNS, results=results, jobs=3, progress=False) == [record_of(run) for run in RUNS]
    assert [tries(home, run) for run in RUNS] == [1, 0, 1, 1]


def test_the_pool_leaves_what_another_process_trains_for_the_end_and_trains_nothing_twice(
    results, children, monkeypatch
):
    home = children(["ok"], ["ok"], ["ok"], ["ok"])
    save_record(record_of(RUNS[0], "killed"), results)
    monkeypatch.setattr(store, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(pool, "LOOK_SECONDS", 0.05)
    with contextlib.ExitStack() as other:
        for run in RUNS[:2]:  # the other process trains these; one of them ends badly again
            assert other.enter_context(store.run_lock(run, results))

        def sleep(seconds):
            if all(record_path(run, results).exists() for run in RUNS[2:]):
                save_record(record_of(RUNS[0], "diverged", "by another process"), results)
                save_record(record_of(RUNS[1]), results)
                other.close()
            time.sleep(seconds)

        clock = SimpleNamespace(monotonic=time.monotonic, sleep=sleep, strftime=time.strftime)
        monkeypatch.setattr(pool, "time", clock)
        records = study(RUNS, results=results, jobs=2, retry=["killed"], progress=False)
    assert [record.outcome for record in records] == ["diverged", "ok", "ok", "ok"]
    assert [tries(home, run) for run in RUNS] == [0, 0, 1, 1]


@pytest.mark.parametrize("before", [None, "killed"])
@pytest.mark.parametrize(
    ("acts", "outcome", "message"),
    [
        (["killed", "ok"], "ok", ""),
        (["killed", "killed"], "killed", "twice, the last time by signal 9"),
        (["crash"], "failed", "RuntimeError: a crash"),
        (["killed", "crash"], "failed", "RuntimeError: a crash"),
        (["diverged"], "diverged", "why"),
    ],
)
def test_every_ending_leaves_one_record_and_harms_no_other(results, children, acts, outcome, message, before):
    home = children(acts, ["ok"])
    if before:
        save_record(record_of(RUNS[0], before, "earlier"), results)
    record, other = study(RUNS[:2], results=results, jobs=2, progress=False, retry=["killed"])
    assert (record.run, record.outcome, record.message) == (RUNS[0], outcome, message)
    assert other == record_of(RUNS[1])
    assert tries(home, RUNS[0]) == len(acts)
    assert len(list(results.rglob("*.json"))) == 2


def test_a_child_that_was_stopped_leaves_no_record_and_goes_on_next_time(results, children):
    children(["stopped", "ok"], ["ok"])
    assert [r.run for r in study(RUNS[:2], results=results, jobs=2, progress=False)] == [RUNS[1]]
    assert [r.run for r in study(RUNS[:2], results=results, jobs=2, progress=False)] == RUNS[:2]


def test_a_child_that_dies_before_it_can_be_told_its_run_is_a_failed_run(results, monkeypatch, tmp_path):
    def start_and_wait(*arguments, **options):
        process = popen(*arguments, **options)
        process.wait()
        return process

    popen = subprocess.Popen
    monkeypatch.setattr(processes.subprocess, "Popen", start_and_wait)
    monkeypatch.setattr(sys, "executable", executable(tmp_path / "python", "#!/bin/sh\necho no python here; exit 1\n"))
    (record,) = study(RUNS[:1], results=results, jobs=2, progress=False)
    assert (record.outcome, record.message) == ("failed", "no python here")


def test_what_stops_every_run_of_a_task_leaves_the_others_to_be_trained(results, children):
    home = children(["no data"], ["ok"], ["ok"])
    other = dataclasses.replace(RUNS[2], task=pnn.Digits(validation=1200))
    with pytest.raises(pnn.StudyError, match=r"^there is no data$"):
        study([*RUNS[:2], other], results=results, jobs=1, budget_seconds=100, progress=False)
    assert not list((home / "1").glob("try-*"))  # of the same task: not even started
    assert len(list((home / "2").glob("try-*"))) == 1


def test_what_stops_one_run_leaves_all_others_of_its_task_to_be_trained(results, children):
    home = children(["ok"], ["damaged"], ["ok"], ["ok"])
    with pytest.raises(pnn.StudyError, match=r"^its checkpoint is damaged$"):
        study(RUNS, results=results, jobs=1, budget_seconds=100, progress=False)
    assert [load_record(run, results) is not None for run in RUNS] == [True, False, True, True]
    assert [tries(home, run) for run in RUNS] == [1, 1, 1, 1]


def test_a_record_that_is_damaged_meanwhile_stops_no_other_run(results, children):
    home = children(["spoils"], ["ok"], ["ok"], ["ok"])
    with pytest.raises(pnn.StudyError, match=rf"{RUNS[3].name}.json cannot be read"):
        study(RUNS, results=results, jobs=1, budget_seconds=100, progress=False)
    assert [record_path(run, results).exists() for run in RUNS] == [True] * 4
    assert tries(home, RUNS[3]) == 0


def spend_the_budget_once(path: Path, monkeypatch) -> None:
    """Let the pool's clock jump by a day as soon as a file exists."""

    def monotonic():
        return time.monotonic() + 86400 * path.exists()

    clock = SimpleNamespace(monotonic=monotonic, sleep=time.sleep, strftime=time.strftime)
    monkeypatch.setattr(pool, "time", clock)


@pytest.mark.parametrize("act", ["busy", "hangs"])
def test_a_spent_budget_stops_every_child(results, children, monkeypatch, act):
    home = children([act, "ok"], ["ok"])
    monkeypatch.setattr(processes, "GRACE_SECONDS", 60.0 if act == "busy" else 0.3)
    spend_the_budget_once(home / "0" / "pid", monkeypatch)
    assert study(RUNS[:2], results=results, budget_seconds=3600, progress=False) == []
    assert not alive(int((home / "0" / "pid").read_text()))
    assert (home / "0" / "saved").exists() == (act == "busy")
    assert tries(home, RUNS[1]) == 0
    monkeypatch.setattr(pool, "time", time)
    assert [r.run for r in study(RUNS[:2], results=results, budget_seconds=3600, progress=False)] == RUNS[:2]


def wait_for(*paths: Path) -> list[int]:
    """The process numbers in files that children write as soon as they listen to signals."""
    deadline = time.monotonic() + 60
    while not all(path.exists() and path.read_text() for path in paths):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [int(path.read_text()) for path in paths]


def test_ctrl_c_stops_every_child(results, children, monkeypatch):
    home = children(["busy"], ["busy"])
    pids = [home / str(run.seed) / "pid" for run in RUNS[:2]]

    def interrupt(_):
        wait_for(*pids)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(pool, "time", SimpleNamespace(monotonic=time.monotonic, sleep=interrupt))
    with pytest.raises(KeyboardInterrupt):
        study(RUNS[:2], results=results, jobs=2, progress=False)
    assert all((path.parent / "saved").exists() for path in pids)
    assert not any(alive(int(path.read_text())) for path in pids)


PARENT = """
import json, sys, pnn
runs = [pnn.Run.from_dict(form) for form in json.loads(sys.argv[1])]
sys.executable = sys.argv[3]
pnn.study(runs, results=sys.argv[2], jobs=2, progress=False)
"""


def test_sigterm_stops_every_child(results, children):
    home = children(["busy"], ["busy"])
    pids = [home / str(run.seed) / "pid" for run in RUNS[:2]]
    arguments = [json.dumps([run.to_dict() for run in RUNS[:2]]), str(results), sys.executable]
    with subprocess.Popen([PYTHON, "-c", PARENT, *arguments]) as parent:
        try:
            numbers = wait_for(*pids)
            parent.terminate()
            parent.wait(60)
        finally:
            parent.kill()
    left = [number for number in numbers if alive(number)]
    for number in left:
        os.kill(number, signal.SIGKILL)
    assert left == []
    assert parent.returncode == 143
    assert all((path.parent / "saved").exists() for path in pids)


# --- side by side, with real trainings -------------------------------------------------------------------------------


@pytest.fixture
def one_thread(monkeypatch):
    """Sums depend on how they are split: train here as the children do."""
    threads = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_real_child_that_is_killed_once_is_started_again(results, tmp_path, monkeypatch, one_thread):
    script = f'#!/bin/sh\nif mkdir "{tmp_path}/killed" 2>/dev/null; then kill -9 $$; fi\nexec {PYTHON} "$@"\n'
    monkeypatch.setattr(sys, "executable", executable(tmp_path / "python", script))
    (record,) = study(RUNS[:1], results=results, device="cpu", jobs=2, progress=False)
    assert (tmp_path / "killed").exists()
    alone = pnn.fit(RUNS[0], folder=tmp_path / "alone", device="cpu", progress=False)
    assert alone.outcome == "ok"
    assert without_time(record) == without_time(alone)


# `python -m pnn` with an experiment of the runs given, and another Python for its children
STUDY = """
import json, sys, pnn
from pnn.__main__ import main
from pnn.experiments import EXPERIMENTS

runs = [pnn.Run.from_dict(form) for form in json.loads(sys.argv[1])]
EXPERIMENTS["these"] = lambda size, seeds: {"these": runs}
sys.executable = sys.argv[2]
sys.exit(main(sys.argv[3:]))
"""
# as Python, but the second epoch of a training takes its time, and its process is noted
SLOW_CHILD = """#!{python}
import os, runpy, sys, time
from pathlib import Path
from pnn.training import loop

step, noted = loop.Training.take_step, []

def slow_step(self, x, y):
    step(self, x, y)
    if self.epoch == 1:
        if not noted:
            noted.append(True)
            with open({started!r}, "a") as file:
                file.write(f"{{os.getpid()}}\\n")
        time.sleep(0.2)

loop.Training.take_step = slow_step
del sys.argv[:2]  # itself and -P
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_a_real_study_that_is_killed_leaves_no_child_and_goes_on_to_the_same_records(
    results, tmp_path, one_thread, number
):
    """The children save, though nobody is left who could tell them to."""
    runs = [run_of(0, epochs=30), run_of(1, epochs=30)]
    started = tmp_path / "started"
    program = executable(tmp_path / "python", SLOW_CHILD.format(python=PYTHON, started=str(started)))
    command = [PYTHON, "-c", STUDY, json.dumps([run.to_dict() for run in runs]), program]
    command += ["study", "these", "--size", "smoke", "--jobs", "2", "--results", str(results), "--device", "cpu"]
    with subprocess.Popen(command) as parent:
        try:
            deadline = time.monotonic() + 120
            while not started.exists() or len(started.read_text().split()) < 2:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            parent.send_signal(number)
            assert parent.wait(60) == (-number if number == signal.SIGKILL else 128 + number)
        finally:
            parent.kill()
    pids, deadline = [int(pid) for pid in started.read_text().split()], time.monotonic() + 10
    while any(map(alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert all(checkpoint_of(run, results).exists() for run in runs)
    records = study(runs, results=results, device="cpu", jobs=2, progress=False)
    assert [record.sessions for record in records] == [2, 2]
    for run, record in zip(runs, records, strict=True):
        alone = pnn.fit(run, folder=tmp_path / "alone", device="cpu", progress=False)
        assert without_time(record) == without_time(alone)


@pytest.mark.slow
def test_a_real_study_whose_budget_is_spent_goes_on_to_the_same_records(results, tmp_path, monkeypatch, one_thread):
    runs = [run_of(0, epochs=30), run_of(1, epochs=2)]
    started = tmp_path / "started"
    program = executable(tmp_path / "python", SLOW_CHILD.format(python=PYTHON, started=str(started)))
    monkeypatch.setattr(sys, "executable", program)
    spend_the_budget_once(started, monkeypatch)
    assert study(runs, results=results, device="cpu", budget_seconds=3600, progress=False) == []
    assert checkpoint_of(runs[0], results).exists()
    assert not list(results.rglob("*.json"))

    monkeypatch.setattr(pool, "time", time)
    monkeypatch.setattr(sys, "executable", PYTHON)
    records = study(runs, results=results, device="cpu", jobs=2, progress=False)
    assert [record.sessions for record in records] == [2, 1]
    for run, record in zip(runs, records, strict=True):
        alone = pnn.fit(run, folder=tmp_path / "alone", device="cpu", progress=False)
        assert without_time(record) == without_time(alone)
    assert not checkpoint_of(runs[0], results).exists()


@pytest.mark.slow
def test_real_children_without_data_stop_the_study_and_leave_no_record(results, tmp_path):
    runs = [dataclasses.replace(run, task=pnn.CIFAR10()) for run in RUNS]
    with pytest.raises(pnn.StudyError, match=r"no file .*nowhere/cifar10/train-\*\.parquet.*PNN_DATA"):
        study(runs, results=results, data=tmp_path / "nowhere", device="cpu", jobs=2, progress=False)
    assert all(load_record(run, results) is None for run in runs)
