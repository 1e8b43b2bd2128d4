"""run(notebook, points) -> table: does what is not done, keeps how it ended."""

import collections
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ..runs.record import OUTCOMES
from ..system.colab import mount_drive
from ..system.extras import needs
from ..system.signals import act_on, held_signals
from .engine import BUSY, LOST, Engine, LocalEngine
from .folder import Basis, Busy, Folder, Outcome, check_points, run_id
from .points import Point
from .progress import Progress
from .supervise import DIED, STOPPED_RUN
from .tabulate import of_basis

with needs("notebooks", "a sweep"):
    import pandas as pd

FAILURES = ("failed", "oom", "timeout", "killed")  # A run that diverged or exploded is a result.
TRIES = 2  # A run whose process was killed is tried so often.
PAUSE_SECONDS = 0.05
ELSEWHERE_SECONDS = 2.0  # It waits this long between two looks at runs that others may work on.
BUSY_ELSEWHERE = "another sweep works on it"


def run(
    notebook: str | Path,
    points: Iterable[Point],
    *,
    out: str | Path | None = None,
    engine: str = "local",
    scheduler: str | None = None,
    jobs: int = 0,
    gpus_per_run: float = 0.0,
    timeout: float | None = None,
    retry: Iterable[str] = (),
    max_failures: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Execute a notebook once for each point, and return the table of all runs.

    A run that is done is not done again: its id is the hash of its parameters, the notebook's code, pnn's own files and
    the data. Interrupted in any way, the same call goes on from there; two calls on one folder share the work.

    Args:
        notebook: with a cell tagged ``parameters``.
        points: dictionaries of parameters, as :func:`pnn.sweep.points.grid` and its neighbours make them.
        out: the sweep's folder, by default ``sweeps/<name of the notebook>``. Output notebooks are kept there.
        engine: ``"local"``, processes of this machine; ``"dask"``, workers of Dask.
        scheduler: address or scheduler file of a running Dask cluster; by default Dask works on this machine.
        jobs: runs at once; 0 for as many as there are GPU shares, else one, on a Dask cluster of this machine one a
            core. A running Dask cluster decides it itself.
        gpus_per_run: GPUs of each run, whole or a share such as 0.25; 0 leaves the GPUs as they are.
        timeout: seconds after which a run is stopped.
        retry: bad outcomes, such as ``"failed"``, whose runs are done again.
        max_failures: stop when so many runs of this call have failed, run out of memory or time, or been killed.
        progress: show what goes on.

    Raises:
        ParameterError: a parameter is unknown, ill-typed or not among its values; nothing has been started.
        SweepError: the folder cannot be written or is another notebook's, or the Dask cluster is gone.
        ValueError: an unknown engine or outcome, more GPUs than there are.
    """
    given = check(notebook, points, out=out, jobs=jobs, timeout=timeout, retry=retry, max_failures=max_failures)
    folder, todo = given.folder, given.todo
    folder.begin(given.basis, list(given.runs.values()))
    left = set(todo)
    done = {key: outcome for key, outcome in given.ended.items() if key not in left}
    with Progress(len(given.runs), done, progress) as shown:
        if todo:
            with closing(_engine(engine, scheduler, folder, jobs, gpus_per_run, timeout)) as workers:
                folder.forget({key: given.ended[key] for key in todo if key in given.ended}, given.retry)
                _Drive(folder, workers, given.runs, todo, max_failures, shown).drive()
    return of_basis(folder, given.basis.digest)


@dataclass(frozen=True)
class Checked:
    """A sweep that can be begun; nothing of it is written yet."""

    folder: Folder
    basis: Basis
    runs: dict[str, Point]
    ended: dict[str, Outcome]
    retry: set[str]

    @property
    def todo(self) -> list[str]:
        return [key for key in self.runs if key not in self.ended or self.ended[key].outcome in self.retry]


def check(
    notebook: str | Path,
    points: Iterable[Point],
    *,
    out: str | Path | None = None,
    jobs: int = 0,
    timeout: float | None = None,
    retry: Iterable[str] = (),
    max_failures: int | None = None,
) -> Checked:
    """Raise what :func:`run` would before anything is written, but for what :func:`check_engine` raises."""
    points = check_points(notebook, points)
    retry = check_retry(retry)
    for name, value, least in (("jobs", jobs, 0), ("max_failures", max_failures, 1), ("timeout", timeout, 0)):
        if value is not None and value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    place = Path(out or default_folder(notebook))
    mount_drive(place)
    folder, basis = Folder(place.resolve()), Basis.of(notebook)
    folder.check(basis)
    runs = {run_id(basis, point): point for point in points}
    ended = {key: outcome for key in runs if (outcome := folder.outcome(key))}
    return Checked(folder, basis, runs, ended, retry)


def check_engine(
    folder: Folder, *, engine: str, scheduler: str | None, jobs: int, gpus_per_run: float, timeout: float | None
) -> None:
    """Raise what the start of the engine would; a running cluster is spoken to, and one of this machine not started."""
    if engine == "dask" and scheduler is None:
        from .dask import jobs_here

        jobs_here(jobs, gpus_per_run)
    else:
        _engine(engine, scheduler, folder, jobs, gpus_per_run, timeout).close()


def default_folder(notebook: str | Path) -> Path:
    return Path("sweeps") / Path(notebook).stem


def check_retry(retry: Iterable[str]) -> set[str]:
    retry = set(retry)
    if unknown := retry - set(OUTCOMES[1:]):
        raise ValueError(f"retry takes bad outcomes ({', '.join(OUTCOMES[1:])}), got {', '.join(sorted(unknown))}")
    return retry


def _engine(
    name: str, scheduler: str | None, folder: Folder, jobs: int, gpus_per_run: float, timeout: float | None
) -> Engine:
    if name == "dask":
        from .dask import DaskEngine

        return DaskEngine(folder, jobs, gpus_per_run, timeout, scheduler)
    if name != "local":
        raise ValueError(f'engine must be "local" or "dask", got {name!r}')
    if scheduler:
        raise ValueError('a scheduler is for engine "dask"')
    return LocalEngine(folder, jobs, gpus_per_run, timeout)


@dataclass
class _Drive:
    """Hands runs to an engine until each has an outcome."""

    folder: Folder
    engine: Engine
    runs: dict[str, Point]
    todo: list[str]
    max_failures: int | None
    progress: Progress
    deaths: collections.Counter = field(default_factory=collections.Counter)
    failures: int = 0
    elsewhere: set[str] = field(default_factory=set)

    def drive(self) -> None:
        with held_signals() as signals:
            try:
                self._until_done(signals)
            finally:
                self._stop()
        if signals:
            act_on(signals[0])

    def _until_done(self, signals: list[int]) -> None:
        waiting, looked = collections.deque(self.todo), time.monotonic()
        while (waiting or self.engine.running or self.elsewhere) and not signals and not self._is_enough():
            while waiting and len(self.engine.running) < self.engine.slots:
                key = waiting.popleft()
                self.engine.start(key)
                self.progress.started(key, self.runs[key])
            waiting.extendleft(self._take_note())
            if self.elsewhere and time.monotonic() - looked > ELSEWHERE_SECONDS:
                looked = time.monotonic()
                waiting.extend(sorted(self.elsewhere))
                self.elsewhere.clear()
            self.progress.show(len(waiting), self.engine.slots, self.engine.note)
            time.sleep(PAUSE_SECONDS)

    def _take_note(self) -> list[str]:
        """Take note of the runs that ended; return those to be started again."""
        again = []
        for key, end in self.engine.ended():
            if end in (BUSY, LOST):
                self.elsewhere.add(key)
                self.progress.elsewhere(key, BUSY_ELSEWHERE if end == BUSY else "the cluster lost it")
                continue
            if end in (DIED, STOPPED_RUN):  # A signal from elsewhere ended it.
                self.deaths[key] += 1
                if self.deaths[key] < TRIES:
                    self.progress.gone(key, "killed, once more")
                    again.append(key)
                    continue
                end = self._killed(key)
                if end is None:
                    self.elsewhere.add(key)
                    self.progress.elsewhere(key, BUSY_ELSEWHERE)
                    continue
            self.failures += end.outcome in FAILURES
            self.progress.ended(key, end)
        return again

    def _killed(self, key: str) -> Outcome | None:
        """The outcome of a run whose every try was killed; None if another sweep has taken it up meanwhile."""
        try:
            with self.folder.lock(key):
                if other := self.folder.outcome(key):
                    return other
                end = Outcome("killed", f"{TRIES} times the process or its kernel was killed or died; out of memory?")
                self.folder.finish(key, end)
                return end
        except Busy:
            return None

    def _is_enough(self) -> bool:
        return self.max_failures is not None and self.failures >= self.max_failures

    def _stop(self) -> None:
        """Stop the runs that go on. They save, have no outcome, and are done first the next time."""
        self.engine.stop()
        errors = []
        while self.engine.running:
            try:
                for key, end in self.engine.ended():
                    if isinstance(end, Outcome):
                        self.progress.ended(key, end)
                    else:
                        self.progress.gone(key, "stopped")
            except Exception as error:  # It is raised when the others have ended, too.
                errors.append(error)
            time.sleep(PAUSE_SECONDS)
        if errors:
            raise errors[0]
