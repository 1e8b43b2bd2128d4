"""The sweep itself, with processes that end as they are told to: every ending typed, nothing done twice or lost."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from pnn.sweep import SweepError, drive, folder, points, supervise
from pnn.sweep import run as sweep
from pnn.sweep.folder import Basis, Folder, run_id
from pnn.sweep.tabulate import of_basis
from pnn.system import processes


@pytest.fixture
def out(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(drive, "ELSEWHERE_SECONDS", 0.1)
    return tmp_path / "sweep"


def acts(*words: str) -> list[dict]:
    return [{"act": word, "seed": number} for number, word in enumerate(words)]


def ends(frame) -> dict[str, tuple[str, str]]:
    return {row["act"]: (row["outcome"], row["message"]) for _, row in frame.iterrows()}


# --- how a run ends --------------------------------------------------------------------------------------------------

TWICE = ("killed", "2 times the process or its kernel was killed or died; out of memory?")
ENDINGS = {
    "ok": ("ok", "", 1),
    "glue": ("ok", "", 1),
    "fail": ("failed", "ValueError: no good", 1),
    "memory": ("oom", "MemoryError", 1),
    "torch memory": ("oom", "OutOfMemoryError: CUDA out of memory", 1),
    "cpu memory": (
        "oom",
        "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 10 bytes",
        1,
    ),
    "cuda memory": ("oom", "AcceleratorError: CUDA error: out of memory", 1),
    "cublas memory": (
        "oom",
        "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        1,
    ),
    "no kernel": (*TWICE, 2),
    "crash": ("failed", "ImportError: no papermill", 1),
    "silent": ("failed", "the process ended with status 7", 1),
    "diverged": ("diverged", "of 4 trainings: 2 diverged", 1),
    "killed training": ("killed", "of 4 trainings: 1 killed, 1 diverged", 1),
    "kernel": (*TWICE, 2),
    "kernel,ok": ("ok", "", 2),
    "killed": (*TWICE, 2),
    "killed,ok": ("ok", "", 2),
    "killed,fail": ("failed", "ValueError: no good", 2),
    "stopped": (*TWICE, 2),
    "stopped,ok": ("ok", "", 2),
}


@pytest.mark.parametrize("jobs", [1, 4])
def test_every_ending_has_its_name_leaves_one_row_and_harms_no_other(fake, out, tries_of, jobs):
    frame = sweep(fake, acts(*ENDINGS), out=out, jobs=jobs, progress=False)
    assert ends(frame) == {act: (outcome, message) for act, (outcome, message, _) in ENDINGS.items()}
    number = tries_of(out)
    assert {frame.loc[key, "act"]: number[key] for key in frame.index} == {act: n for act, (*_, n) in ENDINGS.items()}
    assert all((out / path).is_file() for path in frame["run notebook"])
    glued = frame.set_index("act")["score"]
    assert glued["glue"] == list(ENDINGS).index("glue") + 0.1
    assert glued.drop("glue").isna().all()
    assert dict(frame.set_index("act")["run trainings"][["ok", "diverged"]]) == {"ok": 0, "diverged": 4}


def test_what_ended_is_not_done_again_but_what_is_to_be_tried_again(fake, out, tries_of):
    given = acts("fail,ok", "ok", "killed,killed,ok", "fail", "diverged")
    first = sweep(fake, given, out=out, jobs=3, progress=False)
    assert list(first["outcome"]) == ["diverged", "failed", "failed", "killed", "ok"]  # in the order of the acts
    before = tries_of(out)

    assert sweep(fake, iter(given), out=out, jobs=3, progress=False).equals(first)
    assert tries_of(out) == before

    again = sweep(fake, given, out=out, retry=["failed"], progress=False)
    of = {act: ends(again)[act][0] for act in ends(again)}
    assert of == {"diverged": "diverged", "fail": "failed", "fail,ok": "ok", "killed,killed,ok": "killed", "ok": "ok"}
    more = {again.loc[key, "act"]: number - before[key] for key, number in tries_of(out).items()}
    assert more == {"diverged": 0, "fail": 1, "fail,ok": 1, "killed,killed,ok": 0, "ok": 0}

    last = sweep(fake, given, out=out, retry=iter(["killed", "diverged"]), progress=False)
    assert ends(last)["killed,killed,ok"] == ("ok", "")
    assert list(last.index) == list(first.index)


def test_more_points_are_done_beside_those_that_are(fake, out, tries_of):
    sweep(fake, acts("ok", "fail"), out=out, progress=False)
    frame = sweep(fake, [*acts("ok", "fail"), {"act": "glue"}], out=out, progress=False)
    assert ends(frame).keys() == {"ok", "fail", "glue"}
    assert set(tries_of(out).values()) == {1}


def test_a_point_given_twice_is_one_run(fake, out, tries_of):
    given = [{"seed": 1, "rate": 2}, {"rate": 2.0, "seed": 1}]
    assert len(sweep(fake, given, out=out, progress=False)) == 1
    assert list(tries_of(out).values()) == [1]


def test_so_many_failures_stop_the_sweep_and_it_goes_on(fake, out, tries_of):
    given = acts("ok", "diverged", "fail", "ok", "memory", "ok", "ok")
    frame = sweep(fake, given, out=out, max_failures=2, progress=False)
    assert sorted(frame["outcome"]) == ["diverged", "failed", "not done", "not done", "ok", "ok", "oom"]
    frame = sweep(fake, given, out=out, max_failures=1, progress=False)  # of this call
    assert sorted(frame["outcome"]) == ["diverged", "failed", "ok", "ok", "ok", "ok", "oom"]
    assert set(tries_of(out).values()) == {1}


def test_a_run_takes_its_time_and_no_more(fake, out, tries_of, monkeypatch):
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.5)  # "hang" is killed after it
    frame = sweep(fake, acts("ok", "wait", "hang"), out=out, jobs=3, timeout=3.0, progress=False)
    assert ends(frame) == {
        "ok": ("ok", ""),
        "wait": ("timeout", "stopped after 3 s"),
        "hang": ("timeout", "stopped after 3 s"),
    }
    assert (frame.set_index("act")["run seconds"][["wait", "hang"]] >= 3).all()
    assert set(tries_of(out).values()) == {1}


def test_what_is_whole_when_its_time_is_over_is_kept(fake, out):
    assert ends(sweep(fake, acts("finish"), out=out, timeout=3.0, progress=False)) == {"finish": ("ok", "")}


# --- what goes wrong around it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("others", [["ok"], ["wait,ok", "glue"]])
def test_a_full_disk_leaves_no_half_outcome_and_it_goes_on(fake, out, monkeypatch, until, others):
    """Also where another run goes on, which is stopped, and where one ended at the same time."""
    given = acts("fail", *others)
    write = folder.write_atomically

    def full_disk(path, text):
        if not path.match("outcome.json"):
            return write(path, text)
        until(lambda: len(list(out.glob("runs/*/pid"))) == others.count("wait,ok"))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as full:
        full.setattr(folder, "write_atomically", full_disk)
        with pytest.raises(SweepError, match=rf"{out} could not be written: .*No space left.* goes on from there"):
            sweep(fake, given, out=out, jobs=len(given), progress=False)
    assert not list(out.glob("runs/*/outcome.json*"))
    frame = sweep(fake, given, out=out, jobs=len(given), progress=False)
    assert dict(frame["outcome"].value_counts()) == {"ok": len(others), "failed": 1}
    assert len(frame) == len(given)


def test_a_disk_that_is_full_for_the_notebook_stops_the_sweep_and_its_run_is_done_again(fake, out, tries_of):
    given = acts("disk,ok", "ok")
    with pytest.raises(SweepError, match=r"a disk is full, says run .*No space left.* goes on from there"):
        sweep(fake, given, out=out, progress=False)
    assert not list(out.glob("runs/*/outcome.json"))
    assert list(sweep(fake, given, out=out, progress=False)["outcome"]) == ["ok", "ok"]
    assert sorted(tries_of(out).values()) == [1, 2]


def environment_of(out: Path) -> dict[str, str]:
    (path,) = out.glob("runs/*/environment.json")
    return json.loads(path.read_text())


def test_a_notebook_imports_the_pnn_of_its_sweep_and_finds_folders_that_were_named_from_here(
    fake, out, tmp_path, monkeypatch
):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PNN_DATA", "data")
    monkeypatch.setenv("PNN_RESULTS", "../results")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    sweep(fake, acts("environment"), out=out, progress=False)
    found = environment_of(out)
    assert found["PYTHONPATH"].split(os.pathsep) == [str(Path(folder.__file__).parents[2]), "elsewhere"]
    assert found["PNN_DATA"] == str(tmp_path / "data")
    assert Path(found["PNN_RESULTS"]).resolve() == tmp_path.parent / "results"


def test_a_run_that_is_tried_again_tells_its_trainings_so_until_it_has_ended(fake, out):
    def told() -> str:
        return environment_of(out)["PNN_RETRY"]

    sweep(fake, acts("environment,killed,killed,environment"), out=out, progress=False)
    assert told() == ""
    (key,) = Folder(out).keys()
    Folder(out).finish(key, folder.Outcome("killed"))
    assert Folder(out).to_retry(key) == []
    for _ in range(2):  # the second as by another sweep at the same time
        Folder(out).forget({key: folder.Outcome("killed")}, {"killed", "oom"})
    Folder(out).finish(key, folder.Outcome("oom", "by the other sweep"))
    Folder(out).forget({key: folder.Outcome("killed")}, {"killed", "oom"})
    assert Folder(out).outcome(key).outcome == "oom"
    Folder(out).forget({key: folder.Outcome("oom", "by the other sweep")}, {"killed", "oom"})
    assert (
        sweep(fake, acts("environment,killed,killed,environment"), out=out, progress=False)["outcome"][key] == "killed"
    )
    assert Folder(out).to_retry(key) == []
    frame = sweep(fake, acts("environment,killed,killed,environment"), out=out, retry=["killed"], progress=False)
    assert frame["outcome"][key] == "ok"
    assert told() == "killed"


def test_other_data_on_the_machine_of_a_run_end_the_sweep(fake, out, tmp_path, monkeypatch, tries_of):
    (tmp_path / "data" / "task").mkdir(parents=True)
    monkeypatch.setenv("PNN_DATA", str(tmp_path / "data"))
    begin = Folder.begin

    def elsewhere(*arguments):
        found = begin(*arguments)
        (tmp_path / "data" / "task" / "more.parquet").touch()
        return found

    monkeypatch.setattr(Folder, "begin", elsewhere)
    with pytest.raises(SweepError, match=f"the data are not those .*PNN_DATA is {tmp_path}/data on .*Set it alike"):
        sweep(fake, acts("ok"), out=out, progress=False)
    assert tries_of(out) == {}


def test_a_machine_that_does_not_see_the_notebooks_folder_says_so(out, tmp_path, fake, notebook_of):
    notebook = notebook_of(tmp_path / "there" / "fake.ipynb")
    basis = Basis.of(notebook)
    (key,) = Folder(out).begin(basis, acts("ok"))
    notebook.unlink()
    notebook.parent.rmdir()
    with pytest.raises(SweepError, match=f"not every machine sees the notebook's folder {notebook.parent}"):
        supervise.Supervised(Folder(out), key, None, {})


def test_a_table_is_that_of_its_own_sweep_whichever_began_last(fake, out, tmp_path, notebook_of):
    """The notebook is edited while a sweep goes on, and another sweep is begun."""
    first = Basis.of(fake)
    (key,) = Folder(out).begin(first, acts("ok"))
    notebook_of(fake, "1 + 1")
    sweep(fake, acts("ok"), out=out, progress=False)
    run = supervise.Supervised(Folder(out), key, None, {})  # its source and data are as they were
    while run.poll() is None:
        time.sleep(0.02)
    frame = of_basis(Folder(out), first.digest)
    assert list(frame.index) == [key]
    assert frame["outcome"][key] == "ok"


@pytest.mark.parametrize("other", ["holds it", "ended it"])
def test_a_run_that_was_killed_for_good_is_not_taken_from_another_sweep(fake, out, monkeypatch, other):
    """Which took it up between the last try and the outcome."""
    killed = drive._Drive._killed

    def meanwhile(self, key):
        if other == "ended it":
            self.folder.finish(key, folder.Outcome("ok", seconds=1.0))
            return killed(self, key)
        with self.folder.lock(key):
            end = killed(self, key)
            self.folder.finish(key, folder.Outcome("ok", seconds=1.0))
        return end

    monkeypatch.setattr(drive._Drive, "_killed", meanwhile)
    assert list(sweep(fake, acts("killed"), out=out, progress=False)["outcome"]) == ["ok"]


def test_files_that_cannot_be_locked_are_told(fake, out, monkeypatch, no_process):
    def unsupported(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", unsupported)
    with pytest.raises(
        SweepError, match=r"cannot be locked: .*No locks available\. Put the sweep on another file system"
    ):
        sweep(fake, acts("ok"), out=out, progress=False)


def test_a_run_without_room_for_its_log_is_told_and_others_are_stopped(fake, out, monkeypatch, until):
    given = acts("wait,ok", "ok")
    keys = [run_id(Basis.of(fake), point) for point in given]
    new = Folder.new

    def full(self, key, name):
        if key == keys[1]:
            until((out / "runs" / keys[0] / "pid").exists)
            raise self.unwritable(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        return new(self, key, name)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "new", full)
        with pytest.raises(SweepError, match="No space left"):
            sweep(fake, given, out=out, jobs=2, progress=False)
    assert list(sweep(fake, given, out=out, jobs=2, progress=False)["outcome"]) == ["ok", "ok"]


def test_files_of_pnn_that_changed_meanwhile_end_the_sweep(fake, out, monkeypatch, tries_of):
    def popen(*arguments, **options):  # after the first run was started
        monkeypatch.setattr(supervise, "source_digest", lambda: "edited")
        return start(*arguments, **options)

    start = subprocess.Popen
    monkeypatch.setattr(processes.subprocess, "Popen", popen)
    with pytest.raises(SweepError, match=r"pnn's files are not those with which the sweep began\. Start"):
        sweep(fake, acts("ok", "ok"), out=out, progress=False)
    assert list(tries_of(out).values()) == [1]
    assert len(list(out.glob("runs/*/outcome.json"))) == 1  # the run before it is kept


def test_a_notebook_that_is_edited_meanwhile_is_run_as_it_was(fake, out, tmp_path, monkeypatch, notebook_of):
    """And afterwards its runs are others; those of before are left out of the table, and counted."""
    sweep(fake, acts("ok", "glue"), out=out, progress=False)
    notebook_of(fake, "print(seed)")
    frame = sweep(fake, acts("ok"), out=out, progress=False)
    assert (len(frame), frame.attrs["stale"]) == (1, 2)
    copies = {path.read_text() for path in out.glob("notebooks/*.ipynb")}
    assert len(copies) == 2
    assert fake.read_text() in copies


def test_a_process_that_dies_before_it_is_told_its_parameters_is_typed_too(fake, out, monkeypatch):
    def start_and_wait(*arguments, **options):
        process = start(*arguments, **options)
        process.wait()
        return process

    start = subprocess.Popen
    supervise.PROCESS.write_text("import sys; sys.exit('no papermill here')")
    monkeypatch.setattr(processes.subprocess, "Popen", start_and_wait)
    assert ends(sweep(fake, acts("ok"), out=out, progress=False)) == {"ok": ("failed", "no papermill here")}


# --- two sweeps ------------------------------------------------------------------------------------------------------


def test_a_run_of_another_sweep_is_waited_for_and_taken_over_when_that_ends_without_it(fake, out, until, capsys):
    """The other holds it, lets go of it, and has not done it."""
    given = acts("ok", "glue")
    own = Folder(out)
    runs = own.begin(Basis.of(fake), given)
    held = list(runs)[1]
    looks = []

    class Counted(drive.Progress):
        def elsewhere(self, key, why):
            looks.append(key)
            if len(looks) == 3:
                lock.__exit__(None, None, None)
            super().elsewhere(key, why)

    lock = own.lock(held)
    lock.__enter__()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drive, "Progress", Counted)
        frame = sweep(fake, given, out=out, jobs=2)
    assert looks == [held] * 3
    assert set(frame["outcome"]) == {"ok"}
    said = capsys.readouterr().err
    assert said.count(f"left     {held}: another sweep works on it") == 1
    assert said.count(f"started  {held}") == 1


SWEEP = """
import sys
from pathlib import Path
from pnn.sweep.folder import Folder
from pnn.sweep.supervise import Supervised

