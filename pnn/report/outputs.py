"""What networks say, beside how often they are right: their losses and their largest logits.

A polynomial is bounded by nothing: where it is right as often as another network, one row far from the others can still
have a logit of thousands, and the loss shows it.
"""

import math
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from ..runs.record import Record
from .cell import NOTHING, Cell
from .endings import lost


def _logit(column: str) -> Cell:
    def cell(row: Mapping[str, Any]) -> str:
        logit = row[column]
        if math.isnan(logit):
            return NOTHING
        return f"{logit:,.0f}" if 100 <= logit < 1e6 else f"{logit:.3g}"

    return cell


COLUMNS: dict[str, Cell] = {
    "test loss, nats": "{test_loss:.3f}",
    "largest logit, training rows": _logit("train_logit"),
    "largest logit, test rows": _logit("test_logit"),
}
LOGITS = tuple(COLUMNS)[1:]


def outputs(arm: Iterable[Record]) -> dict[str, float]:
    """``test_loss``, ``train_logit`` and ``test_logit`` of an arm's runs that ended well, nan where nothing is known.

    The loss is the mean over the runs, a logit the largest absolute one of all runs and rows, in evaluation mode.
    Older Records do not know their logits.
    """
    good = [record for record in arm if not lost(record)]
    health = [record.health for record in good if record.health]
    return {
        "test_loss": statistics.fmean(record.final["test"].loss for record in good) if good else math.nan,
        "train_logit": max((one.train_logit for one in health), default=math.nan),
        "test_logit": max((one.test_logit for one in health), default=math.nan),
    }
