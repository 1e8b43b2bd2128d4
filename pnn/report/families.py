"""Networks of one neuron at many widths: what each costs, the law of each family, and where one is ahead."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..networks import Network
from ..runs.frame import frame
from ..runs.record import OUTCOMES, Record
from ..system.extras import needs
from .arms import setting
from .cell import NOTHING
from .scaling import FEWEST, ScalingCurve, scaling_curve, scaling_difference
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

TIME = "milliseconds a training step"
COSTS = {"parameters": ("parameters", 1.0), "multiply-accumulates a row": ("macs", 1.0), TIME: ("step_seconds", 1e3)}
FAMILIES = ("standard", "polynomial")

# by cost and neuron: a width's cost and its runs' accuracies
Samples = Mapping[str, Mapping[str, Sequence[tuple[float, Sequence[float]]]]]
Curves = Mapping[str, Mapping[str, ScalingCurve]]
Differences = Mapping[str, Sequence[tuple[float, float, float, float]]]


def widths(records: Mapping[Network, list[Record]]) -> Table:
    """A row a neuron and width: a column a cost, one an outcome, and ``mean`` and ``deviation`` of the test accuracy.

    Of a cost it is the smallest of the runs that ended well: other trainings on the machine can only make a step
    slower. Times of different machines, or numbers of threads, are not compared: then they are left out.
    """
    runs = frame(records)
    good = runs["outcome"] == "ok"
    by_width = ["network.neuron", "network.width"]
    groups = runs.assign(accuracy=100 * runs["test_accuracy"].where(good)).groupby(by_width, sort=False)
    costs = _costs(runs[good])
    table = pd.DataFrame(
        {
            name: factor * runs[column].where(good).groupby([runs[key] for key in by_width], sort=False).min()
            for name, (column, factor) in costs.items()
        }
    )
    outcomes = runs.groupby([*by_width, "outcome"], sort=False).size().unstack(fill_value=0)
    outcomes = outcomes[[outcome for outcome in OUTCOMES if outcome in outcomes]]
    table = table.join(outcomes).join(groups["accuracy"].agg(mean="mean", deviation="std"))

    def ended(row: Mapping[str, Any]) -> str:
        return ", ".join(f"{row[outcome]} {outcome}" for outcome in outcomes if row[outcome])

    def accuracy(row: Mapping[str, Any]) -> str:
        if pd.isna(row["mean"]):
            return NOTHING
        return f"{row['mean']:.2f}" + ("" if pd.isna(row["deviation"]) else f" ± {row['deviation']:.2f}")

    columns = {name: _cost(name) for name in costs} | {"runs": ended, "test accuracy, %": accuracy}
    caption = sentence("what each width costs and reached, with the standard deviation of its seeds", setting(records))
    return Table(table.rename_axis(["neuron", "width"]), columns, caption)


def samples(records: Mapping[Network, list[Record]]) -> dict[str, dict[str, list[tuple[float, list[float]]]]]:
    """By cost and neuron, what each width costs and the test accuracies of its runs that ended well."""
    runs = frame(records)
    runs = runs[runs["outcome"] == "ok"]
    found: dict[str, dict[str, list]] = {}
    for name, (column, factor) in _costs(runs).items():
        found[name] = {neuron: [] for neuron in FAMILIES}
        for (neuron, _), own in runs.groupby(["network.neuron", "network.width"], sort=False):
            cost = float(factor * own[column].min())
            found[name][neuron].append((cost, (100 * own["test_accuracy"]).tolist()))
    return found


def laws(points: Samples) -> dict[str, dict[str, ScalingCurve]]:
    """By cost and neuron the fitted law with its band; of a cost none if a family has too few widths of two seeds."""
    curves: dict[str, dict[str, ScalingCurve]] = {}
    for cost, families in _fitted(points).items():
        curves[cost] = {}
        for neuron, (x, values) in families.items():
            curves[cost][neuron] = scaling_curve(x, values, np.geomspace(min(x), max(x), 100))
    return curves


def differences(points: Samples, curves: Curves) -> dict[str, list[tuple[float, float, float, float]]]:
    """By cost the polynomial law less the standard one where both have widths: cost, difference, low, high.

    Of a cost nothing if one of its two laws does not fit.
    """
    found: dict[str, list] = {cost: [] for cost in points}
    for cost, families in _fitted(points).items():
        if not all(curve.misses.fits for curve in curves[cost].values()):
            continue
        first = max(min(x) for x, _ in families.values())
        last = min(max(x) for x, _ in families.values())
        if first < last:
            pair = [column for name in FAMILIES for column in families[name]]
            found[cost] = scaling_difference(*pair, np.geomspace(first, last, 200))
    return found


def law_table(curves: Curves) -> Table:
    """A row a cost and neuron: does the law fit (``fits``), by how much it misses (``miss``), ``floor``, ``exponent``.

    Floor and exponent are missing where it does not fit. ``spread`` is the standard deviation of the seeds of a width,
    and ``p`` that of :func:`pnn.report.scaling.lack_of_fit`.
    """
    rows = {}
    for cost, families in curves.items():
        for neuron, curve in families.items():
            law, misses = curve.law, curve.misses
            found = {"floor": law.floor, "exponent": law.exponent} if misses.fits else {}
            rows[cost, neuron] = {
                "fits": misses.fits,
                "miss": misses.largest,
                "spread": misses.spread,
                "p": misses.p,
            } | found
    index = pd.MultiIndex.from_tuples(rows, names=["cost", "neuron"])
    columns = {
        "the law": lambda row: "fits" if row["fits"] else "misses its points",
        "largest miss, points": "{miss:.2f}",
        "floor of the error, %": "{floor:.1f}",
        "exponent": "{exponent:.2f}",
        "deviation of the seeds": "{spread:.2f}",
        "p (lack of fit)": "{p:.2g}",
    }
    table = pd.DataFrame(list(rows.values()), index, ["fits", "miss", "spread", "p", "floor", "exponent"])
    caption = sentence("the power law of each family's error, by each cost, where it fits")
    return Table(table, columns, caption, ("deviation of the seeds", "p (lack of fit)"))


def ahead(found: Differences) -> Table:
    """A row a cost that can be compared: from where to where, and at which costs either family is clearly ahead.

    ``polynomial`` and ``standard`` are lists of stretches (first cost, last cost) on which the 95 % interval of the
    difference lies above 0, or below; ``first`` and ``last`` are the points (cost, difference, low, high) at the ends.
    """
    rows = {}
    for cost, points in found.items():
        if points:
            above, below = (_stretches(points, clear) for clear in (lambda p: p[2] > 0, lambda p: p[3] < 0))
            rows[cost] = {"first": points[0], "last": points[-1], "polynomial": above, "standard": below}
    columns: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "compared": lambda row: _from_to((row["first"][0], row["last"][0])),
        "polynomial ahead": lambda row: " and ".join(map(_from_to, row["polynomial"])) or "nowhere",
        "standard ahead": lambda row: " and ".join(map(_from_to, row["standard"])) or "nowhere",
        "at the lower end": lambda row: _at(row["first"]),
        "at the upper end": lambda row: _at(row["last"]),
    }
    table = pd.DataFrame(list(rows.values()), list(rows), ["first", "last", *FAMILIES], dtype=object)
    caption = sentence("where the 95 % interval of the polynomial law less the standard one is on one side of 0")
    return Table(table, columns, caption)


def _costs(runs: pd.DataFrame) -> dict[str, tuple[str, float]]:
    machines = runs[["device", "threads"]].drop_duplicates()
    return {name: cost for name, cost in COSTS.items() if name != TIME or len(machines) < 2}


def _fitted(points: Samples) -> dict[str, dict[str, tuple[tuple, tuple]]]:
    """Costs and accuracies of the widths with two seeds, which a band needs; no cost of fewer than `FEWEST` widths."""
    found = {}
    for cost, families in points.items():
        usable = {name: [(x, values) for x, values in own if len(values) > 1] for name, own in families.items()}
        if all(len(dict(own)) >= FEWEST for own in usable.values()):
            found[cost] = {name: tuple(zip(*own, strict=True)) for name, own in usable.items()}
    return found


def _stretches(points: Sequence[tuple[float, ...]], clear: Callable[[tuple[float, ...]], bool]) -> list[tuple]:
    groups = [(is_clear, [point[0] for point in own]) for is_clear, own in itertools.groupby(points, clear)]
    return [(own[0], own[-1]) for is_clear, own in groups if is_clear]


def _cost(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: NOTHING if pd.isna(row[name]) else _number(row[name])


def _number(cost: float) -> str:
    return f"{cost:,.0f}" if cost >= 100 else f"{cost:.3g}"


def _from_to(ends: tuple[float, float]) -> str:
    return f"{_number(ends[0])} to {_number(ends[1])}"


def _at(point: tuple[float, ...]) -> str:
    _, difference, low, high = point
    return f"{difference:+.1f} ({low:+.1f} to {high:+.1f})"
