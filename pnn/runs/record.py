"""What came of a Run: the Record, a frozen dataclass with one JSON form."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..analysis.health import Health
from ..system.choice import RunError
from ..system.files import digest_of, parse_json
from .record_check import check_record, limit_of, unsound
from .run import Run
from .score import Hits, Score

OUTCOMES = ("ok", "failed", "diverged", "exploded", "oom", "timeout", "killed")


@dataclass(frozen=True)
class Record:
    """What came of a Run. Curves have one entry an epoch; the test rows are seen once, after the last.

    Every field is checked, see ``pnn/runs/record_check.py``: a RunError says which is wrong, and what is allowed.
    """

    run: Run
    outcome: Literal["ok", "failed", "diverged", "exploded", "oom", "timeout", "killed"]
    message: str  # empty, or what went wrong and where
    curves: dict[str, list[float]]  # train_loss, train_accuracy (running, augmented), validation_loss, ..., norms
    final: dict[str, Score]  # train, validation, test; empty unless the outcome is ok or exploded
    budget: dict[str, float]  # parameters, macs, activation_bytes (of one row), step_seconds (median)
    seconds: float  # training and evaluation, all sessions together
    sessions: int  # 1 + how often it was continued from a checkpoint
    used: dict[str, Any]  # device, precision, channels_last, compile, threads, deterministic; best_epoch
    versions: dict[str, str]
    commit: str  # commit of the code, with "+" if files differed from it; empty if unknown
    data: dict[str, str]  # origin, fingerprint
    health: Health | None = None  # None in older Records, of baselines, and if final is empty
    hits: Hits | None = None  # test rows classified rightly; None in older Records, of numbers, and if final is empty

    # Small arrays that methods read off the network, by name: a list with an entry for the start and for each epoch, or
    # an array of the network as it ended. None if no method reads.
    readings: dict[str, list] | None = None

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise RunError(f"Record.outcome must be one of {', '.join(OUTCOMES)}, got {self.outcome!r}")
        check_record(self)

    def to_dict(self) -> dict[str, Any]:
        """The Record as nested dictionaries of plain values, ready for JSON; what it does not know is left out."""
        form = dataclasses.asdict(self) | {"run": self.run.to_dict()}
        for split, score in form["final"].items():  # A score has an accuracy or an R2.
            form["final"][split] = {name: value for name, value in score.items() if value is not None}
        if self.health is not None:  # It may be older than some of its fields.
            form["health"] = {name: value for name, value in form["health"].items() if value is not None}
        return {name: value for name, value in form.items() if value is not None}

    def to_json(self, **options: Any) -> str:
        """The Record as JSON text; options as of ``json.dumps``."""
        return json.dumps(self.to_dict(), allow_nan=False, **options)

    @classmethod
    def of_failure(cls, run: Run, outcome: str, message: str) -> "Record":
        """The Record of a training that left nothing to report but its end."""
        kept: Any = outcome  # The Record itself checks it.
        return cls(run, kept, message, {}, {}, {}, seconds=0.0, sessions=0, used={}, versions={}, commit="", data={})

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> "Record":
        """The inverse of :meth:`to_dict`.

        In a file it has one field more, ``sha256``, the digest of all others, which is compared with them.

        Raises:
            RunError: a field is unknown, missing or has a value that is not allowed; or the digest does not match.
        """
        fields = {f.name for f in dataclasses.fields(cls)}
        later = {"health", "hits", "readings"}
        given = form
        if isinstance(given, dict):
            form = {name: value for name, value in given.items() if name != "sha256"}
        if not isinstance(form, dict) or not fields - later <= form.keys() <= fields:
            got = ", ".join(form) if isinstance(form, dict) else repr(form)
            raise RunError(f"a Record has the fields {', '.join(sorted(fields))}; got {got}")
        if not isinstance(form["final"], dict):
            raise RunError(f"Record.final must be an object, got {form['final']!r}")
        final = {split: _score(score, f"Record.final.{split}") for split, score in form["final"].items()}
        parts = {name: _part(kind, form[name], f"Record.{name}") for name, kind in _LATER.items() if name in form}
        record = cls(**{**form, "run": Run.from_dict(form["run"]), "final": final, **parts})
        if "sha256" in given and given["sha256"] != digest_of(form):
            raise RunError("the content of the Record does not match its SHA-256")
        return record

    @classmethod
    def from_json(cls, text: str) -> "Record":
        """The inverse of :meth:`to_json`; stricter than Python's JSON, which lets one name stand twice, and NaN.

        Raises:
            RunError: it is no JSON, or a field is wrong; the message says which.
        """
        try:
            form = parse_json(text)
        except ValueError as error:
            raise RunError(str(error)) from error
        return cls.from_dict(form)


def explosion(run: Run, final: Mapping[str, Score], health: Health | None = None) -> str:
    """What makes a network with these scores and this health one that exploded, as a message; empty if nothing does."""
    limit = limit_of(run)
    for split, score in final.items():
        if score.loss > limit:
            guess = "a uniform guess" if run.task.form.classes else "the mean"
            return f"the {split} loss is {score.loss:.4g}, above {limit:.4g}: ten times that of {guess}"
    return unsound(health)


_LATER = {"health": Health, "hits": Hits}


def _part(cls: type, form: Any, where: str) -> Any:
    names = [field.name for field in dataclasses.fields(cls)]
    needed = {field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING}
    if not isinstance(form, dict) or not needed <= form.keys() <= set(names):
        raise RunError(f"{where} must be an object with {' and '.join(names)}, got {form!r}")
    return cls(**form)


def _score(form: Any, where: str) -> Score:
    names = [name for name in ("accuracy", "r2") if isinstance(form, dict) and name in form]
    if len(names) != 1 or form.keys() != {"loss", *names}:
        raise RunError(f"{where} must be an object with loss and accuracy, or of numbers loss and r2, got {form!r}")
    return Score(**form)
