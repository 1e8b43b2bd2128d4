"""One run of a sweep: its process started, watched, ended, and its outcome written."""

import datetime
import json
import os
import re
import socket
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..system import sweep_channel
from ..system.home import home
from ..system.memory import OUT_OF_MEMORY
from ..system.processes import Child
from ..system.signals import STOPPED
from .folder import Folder, Outcome, SweepError, data_digest, source_digest
from .parameters import absolute_folders

PROCESS = Path(__file__).with_name("notebook_process.py")
DIED, STOPPED_RUN = "died", "stopped"  # These ends have no outcome: the run is to be done again.
DISK_FULL = re.compile(r"No space left on device|Dis[ck] quota exceeded", re.IGNORECASE)
# So the trainings in a notebook are ordered.
WORST_FIRST = ("killed", "failed", "oom", "timeout", "diverged", "exploded")
DEAD = ("Kernel died", "Kernel didn't respond")  # So nbclient says that a kernel was killed, or never there.


class Supervised:
    """A run in its own process; it holds the run's lock from its construction to its end.

    Args:
        folder: the sweep's.
        key: the run's id.
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
        self.late = False
        with ExitStack() as stack:
            stack.enter_context(folder.lock(key))
            self.done = folder.outcome(key)  # Another sweep may have done it since this one looked.
            if self.done is None:
                self._start(point, environment, stack)
            self.resources = stack.pop_all()
        if self.done is not None:
            self.resources.close()

    def _start(self, point: dict[str, Any], environment: dict[str, str], stack: ExitStack) -> None:
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
        home()  # Its kernel asks for it.
        variables = {
            **absolute_folders(),
            **environment,
            sweep_channel.VARIABLE: str(self.home.resolve() / "values.jsonl"),
            sweep_channel.RETRY: ",".join(self.folder.to_retry(self.key)),
        }
        log = stack.enter_context(self.folder.new(self.key, "log.txt"))
        self.began, self.started = time.monotonic(), datetime.datetime.now(datetime.UTC)
        notebook, output = self.folder.notebook(point["basis"]).resolve(), self.home.resolve() / "notebook.ipynb"
        program = [str(PROCESS), str(notebook), str(output), str(folder)]
        self.child = Child(program, json.dumps(point["parameters"]), log, variables)

    def poll(self) -> Outcome | str | None:
        """How the run ended: its Outcome, which is written, or `DIED` or `STOPPED_RUN`. None while it goes on."""
        if self.done is not None:
            return self.done
        status = self.child.poll()
        if status is None:
            if self.timeout is not None and time.monotonic() - self.began > self.timeout and not self.child.stopping:
                self.late = True
                self.child.stop()
            return None
        self.done = STOPPED_RUN  # This is its end should its outcome not be written.
        with self.resources:
            self.done = self._end(status)
        return self.done

    def stop(self) -> None:
        """Tell the notebook to stop: a training in it saves its state. What takes too long is killed by `poll`."""
        if self.done is None:
            self.child.stop()

    def close(self) -> None:
        """End what still goes on, unsaved."""
        if self.done is None:
            self.child.close()
            self.resources.close()

    def _end(self, status: int) -> Outcome | str:
        error = self._error(status)
        if status == 0:
            end = "ok", ""
        elif self.late:
            end = "timeout", f"stopped after {self.timeout:g} s"
        elif status in STOPPED or self.child.stopping:
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
        found = sweep_channel.read(self.home / "values.jsonl")
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
            "device": self.child.environment.get("CUDA_VISIBLE_DEVICES", ""),
        }

    def _error(self, status: int) -> tuple[str, str] | None:
        """The failed cell's exception and its text; the last words of a process that failed without one."""
        if status <= 0 or status in STOPPED:
            return None
        try:
            form = json.loads((self.home / "error.json").read_text())
            return form["name"], form["text"]
        except (OSError, ValueError):
            words = (self.home / "log.txt").read_text(errors="replace").strip().splitlines()
            return "", words[-1] if words else f"the process ended with status {status}"