run = Supervised(Folder(Path(sys.argv[1])), sys.argv[2], None, {})
while True:
    run.poll()
"""
SAVE_LONG = """
import time
from pathlib import Path
try:
    Path("began").touch()
    time.sleep(3600)
except KeyboardInterrupt:
    while not Path("go").exists():
        time.sleep(0.02)
    Path("saved").touch()
    raise
"""


def test_a_notebook_holds_its_run_though_its_sweep_is_killed(tmp_path, out, notebook_of, environment, until):
    """So that no other begins the run while a training in it still saves."""
    own = Folder(out)
    (key,) = own.begin(Basis.of(notebook_of(tmp_path / "notebook.ipynb", SAVE_LONG)), [{"seed": 1}])
    with subprocess.Popen([sys.executable, "-c", SWEEP, str(out), key], env=environment) as killed:
        try:
            until((tmp_path / "began").exists)
            (notebook,) = psutil.Process(killed.pid).children()
        finally:
            killed.kill()
    with pytest.raises(folder.Busy):
        supervise.Supervised(own, key, None, {})
    (tmp_path / "go").touch()
    until(lambda: not notebook.is_running(), 30)
    assert (tmp_path / "saved").exists()
    with own.lock(key):
        pass


def test_a_run_that_another_sweep_ended_meanwhile_is_not_done_again(fake, out, monkeypatch, tries_of):
    """It ended after this sweep looked, before this one took hold of it."""
    given = acts("ok")
    begin = Folder.begin

    def begin_and_be_late(self, basis, points):
        runs = begin(self, basis, points)
        self.finish(*runs, folder.Outcome("failed", "by another"))
        return runs

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "begin", begin_and_be_late)
        frame = sweep(fake, given, out=out, progress=False)
    assert ends(frame) == {"ok": ("failed", "by another")}
    assert tries_of(out) == {}


# --- signals ---------------------------------------------------------------------------------------------------------


def signals_when(true, *numbers: int, until) -> SimpleNamespace:
    """A clock for the sweep: at each of its first pauses after `true` is so, one of the signals comes."""
    left = list(numbers)

    def pause(seconds: float) -> None:
        until(true)
        if left:
            signal.raise_signal(left.pop(0))
        time.sleep(seconds)

    return SimpleNamespace(monotonic=time.monotonic, sleep=pause)


@pytest.mark.parametrize(
    ("number", "raised", "code"),
    [(signal.SIGINT, KeyboardInterrupt, None), (signal.SIGTERM, SystemExit, 143), (signal.SIGHUP, SystemExit, 129)],
)
def test_a_signal_stops_every_run_and_it_goes_on(fake, out, monkeypatch, until, alive, number, raised, code):
    given = acts("ok", "wait,ok", "wait,ok", "ok")

    with monkeypatch.context() as patch:
        patch.setattr(drive, "time", signals_when(lambda: len(list(out.glob("runs/*/pid"))) == 2, number, until=until))
        with pytest.raises(raised) as stopped:
            sweep(fake, given, out=out, jobs=3, progress=False)
    assert getattr(stopped.value, "code", None) == code
    pids = [int(path.read_text()) for path in out.glob("runs/*/pid")]
    assert len(pids) == 2
    assert not any(map(alive, pids))
    assert {json.loads(path.read_text())["outcome"] for path in out.glob("runs/*/outcome.json")} <= {"ok"}
    assert set(sweep(fake, given, out=out, jobs=3, progress=False)["outcome"]) == {"ok"}


@pytest.mark.parametrize(("grace", "signals"), [(0.3, [signal.SIGINT]), (3600.0, [signal.SIGINT, signal.SIGINT])])
def test_a_run_that_does_not_listen_is_killed_in_the_end_or_by_a_second_signal(
    fake, out, monkeypatch, until, alive, grace, signals
):
    monkeypatch.setattr(processes, "GRACE_SECONDS", grace)
    with monkeypatch.context() as patch:
        patch.setattr(drive, "time", signals_when(lambda: list(out.glob("runs/*/pid")), *signals, until=until))
        with pytest.raises(KeyboardInterrupt):
            sweep(fake, acts("hang"), out=out, progress=False)
    (pid,) = (int(path.read_text()) for path in out.glob("runs/*/pid"))
    assert not alive(pid)
    assert not list(out.glob("runs/*/outcome.json"))


# --- where things lie ------------------------------------------------------------------------------------------------


def test_it_works_from_any_folder_and_lies_where_it_is_told_to_or_in_sweeps(fake, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    relative = os.path.relpath(fake, here)
    sweep(relative, points.grid({"seed": [0, 1]}), out="other", progress=False)
    assert len(list((here / "other" / "runs").iterdir())) == 2
    frame = sweep(relative, [{"seed": 0}], progress=False)
    assert (here / "sweeps" / "fake" / frame["run notebook"].iloc[0]).is_file()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", "/nowhere")  # nothing is started
    assert len(sweep("fake.ipynb", [{"seed": 1}], out="here/other", progress=False)) == 2
