"""A disk that is full, that fails, or that flips a bit, under everything that pnn writes and reads again.

The promise: what was written before is whole, or the new is; the error is one of ours and names the file; a file whose
bits were flipped is refused, or is read as what it was.
"""

import os
import random
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from trials import Trial

import pnn
from pnn.runs import store
from pnn.runs.frame import export
from pnn.runs.packed import write_texts
from pnn.training import checkpoint


@dataclass(frozen=True)
class Kept:
    """Something that is written to one file, in two versions, and read again.

    Attributes:
        what: its name for readers.
        write: of version 0 or 1 into a folder; returns the path.
        read: what the file says, comparable by ``==``: the same content need not be the same bytes.
        checked: whether reading it tells a flipped bit.
    """

    what: str
    write: Callable[[Path, int], Path]
    read: Callable[[Path], Any]
    checked: bool = True


def run_of(seed: int) -> pnn.Run:
    return pnn.Run(pnn.Digits(), pnn.CNN("polynomial", 2), pnn.Recipe(1, batch_size=64), seed, "smoke")


def all_kept(record: pnn.Record) -> list[Kept]:
    """What pnn writes; the two versions of a Record differ in seconds."""
    run = record.run

    def write_record(folder: Path, version: int) -> Path:
        return store.save_record(replace(record, seconds=1.0 + version), folder)

    def write_packed(folder: Path, version: int) -> Path:
        path = store.packed_path(folder, run.task.name, run.size)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_texts(path, {run.name: replace(record, seconds=1.0 + version).to_json()})
        return path

    def write_checkpoint(folder: Path, version: int) -> Path:
        path = folder / "checkpoint.safetensors"
        state = {"epoch": version, "step": 10, "curves": {"train_loss": [0.5, 0.25]}}
        checkpoint.save(path, {"weight": torch.full((40,), 1.0 + version)}, state)
        return path

    def read_checkpoint(path: Path) -> Any:
        tensors, state = checkpoint.load(path)
        return {name: tensor.tolist() for name, tensor in tensors.items()}, state

    def write_table(folder: Path, version: int) -> Path:
        return export([replace(record, seconds=1.0 + version)], folder / "table.csv")

    return [
        Kept("a Record", write_record, lambda path: store.load_record(run, path.parents[2])),
        Kept("a parquet of Records", write_packed, lambda path: store.load_record(run, path.parents[1])),
        Kept("a checkpoint", write_checkpoint, read_checkpoint),
        Kept("an exported table", write_table, Path.read_bytes, checked=False),
    ]


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """The kernel refuses whatever writes a file beyond this size, in any library."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def failing(name: str, number: int) -> Iterator[None]:
    """The so-many-th call of this function of ``os`` says that the device failed."""
    true, calls = getattr(os, name), 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise OSError(5, "Input/output error")
        return true(*arguments, **options)

    setattr(os, name, call)
    try:
        yield
    finally:
        setattr(os, name, true)


def _said(kept: Kept, path: Path) -> Any:
    """What the file says, or why it cannot be read."""
    try:
        return kept.read(path)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _written(kept: Kept, fault: Callable[[], Any], folder: Path) -> str:
    """How version 1 written over version 0 under a fault broke its word; empty: it did not."""
    path = kept.write(folder, 0)
    before, error = kept.read(path), None
    try:
        with fault():
            kept.write(folder, 1)
    except Exception as caught:
        error = caught
    found, new = _said(kept, path), kept.read(kept.write(folder / "other", 1))
    if error is None:
        return "" if found == new else f"no error, and {path.name} is not the new"
    if found not in (before, new):
        return f"{path.name} is neither the old nor the new"
    if path.name not in str(error) and str(path) not in str(error):
        return f"{type(error).__name__} does not name {path.name}: {error}"
    return ""


def of_writes(record: pnn.Record) -> list[Trial]:
    """Sizes at which the disk is full, and calls that fail, each once."""
    found = []
    for kept in all_kept(record):
        with tempfile.TemporaryDirectory() as home:
            size = kept.write(Path(home), 0).stat().st_size
        limits = [lambda n=n: file_limit(n) for n in range(0, size, max(size // 40, 1))]
        broken = [lambda n=n, name=name: failing(name, n) for name in ("fsync", "replace") for n in (1, 2)]
        for what, faults in (("the disk full at some byte", limits), ("a call that fails", broken)):
            told = []
            for fault in faults:
                with tempfile.TemporaryDirectory() as home:
                    if message := _written(kept, fault, Path(home)):
                        told.append(message)
            found.append(Trial("disk", f"{kept.what} written over another: {what}", len(faults), told))
    return found


def of_kills(record: pnn.Record, times: int, moments: random.Random) -> list[Trial]:
    """A process that writes without end is killed."""
    found = []
    for kept in all_kept(record):
        with tempfile.TemporaryDirectory() as home:
            whole = [kept.read(kept.write(Path(home) / f"{version}", version)) for version in (0, 1)]
            folder, told = Path(home) / "folder", []
            path = kept.write(folder, 0)
            for _ in range(times):
                child = os.fork()
                if not child:
                    try:
                        version = 0
                        while True:
                            version = 1 - version
                            kept.write(folder, version)
                    finally:
                        os._exit(1)  # It must not tidy up what is its parent's.
                time.sleep(moments.uniform(0.005, 0.1))
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                if _said(kept, path) not in whole:
                    told.append(f"{path.name} is neither of the two that were written")
            kept.write(folder, 0)
            if left := [one.name for one in path.parent.iterdir() if one.name.endswith(".part")]:
                told.append(f"the next write left {left}")
        found.append(Trial("disk", f"{kept.what} being written: the process killed", times, told))
    return found


def of_flips(record: pnn.Record, times: int, places: random.Random) -> list[Trial]:
    """One flipped bit, anywhere in the file."""
    found = []
    for kept in all_kept(record):
        if not kept.checked:
            continue
        told = []
        with tempfile.TemporaryDirectory() as home:
            path = kept.write(Path(home), 0)
            whole, meant = path.read_bytes(), kept.read(path)
            for _ in range(times):
                bit = places.randrange(8 * len(whole))
                flipped = bytearray(whole)
                flipped[bit // 8] ^= 1 << bit % 8
                path.write_bytes(flipped)
                try:
                    if kept.read(path) != meant:
                        told.append(f"bit {bit} of {path.name}: read as something else")
                except (store.RecordError, checkpoint.CheckpointError) as error:
                    if path.name not in str(error):
                        told.append(f"bit {bit}: {error} does not name {path.name}")
                except Exception as error:
                    told.append(f"bit {bit} of {path.name}: {type(error).__name__}: {error}")
        found.append(Trial("bits", f"{kept.what}: one bit flipped", times, told))
    return found
