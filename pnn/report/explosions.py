"""Which trainings end in a network whose evaluation explodes, and how many rows it takes."""

import statistics
from collections.abc import Iterable

from ..runs.record import Record
from ..runs.record_check import limit_of
from ..system.extras import needs
from .arms import Arms, label, setting
from .comparison import proportion
from .endings import lost
from .measures import accuracy
from .outputs import COLUMNS, outputs
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd


def ever_exploded(record: Record) -> bool:
    """Whether a training was lost, or an evaluation after any of its epochs exploded."""
    limit = limit_of(record.run)
    return lost(record) or any(loss > limit for loss in record.curves.get("validation_loss", []))


def named(records: Arms, arms: Iterable[str]) -> dict[str, list[Record]]:
    """Some of the arms, by the names that readers see."""
    return {label(arm): records[arm] for arm in arms}


def table(records: Arms) -> Table:
    """A row an arm: of its runs ``n`` how many were ``lost``, ``share`` in percent with ``low`` and ``high``.

    ``ever`` is how many exploded in an evaluation after any epoch, with ``ever_share``, ``ever_low`` and ``ever_high``.
    ``rows`` is how many test rows exploded in the worst run, ``worst`` the largest share of validation rows that did
    after any epoch of any run, in percent. ``rate`` is the learning rate, ``mean`` the test accuracy of the runs that
    ended well, in percent.
    """
    rows = {}
    for arm, own in records.items():
        good = [record for record in own if not lost(record)]
        exploded = [r.health.test_exploded for r in own if r.health and r.health.test_exploded is not None]
        worst = [max(r.curves["validation_exploded"]) for r in own if r.curves.get("validation_exploded")]
        ends, ever = len(own) - len(good), sum(map(ever_exploded, own))
        share, low, high = proportion(ends, len(own))
        ever_share, ever_low, ever_high = proportion(ever, len(own))
        rows[label(arm)] = {
            "rate": own[0].run.recipe.learning_rate,
            "n": len(own),
            "lost": ends,
            "share": share,
            "low": low,
            "high": high,
            "ever": ever,
            "ever_share": ever_share,
            "ever_low": ever_low,
            "ever_high": ever_high,
            "mean": statistics.fmean(map(accuracy, good)) if good else None,
            "rows": max(exploded, default=None),
            "worst": 100 * max(worst) if worst else None,
        } | outputs(own)
    columns = {
        "learning rate": "{rate:g}",
        "lost at the end": "{lost}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n}",
        "%, exact 95 %": "{share:.0f} ({low:.0f} to {high:.0f})",
        "exploded after some epoch": "{ever}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n}",
        "test accuracy of the others, %": "{mean:.2f}",
    }
    more = {
        "after some epoch, %, exact 95 %": "{ever_share:.0f} ({ever_low:.0f} to {ever_high:.0f})",
        "test rows that exploded, worst run": "{rows:.0f}",
        "validation rows at the worst epoch, %": "{worst:.2g}",
    } | COLUMNS
    caption = sentence("how the trainings of each arm ended, and how many exploded on the way", setting(records))
    return Table(pd.DataFrame.from_dict(rows, orient="index"), columns | more, caption, more)
