"""Which trainings end in a network whose evaluation explodes, and how many rows it takes."""

from collections.abc import Iterable

from ..runs.record import Record
from ..runs.record_check import limit_of
from ..system.extras import needs
from .arms import Arms, label, setting
from .comparison import proportion
from .endings import counted, lost
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
    """A row an arm: what :func:`pnn.report.endings.counted` finds, and the learning rate ``rate``.

    ``ever`` is how many exploded in an evaluation after any epoch, with ``ever_share``, ``ever_low`` and ``ever_high``.
    """
    rows = {}
    for arm, own in records.items():
        ever = sum(map(ever_exploded, own))
        shares = dict(zip(("ever_share", "ever_low", "ever_high"), proportion(ever, len(own)), strict=True))
        rate = own[0].run.recipe.learning_rate
        rows[label(arm)] = {"rate": rate, "ever": ever} | shares | counted(own) | outputs(own)
    columns = {
        "learning rate": "{rate:g}",
        "lost at the end": "{lost}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n}",
        "%, exact 95 %": "{share:.0f} ({low:.0f} to {high:.0f})",
        "exploded after some epoch": "{ever}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n}",
        "test accuracy of the others, %": "{mean:.2f}",
    }
    more = {
        "after some epoch, %, exact 95 %": "{ever_share:.0f} ({ever_low:.0f} to {ever_high:.0f})",
        "test rows that exploded, worst run": "{rows_most:.0f}",
        "validation rows at the worst epoch, %": "{worst:.2g}",
    } | COLUMNS
    caption = sentence("how the trainings of each arm ended, and how many exploded on the way", setting(records))
    return Table(pd.DataFrame.from_dict(rows, orient="index"), columns | more, caption, more)
