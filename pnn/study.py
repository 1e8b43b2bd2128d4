"""study(runs) -> records: loads the Records that exist, trains the rest."""

import collections
import contextlib
import itertools
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from . import values
from .checkpoint import ForeignCheckpointError, lock, write_atomically
from .colab import CLONE, mount_drive
from .machine import act_on, cores, held_signals
from .run import OUTCOMES, SIZES, Record, Run, RunError, Task
from .train import fit

GRACE_SECONDS = 60.0  # what a stopped training may take for its step and its checkpoint
LOOK_SECONDS = 1.0  # between looks at a run that another process trains
UNUSABLE, STOPPED = 2, 143  # exit statuses of `python -m pnn`


class RecordError(Exception):
    """A Record that cannot be read or written; the message says which file and what to do."""


class StudyError(Exception):
    """What stops every training of a task alike, such as missing data; the message says what to do."""


def results_folder(given: str | Path | None = None) -> Path:
    """Where Records live: as given, else ``PNN_RESULTS``, else ``results`` of the checkout around the current folder.

    Without a checkout it is ``results`` here. On Colab, a folder on Google Drive makes Drive be mounted.
    """
    given = given or os.environ.get("PNN_RESULTS")
    folder = Path(given).expanduser() if given else checkout_folder() / "results"
    mount_drive(folder)
    return folder


def checkout_folder() -> Path:
    """The book's checkout around the current folder, else the one that a set-up cell made here, else this folder."""
    here = Path.cwd()
    for folder in (here, *here.parents, here / CLONE):
        if (folder / "results").is_dir() and (folder / "_toc.yml").is_file():
            return folder
    return here


def load_record(run: Run, results: Path | None = None) -> Record | None:
    """The Record of a run, or None if there is none.

    Raises:
        RecordError: the file is there but damaged, or belongs to another run.
    """
    path = (results or results_folder()) / f"{run.name}.json"
    try:
        record = Record.from_dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RecordError(f"the Record {path} cannot be read: {error}. Restore it, or delete it to train it") from error
    if record.run != run:
        raise RecordError(f"the Record {path} is of another run than its name says. Delete it to train it again")
    return record


