"""How a training ended, in the words of every table, page and claim.

*Lost*: it ended in any way but well, and has no score that counts. *Exploded* is one of these ways: the network ended
with finite weights, but with a loss above ten times that of a uniform guess (:mod:`pnn.runs.record_check`).
*Collapsed*: it was lost, or it ended well and is no better than an answer that looks at no input.
"""

from ..runs.record import Record
from .measures import accuracy

CLEARLY = 2.0  # A network of fewer points above the trivial answer counts as one that is no better.


def lost(record: Record) -> bool:
    """Whether a training ended in any way but well."""
    return record.outcome != "ok"


def no_better(reached: float, trivial: float) -> bool:
    """Whether a test accuracy is less than `CLEARLY` above that of the trivial answer, both in percent."""
    return reached < trivial + CLEARLY


def collapsed(record: Record, trivial: float) -> bool:
    """Whether a training was lost, or its network is no better than the trivial answer.

    Args:
        record: of the training.
        trivial: test accuracy in percent of the answer that looks at no input: the majority class where it was
            measured, else a uniform guess.
    """
    return lost(record) or no_better(accuracy(record), trivial)
