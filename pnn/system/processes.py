"""Child processes: started, watched and stopped; none outlives this process, however that ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from .machine import cores

BEGIN = Path(__file__).with_name("child.py")
PACKAGE = Path(__file__).parents[1]
GRACE_SECONDS = 60.0  # A stopped child has this long to finish a training's step and to save.
LOOK_SECONDS = 0.05


class Child:
    """A Python program in a process and a session of its own, so that Ctrl-C reaches this process alone.

    When this process ends without having stopped it, even by SIGKILL, it is sent SIGTERM, and killed if it does not
    save and end in time.

    Args:
        program: a file and its arguments, or ``-m``, a module and its arguments.
        told: what it reads on its standard input.
        log: where its output and errors go.
        environment: variables besides those of this process.
    """

    def __init__(self, program: Sequence[str], told: str, log: IO, environment: Mapping[str, str]) -> None:
        self.environment = {**os.environ, **_python_path(), **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(BEGIN), str(os.getpid()), *program],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self.environment,
            start_new_session=True,
            text=True,
        )
        self._deadline: float | None = None  # It is set once the child was told to stop.
        assert self.process.stdin is not None  # It is a pipe.
        with suppress(BrokenPipeError), self.process.stdin as stdin:  # The child may be dead already, as poll will say.
            stdin.write(told)

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it goes on. One that takes too long to stop is killed."""
        status = self.process.poll()
        if status is None and self._deadline is not None and time.monotonic() > self._deadline:
            self.kill()
        return status

    def stop(self) -> None:
        """Tell it to save and end."""
        if self._deadline is None:
            self.process.terminate()
            self._deadline = time.monotonic() + GRACE_SECONDS

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._deadline is not None

    def kill(self) -> None:
        """End it and what it started in its session, unsaved."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill it, and wait for its end."""
        self.kill()
        self.process.wait()


def stop_all(children: Collection[Child]) -> None:
    """Have children save and end; an exception meanwhile, such as a second Ctrl-C, kills those that have not."""
    try:
        for child in children:
            child.stop()
        while any(child.poll() is None for child in children):
            time.sleep(LOOK_SECONDS)
    finally:
        for child in children:
            child.close()


def threads_of(slots: int) -> str:
    """Processor threads of each of several processes; the user's own number if there is one."""
    return os.environ.get("OMP_NUM_THREADS") or str(max(1, cores() // slots))


def _python_path() -> dict[str, str]:
    """The variable by which a child, and a kernel that it starts, imports this pnn and not one that is installed."""
    if PACKAGE.parent.name in ("site-packages", "dist-packages"):
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]))}
