"""Polynomial activations on one kind of data: their names, their learning rates, and what held them."""

import statistics
from collections.abc import Iterable, Mapping

from ..experiments.polynomials import Arm
from ..experiments.rates import Tried
from ..runs.record import Record
from ..system.extras import needs
from . import tuning
from .arms import Arms, setting
from .endings import counted
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

NAMES = {"relu": "ReLU", "hermite": "Hermite", "powers": "powers", "chebyshev": "Chebyshev"}


def name(arm: Arm) -> str:
    """An arm as a reader sees it, less its learning rate."""
    return f"{NAMES[arm.activation]}, degree {arm.degree}" if arm.degree else NAMES[arm.activation]


def named(records: Mapping[Arm, list[Record]], rate: str = "best") -> dict[str, list[Record]]:
    """The arms at their ``"best"`` or at the ``"published"`` learning rate, under the names that a reader sees."""
    return {name(arm): own for arm, own in records.items() if arm.rate == rate}


def tuned(records: Mapping[Tried, list[Record]]) -> Table:
    """:func:`pnn.report.tuning.every_rate` of the arms under the names that a reader sees."""
    return tuning.every_rate({Tried(name(arm), value): own for (arm, value), own in records.items()})


def held(arms: Arms) -> Table:
    """A row an arm: what :func:`pnn.report.endings.counted` finds.

    And what was seen of its activations: ``worst_outside``, the largest share over the runs of inputs outside of the
    interval on the validation rows at the worst epoch; ``exploded``, the largest share
    of test rows that exploded; ``clipped``, the mean share of steps whose gradient was clipped. All in percent, and
    missing where an arm has no interval, or is not clipped.
    """
    rows = {}
    for arm, own in arms.items():
        good = [record for record in own if record.final]  # Exploded networks were evaluated, too.
        clipped = [rate for record in good for rate in record.curves.get("clip_rate", [])]
        rows[arm] = {
            **counted(own),
            "worst_outside": _largest(at for record in good for at in record.curves.get("validation_outside", [])),
            "exploded": _largest(map(_exploded, good)),
            "clipped": 100 * statistics.fmean(clipped) if clipped else None,
        }
    columns = {
        "lost": "{lost}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n}",
        "lost, % (95 %, exact)": "{share:.0f} ({low:.0f} to {high:.0f})",
        "inputs outside, test rows, %": "{outside:.2g}",
        "the same at the worst epoch, validation rows": "{worst_outside:.2g}",
        "exploded test rows, %": "{exploded:.2g}",
        "exploded at the worst epoch, validation rows": "{worst:.2g}",
        "steps clipped, %": "{clipped:.0f}",
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table = table.astype({column: float for column in table.columns if column not in ("n", "lost")})
    caption = sentence("how each arm ended, and how far its activations were held", setting(arms))
    more = ("the same at the worst epoch, validation rows", "exploded at the worst epoch, validation rows")
    return Table(table, columns, caption, more)


def _exploded(record: Record) -> float | None:
    """The share of the test rows that exploded; None in older Records."""
    if record.health is None or record.health.test_exploded is None or record.hits is None:
        return None
    return record.health.test_exploded / record.hits.rows


def _largest(shares: Iterable[float | None]) -> float | None:
    """The largest of some shares, in percent; None if none is known."""
    known = [share for share in shares if share is not None]
    return 100 * max(known) if known else None
