"""Learned activations: the source's table beside ours, what its ablations change, and the rates that each can bear."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..experiments.discovery import Arm
from ..experiments.rates import Tried
from ..runs.record import Record
from ..system.extras import needs
from .arms import setting
from .cell import NOTHING
from .comparison import compare, compare_records, shown
from .measures import accuracy
from .table import Table, interval, sentence

with needs("train", "a table"):
    import pandas as pd

NAMES = {
    "relu": "ReLU",
    "swish": "Swish",
    "apl": "APL",
    "polyneuron": "PolyNeuron",
    "polyneuron-r": "PolyNeuron-R",
}
# The table of hryniowski2019: error on the test rows in percent, mean of five runs, by task.
PUBLISHED = {
    "mnist": {"relu": 2.03, "swish": 1.91, "apl": 1.80, "polyneuron": 1.75, "polyneuron-r": 1.66},
    "cifar10": {"relu": 9.31, "swish": 8.60, "apl": 9.09, "polyneuron": 8.68, "polyneuron-r": 8.64},
}
UNCHANGED = "unchanged"

Discovery = Mapping[Arm, list[Record]]


def named(records: Discovery, rate: str = "best") -> dict[str, list[Record]]:
    """The unchanged arms at their ``"best"`` or at the ``"published"`` learning rate, under the names of readers."""
    return {NAMES[arm.activation]: own for arm, own in records.items() if arm.rate == rate and not arm.change}


def tuning_named(tuning: Mapping[Tried, list[Record]]) -> dict[Tried, list[Record]]:
    """What was tried, under the names of readers."""
    return {Tried(NAMES[arm], value): own for (arm, value), own in tuning.items()}


def errors(records: Discovery) -> Table:
    """A row an activation: its error on the test rows in percent, at its own learning rate and at the source's.

    Under ``mean``, ``low``, ``high``, ``n`` and ``lost``, each followed by ``_best`` or ``_published``; the interval is
    Student's over seeds. ``published`` is the source's own number.
    """
    rows: dict[str, dict[str, Any]] = {}
    for arm, own in records.items():
        row = rows.setdefault(NAMES[arm.activation], {})
        row |= {f"{part}_{arm.rate}": number for part, number in _error(own).items()}
        row["published"] = PUBLISHED[own[0].run.task.name][arm.activation]
    columns = {
        "at its own rate, % (95 %)": lambda row: _level(row, "_best"),
        "n": lambda row: _count(row, "_best"),
        "at the source's rate, % (95 %)": lambda row: _level(row, "_published"),
        "n, source's rate": lambda row: _count(row, "_published"),
        "published, full size, %": "{published:.2f}",
    }
    caption = sentence("error on the test rows", setting({str(arm): own for arm, own in records.items()}))
    return Table(pd.DataFrame.from_dict(rows, orient="index"), columns, caption)


def changed(records: Discovery) -> Table:
    """A row an arm of the ablations: its error in percent, and how much that is above the unchanged arm's.

    ``deviation`` is the standard deviation over seeds; ``difference`` with ``low`` and ``high`` is the error less that
    of the unchanged activation, paired by seed, as :func:`pnn.compare_records` has it.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for arm, own in records.items():
        row = _error(own)
        row = {name: row[name] for name in ("n", "lost", "mean", "deviation")}
        if arm.change:
            # The error is 100 less the accuracy, so that the arms change places.
            seeds = {record.run.seed for record in own}
            base = [record for record in records[arm._replace(change="")] if record.run.seed in seeds]
            more = shown(compare_records(own, base, accuracy))
            row |= {name: more.get(name) for name in ("difference", "low", "high")}
        rows[NAMES[arm.activation], arm.change or UNCHANGED] = row
    fields = ["n", "lost", "mean", "deviation", "difference", "low", "high"]
    index = pd.MultiIndex.from_tuples(rows, names=["activation", "change"])
    table = pd.DataFrame(list(rows.values()), index, fields)
    table = table.astype(dict.fromkeys(fields[2:], float))
    columns = {
        "lost": "{lost}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n}",
        "error of the others, %": "{mean:.2f}",
        "standard deviation": "{deviation:.2f}",
        "more than unchanged, points (95 %)": interval,
    }
    caption = sentence("splines changed in one thing", setting({str(arm): own for arm, own in records.items()}))
    return Table(table, columns, caption)


def _error(runs: Sequence[Record]) -> dict[str, Any]:
    """Of an arm: ``n`` runs, how many were ``lost``, and of the others the error's mean, interval and deviation."""
    found = [100 - accuracy(record) for record in runs if record.outcome == "ok"]
    row = dict.fromkeys(("mean", "low", "high", "deviation")) | {"n": len(runs), "lost": len(runs) - len(found)}
    if len(found) == 1:
        return row | {"mean": found[0]}
    if found:
        level = shown(compare([0.0] * len(found), found))
        row |= {"mean": level["difference"], "low": level.get("low"), "high": level.get("high")}
        row["deviation"] = pd.Series(found).std()
    return row


def _level(row: Mapping[str, Any], rate: str) -> str:
    mean, low, high = (row.get(f"{part}{rate}") for part in ("mean", "low", "high"))
    if pd.isna(mean):
        return NOTHING
    return f"{mean:.2f}" + ("" if pd.isna(low) else f" ({low:.2f} to {high:.2f})")


def _count(row: Mapping[str, Any], rate: str) -> str:
    return f"{row[f'n{rate}']:.0f}" + (f" ({row[f'lost{rate}']:.0f} lost)" if row[f"lost{rate}"] else "")
