"""What a Record may hold: types, ranges, curves of one length, and what goes with which outcome."""

import math
import re
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..analysis.health import Health
from ..networks import Baseline
from ..system.choice import RunError
from .run import Run
from .score import Hits, Score

Record = Any  # the one of pnn.runs.record, which imports this file

CURVES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "learning_rate", "seconds")
# A Record has these curves if a method of its recipe gives them: the mean of what it adds to the loss, over the steps
# of an epoch and over the validation rows; that of the gradient's norm before it is clipped; the share of steps in
# which it was. The others are of the validation rows: the share of inputs of polynomial activations outside of their
# interval, the largest absolute logit, and, of classes, the share of rows that exploded (``Health``). The last is there
# only if it is not 0 throughout: entries of buffers and of the optimiser's state that are infinite or no number.
MEASURED = (
    *("penalty", "validation_penalty", "gradient_norm", "clip_rate"),
    *("validation_outside", "validation_logit", "validation_exploded", "nonfinite"),
)
NORMS = re.compile(r"(activation|gradient)_rms\.[1-9][0-9]*")
READING = re.compile(r"[A-Za-z0-9_.-]+")
SPLITS = ("train", "validation", "test")
BUDGET = ("parameters", "macs", "activation_bytes", "step_seconds")
USED = {
    "device": str,
    "precision": str,
    "channels_last": bool,
    "compile": bool,
    "deterministic": bool,
    "threads": int,
    "best_epoch": int,
}
VERSIONS = ("python", "pnn", "torch", "scikit-learn", "cuda")
DATA = ("origin", "fingerprint")
EXPLODED = 10.0  # A network has exploded above so many times the loss of a uniform guess, or of always saying the mean.
SCALES = (1.0, 1.5, 2.0, 2.5, 3.0)  # Health has the logits of validation rows whose inputs are multiplied by these.
ENDED = ("ok", "exploded")  # In both the network ended with finite weights and was evaluated.


def limit_of(run: Run) -> float:
    """The loss above which a network has exploded: ten times that of a uniform guess. A baseline never does.

    Numbers are learnt standardised, so that always saying their mean costs 1.
    """
    if isinstance(run.network, Baseline):
        return math.inf
    return EXPLODED * (math.log(run.task.form.classes) if run.task.form.classes else 1.0)


def unsound(health: Health | None) -> str:
    """What of a network that ended is not finite although its loss is, as a message; empty if nothing is.

    Older Records, which do not know of the optimiser, were not judged by it.
    """
    if health is None or health.nonfinite_optimiser is None:
        return ""
    found = {"statistics and other buffers": health.nonfinite, "the optimiser's state": health.nonfinite_optimiser}
    return " and ".join(f"{number} entries of {name} are not finite" for name, number in found.items() if number)


def curves_of(run: Run) -> tuple[str, ...]:
    """The curves of a training, less the norms of its layers: those of numbers have R2 in the place of accuracy."""
    if run.task.form.classes:
        return CURVES
    return tuple(name.replace("accuracy", "r2") for name in CURVES)


def check_record(record: Record) -> None:
    """Refuse a Record that no training writes.

    Raises:
        RunError: with the field, what it may be, and what it is.
    """
    _check_type("run", record.run, Run)
    _check_text("message", record.message)
    _check_text("commit", record.commit)
    _check_number("seconds", record.seconds)
    _check_count("sessions", record.sessions)
    _check_curves(record)
    _check_readings(record)
    _check_final(record)
    _check_surroundings(record)
    _check_outcome(record)


def _check_curves(record: Record) -> None:
    _check_names("curves", record.curves, (*curves_of(record.run), *MEASURED), NORMS)
    epochs = record.run.recipe.epochs
    lengths = {}
    for name, curve in record.curves.items():
        if not isinstance(curve, list):
            raise _error(f"curves.{name}", "must be a list of numbers", curve)
        for place, value in enumerate(curve):
            _check_number(f"curves.{name}[{place}]", value, **_limits(name))
        if len(curve) > epochs:
            raise _error(f"curves.{name}", f"must have at most {epochs} entries, one an epoch", len(curve))
        lengths[len(curve)] = name
    if len(lengths) > 1:
        found = ", ".join(f"{length} ({name})" for length, name in lengths.items())
        raise _error("curves", "must all be of one length", found)


