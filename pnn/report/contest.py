"""The contest of polynomial activations: how often a training is lost, how many rows explode, what the others reach."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..experiments.stable import Arm
from ..experiments.stable_axes import Deep, Held
from ..runs.record import Record
from ..system.extras import needs
from .arms import setting
from .cell import NOTHING
from .endings import counted, lost
from .outputs import COLUMNS, outputs
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

Contest = Mapping[Arm, list[Record]]
NAMES = {
    "relu": "ReLU",
    "hermite": "Hermite, each basis function normalised",
    "quadratic": "quadratic neurons, no activation",
    "relinear": "quadratic neurons, started as linear ones",
    "published": "powers, frozen",
    "chebyshev": "Chebyshev, trained",
    "chebyshev-frozen": "Chebyshev, frozen",
}
HELD = {
    "nothing": "free",
    "clipping": "clipping",
    "selective": "selective clipping",
    "boundary": "boundary loss",
    "both": "both",
}
SHOWN = ("n", "lost", "mean")  # what a cell may say of its runs
REACHED = "{mean:.2f}; {lost}\N{NO-BREAK SPACE}lost"


def at_rate(records: Contest, rate: str) -> dict[Arm, list[Record]]:
    """The arms at the source's learning rate (``"published"``), or at their own (``"best"``)."""
    return {arm: own for arm, own in records.items() if arm.rate == rate}


def of_degree(records: Contest, degree: int) -> dict[Arm, list[Record]]:
    """The arms of one degree and those without any interval, ReLU first; at the source's learning rate."""
    own = at_rate(records, "published")
    return {arm: runs for arm, runs in own.items() if arm.degree == degree or not arm.interval}


def name(arm: Arm) -> str:
    """An arm as a reader sees it: activation, degree, interval."""
    degree = f", degree {arm.degree}, {arm.interval}" if arm.interval else ""
    return f"{NAMES[arm.activation]}{degree}"


def shares(records: Contest, interval: str) -> dict[str, list[tuple[int, int, int]]]:
    """By what holds trained Chebyshev polynomials, on one interval: degree, how many runs were lost, and of how many.

    For :func:`pnn.report.plots.shares_by_depth`; of the ways that stand at every degree.
    """
    own = {arm: runs for arm, runs in at_rate(records, "published").items() if arm.activation == "chebyshev"}
    degrees = {arm.degree for arm in own}
    found: dict[str, list[tuple[int, int, int]]] = {}
    for arm, runs in own.items():
        if arm.interval == interval:
            found.setdefault(HELD[arm.method], []).append((arm.degree, sum(map(lost, runs)), len(runs)))
    return {way: sorted(points) for way, points in found.items() if len(points) == len(degrees)}


def by_degree(records: Contest, interval: str) -> Table:
    """How many trainings were lost on one interval: a row an activation and what holds it, a column a degree."""
    return _of_degrees(records, interval, "trainings that were lost", "{lost}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n}")


def accuracy_by_degree(records: Contest, interval: str) -> Table:
    """The mean test accuracy, in percent, of the trainings that ended well: as :func:`by_degree`."""
    return _of_degrees(records, interval, "test accuracy of the trainings that ended well, in percent", "{mean:.2f}")


def _of_degrees(records: Contest, interval: str, what: str, cell: str) -> Table:
    own = {arm: runs for arm, runs in at_rate(records, "published").items() if arm.interval == interval}
    rows: dict[tuple, dict[str, list[Record]]] = {}
    for arm, runs in sorted(own.items(), key=lambda one: _place(one[0])):
        rows.setdefault((NAMES[arm.activation], HELD[arm.method]), {})[f"degree {arm.degree}"] = runs
    degrees = [f"degree {degree}" for degree in sorted({arm.degree for arm in own})]
    caption = sentence(f"{what}, on the {interval} interval", setting({str(arm): runs for arm, runs in own.items()}))
    return _grid(rows, ("activation", "held by"), degrees, cell, caption)


def _place(arm: Arm) -> tuple[int, int]:
    """Where an arm stands in a table: by its activation, then by what holds it."""
    return list(NAMES).index(arm.activation), list(HELD).index(arm.method)


def _grid(
    rows: Mapping[tuple, Mapping[str, list[Record]]],
    names: tuple[str, ...],
    headings: list[str],
    cell: str,
    caption: str,
) -> Table:
    """A table of Records in two directions. A cell is a format over their ``n``, ``lost``, and ``mean`` accuracy."""
    numbers = [
        {f"{what} {heading}": counted(own)[what] for heading, own in row.items() for what in SHOWN}
        for row in rows.values()
    ]
    index = pd.MultiIndex.from_tuples(rows, names=names)
    shown = {heading: partial(_cell, cell, heading) for heading in headings}
    return Table(pd.DataFrame(numbers, index), shown, caption)


