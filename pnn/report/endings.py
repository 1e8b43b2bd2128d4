"""How a training ended, in the words of every table, page and claim.

*Lost*: it ended in any way but well, and has no score that counts. *Exploded* is one of these ways: the network ended
with finite weights, but with a loss above ten times that of a uniform guess (:mod:`pnn.runs.record_check`).
*Collapsed*: it was lost, or it ended well and is no better than an answer that looks at no input.

A *row* explodes where its own loss is above that limit, or its logits are not finite.
"""

import statistics
from collections.abc import Sequence
from typing import Any

from ..runs.record import Record
from .comparison import proportion
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


def counted(runs: Sequence[Record]) -> dict[str, Any]:
    """How the trainings of an arm ended, and how many rows exploded in the networks that were evaluated.

    Returns:
        ``n`` runs, how many were ``lost``, their ``share`` in percent and its exact 95 % interval, ``low`` to ``high``;
        the ``mean`` test accuracy of the others, in percent; how many test rows exploded in the median run
        (``rows_median``) and in the worst one (``rows_most``); ``worst``, the largest share in percent of validation
        rows that exploded after any epoch of any run; and ``outside``, the largest share in percent, over the runs that
        were evaluated, of inputs of polynomial activations outside of their interval on the test rows. None where
        nothing is known, as in older Records.
    """
    good = [accuracy(record) for record in runs if not lost(record)]
    share, low, high = proportion(len(runs) - len(good), len(runs))
    health = [record.health for record in runs if record.health]
    rows = [one.test_exploded for one in health if one.test_exploded is not None]
    outside = [one.test_outside for one in health if one.test_outside is not None]
    worst = [max(r.curves["validation_exploded"]) for r in runs if r.curves.get("validation_exploded")]
    return {
        "n": len(runs),
        "lost": len(runs) - len(good),
        "share": share,
        "low": low,
        "high": high,
        "mean": statistics.fmean(good) if good else None,
        "rows_median": statistics.median(rows) if rows else None,
        "rows_most": max(rows, default=None),
        "worst": 100 * max(worst) if worst else None,
        "outside": 100 * max(outside) if outside else None,
    }