def _check_final(record: Record) -> None:
    _check_names("final", record.final, SPLITS)
    for split, score in record.final.items():
        _check_type(f"final.{split}", score, Score)
        _check_number(f"final.{split}.loss", score.loss)
        measure = "accuracy" if record.run.task.form.classes else "r2"
        _check_number(f"final.{split}.{measure}", getattr(score, measure), **_limits(measure))
    if record.health is not None:
        _check_type("health", record.health, Health)
        for name in ("nonfinite", "dead"):
            _check_count(f"health.{name}", getattr(record.health, name))
        for name in ("train_logit", "test_logit"):
            _check_number(f"health.{name}", getattr(record.health, name))
        for name in ("train_outside", "test_outside"):
            if getattr(record.health, name) is not None:
                _check_number(f"health.{name}", getattr(record.health, name), most=1.0)
        for name in ("train_exploded", "test_exploded"):
            if getattr(record.health, name) is not None:
                _check_count(f"health.{name}", getattr(record.health, name))
        if record.health.nonfinite_optimiser is not None:
            _check_count("health.nonfinite_optimiser", record.health.nonfinite_optimiser)
        if record.health.test_median is not None:
            _check_number("health.test_median", record.health.test_median)
        for name in ("scaled_median", "scaled_largest"):
            _check_scaled(f"health.{name}", getattr(record.health, name))
    if record.hits is not None:
        _check_type("hits", record.hits, Hits)
        _check_count("hits.rows", record.hits.rows, least=1)
        _check_text("hits.bits", record.hits.bits)
        share = record.hits.array().mean()
        if "test" in record.final and abs(share - record.final["test"].accuracy) > 1e-9:
            raise _error("hits", f"must be of the test accuracy, {record.final['test'].accuracy!r}", float(share))


def _check_readings(record: Record) -> None:
    if record.readings is None:
        return
    if not isinstance(record.readings, dict) or not record.readings:
        raise _error("readings", "must be an object with arrays, or missing", record.readings)
    for name, values in record.readings.items():
        if not isinstance(name, str) or not READING.fullmatch(name):
            raise _error("readings", "must have names of letters, digits, _, - and dots", name)
        if not isinstance(values, list) or not values:
            raise _error(f"readings.{name}", "must be a list that is not empty", values)
        _check_array(f"readings.{name}", values)
        try:
            empty = not np.array(values, float).size
        except ValueError:
            raise _error(f"readings.{name}", "must be an array, all parts of it of one shape", values) from None
        if empty:
            raise _error(f"readings.{name}", "must be a list that is not empty", values)


def _check_array(field: str, values: list) -> None:
    for place, value in enumerate(values):
        if isinstance(value, list):
            _check_array(f"{field}[{place}]", value)
        else:
            _check_number(f"{field}[{place}]", value, least=-math.inf)


def _check_scaled(field: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, list) or len(value) != len(SCALES):
        raise _error(field, f"must be a list of {len(SCALES)} numbers", value)
    for place, number in enumerate(value):
        _check_number(f"{field}[{place}]", number)


def _check_surroundings(record: Record) -> None:
    _check_names("budget", record.budget, BUDGET)
    for name, value in record.budget.items():
        check = _check_number if name == "step_seconds" else _check_count
        check(f"budget.{name}", value)
    _check_names("used", record.used, USED)
    for name, value in record.used.items():
        if USED[name] is bool and not isinstance(value, bool):
            raise _error(f"used.{name}", "must be true or false", value)
        if USED[name] is str:
            _check_text(f"used.{name}", value)
        if USED[name] is int:
            _check_count(f"used.{name}", value, least=1 if name == "threads" else 0)
    for field, names in (("versions", VERSIONS), ("data", DATA)):
        _check_names(field, getattr(record, field), names)
        for name, value in getattr(record, field).items():
            _check_text(f"{field}.{name}", value)