def _cell(cell: str, heading: str, row: Mapping[str, Any]) -> str:
    own = {what: row.get(f"{what} {heading}") for what in SHOWN}
    if pd.isna(own["n"]):
        return NOTHING
    counts = {what: int(own[what]) for what in ("n", "lost")}
    if pd.isna(own["mean"]):  # There is no accuracy to show.
        cell = "{lost}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n} lost" if "mean" in cell else cell
    return cell.format_map(own | counts)


def table(records: Contest) -> Table:
    """A row an arm: what :func:`pnn.report.endings.counted` and :func:`pnn.report.outputs.outputs` find."""
    rows = {
        (NAMES[arm.activation], arm.interval or "none", HELD[arm.method]): counted(own) | outputs(own)
        for arm, own in records.items()
    }
    index = pd.MultiIndex.from_tuples(rows, names=["activation", "interval", "held by"])
    more = {
        "lost, % (95 %, exact)": "{share:.0f} ({low:.0f} to {high:.0f})",
        "outside, % of the inputs": "{outside:.2g}",
    } | COLUMNS
    columns = {
        "lost": "{lost}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n}",
        "test accuracy of the others, %": "{mean:.2f}",
        "test rows that exploded, median run": "{rows_median:g}",
        "validation rows at the worst epoch, %": "{worst:.2g}",
    } | more
    named = {str(arm): own for arm, own in records.items()}
    degree = max(arm.degree for arm in records if arm.interval)
    caption = sentence(f"polynomials of degree {degree}, and what stands beside them", setting(named))
    return Table(pd.DataFrame(list(rows.values()), index), columns, caption, more)


def best(records: Contest) -> dict[str, list[Record]]:
    """The arms at their own learning rates, ReLU first, by names that a reader sees."""
    return {name(arm): own for arm, own in at_rate(records, "best").items()}


def held(records: Contest) -> dict[str, list[Record]]:
    """ReLU and every arm that boundary loss and clipping hold together, at the source's rate, by names for readers."""
    own = at_rate(records, "published")
    chosen = {arm: runs for arm, runs in own.items() if arm.activation == "relu" or arm.method == "both"}
    return {name(arm): runs for arm, runs in chosen.items()}


def beyond(records: Contest) -> dict[str, list[Record]]:
    """ReLU, and polynomials on the published interval that nothing holds: for the figure of inputs made larger."""
    own = at_rate(records, "published")
    chosen = {
        arm: runs
        for arm, runs in own.items()
        if arm.activation == "relu"
        or (arm.activation, arm.interval, arm.method) == ("chebyshev", "published", "nothing")
    }
    return {f"degree {arm.degree}" if arm.degree else "ReLU": runs for arm, runs in chosen.items() if arm.degree != 3}


def by_depth(records: Mapping[Deep, list[Record]]) -> Table:
    """How many trainings were lost, and what the others reached: a row an arm, a column a depth."""
    rows: dict[tuple, dict[str, list[Record]]] = {}
    for (arm, depth), own in records.items():
        rows.setdefault((name(arm), HELD[arm.method]), {})[f"{depth} layers"] = own
    depths = [f"{depth} layers" for depth in sorted({deep.depth for deep in records})]
    what = "test accuracy of the trainings that ended well, in percent, and how many were lost"
    caption = sentence(what, setting({str(deep): own for deep, own in records.items()}))
    return _grid(rows, ("activation", "held by"), depths, REACHED, caption)


def deepest(records: Mapping[Deep, list[Record]]) -> dict[str, list[Record]]:
    """The arms in the deepest network, by names for a reader."""
    depth = max(deep.depth for deep in records)
    return {f"{name(arm)}, {HELD[arm.method]}": own for (arm, at), own in records.items() if at == depth}


def by_strength(records: Mapping[Held, list[Record]]) -> Table:
    """Lost trainings and the accuracy of the others: a row a strength, a column a limit of the boundary loss."""
    rows: dict[tuple, dict[str, list[Record]]] = {}
    for (strength, ratio), own in records.items():
        rows.setdefault((f"{strength:g}",), {})[f"from {ratio:g} B"] = own
    limits = [f"from {ratio:g} B" for ratio in sorted({held.ratio for held in records})]
    what = "test accuracy of the trainings that ended well, in percent, and how many were lost, by strength and limit"
    caption = sentence(what, setting({str(arm): own for arm, own in records.items()}))
    return _grid(rows, ("strength",), limits, REACHED, caption)
