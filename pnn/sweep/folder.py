"""A sweep on the disk: its plan, and for every run a folder whose last file is the outcome.

::

    sweep.json                       the notebook, what its results depend on, the ids of the runs
    notebooks/<digest>.ipynb, .json  the notebook as it was when the sweep began, and what its results depend on
    runs/<id>/run.json               the parameters
    runs/<id>/lock                   held while a sweep works on it
    runs/<id>/notebook.lock          held by the notebook's process, which still saves when its sweep was killed
    runs/<id>/retry.json             the outcomes that it is to replace, its trainings' as well
    runs/<id>/notebook.ipynb, log.txt, values.jsonl
    runs/<id>/outcome.json           written last and as a whole: a run that has it is done
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from ..runs.record import OUTCOMES
from ..system.files import LockError, digest_of, lock, read_json, reason, write_atomically
from .declared import COMPUTED, REQUIRED, ParameterError, check_kernel, declared_parameters, read_notebook
from .parameters import check_declared
from .points import Point

RESERVED = ("outcome", "message", "run")  # A parameter must not have these names of the table.


class SweepError(Exception):
    """A sweep that cannot be begun or gone on with; the message says why and what to do."""


class Busy(Exception):
    """Another process works on the run."""


@dataclass(frozen=True)
class Basis:
    """What a run's result depends on besides its parameters."""

    notebook: str  # the notebook's path; its cells run in that folder
    cells: str  # SHA-256 of its code
    source: str  # SHA-256 of pnn's own files
    data: str  # SHA-256 of the data folder's list of files, empty without PNN_DATA

    @classmethod
    def of(cls, notebook: str | Path) -> "Basis":
        path = Path(notebook).resolve()
        code = [cell for cell in read_notebook(path).cells if cell.cell_type == "code"]
        cells = [f"{'parameters' in cell.metadata.get('tags', [])} {cell.source}" for cell in code]
        return cls(str(path), _digest(cells), source_digest(), data_digest())

    @property
    def digest(self) -> str:
        return _digest([self.cells, self.source, self.data])


@dataclass(frozen=True)
class Outcome:
    """How one run ended."""

    outcome: str  # one of pnn.runs.record.OUTCOMES
    message: str = ""
    seconds: float = 0.0
    started: str = ""  # ISO 8601, UTC
    host: str = ""
    device: str = ""  # CUDA_VISIBLE_DEVICES of the run, empty if it had none
    values: dict[str, Any] = field(default_factory=dict)  # what the notebook glued
    trainings: dict[str, int] = field(default_factory=dict)  # Records that its studies returned, by outcome

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}, got {self.outcome!r}")


