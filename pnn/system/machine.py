"""The machine around a training: its device, determinism, signals, and the commit of the code."""

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch


def pick_device(name: str = "auto") -> torch.device:
    """``"auto"`` is CUDA where there is one, else the CPU; other names are torch's."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f'device must be "auto", "cpu" or "cuda[:number]", got {name!r}') from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f'device {name!r} was asked for, but torch sees no CUDA device; use "auto" or "cpu"')
    return device


def cores() -> int:
    """How many cores this process may use; in a job of a cluster these are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def deterministic() -> Iterator[None]:
    """Make torch use deterministic algorithms within the context, and restore the caller's settings after it."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it at its first use.
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    filling: Any = torch.utils.deterministic  # Type checkers do not see its switch.
    fill, threads = filling.fill_uninitialized_memory, torch.get_num_threads()
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False  # The benchmark would choose algorithms by a race.
    filling.fill_uninitialized_memory = False  # Nothing here reads what it did not write.
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
        filling.fill_uninitialized_memory = fill
        torch.set_num_threads(threads)  # A continued run takes the number that it began with.


def device_name(device: torch.device) -> str:
    """The model of a GPU, or of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def commit() -> str:
    """The commit of the code that runs, "+" appended where its files differ from it.

    A repository that only lies around an installed package does not track its files, and is not asked. Where there is
    no checkout, as in an image that one was copied into, ``PNN_COMMIT`` names the commit; else it is empty.
    """
    code = Path(__file__).resolve().parents[1]

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=code, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "--", str(Path(__file__).resolve()))
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("PNN_COMMIT", "").strip()
