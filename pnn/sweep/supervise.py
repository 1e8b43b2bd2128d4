"""One run of a sweep: its process started, watched, ended, and its outcome written."""

import datetime
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .. import values
from .folder import Folder, Outcome, SweepError, data_digest, source_digest

PROCESS = Path(__file__).with_name("notebook_process.py")
STOPPED = 143
GRACE_SECONDS = 60.0  # what a stopped notebook may take to finish its training's step and to save
DIED, STOPPED_RUN = "died", "stopped"  # ends without an outcome: the run is to be done again
OUT_OF_MEMORY = re.compile(r"out of memory|ALLOC_FAILED|can't allocate memory|^(OutOf)?MemoryError", re.IGNORECASE)
DISK_FULL = re.compile(r"No space left on device|Dis[ck] quota exceeded", re.IGNORECASE)
WORST_FIRST = ("killed", "failed", "oom", "timeout", "diverged")  # of the trainings in a notebook
DEAD = ("Kernel died", "Kernel didn't respond")  # killed, or never there; in nbclient's words
FOLDERS = ("PNN_DATA", "PNN_RESULTS", "PNN_CACHE")  # variables that the notebook reads in another folder than this


class Supervised:
    """A run in its own process; it holds the run's lock from its construction to its end.

    Args:
        folder: of the sweep.
        key: of the run.
        timeout: seconds after which the notebook is stopped, None for never.
        environment: variables of the process besides those of this one.

    Raises:
        Busy: another process works on this run.
        SweepError: what the result depends on is not the same any more, or there is no room for it.
    """

    def __init__(self, folder: Folder, key: str, timeout: float | None, environment: dict[str, str]) -> None:
        self.folder, self.key, self.timeout = folder, key, timeout
        self.home, point = folder.run(key), folder.point(key)
        self.done: Outcome | str | None = None
        self.deadline: float | None = None  # of a process that was told to stop
        self.late = False
        with ExitStack() as stack:
            lock = stack.enter_context(folder.lock(key))
            self.done = folder.outcome(key)  # by another sweep, since this one looked
            if self.done is None:
                self._start(point, lock, environment, stack)
            self.resources = stack.pop_all()
        if self.done is not None:
            self.resources.close()

    def _start(self, point: dict[str, Any], lock: int, environment: dict[str, str], stack: ExitStack) -> None:
        basis = self.folder.basis(point["basis"])
        if basis.source != source_digest():
            raise SweepError("pnn's files are not those with which the sweep began. Start the sweep again")
        if basis.data != data_digest():
            where = f"{os.environ.get('PNN_DATA') or 'not set'} on {socket.gethostname()}"
            raise SweepError(
                f"the data are not those with which the sweep began: PNN_DATA is {where}. Set it alike everywhere"
            )
        folder = Path(basis.notebook).parent
        if not folder.is_dir():
            raise SweepError(f"not every machine sees the notebook's folder {folder}: {socket.gethostname()} does not")
        for name in ("values.jsonl", "error.json"):
            (self.home / name).unlink(missing_ok=True)
        self.environment = {
            **os.environ,
            **{name: str(Path(os.environ[name]).expanduser().absolute()) for name in FOLDERS if os.environ.get(name)},
            **environment,
            values.VARIABLE: str(self.home.resolve() / "values.jsonl"),
            values.RETRY: ",".join(self.folder.to_retry(self.key)),
        }
        package = Path(values.__file__).parents[1]
        if package.name not in ("site-packages", "dist-packages"):  # the kernel's pnn is this one, not one installed
            paths = [str(package), os.environ.get("PYTHONPATH", "")]
            self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        log = stack.enter_context(self.folder.new(self.key, "log.txt"))
        self.began, self.started = time.monotonic(), datetime.datetime.now(datetime.UTC)
        notebook, output = self.folder.notebook(point["basis"]).resolve(), self.home.resolve() / "notebook.ipynb"
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(PROCESS), str(notebook), str(output), str(folder), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self.environment,
            pass_fds=[lock],  # held until it has ended, should this process end first
            start_new_session=True,  # Ctrl-C reaches the sweep alone, which passes it on
        )
        try:
            self.process.stdin.write(json.dumps(point["parameters"]).encode())
            self.process.stdin.close()
        except BrokenPipeError:  # it is dead already, as poll will see
            pass

    def poll(self) -> Outcome | str | None:
        """How the run ended: its Outcome, which is written, or `DIED` or `STOPPED_RUN`. None while it goes on."""
        if self.done is not None:
            return self.done
        status, now = self.process.poll(), time.monotonic()
        if status is None:
            if self.timeout is not None and now - self.began > self.timeout and self.deadline is None:
                self.late = True
                self.stop()
            if self.deadline is not None and now > self.deadline:
                self.kill()
            return None
        self.done = STOPPED_RUN  # should its outcome not be written
        with self.resources:
            self.done = self._end(status)
        return self.done

    def stop(self) -> None:
        """Tell the notebook to stop: a training in it saves its state. What takes too long is killed by `poll`."""
        if self.done is None and self.deadline is None:
            self.process.terminate()
            self.deadline = time.monotonic() + GRACE_SECONDS

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End what still goes on, unsaved."""
        if self.done is None:
            self.kill()
            self.process.wait()
            self.resources.close()

    def _end(self, status: int) -> Outcome | str:
        error = self._error(status)
        if status == 0:
            end = "ok", ""
        elif self.late:
            end = "timeout", f"stopped after {self.timeout:g} s"
        elif status == STOPPED or self.deadline is not None:
            return STOPPED_RUN
        elif status < 0 or (error and any(words in error[1] for words in DEAD)):
            return DIED
        else:
            told = ": ".join(filter(None, error))
            if DISK_FULL.search(told):
                where = f"run {self.key} on {socket.gethostname()}"
                raise SweepError(
                    f"a disk is full, says {where}: {told}. Make room, and start the sweep again: it goes on from there"
                )
            end = "oom" if OUT_OF_MEMORY.search(told) else "failed", told
        found = values.read(self.home / "values.jsonl")
        trainings = Counter(found["training"].values())
        if end[0] == "ok" and (bad := [outcome for outcome in WORST_FIRST if trainings[outcome]]):
            ends = ", ".join(f"{trainings[outcome]} {outcome}" for outcome in bad)
            end = bad[0], f"of {trainings.total()} trainings: {ends}"
        outcome = Outcome(*end, values=found["value"], trainings=dict(trainings), **self.circumstances())
        self.folder.finish(self.key, outcome)
        return outcome

    def circumstances(self) -> dict[str, Any]:
        return {
            "seconds": time.monotonic() - self.began,
            "started": self.started.isoformat(timespec="seconds"),
            "host": socket.gethostname(),
            "device": self.environment.get("CUDA_VISIBLE_DEVICES", ""),
        }

    def _error(self, status: int) -> tuple[str, str] | None:
        """The failed cell's exception and its text; the last words of a process that failed without one."""
        if status <= 0 or status == STOPPED:
            return None
        try:
            form = json.loads((self.home / "error.json").read_text())
            return form["name"], form["text"]
        except (OSError, ValueError):
            words = (self.home / "log.txt").read_text(errors="replace").strip().splitlines()
            return "", words[-1] if words else f"the process ended with status {status}"