@dataclass(frozen=True)
class Folder:
    """The files of a sweep."""

    path: Path

    def check(self, basis: Basis) -> None:
        """See whether the folder can become, or is, the sweep of a notebook.

        Raises:
            SweepError: the folder is another notebook's, or cannot be written.
        """
        there = next(path for path in (self.path, *self.path.parents) if path.exists())
        if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            raise SweepError(f"{self.path} cannot be written: {there} is no folder of yours; give another one (--out)")
        before = self.plan()
        if before and before["basis"]["notebook"] != basis.notebook:
            raise SweepError(f"{self.path} is the sweep of {before['basis']['notebook']}; give another folder (--out)")

    def begin(self, basis: Basis, points: list[Point]) -> dict[str, Point]:
        """Write the plan; returns the points by run id.

        Raises:
            SweepError: as :meth:`check`, or there is no room.
        """
        self.check(basis)
        runs = {run_id(basis, point): point for point in points}
        notebook = Path(basis.notebook).read_text()
        try:
            write_atomically(self.notebook(basis.digest), lambda part: part.write_text(notebook))
            _write(self.notebook(basis.digest).with_suffix(".json"), asdict(basis))
            for key, point in runs.items():
                if not (self.run(key) / "run.json").exists():
                    _write(self.run(key) / "run.json", {"basis": basis.digest, "parameters": point})
            _write(self.path / "sweep.json", {"basis": asdict(basis), "parameters": list(points[0])})
        except OSError as error:
            raise self.unwritable(error) from error
        return runs

    def plan(self) -> dict[str, Any] | None:
        """What :meth:`begin` wrote last; None if this is no sweep's folder yet."""
        return _read(self.path / "sweep.json")

    def run(self, key: str) -> Path:
        return self.path / "runs" / key

    def notebook(self, digest: str) -> Path:
        return self.path / "notebooks" / f"{digest}.ipynb"

    def basis(self, digest: str) -> Basis:
        """What the results of some of the runs depend on, by its digest."""
        found = _read(self.notebook(digest).with_suffix(".json"))
        if found is None:
            raise SweepError(f"{self.path} is not seen by every machine, or not whole: {digest}.json is missing")
        return Basis(**found)

    def point(self, key: str) -> dict[str, Any]:
        """The ``basis`` and the ``parameters`` of a run."""
        found = _read(self.run(key) / "run.json")
        if found is None:
            raise SweepError(f"{self.run(key) / 'run.json'} is missing: not every machine sees the folder of the sweep")
        return found

    def keys(self) -> list[str]:
        return sorted(path.parent.name for path in self.path.glob("runs/*/run.json"))

    def outcome(self, key: str) -> Outcome | None:
        """How a run ended; None if it is not done."""
        found = _read(self.run(key) / "outcome.json")
        try:
            return None if found is None else Outcome(**found)
        except (TypeError, ValueError) as error:
            raise SweepError(
                f"{self.run(key) / 'outcome.json'} is damaged: {error}. Delete it to run it again"
            ) from error

    def finish(self, key: str, outcome: Outcome) -> None:
        try:
            (self.run(key) / "retry.json").unlink(missing_ok=True)
            _write(self.run(key) / "outcome.json", asdict(outcome))
        except OSError as error:
            raise self.unwritable(error) from error

    def forget(self, ended: Mapping[str, Outcome], outcomes: Iterable[str]) -> None:
        """Make runs that ended so be done again, with their trainings that ended so. A run with another end is left."""
        for key, outcome in ended.items():
            if outcome.outcome in outcomes and self.outcome(key) == outcome:
                try:
                    _write(self.run(key) / "retry.json", {"outcomes": sorted(outcomes)})
                except OSError as error:
                    raise self.unwritable(error) from error
                (self.run(key) / "outcome.json").unlink(missing_ok=True)

    def to_retry(self, key: str) -> list[str]:
        """The outcomes that a run is to replace."""
        return (_read(self.run(key) / "retry.json") or {"outcomes": []})["outcomes"]

    def new(self, key: str, name: str) -> IO[str]:
        """A new, empty file of a run."""
        try:
            return open(self.run(key) / name, "w")
        except OSError as error:
            raise self.unwritable(error) from error

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Hold a run.

        Raises:
            Busy: another sweep holds it, or the process of one that was killed still saves.
            SweepError: the file system has no locks, or the folder cannot be written.
        """
        with ExitStack() as held:
            try:
                mine = held.enter_context(lock(self.run(key) / "lock"))
                with lock(self.run(key) / "notebook.lock") as is_over:
                    pass
            except LockError as error:
                raise SweepError(f"{error}. Put the sweep on another file system (--out)") from error
            except OSError as error:
                raise self.unwritable(error) from error
            if not (mine and is_over):
                raise Busy(key)
            yield

    def unwritable(self, error: OSError) -> SweepError:
        return SweepError(
            f"{self.path} could not be written: {error}. Make room, and start the sweep again: it goes on from there"
        )


def check_points(notebook: str | Path, points: Iterable[Point]) -> list[Point]:
    """The points with values as the notebook declares them: a whole number for a float becomes one.

    What only some of the points name has in the others the notebook's own value, so that a table has no gaps.

    Raises:
        ParameterError: as :func:`pnn.run_notebook`; or a parameter has a name of the table, or there is no point.
    """
    points = list(points)
    if not points:
        raise ParameterError("a sweep needs at least one point: name parameters and their values")
    declared = declared_parameters(notebook)
    check_kernel(notebook)
    for point in points:
        check_declared(notebook, declared, point)
        try:
            json.dumps(point, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ParameterError(f"{notebook}: {point} cannot be written as JSON: {error}") from error
        if bad := [name for name in point if name in RESERVED]:
            raise ParameterError(f"{notebook}: a parameter named {bad[0]!r} cannot be swept; rename it")
    named = {name: None for point in points for name in point}
    own = {name: value for name in named if (value := declared[name].default) is not COMPUTED and value is not REQUIRED}
    typed = [{name: declared[name].typed(value) for name, value in (own | point).items()} for point in points]
    return list({json.dumps(point, sort_keys=True): point for point in typed}.values())  # 1 and 1.0 are one now.


def run_id(basis: Basis, point: Point) -> str:
    """The same for the same parameters, code and data, whatever the order of the parameters."""
    return _digest([basis.digest, json.dumps(point, sort_keys=True, allow_nan=False)])[:16]


def source_digest() -> str:
    """SHA-256 of the Python files of this package."""
    package = Path(__file__).parents[1]
    files = sorted(package.rglob("*.py"))
    return _digest([text for path in files for text in (path.relative_to(package).as_posix(), path.read_text())])


def data_digest() -> str:
    """SHA-256 of the sums of the data folder, or of its files' names and sizes if it has none."""
    given = os.environ.get("PNN_DATA")
    if not given:
        return ""
    folder = Path(given).expanduser()
    sums = folder / "SHA256SUMS"
    if sums.is_file():
        return _digest([sums.read_text()])
    files = sorted(path for path in folder.glob("*/*") if path.is_file())
    return _digest([f"{path.relative_to(folder).as_posix()} {path.stat().st_size}" for path in files])


def _digest(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode()
        digest.update(f"{len(content)}:".encode() + content)
    return digest.hexdigest()


def _write(path: Path, form: dict[str, Any]) -> None:
    text = json.dumps(form | {"sha256": digest_of(form)}, indent=1, allow_nan=False) + "\n"
    write_atomically(path, lambda part: part.write_text(text))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        form = read_json(path)
        digest = form.pop("sha256", None)  # Older ones have none.
        if digest not in (None, digest_of(form)):
            raise ValueError("its content does not match its SHA-256")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError, TypeError) as error:
        said = reason(error, path)
        raise SweepError(f"{path} cannot be read: {said}. Restore it, or delete it to do without") from error
    return form
