"""Sweeps on Dask: its workers' runs end as they do here; a worker or the scheduler that is lost loses no run."""

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from pnn.sweep import SweepError, drive, supervise, table
from pnn.sweep import run as sweep
from pnn.system import processes
from pnn.system.extras import MissingExtraError

distributed = pytest.importorskip("distributed")

module = importlib.import_module("pnn.sweep.dask")
main = importlib.import_module("pnn.__main__").main


def acts(*words: str) -> list[dict]:
    return [{"act": word, "seed": number} for number, word in enumerate(words)]


def outcomes(frame) -> dict[str, str]:
    return dict(zip(frame["act"], frame["outcome"], strict=True))


# --- a cluster of threads in this process, runs that end as they are told to ------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    """A worker with three threads."""
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=3,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster


@pytest.fixture
def on(cluster):
    return {"engine": "dask", "scheduler": cluster.scheduler_address, "progress": False}


@pytest.fixture
def out(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(drive, "ELSEWHERE_SECONDS", 0.1)
    return tmp_path / "sweep"


def test_every_ending_has_its_name_and_nothing_is_done_twice(fake, out, on, tries_of):
    given = acts("ok", "glue", "fail", "torch memory", "diverged", "killed", "killed,ok", "stopped,ok", "kernel")
    frame = sweep(fake, given, out=out, **on)
    assert outcomes(frame) == {
        "ok": "ok",
        "glue": "ok",
        "fail": "failed",
        "torch memory": "oom",
        "diverged": "diverged",
        "killed": "killed",
        "killed,ok": "ok",
        "stopped,ok": "ok",
        "kernel": "killed",
    }
    number = tries_of(out)
    assert {frame.loc[key, "act"]: number[key] for key in frame.index if number[key] != 1} == {
        "killed": 2,
        "killed,ok": 2,
        "stopped,ok": 2,
        "kernel": 2,
    }
    assert frame.set_index("act").loc["glue", "score"] == 1.1
    sweep(fake, given, out=out, **on)
    assert tries_of(out) == number
    assert not list(out.glob("stop-*"))


def test_a_cluster_of_its_own_leaves_the_environment_as_it_is_and_shares_the_cores_out(
    notebook_of, tmp_path, out, monkeypatch
):
    notebook = notebook_of(
        tmp_path / "real.ipynb",
        "import json, os, pathlib",
        'pathlib.Path(os.environ["PNN_VALUES"]).with_name("environment.json").write_text(json.dumps(dict(os.environ)))',
    )
    for name in module.THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(processes, "cores", lambda: 12)
    sweep(notebook, acts("ok"), out=out, engine="dask", jobs=2, progress=False)
    assert not set(module.THREADS) & set(os.environ)
    (path,) = out.glob("runs/*/environment.json")
    found = json.loads(path.read_text())
    assert [found[name] for name in module.THREADS] == ["6", "6", "6"]


@pytest.mark.parametrize(("given", "threads"), [(None, "4"), ("5", "5")])
def test_a_run_has_its_share_of_the_workers_cores_unless_the_user_says_how_many(
    fake, out, on, monkeypatch, given, threads
):
    """Not the one thread that Dask gives its workers."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(module, "cores", lambda: 12)
    if given:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    sweep(fake, acts("environment"), out=out, **on)
    (path,) = out.glob("runs/*/environment.json")
    assert json.loads(path.read_text())["OMP_NUM_THREADS"] == threads


def no_pnn(*_):
    raise ModuleNotFoundError("No module named 'pnn'")


def no_graph(*_):
    raise RuntimeError("Error during deserialization of the task graph")


@pytest.mark.parametrize("work", [no_pnn, no_graph])
def test_a_cluster_without_pnn_is_told(fake, out, on, monkeypatch, work):
    monkeypatch.setattr(module, "work", work)
    with pytest.raises(
        SweepError, match=r"the cluster cannot import pnn: .* Install it where workers and the scheduler"
    ):
        sweep(fake, acts("ok"), out=out, **on)


def test_any_other_error_of_a_worker_is_not_taken_for_that(fake, out, on, monkeypatch):
    def fail(*_):
        raise RuntimeError("no threads left")

    monkeypatch.setattr(module, "work", fail)
    with pytest.raises(RuntimeError, match="no threads left"):
        sweep(fake, acts("ok"), out=out, **on)


def test_a_run_takes_its_time_and_no_more(fake, out, on):
    frame = sweep(fake, acts("ok", "wait"), out=out, timeout=3.0, **on)
    assert outcomes(frame) == {"ok": "ok", "wait": "timeout"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_run_also_those_that_wait_and_it_goes_on(
    fake, out, on, monkeypatch, until, alive, tries_of, number
):
    given = acts(*["wait,ok"] * 5)
    raised = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: SystemExit}[number]
    left = [number]

    def interrupt(seconds):
        until(lambda: len(list(out.glob("runs/*/pid"))) == 3)
        if left:
            signal.raise_signal(left.pop())
        time.sleep(seconds)

    with monkeypatch.context() as patch:
        patch.setattr(drive, "time", SimpleNamespace(monotonic=time.monotonic, sleep=interrupt))
        with pytest.raises(raised):
            sweep(fake, given, out=out, **on)
    assert not any(alive(int(path.read_text())) for path in out.glob("runs/*/pid"))
    assert list(tries_of(out).values()) == [1, 1, 1]
    assert not list(out.glob("stop-*"))
    assert not list(out.glob("runs/*/outcome.json"))
    tried = [drive.Folder(out).point(key)["parameters"] for key in tries_of(out)]
    assert list(sweep(fake, tried, out=out, **on)["outcome"].value_counts().items()) == [("ok", 3), ("not done", 2)]


def test_a_cluster_that_has_no_worker_yet_is_waited_for_and_can_be_stopped(fake, out, monkeypatch, tries_of, capsys):
    """As one whose jobs are still in a queue."""
    left, pauses = [signal.SIGINT], []

    def interrupt(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            signal.raise_signal(left.pop())
        time.sleep(seconds)

    with distributed.LocalCluster(
        n_workers=0, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as empty:
        on = {"engine": "dask", "scheduler": empty.scheduler_address}
        with monkeypatch.context() as patch:
            patch.setattr(drive, "time", SimpleNamespace(monotonic=time.monotonic, sleep=interrupt))
            with pytest.raises(KeyboardInterrupt):
                sweep(fake, acts("ok", "glue"), out=out, **on)
        assert tries_of(out) == {}
        assert capsys.readouterr().err.count("the cluster has no worker yet, waiting for one") == 1

        def grow(seconds):
            if not empty.workers:
                empty.scale(1)
            time.sleep(seconds)

        monkeypatch.setattr(drive, "time", SimpleNamespace(monotonic=time.monotonic, sleep=grow))
        assert set(sweep(fake, acts("ok", "glue"), out=out, **on)["outcome"]) == {"ok"}


def test_an_error_of_a_worker_ends_the_sweep_and_the_runs_of_others(fake, out, on, monkeypatch, until, alive):
    """Such as a worker with another pnn: no run on it can be right."""
    digests = iter([supervise.source_digest()])
    monkeypatch.setattr(supervise, "source_digest", lambda: next(digests, "another"))
    with pytest.raises(SweepError, match="pnn's files are not those with which the sweep began"):
        sweep(fake, acts("wait", "wait", "wait"), out=out, **on)
    assert not any(alive(int(path.read_text())) for path in out.glob("runs/*/pid"))


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path):
    nowhere = tmp_path / "nowhere"
    with pytest.raises(SweepError, match="not every machine sees the folder"):
        module.work(str(nowhere), "0" * 16, None, 0.0, "1", str(nowhere / "stop"))
    assert not nowhere.exists()


def test_a_run_of_another_sweep_is_waited_for(fake, out, on, monkeypatch):
    given = acts("ok", "glue")
    own = drive.Folder(out)
    key = next(iter(own.begin(drive.Basis.of(fake), given)))
    looks = []

    class Counted(drive.Progress):
        def elsewhere(self, key, why):
            looks.append(key)
            if len(looks) == 2:
                lock.__exit__(None, None, None)
            super().elsewhere(key, why)

    lock = own.lock(key)
    lock.__enter__()
    monkeypatch.setattr(drive, "Progress", Counted)
    assert set(sweep(fake, given, out=out, **on)["outcome"]) == {"ok"}
    assert looks == [key, key]


def test_every_run_is_given_its_share_of_the_workers_gpus(fake, out, on, monkeypatch):
    monkeypatch.setattr(module, "visible_gpus", lambda: ["0", "1"])
    monkeypatch.setattr(module, "_free", {})
    frame = sweep(fake, acts(*["ok"] * 6), out=out, gpus_per_run=0.5, **on)
    assert set(frame["run device"]) == {"0", "1"}
    told = {path.read_text().strip() for path in out.glob("runs/*/tries")}
    assert told == {"0", "1"}
    assert sorted(module._free[0.5].get_nowait() for _ in range(4)) == ["0", "0", "1", "1"]  # all given back


def test_a_worker_of_one_thread_gives_its_runs_its_first_gpu(monkeypatch):
    """Each worker of dask-cuda sees all GPUs, its own first."""
    monkeypatch.setattr(module, "visible_gpus", lambda: ["2", "0", "1"])
    monkeypatch.setattr(module, "_free", {})
    for _ in range(2):
        with module._device(1.0) as environment:
            assert environment == {"CUDA_VISIBLE_DEVICES": "2"}
    with module._device(0.0) as environment:
        assert environment == {}


def test_a_worker_without_gpus_says_so_each_time_it_is_asked(fake, out, on, monkeypatch):
    monkeypatch.setattr(module, "visible_gpus", list)
    for _ in range(2):
        with pytest.raises(ValueError, match="GPUs were asked for, but torch sees none here"):
            sweep(fake, acts("ok"), out=out, gpus_per_run=0.25, **on)


def gone():
    raise distributed.comm.CommClosedError("in <TCP>: Stream is closed")


@pytest.mark.parametrize("status", ["lost", "cancelled", "finished"])
def test_what_the_cluster_lost_is_not_taken_for_the_work_of_another_sweep(tmp_path, monkeypatch, status):
    engine = object.__new__(module.DaskEngine)
    engine.folder, engine.stopping, engine.workers, engine.ends = drive.Folder(tmp_path), False, 2, []
    engine.running = {"0" * 16: SimpleNamespace(done=lambda: True, status=status, result=gone)}
    engine.client, engine.connected = SimpleNamespace(status="connecting"), time.monotonic()
    assert engine.ended() == [("0" * 16, module.LOST)]
    assert engine.slots == 0  # Nothing is started that nobody would hear of.


def test_a_scheduler_file_is_an_address(fake, out, on, cluster, tmp_path):
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": cluster.scheduler_address}))
    assert outcomes(sweep(fake, acts("ok"), out=out, **{**on, "scheduler": str(file)})) == {"ok": "ok"}


def test_the_number_of_jobs_is_the_running_clusters(fake, out, on):
    with pytest.raises(ValueError, match="a running cluster's workers decide how many runs go on at once; got jobs=2"):
        sweep(fake, acts("ok"), out=out, jobs=2, **on)


def test_what_cannot_be_begun_forgets_nothing(fake, out, on, monkeypatch):
    sweep(fake, acts("fail"), out=out, **on)
    with pytest.raises(ValueError, match="got jobs=2"):
        sweep(fake, acts("fail"), out=out, jobs=2, retry=["failed"], **on)
    assert outcomes(table(out)) == {"fail": "failed"}


def test_a_scheduler_that_is_not_there_is_named(fake, out, monkeypatch):
    monkeypatch.setattr(module, "GONE_SECONDS", 0.5)
    with pytest.raises(SweepError, match=r"no Dask scheduler could be reached at tcp://127\.0\.0\.1:9: "):
        sweep(fake, acts("ok"), out=out, engine="dask", scheduler="tcp://127.0.0.1:9", progress=False)


def test_without_dask_it_is_said_how_to_get_it(fake, out, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"the engine dask needs distributed, .*neurons\[cluster\]"):
        sweep(fake, acts("ok"), out=out, engine="dask", progress=False)


# --- processes, as on a cluster --------------------------------------------------------------------------------------

LOG = """
import os, time
from pathlib import Path
import psutil

file = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(file, f"{seed}\\n".encode())
"""
KILL_WORKER = """
if seed == 1 and not Path("killed").exists():
    Path("killed").touch()
    worker = psutil.Process(os.getppid()).parent()  # of the process of this notebook
    worker.kill()
    time.sleep(3600)  # it ends with its worker
"""
LISTEN = """
import json
if seed == 0:
    sweep = psutil.Process(int(Path("pid").read_text()))
    listening = [
        (connection.laddr.ip, process.name())
        for process in [sweep, *sweep.children(recursive=True)]
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    Path("listening").write_text(json.dumps(listening))
"""


@pytest.mark.slow
def test_a_cluster_on_this_machine_survives_a_killed_worker_and_listens_to_itself_alone(
    tmp_path, out, notebook_of, environment
):
    notebook = notebook_of(tmp_path / "notebook.ipynb", LOG, LISTEN, KILL_WORKER)
    words = ["sweep", str(notebook), "-p", "seed", "0:4", "--engine", "dask", "--jobs", "2", "--out", str(out)]
    command = [sys.executable, "-m", "pnn", *words]
    with (
        socket.socket() as taken,
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process,
    ):
        with contextlib.suppress(OSError):  # somebody else's, and as good
            taken.bind(("127.0.0.1", 8787))  # Dask's own choice, as if another sweep went on
            taken.listen()
        (tmp_path / "pid").write_text(str(process.pid))
        _, said = process.communicate(timeout=500)
    assert process.returncode == 0, said
    assert (tmp_path / "killed").exists()
    assert sorted((tmp_path / "log").read_text().split()) == ["0", "1", "1", "2", "3"]
    assert list(table(out)["outcome"]) == ["ok"] * 4
    listening = json.loads((tmp_path / "listening").read_text())
    assert len(listening) >= 3  # the scheduler and two workers; kernels talk by files
    assert {address for address, _ in listening} == {"127.0.0.1"}
    assert "already in use" not in said


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_cluster_on_this_machine_that_is_stopped_leaves_no_process_and_goes_on(
    tmp_path, out, notebook_of, waiting_cell, environment, until, number, status
):
    notebook = notebook_of(tmp_path / "notebook.ipynb", LOG, waiting_cell)
    words = ["sweep", str(notebook), "-p", "seed", "0:2", "--out", str(out)]
    command = [sys.executable, "-m", "pnn", *words, "--engine", "dask", "--jobs", "1"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            until((tmp_path / "began").exists, 300)
            began = psutil.Process(process.pid).children(recursive=True)
            if number == signal.SIGINT:
                os.killpg(process.pid, number)  # from a terminal it reaches the cluster's processes too
            else:
                process.send_signal(number)
            process.wait(120)
        finally:
            process.kill()
    assert process.returncode == status
    assert psutil.wait_procs(began, timeout=90)[1] == []
    assert (tmp_path / "saved").exists()
    assert sorted(table(out)["outcome"]) == ["not done", "ok"]

    (tmp_path / "go").touch()
    assert main(words) == 0
    assert sorted((tmp_path / "log").read_text().split()) == ["0", "1", "1"]


@pytest.fixture
def dask(tmp_path, environment, until):
    """Start a scheduler and a worker as processes; all that are left are killed at the end."""
    started = []

    def start(*words: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", *words]
        with open(tmp_path / f"dask-{len(started)}.txt", "w") as log:
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=tmp_path))
        return started[-1]

    def start_both(file: Path) -> tuple[subprocess.Popen, subprocess.Popen]:
        where = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
        scheduler = start("scheduler", *where, "--port", "0")
        until(lambda: file.exists() and file.read_text())
        worker = start(
            "worker", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file), "--nthreads", "2"
        )
        return scheduler, worker

    yield start_both
    for process in started:
        for child in [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait()


KILL_SCHEDULER = """
if seed == 1 and not Path("killed").exists():
    Path("killed").touch()
    os.kill(int(Path("pid").read_text()), 9)
if seed == 2 and not Path("go").exists():
    time.sleep(3600)  # it ends with its worker, which ends without a scheduler
"""


@pytest.mark.slow
def test_without_its_scheduler_a_sweep_ends_and_goes_on_with_another(
    tmp_path, out, notebook_of, dask, until, capsys, monkeypatch
):
    monkeypatch.setattr(module, "GONE_SECONDS", 3.0)
    notebook = notebook_of(tmp_path / "notebook.ipynb", LOG, KILL_SCHEDULER)
    words = ["sweep", str(notebook), "-p", "seed", "0:4", "--engine", "dask", "--out", str(out)]
    scheduler, worker = dask(tmp_path / "one.json")
    (tmp_path / "pid").write_text(str(scheduler.pid))
    assert main([*words, "--scheduler", str(tmp_path / "one.json")]) == 2
    assert scheduler.wait(10) == -signal.SIGKILL
    said = capsys.readouterr().err
    assert "error: the Dask scheduler is gone. What its workers finished is kept; start" in said
    assert "another sweep" not in said
    worker.terminate()
    worker.wait(120)
    ended = {path.parent.name: path.stat().st_mtime_ns for path in out.glob("runs/*/outcome.json")}

    (tmp_path / "go").touch()
    dask(tmp_path / "two.json")
    assert main([*words, "--scheduler", str(tmp_path / "two.json")]) == 0
    frame = table(out)
    assert list(frame["seed"]) == [0, 1, 2, 3]
    assert set(frame["outcome"]) == {"ok"}
    times = {path.parent.name: path.stat().st_mtime_ns for path in out.glob("runs/*/outcome.json")}
    assert all(times[key] == ended[key] for key in ended)  # what was finished was not done again
    seeds = [int(seed) for seed in (tmp_path / "log").read_text().split()]
    assert all(seeds.count(frame.loc[key, "seed"]) == 1 for key in ended)
