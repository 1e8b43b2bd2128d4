"""What the tuning of learning rates found: a row an arm."""

import statistics
from collections.abc import Mapping
from typing import Any

from ..experiments.rates import Tried, best
from ..runs.frame import arm_name
from ..runs.record import Record
from ..system.extras import needs
from .arms import label, setting
from .cell import NOTHING
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

Tuning = Mapping[Tried, list[Record]]


def by_rate(tuning: Tuning) -> dict[str, dict[float, list[Record]]]:
    """The Records by the name of their arm and by what was tried, from the lowest on."""
    found: dict[str, dict[float, list[Record]]] = {}
    for (arm, value), own in sorted(tuning.items(), key=lambda one: one[0].value):
        found.setdefault(label(arm), {})[value] = own
    order = list(dict.fromkeys(label(arm) for arm, _ in tuning))
    return {name: found[name] for name in order}


def by_part(tuning: Tuning, part: str, **others: Any) -> dict[Tried, list[Record]]:
    """What was tried of the arms whose names have the given parts, by another part of their names.

    ``by_part(tuning, "neuron", activation="relu")``; see :func:`pnn.report.arms.by_part`.
    """
    return {
        Tried(getattr(arm, part), value): own
        for (arm, value), own in tuning.items()
        if all(getattr(arm, name) == wanted for name, wanted in others.items())
    }


def accuracies(records: list[Record]) -> list[float]:
    """The validation accuracies, in percent, of the runs that ended well."""
    return [100 * record.final["validation"].accuracy for record in records if record.outcome == "ok"]


def table(tuning: Tuning, published: Any) -> Table:
    """A row an arm: its ``best`` value, the accuracy there and at the ``published`` one, and how many runs ended badly.

    ``reached`` and ``as_published`` are means, in percent, of the validation accuracies of the runs that ended well;
    ``lost`` and ``lost_as_published`` are how many of ``n`` did not.

    Args:
        tuning: Records by what was tried.
        published: the source's own value, one of those that were tried; a function of the arm's name if it depends on
            the arm.
    """
    chosen = {label(arm): value for arm, value in best(tuning).items()}
    rows = {}
    for name, tried in by_rate(tuning).items():
        source = published(name) if callable(published) else published
        row: dict[str, Any] = {"best": _text(chosen[name]), "n": len(tried[chosen[name]])}
        for column, value in (("", chosen[name]), ("_as_published", source)):
            good = accuracies(tried[value]) if value in tried else []
            row[f"reached{column}"] = statistics.fmean(good) if good else None
            row[f"lost{column}"] = len(tried.get(value, [])) - len(good)
        rows[name] = row
    columns = {
        "its best": "{best}",
        "validation accuracy there, %": lambda row: _reached(row, ""),
        "at the source's, %": lambda row: _reached(row, "_as_published"),
        "n": "{n}",
    }
    every = {arm_name(one.arm): own for one, own in tuning.items()}
    caption = sentence("the learning rate that validation rows chose for each arm", setting(every))
    return Table(pd.DataFrame.from_dict(rows, orient="index"), columns, caption)


def every_rate(tuning: Tuning) -> Table:
    """A row an arm: its ``best`` rate, and of every rate the mean validation accuracy, and how many runs were lost.

    The mean, in percent, is of the runs that ended well, and missing where none did; the columns are ``("mean", rate)``
    and ``("lost", rate)``.
    """
    chosen = {label(arm): value for arm, value in best(tuning).items()}
    rows: dict[str, dict[Any, Any]] = {}
    for arm, own in by_rate(tuning).items():
        rows[arm] = {"best": chosen[arm]}
        for rate, records in own.items():
            good = accuracies(records)
            rows[arm]["mean", rate] = statistics.fmean(good) if good else None
            rows[arm]["lost", rate] = len(records) - len(good)
    rates = sorted({value for _, value in tuning})
    columns = {f"at {rate:g}": lambda row, rate=rate: _reached_at(row, rate) for rate in rates}
    every = {arm_name(one.arm): own for one, own in tuning.items()}
    caption = sentence("validation accuracy in percent by learning rate", setting(every))
    return Table(pd.DataFrame.from_dict(rows, orient="index"), {"its best": "{best:g}"} | columns, caption)


def _reached_at(row: Mapping[Any, Any], rate: float) -> str:
    mean, lost = row["mean", rate], row["lost", rate]
    text = NOTHING if pd.isna(mean) else f"{mean:.2f}"
    return text + (f" ({lost:.0f} lost)" if lost else "")


def _reached(row: Mapping[str, Any], column: str) -> str:
    value, lost = row[f"reached{column}"], row[f"lost{column}"]
    text = NOTHING if pd.isna(value) else f"{value:.2f}"
    return text + (f" ({lost} ended badly)" if lost else "")


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ratio ".join(f"{number:g}" for number in value if number != 1)
    return f"{value:g}"