def _check_outcome(record: Record) -> None:
    """What goes with which outcome."""
    ended, baseline, outcome = record.outcome in ENDED, isinstance(record.run.network, Baseline), record.outcome
    if bool(record.message) == (outcome == "ok"):
        rule = 'must be empty for the outcome "ok"' if outcome == "ok" else f'must say what made it "{outcome}"'
        raise _error("message", rule, record.message)
    if not ended:
        for name in ("final", "health", "hits"):
            if getattr(record, name):
                raise _error(name, f'must be empty for the outcome "{outcome}"', getattr(record, name))
        return
    _check_all("final", record.final, SPLITS, outcome)
    _check_all("data", record.data, DATA, outcome)
    _check_all("used", record.used, ("device",), outcome)
    if record.sessions < 1:
        raise _error("sessions", f'must be at least 1 for the outcome "{outcome}"', record.sessions)
    if baseline:
        for name in ("curves", "budget", "health"):
            if getattr(record, name):
                raise _error(name, "must be empty for a baseline", getattr(record, name))
    else:
        _check_all("curves", record.curves, curves_of(record.run), outcome)
        _check_all("budget", record.budget, BUDGET, outcome)
        _check_ended_epochs(record)
    limit = limit_of(record.run)
    exploded = any(score.loss > limit for score in record.final.values()) or bool(unsound(record.health))
    if exploded != (outcome == "exploded"):
        losses = {split: score.loss for split, score in record.final.items()}
        rule = (
            f'must be "exploded" where a final loss is above {limit:.9g} or health has what is not finite, and nowhere '
            f"else; the losses are {losses}"
        )
        raise _error("outcome", rule, outcome)


def _check_ended_epochs(record: Record) -> None:
    """A training that ended went through all epochs, or stopped early because the recipe says so."""
    recipe, found = record.run.recipe, len(record.curves["train_loss"])
    if recipe.patience:
        _check_all("used", record.used, ("best_epoch",), record.outcome)
        if not 1 <= record.used["best_epoch"] <= found:
            raise _error("used.best_epoch", f"must be one of the {found} epochs", record.used["best_epoch"])
    elif found != recipe.epochs:
        raise _error("curves", f'must have {recipe.epochs} entries for the outcome "{record.outcome}"', found)


def _check_names(field: str, value: Any, allowed: Iterable[str], pattern: re.Pattern | None = None) -> None:
    if not isinstance(value, dict):
        raise _error(field, "must be an object", value)
    for name in value:
        if name not in allowed and not (pattern and isinstance(name, str) and pattern.fullmatch(name)):
            raise _error(field, f"may have {', '.join(allowed)}{' and norms' if pattern else ''}", name)


def _check_all(field: str, value: dict, needed: Iterable[str], outcome: str) -> None:
    if missing := [name for name in needed if name not in value]:
        raise _error(field, f'must have {", ".join(missing)} for the outcome "{outcome}"', list(value))


def _check_type(field: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise _error(field, f"must be a {kind.__name__}", value)


def _check_text(field: str, value: Any) -> None:
    if not isinstance(value, str):
        raise _error(field, "must be text", value)


def _limits(measure: str) -> dict[str, float]:
    """The range of a measure or of its curve."""
    if measure.endswith("r2"):
        return {"least": -math.inf, "most": 1.0}
    return {"most": 1.0} if measure.endswith(("accuracy", "clip_rate", "outside", "exploded")) else {}


def _check_number(field: str, value: Any, least: float = 0.0, most: float = math.inf) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _error(field, "must be a number", value)
    if not max(least, -sys.float_info.max) <= value <= min(most, sys.float_info.max):
        limits = f"between {least:g} and {most:g}"
        if most == math.inf:
            limits = "finite" if least == -math.inf else "finite and at least 0"
        raise _error(field, f"must be {limits}", value)


def _check_count(field: str, value: Any, least: int = 0) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise _error(field, f"must be a whole number of at least {least}", value)


def _error(field: str, rule: str, got: Any) -> RunError:
    return RunError(f"Record.{field} {rule}; got {got!r}")
