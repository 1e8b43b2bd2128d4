"""Where runs are worked on: what an engine is, and the one of this machine."""

import os
from collections.abc import Collection
from typing import Protocol

from ..system.processes import threads_of
from .folder import Busy, Folder, Outcome
from .supervise import Supervised

BUSY = "busy"  # Another sweep works on the run.
LOST = "lost"  # The cluster knows no more of the run, which perhaps goes on.
End = Outcome | str  # It is the outcome, or one of DIED, STOPPED_RUN, BUSY and LOST.


class Engine(Protocol):
    """Works on several runs at once; each in a process of its own."""

    slots: int  # how many runs it works on at once
    running: Collection[str]  # the runs that were started and have not ended
    note: str  # what keeps runs from going on, if anything does

    def start(self, key: str) -> None:
        """Begin a run; at most `slots` are running."""

    def ended(self) -> list[tuple[str, End]]:
        """The runs that ended since the last call, and how."""

    def stop(self) -> None:
        """Have the runs that go on save and end."""

    def close(self) -> None:
        """Free what the engine holds; nothing is running any more."""


class LocalEngine:
    """Processes of this machine. One that is killed takes no other with it.

    Args:
        folder: the sweep's.
        jobs: runs at once; 0 for one a GPU share, or one where there is no GPU.
        gpus_per_run: GPUs of a run: a whole number, or a share such as 0.25; 0 leaves the GPUs as they are.
        timeout: seconds a run may take.
    """

    note = ""

    def __init__(self, folder: Folder, jobs: int, gpus_per_run: float, timeout: float | None) -> None:
        devices = shares(visible_gpus(), gpus_per_run) if gpus_per_run else []
        self.slots = jobs or len(devices) or 1
        if devices and self.slots > len(devices):
            raise ValueError(
                f"{self.slots} jobs of {gpus_per_run:g} GPUs each need more than the {len(visible_gpus())} GPUs here; "
                f"at most {len(devices)} fit"
            )
        self.folder, self.timeout = folder, timeout
        self.threads = threads_of(self.slots)
        self.free: list[str | None] = [*devices[: self.slots]] or [None] * self.slots
        self.running: dict[str, tuple[Supervised, str | None]] = {}
        self.ends: list[tuple[str, End]] = []  # These are not yet told.

    def start(self, key: str) -> None:
        device = self.free.pop(0)
        environment = {"OMP_NUM_THREADS": self.threads, **({} if device is None else {"CUDA_VISIBLE_DEVICES": device})}
        try:
            self.running[key] = Supervised(self.folder, key, self.timeout, environment), device
        except Busy:
            self.free.append(device)
            self.ends.append((key, BUSY))

    def ended(self) -> list[tuple[str, End]]:
        for key, (run, device) in list(self.running.items()):
            if (end := run.poll()) is not None:
                self.ends.append((key, end))
                self.free.append(device)
                del self.running[key]
        told, self.ends = self.ends, []
        return told

    def stop(self) -> None:
        for run, _ in self.running.values():
            run.stop()

    def close(self) -> None:
        for run, _ in self.running.values():
            run.close()


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    count = torch.cuda.device_count()
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return [name.strip() for name in given.split(",")][:count] if given else [str(number) for number in range(count)]


def shares(gpus: list[str], per_run: float) -> list[str]:
    """The value of CUDA_VISIBLE_DEVICES of every run that fits at once; neighbours are on different GPUs.

    Raises:
        ValueError: there is no GPU, a run needs more than there are, or `per_run` is neither whole nor below 1.
    """
    if not per_run > 0 or (per_run > 1 and per_run % 1):
        raise ValueError(f"GPUs of a run must be a share such as 0.25, or a whole number, got {per_run:g}")
    if not gpus:
        raise ValueError("GPUs were asked for, but torch sees none here; leave --gpus-per-run out to run on the CPU")
    if per_run > len(gpus):
        raise ValueError(f"a run needs {per_run:g} GPUs, but there are {len(gpus)}")
    if per_run < 1:
        return gpus * int(1 / per_run + 1e-9)
    step = int(per_run)
    return [",".join(gpus[first : first + step]) for first in range(0, len(gpus) - step + 1, step)]
