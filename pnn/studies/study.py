"""study(runs) -> records: loads the Records that exist, trains the rest."""

import collections
import itertools
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..runs.folders import results_folder, runs_folder
from ..runs.record import OUTCOMES, Record
from ..runs.run import SIZES, Run, RunError
from ..runs.store import RecordError, has_record, load_record, run_lock, save_record
from ..system import sweep_channel
from ..system.extras import MissingExtraError
from ..system.files import NoRoomError, remove
from ..system.machine import pick_device
from ..tasks import Task
from ..tasks.data import DataError
from ..training.checkpoint import CheckpointError, ForeignCheckpointError
from ..training.fit import fit
from .pool import Pool, StudyError

OF_THE_TASK = (DataError, NoRoomError)  # They stop every training of a task alike.
OF_THE_RUN = (CheckpointError, RecordError, RunError, MissingExtraError)  # They stop one training alone.
RESUMED = ("failed", "oom")  # So ended, a training that is tried again goes on from its checkpoint.


def study(
    runs: Iterable[Run] | Mapping[Any, Iterable[Run]],
    *,
    results: str | Path | None = None,
    data: str | Path | None = None,
    device: str = "auto",
    jobs: int = 1,
    budget_seconds: float | None = None,
    retry: Iterable[str] = (),
    progress: bool = True,
) -> list[Record] | dict[Any, list[Record]]:
    """The Records of runs, in order; those that are missing are trained first, and kept.

    Interrupted in any way, it goes on where it was when called again. What another process trains is not trained twice:
    it is waited for, after all others.

    Args:
        runs: what to have: a list of Runs, or lists of them by name, which come back as lists of Records by the same
            names. Lists are trained side by side, the first of each before the second of any.
        results: the Records' folder; by default ``PNN_RESULTS``, else ``results`` of the book's checkout, wherever the
            current folder is, else of the current folder. Checkpoints are kept beside it, in ``runs``.
        data: the data folder, by default ``PNN_DATA``.
        device: ``"auto"``, or a torch device.
        jobs: trainings side by side on the device, each in its own process with its share of the cores.
        budget_seconds: stop after this time, trainings saved; the Records that exist by then are returned.
        retry: bad outcomes, such as ``"killed"``, whose Records are trained again.
        progress: show progress.

    Raises:
        RecordError: a Record that is there is damaged; it is named before anything is trained.
        RecordError, DataError, CheckpointError, RunError: see there. All others were trained before it is raised, but
            for those of a task without data. Several, or one with ``jobs`` > 1 or a budget, are a StudyError. What else
            goes wrong in one training becomes its Record, with outcome ``failed``, ``oom`` or ``killed``.
    """
    arms = {key: list(arm) for key, arm in runs.items()} if isinstance(runs, Mapping) else None
    runs = in_turn(arms) if arms is not None else list(runs)
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    retry = set(retry) | sweep_channel.to_retry()
    if unknown := retry - set(OUTCOMES[1:]):
        raise ValueError(f"retry takes bad outcomes ({', '.join(OUTCOMES[1:])}), got {', '.join(sorted(unknown))}")
    folder = results_folder(results)
    records = {run: load_record(run, folder) for run in runs}
    todo = [run for run, record in records.items() if record is None or record.outcome in retry]
    if todo:
        pick_device(device)  # One that is not there would stop each training alone.
    if jobs == 1 and budget_seconds is None:
        records |= _one_by_one(records, todo, folder, {"data": data, "device": device, "progress": progress})
    elif todo:
        command = ["--results", str(folder), "--device", device, *(["--data", str(data)] if data else [])]
        Pool(todo, command, folder, jobs, budget_seconds, progress, dict(records)).work()
        records = {run: load_record(run, folder) for run in runs}
    for record in filter(None, records.values()):
        sweep_channel.keep("training", record.run.id, record.outcome)
    if arms is not None:
        return {key: [records[run] for run in arm if records[run] is not None] for key, arm in arms.items()}
    return [records[run] for run in runs if records[run] is not None]


def _one_by_one(
    records: Mapping[Run, Record | None], todo: Iterable[Run], folder: Path, options: dict[str, Any]
) -> dict[Run, Record]:
    """Train runs in this process; `records` has those that are to be replaced."""
    found, waiting, busy = {}, collections.deque(todo), 0
    refused: list[Exception] = []
    unusable: set[Task] = set()
    while waiting:
        run = waiting.popleft()
        if run.task in unusable:
            continue
        with run_lock(run, folder) as mine:
            if mine:
                try:
                    found[run] = load_record(run, folder)
                    if found[run] == records[run]:  # Nobody else has trained it meanwhile.
                        found[run] = train_record(run, folder, **options)
                except OF_THE_TASK as error:
                    refused.append(error)
                    unusable.add(run.task)
                except OF_THE_RUN as error:
                    refused.append(error)
        if mine:
            busy = 0
            continue
        waiting.append(run)
        busy += 1
        if busy >= len(waiting):  # Others train all that is left; what waits for a task without data went since.
            with run_lock(run, folder, wait=True):
                busy = 0
    if len(refused) == 1:
        raise refused[0]
    if refused:
        raise StudyError("; ".join(dict.fromkeys(map(str, refused)))) from refused[0]
    return found


def train_record(run: Run, results: Path, **options: Any) -> Record:
    """Train a run and keep its Record.

    A sweep may move to another machine. There a checkpoint that could only be continued where it was made is put aside,
    and the training begins again.
    """
    while True:
        try:
            record = fit(run, folder=runs_folder(results), **options)
        except ForeignCheckpointError as error:
            if not sweep_channel.in_sweep():
                raise
            aside = error.path.with_name(f"checkpoint-{uuid.uuid4().hex[:8]}.safetensors")
            os.replace(error.path, aside)
            print(f"{error}. It is kept as {aside}; the training begins again", file=sys.stderr, flush=True)
            continue
        save_record(record, results)
        if record.outcome not in RESUMED:  # Only now is its checkpoint of no more use.
            remove(runs_folder(results) / run.name / "checkpoint.safetensors")
        return record


def in_turn(arms: Mapping[Any, Iterable[Run]]) -> list[Run]:
    """The first Run of every arm, then the second of every arm, and so on; each Run once."""
    turns = itertools.zip_longest(*arms.values())
    return list(dict.fromkeys(run for turn in turns for run in turn if run is not None))


def largest_size(
    experiment: Callable[..., Mapping[Any, list[Run]]], results: str | Path | None = None, **settings: Any
) -> str:
    """The largest size whose every Run has a Record; ``"smoke"`` if none has."""
    folder = results_folder(results)
    for size in reversed(SIZES):
        if all(has_record(run, folder) for run in in_turn(experiment(size, **settings))):
            return size
    return "smoke"


def parse_seconds(text: str) -> float:
    """``"90"``, ``"90s"``, ``"25m"`` or ``"2h"`` as seconds."""
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise RunError(f"a time is a number with s, m or h, such as 90s, 25m or 2h; got {text!r}")
    return seconds
