"""Children: what they are given, how they are stopped, and that none outlives its parent."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pnn.system import child as beginning
from pnn.system import processes
from pnn.system.processes import Child, stop_all, threads_of

ROOT = Path(processes.__file__).parents[2]
# says where it is, and at SIGTERM saves, unless it is told not to listen; it has a child of its own
PROGRAM = """
import os, signal, subprocess, sys, time
from pathlib import Path

home = Path(sys.argv[1])

def save(*_):
    (home / "saved").touch()
    sys.exit(143)

signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in sys.argv else save)
grandchild = subprocess.Popen(["sleep", "3600"])
(home / "new").write_text(f"{os.getpid()} {grandchild.pid}")
(home / "new").rename(home / "pids")
if "deaf" not in sys.argv:
    grandchild.kill()
time.sleep(3600)
"""
PARENT = """
import sys, time
from pathlib import Path
from pnn.system import processes

processes.BEGIN = Path(sys.argv[1])
with open(sys.argv[2], "w") as log:
    children = [processes.Child([*sys.argv[3:]], "", log, {})]
    time.sleep(3600)
"""


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def program(tmp_path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


@pytest.fixture
def start(tmp_path, program):
    """Start a child; its process and its own child."""
    with open(tmp_path / "log", "w") as log:
        started = []

        def begin(name: str, *words: str) -> tuple[Child, list[int]]:
            (tmp_path / name).mkdir()
            started.append(Child([str(program), str(tmp_path / name), *words], "", log, {}))
            until((tmp_path / name / "pids").exists)
            return started[-1], [int(pid) for pid in (tmp_path / name / "pids").read_text().split()]

        yield begin
        for child in started:
            child.close()


def test_a_child_is_given_its_words_its_input_and_this_pnn(tmp_path, monkeypatch):
    (tmp_path / "asks.py").write_text(
        "import json, os, sys, pnn.system.child\n"
        "print(json.dumps([sys.argv, sys.stdin.read(), os.environ['A'], os.environ['B'], os.getsid(0) == os.getpid(),"
        " pnn.system.child.__file__, __name__]))"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("A", "1")
    monkeypatch.setenv("B", "1")
    for program in ([str(tmp_path / "asks.py")], ["-m", "asks"]):
        with open(tmp_path / "log", "w+") as log:
            child = Child([*program, "x", "-y"], "told", log, {"B": "2", "PYTHONPATH": f"{ROOT}:{tmp_path}"})
            until(lambda child=child: child.poll() is not None)
            log.seek(0)
            text = log.read()
        assert child.poll() == 0, text
        words, told, *rest = json.loads(text)
        assert words == [str(tmp_path / "asks.py"), "x", "-y"]
        assert (told, *rest) == ("told", "1", "2", True, beginning.__file__, "__main__")


@pytest.mark.parametrize(("package", "path"), [("/code/pnn", "/code:/mine"), ("/lib/site-packages/pnn", "/mine")])
def test_a_child_imports_the_pnn_of_its_parent_where_that_is_not_installed(tmp_path, monkeypatch, package, path):
    monkeypatch.setattr(processes, "PACKAGE", Path(package))
    monkeypatch.setenv("PYTHONPATH", "/mine")
    (tmp_path / "program.py").touch()
    with open(tmp_path / "log", "w") as log:
        child = Child([str(tmp_path / "program.py")], "", log, {})
        child.close()
    assert child.environment["PYTHONPATH"] == path


def test_a_child_that_ends_before_it_is_told_anything_is_no_error(tmp_path):
    (tmp_path / "program.py").write_text("raise SystemExit(7)")
    with open(tmp_path / "log", "w") as log:
        child = Child([str(tmp_path / "program.py")], "x" * 10**6, log, {})
        until(lambda: child.poll() is not None)
    assert child.poll() == 7


def test_a_child_that_is_stopped_saves(start, tmp_path):
    child, (pid, _) = start("one")
    assert child.poll() is None
    assert not child.stopping
    stop_all([child])
    assert child.stopping
    assert child.poll() == 143
    assert (tmp_path / "one" / "saved").exists()
    assert not is_alive(pid)


def test_a_child_that_does_not_listen_is_killed_with_what_it_started(start, monkeypatch):
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.3)
    child, pids = start("one", "deaf")
    child.stop()
    until(lambda: child.poll() is not None)
    assert child.poll() == -signal.SIGKILL
    until(lambda: not any(map(is_alive, pids)))


def test_a_second_ctrl_c_kills_all(start, monkeypatch):
    started = [start(name, "deaf") for name in ("one", "two")]

    def interrupt(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(processes.time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            stop_all([child for child, _ in started])
    assert [child.poll() for child, _ in started] == [-signal.SIGKILL] * 2
    until(lambda: not any(is_alive(pid) for _, pids in started for pid in pids))


@pytest.mark.parametrize("words", [[], ["deaf"]])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_whose_parent_is_killed_saves_and_is_killed_if_it_does_not_end(tmp_path, program, words, number):
    hasty = tmp_path / "child.py"
    hasty.write_text(Path(beginning.__file__).read_text().replace("LAST_SECONDS = 70.0", "LAST_SECONDS = 0.5"))
    command = [sys.executable, "-c", PARENT, str(hasty), str(tmp_path / "log"), str(program), str(tmp_path), *words]
    with subprocess.Popen(command) as parent:
        try:
            until((tmp_path / "pids").exists)
            parent.send_signal(number)  # it has no handler: it ends without a word to its child
            parent.wait(60)
        finally:
            parent.kill()
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    until(lambda: not any(map(is_alive, pids)), 10)
    assert (tmp_path / "saved").exists() == (not words)


def test_a_child_whose_parent_ended_before_it_began_does_nothing(tmp_path, program):
    command = [sys.executable, "-P", str(processes.BEGIN), str(os.getppid()), str(program), str(tmp_path)]
    assert subprocess.run(command).returncode == 143
    assert not (tmp_path / "pids").exists()


def test_a_child_without_a_parent_is_not_killed_before_one_would_do_it():
    assert beginning.LAST_SECONDS > processes.GRACE_SECONDS


def test_processor_threads_are_divided_unless_the_user_says_how_many(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(processes, "cores", lambda: 8)
    assert [threads_of(slots) for slots in (1, 3, 8, 100)] == ["8", "2", "1", "1"]
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert threads_of(3) == "5"
