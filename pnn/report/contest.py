"""The contest of polynomial activations: how often a training is lost, by degree, and what the others reached."""

import statistics
from collections.abc import Mapping

from ..experiments.stable import Arm
from ..runs.record import Record
from ..system.extras import needs
from .arms import setting
from .comparison import proportion
from .endings import lost
from .measures import accuracy
from .outputs import COLUMNS, outputs
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

Contest = Mapping[Arm, list[Record]]
NAMES = {
    "relu": "ReLU",
    "hermite": "Hermite, each basis function normalised",
    "published": "powers, frozen",
    "chebyshev": "Chebyshev, trained",
    "chebyshev-frozen": "Chebyshev, frozen",
}
HELD = {"nothing": "free", "clipping": "clipping", "boundary": "boundary loss", "both": "both"}


def of_degree(records: Contest, degree: int) -> dict[Arm, list[Record]]:
    """The arms of one degree and those without any interval, ReLU first."""
    return {arm: own for arm, own in records.items() if arm.degree == degree or not arm.interval}


def shares(records: Contest, interval: str) -> dict[str, list[tuple[int, int, int]]]:
    """By activation and method, on one interval: degree, how many runs were lost, and of how many.

    For :func:`pnn.report.plots.shares_by_depth`; of the arms that stand at every degree.
    """
    degrees = {arm.degree for arm in records if arm.interval}
    found: dict[str, list[tuple[int, int, int]]] = {}
    for arm, own in records.items():
        if arm.interval == interval:
            name = f"{NAMES[arm.activation]}, {HELD[arm.method]}"
            found.setdefault(name, []).append((arm.degree, sum(map(lost, own)), len(own)))
    return {name: points for name, points in found.items() if len(points) == len(degrees)}


def held(records: Contest) -> dict[str, list[Record]]:
    """ReLU and every arm that boundary loss and clipping hold together, under names that a reader sees."""
    chosen = {arm: own for arm, own in records.items() if arm.activation == "relu" or arm.method == "both"}
    return {
        f"{NAMES[arm.activation]}, degree {arm.degree}, {arm.interval}" if arm.interval else NAMES[arm.activation]: own
        for arm, own in chosen.items()
    }


def table(records: Contest) -> Table:
    """A row an arm: runs ``n``, ``lost``, their ``share`` in percent with ``low`` and ``high``; ``mean``, ``outside``.

    ``mean`` is the test accuracy of those that ended well, in percent, and ``outside`` the largest share of the inputs
    of their activations, over the runs, that lay outside of the interval on the test rows, in percent.
    """
    rows = {}
    for arm, own in records.items():
        good = [record for record in own if not lost(record)]
        share, low, high = proportion(len(own) - len(good), len(own))
        outside = [r.health.test_outside for r in good if r.health and r.health.test_outside is not None]
        rows[NAMES[arm.activation], arm.interval or "none", HELD[arm.method]] = {
            "n": len(own),
            "lost": len(own) - len(good),
            "share": share,
            "low": low,
            "high": high,
            "mean": statistics.fmean(map(accuracy, good)) if good else None,
            "outside": 100 * max(outside) if outside else None,
        } | outputs(own)
    index = pd.MultiIndex.from_tuples(rows, names=["activation", "interval", "held by"])
    columns = {
        "lost": "{lost}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n}",
        "lost, % (95 %, exact)": "{share:.0f} ({low:.0f} to {high:.0f})",
        "test accuracy of the others, %": "{mean:.2f}",
        "outside, % of the inputs": "{outside:.2g}",
    } | COLUMNS
    named = {str(arm): own for arm, own in records.items()}
    degree = max(arm.degree for arm in records if arm.interval)
    caption = sentence(f"polynomials of degree {degree}, and what stands beside them", setting(named))
    return Table(pd.DataFrame(list(rows.values()), index), columns, caption, COLUMNS)
