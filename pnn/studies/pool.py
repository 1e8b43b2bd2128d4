"""Trainings side by side, each a process of its own."""

import collections
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ..runs.folders import runs_folder
from ..runs.record import Record
from ..runs.run import Run
from ..runs.store import LOOK_SECONDS, RecordError, load_record, run_lock, save_record
from ..system.processes import Child, stop_all, threads_of
from ..system.signals import STOPPED, act_on, held_signals
from ..tasks import Task

# `python -m pnn run` ends with these: its own input cannot be used, such as a damaged checkpoint; and what all runs of
# the task need is missing, such as its data.
REFUSED, UNUSABLE = 2, 4


class StudyError(Exception):
    """Trainings that left no Record, such as all of a task without data; the message says why and what to do."""


@dataclass
class Pool:
    """Trainings as processes of their own, so that one that is killed takes no other with it."""

    todo: list[Run]
    command: list[str]
    results: Path
    jobs: int
    budget_seconds: float | None
    progress: bool
    before: dict[Run, Record | None]  # the Records that are to be replaced
    waiting: collections.deque[Run] = field(default_factory=collections.deque)
    next_look: float = 0.0  # when to look again whether others still train all that waits
    deaths: collections.Counter = field(default_factory=collections.Counter)
    unusable: dict[Task, str] = field(default_factory=dict)  # why the runs of a task cannot be trained
    refused: dict[Run, str] = field(default_factory=dict)  # why a run, and no other for that, cannot be trained
    running: dict[Child, tuple[Run, IO[str]]] = field(default_factory=dict)

    def work(self) -> None:
        """Train all runs, or until the budget is spent or a signal comes; no child is left behind.

        Raises:
            StudyError: something stops a training, or every training of a task; all others were trained.
        """
        self.results.mkdir(parents=True, exist_ok=True)
        self.waiting.extend(self.todo)
        with held_signals() as signals:
            try:
                self._until_done(signals)
            finally:
                self._stop()
        if said := dict.fromkeys([*self.unusable.values(), *self.refused.values()]):
            raise StudyError("; ".join(said))

    def _until_done(self, signals: list[int]) -> None:
        started = time.monotonic()
        while self.waiting or self.running:
            if signals:
                act_on(signals[0])
            if self.budget_seconds is not None and time.monotonic() - started > self.budget_seconds:
                left = len(self.waiting) + len(self.running)
                self._say(f"the time budget is spent; {left} runs to go on with later")
                return
            self._start_some()
            for child, status in [(child, child.poll()) for child in self.running]:
                if status is not None:
                    self._end(child, status)
            time.sleep(0.1)

    def _start_some(self) -> None:
        """Start as many runs as there are places for, of those that can be trained and that no other process trains."""
        self.waiting = collections.deque(run for run in self.waiting if run.task not in self.unusable)
        while self.waiting and len(self.running) < self.jobs and time.monotonic() >= self.next_look:
            run = self._take_free()
            if run is None:
                self.next_look = time.monotonic() + LOOK_SECONDS
                return
            if not self._touched(run):
                self._start(run)

    def _take_free(self) -> Run | None:
        """Take the first waiting run that no other process trains; those before it go to the end of the queue."""
        for _ in range(len(self.waiting)):
            run = self.waiting.popleft()
            with run_lock(run, self.results) as mine:
                if mine:
                    return run
            self.waiting.append(run)
        return None

    def _start(self, run: Run) -> None:
        home = runs_folder(self.results) / run.name
        home.mkdir(parents=True, exist_ok=True)
        log = open(home / "log.txt", "w+")  # noqa: SIM115 - It is closed in _end.
        program = ["-m", "pnn", "run", "-", *self.command, "--quiet"]
        child = Child(program, json.dumps(run.to_dict()), log, {"OMP_NUM_THREADS": threads_of(self.jobs)})
        self.running[child] = run, log
        self._say(f"started  {run.name}")

    def _end(self, child: Child, code: int) -> None:
        """Take note of a child that ended; one that was killed for the first time waits once more."""
        run, log = self.running.pop(child)
        log.seek(0)
        last = (log.read().strip().splitlines() or ["no output"])[-1]
        log.close()
        if code == 0:
            self._say(f"finished {run.name}: {last}")
        elif code in STOPPED:
            self._say(f"stopped  {run.name}, saved")
        elif code == REFUSED:
            self._refuse(run, last.removeprefix("error: "))
        elif code == UNUSABLE:
            self.unusable.setdefault(run.task, last.removeprefix("error: "))
            self._say(f"unusable {run.name}: {self.unusable[run.task]}")
        elif self._touched(run):  # It diverged, say, and wrote its own Record.
            self._say(f"ended    {run.name}: {last}")
        elif code < 0:
            self.deaths[run] += 1
            self._say(f"killed   {run.name} by signal {-code}")
            if self.deaths[run] < 2:  # It goes on from its checkpoint.
                self.waiting.appendleft(run)
            else:
                message = f"twice, the last time by signal {-code}"
                save_record(Record.of_failure(run, "killed", message), self.results)
        else:
            self._say(f"failed   {run.name}: {last}")
            save_record(Record.of_failure(run, "failed", last), self.results)

    def _touched(self, run: Run) -> bool:
        """Whether the Record of a run is another than at the start, as it was trained here or by another process."""
        try:
            return load_record(run, self.results) != self.before[run]
        except RecordError as error:  # Only this run's own is damaged, or its parquet, which the others then say too.
            self._refuse(run, str(error))
            return True

    def _refuse(self, run: Run, reason: str) -> None:
        self.refused[run] = reason
        self._say(f"refused  {run.name}: {reason}")

    def _stop(self) -> None:
        """Stop what still runs; each training finishes its step and saves."""
        try:
            stop_all(self.running)
        finally:
            for _, log in self.running.values():
                log.close()
            self.running.clear()

    def _say(self, text: str) -> None:
        if self.progress:
            print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