def save_record(record: Record, results: Path | None = None) -> Path:
    """Write a Record, whole or not at all.

    Raises:
        RecordError: the disk is full or read-only.
    """
    path = (results or results_folder()) / f"{record.run.name}.json"
    text = json.dumps(record.to_dict(), indent=1, allow_nan=False) + "\n"
    try:
        write_atomically(path, lambda part: part.write_text(text))
    except OSError as error:
        raise RecordError(
            f"the Record {path} could not be written: {error}. Make room and start again: it goes on from there"
        ) from error
    return path


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
        results: the Records' folder; by default ``PNN_RESULTS``, else ``results`` of the checkout around the current
            folder, else of the current folder. Checkpoints are kept beside it, in ``runs``.
        data: the data folder, by default ``PNN_DATA``.
        device: ``"auto"``, or a torch device.
        jobs: trainings side by side on the device, each in its own process with its share of the cores.
        budget_seconds: stop after this time, trainings saved; the Records that exist by then are returned.
        retry: bad outcomes, such as ``"killed"``, whose Records are trained again.
        progress: show progress.

    Raises:
        RecordError, DataError, CheckpointError: see there. With ``jobs`` > 1 or a budget such a thing is a StudyError,
            and any other that goes wrong in one training becomes its Record, with outcome ``failed`` or ``killed``.
    """
    sides = {key: list(side) for key, side in runs.items()} if isinstance(runs, Mapping) else None
    runs = in_turn(sides) if sides is not None else list(runs)
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    retry = set(retry) | values.to_retry()
    if unknown := retry - set(OUTCOMES[1:]):
        raise ValueError(f"retry takes bad outcomes ({', '.join(OUTCOMES[1:])}), got {', '.join(sorted(unknown))}")
    folder = results_folder(results)
    records = {run: load_record(run, folder) for run in runs}
    todo = [run for run, record in records.items() if record is None or record.outcome in retry]
    if jobs == 1 and budget_seconds is None:
        records |= _one_by_one(records, todo, folder, {"data": data, "device": device, "progress": progress})
    elif todo:
        command = ["--results", str(folder), "--device", device, *(["--data", str(data)] if data else [])]
        _Pool(todo, command, folder, jobs, budget_seconds, progress, dict(records)).work()
        records = {run: load_record(run, folder) for run in runs}
    for record in filter(None, records.values()):
        values.keep("training", record.run.id, record.outcome)
    if sides is not None:
        return {key: [records[run] for run in side if records[run] is not None] for key, side in sides.items()}
    return [records[run] for run in runs if records[run] is not None]


def _one_by_one(
    records: Mapping[Run, Record | None], todo: Iterable[Run], folder: Path, options: dict[str, Any]
) -> dict[Run, Record]:
    """Train runs in this process; `records` has those that are to be replaced."""
    found, waiting, busy = {}, collections.deque(todo), 0
    while waiting:
        run = waiting.popleft()
        with alone(run, folder) as mine:
            if mine:
                found[run] = load_record(run, folder)
                if found[run] == records[run]:  # nobody else has trained it meanwhile
                    found[run] = train_record(run, folder, **options)
        if mine:
            busy = 0
            continue
        waiting.append(run)
        busy += 1
        if busy == len(waiting):  # others train all that is left
            with alone(run, folder, wait=True):
                busy = 0
    return found


def train_record(run: Run, results: Path, **options: Any) -> Record:
    """Train a run and keep its Record.

    A sweep may move to another machine. There a checkpoint that could only be continued where it was made is put aside,
    and the training begins again.
    """
    while True:
        try:
            record = fit(run, folder=results.parent / "runs", **options)
        except ForeignCheckpointError as error:
            if not values.in_sweep():
                raise
            aside = error.path.with_name(f"checkpoint-{uuid.uuid4().hex[:8]}.safetensors")
            os.replace(error.path, aside)
            print(f"{error}. It is kept as {aside}; the training begins again", file=sys.stderr, flush=True)
            continue
        save_record(record, results)
        # only now is its checkpoint of no more use
        (results.parent / "runs" / run.name / "checkpoint.safetensors").unlink(missing_ok=True)
        return record


@contextlib.contextmanager
def alone(run: Run, results: Path, wait: bool = False) -> Iterator[bool]:
    """Whether no other process trains the run; within the context none will. With `wait`, as soon as none does."""
    home = results.parent / "runs" / run.name
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as file:
        mine = lock(file)
        if wait and not mine:
            print(f"waiting for {run.name}, which another process trains", file=sys.stderr, flush=True)
            while not (mine := lock(file)):
                time.sleep(LOOK_SECONDS)
        yield mine


def in_turn(sides: Mapping[Any, Iterable[Run]]) -> list[Run]:
    """The first Run of every side, then the second of every side, and so on; each Run once."""
    turns = itertools.zip_longest(*sides.values())
    return list(dict.fromkeys(run for turn in turns for run in turn if run is not None))


def largest_size(
    experiment: Callable[..., Mapping[Any, list[Run]]], results: str | Path | None = None, **settings: Any
) -> str:
    """The largest size whose every Run has a Record; ``"smoke"`` if none has."""
    folder = results_folder(results)
    for size in reversed(SIZES):
        if all((folder / f"{run.name}.json").exists() for run in in_turn(experiment(size, **settings))):
            return size
    return "smoke"


# --- side by side ----------------------------------------------------------------------------------------------------


@dataclass
class _Pool:
    """Trainings as processes of their own, so that one that is killed takes no other with it."""

    todo: list[Run]
    command: list[str]
    results: Path
    jobs: int
    budget_seconds: float | None
    progress: bool
    before: dict[Run, Record | None]  # Records that are to be replaced
    deaths: collections.Counter = field(default_factory=collections.Counter)
    unusable: dict[Task, str] = field(default_factory=dict)  # why the runs of a task cannot be trained
    running: dict[subprocess.Popen, tuple[Run, IO[str]]] = field(default_factory=dict)

    def work(self) -> None:
        with held_signals() as signals:
            self._work(signals)

    def _work(self, signals: list[int]) -> None:
        started = time.monotonic()
        waiting, look = collections.deque(self.todo), started
        self.results.mkdir(parents=True, exist_ok=True)
        try:
            while waiting or self.running:
                if signals:
                    act_on(signals[0])
                if self.budget_seconds is not None and time.monotonic() - started > self.budget_seconds:
                    self._say(f"the time budget is spent; {len(waiting) + len(self.running)} runs to go on with later")
                    return
                waiting = collections.deque(run for run in waiting if run.task not in self.unusable)
                while waiting and len(self.running) < self.jobs and time.monotonic() >= look:
                    run = self._free(waiting)
                    if run is None:
                        look = time.monotonic() + LOOK_SECONDS
                    elif load_record(run, self.results) == self.before[run]:  # nobody else has trained it meanwhile
                        self._start(run)
                for process in [p for p in self.running if p.poll() is not None]:
                    again = self._end(process)
                    if again:
                        waiting.appendleft(again)
                time.sleep(0.1)
        finally:
            self._stop()
        if self.unusable:
            raise StudyError("; ".join(dict.fromkeys(self.unusable.values())))

    def _free(self, waiting: collections.deque[Run]) -> Run | None:
        """Take the first that no other process trains; those that one does go to the end."""
        for _ in range(len(waiting)):
            run = waiting.popleft()
            with alone(run, self.results) as mine:
                if mine:
                    return run
            waiting.append(run)
        return None

    def _start(self, run: Run) -> None:
        home = self.results.parent / "runs" / run.name
        home.mkdir(parents=True, exist_ok=True)
        log = open(home / "log.txt", "w+")  # noqa: SIM115 - closed in _end
        threads = str(max(1, cores() // self.jobs))
        process = subprocess.Popen(
            [sys.executable, "-m", "pnn", "run", "-", *self.command, "--quiet"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"OMP_NUM_THREADS": threads, **os.environ},
            start_new_session=True,  # Ctrl-C reaches the parent alone, which passes it on
            text=True,
        )
        self.running[process] = run, log
        with contextlib.suppress(BrokenPipeError), process.stdin:  # broken if it is dead already: _end says so
            process.stdin.write(json.dumps(run.to_dict()))
        self._say(f"started  {run.name}")

    def _end(self, process: subprocess.Popen) -> Run | None:
        """Take note of a process that ended; returns its run if it is to be started again."""
        run, log = self.running.pop(process)
        log.seek(0)
        last = (log.read().strip().splitlines() or ["no output"])[-1]
        log.close()
        code = process.returncode
        if code == 0:
            self._say(f"finished {run.name}: {last}")
        elif code == STOPPED:
            self._say(f"stopped  {run.name}, saved")
        elif code == UNUSABLE:  # as all others of the task would be
            self.unusable.setdefault(run.task, last.removeprefix("error: "))
            self._say(f"unusable {run.name}: {self.unusable[run.task]}")
        elif load_record(run, self.results) != self.before[run]:  # it diverged, say: it said so itself
            self._say(f"ended    {run.name}: {last}")
        elif code < 0:
            self.deaths[run] += 1
            self._say(f"killed   {run.name} by signal {-code}")
            if self.deaths[run] < 2:  # once more, from its checkpoint
                return run
            save_record(Record.of_failure(run, "killed", f"twice, the last time by signal {-code}"), self.results)
        else:
            self._say(f"failed   {run.name}: {last}")
            save_record(Record.of_failure(run, "failed", last), self.results)
        return None

    def _stop(self) -> None:
        """SIGTERM lets a training finish its step and save; what does not end in time is killed."""
        for process in self.running:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for process, (_, log) in self.running.items():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()
        self.running.clear()

    def _say(self, text: str) -> None:
        if self.progress:
            print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


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
