"""What it buys to give both arms the same seeds."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..experiments import EXPERIMENTS
from ..runs.folders import results_folder
from ..runs.frame import arm_name
from ..runs.store import load_record
from ..system.extras import needs
from .cell import NOTHING
from .claims import AllOf, Answer, Computed
from .comparison import PAIRS, pair_by_seed
from .crossed import LEVEL
from .measures import accuracy
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd


def correlation(a: Iterable[float], b: Iterable[float]) -> tuple[float, float, float]:
    """Pearson's correlation of paired values, and its 95 % interval by Fisher's transformation.

    Of three pairs the interval is from -1 to 1: nothing is known. Where one side does not vary, all three are nan.

    Args:
        a: values of one arm, by seed, at least three.
        b: values of the other.
    """
    a, b = np.asarray(list(a), float), np.asarray(list(b), float)
    if not (np.ptp(a) and np.ptp(b)):
        return math.nan, math.nan, math.nan
    with needs("train", "a correlation"):
        from scipy import stats

    found = stats.pearsonr(a, b)
    interval = found.confidence_interval(LEVEL)
    return float(found.statistic), float(interval.low), float(interval.high)


def bought(answers: Iterable[Answer | AllOf | Computed], results: str | Path | None = None) -> Table:
    """A row an answer about accuracy: the ``correlation`` of its arms over the seeds, and how ``wide`` its interval is.

    ``wide`` is the deviation of the differences over that of two groups without pairs, the root of the sum of both
    variances: 1 where pairing buys nothing, 0.71 at a correlation of 0.5 and equal deviations. ``low`` and ``high`` are
    the ends of the correlation's 95 % interval.

    Args:
        answers: as of :func:`pnn.report.claims.verdicts`; those about accuracy with at least three pairs have a row.
        results: the Records' folder, as for :func:`pnn.study`.
    """
    folder, rows = results_folder(results), {}
    for answer in answers:
        claim = answer.claim
        if not isinstance(answer, Answer) or claim.measure != "accuracy" or answer.comparison.n < PAIRS:
            continue
        arms = {arm_name(arm): runs for arm, runs in EXPERIMENTS[claim.experiment](answer.size).items()}
        loaded = [[load_record(run, folder) for run in arms[name]] for name in (claim.against, claim.arm)]
        seeds, a, b, _ = pair_by_seed(*([record for record in own if record] for own in loaded), accuracy)
        r, low, high = correlation(a, b)
        apart = math.sqrt(np.var(a, ddof=1) + np.var(b, ddof=1))
        wide = float(np.std(np.subtract(b, a), ddof=1)) / apart if apart else math.nan
        row = claim.experiment, f"{claim.arm}, {answer.size}"
        if row in rows:  # Another claim compares the same arm with another one.
            row = claim.experiment, f"{claim.arm} against {claim.against}, {answer.size}"
        rows[row] = (len(seeds), r, low, high, wide)
    columns = {
        "n": "{n}",
        "correlation of the arms (95 %)": lambda row: (
            NOTHING
            if pd.isna(row["correlation"])
            else f"{row['correlation']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})"
        ),
        "spread, of that without pairs": "{wide:.2f}",
    }
    index = pd.MultiIndex.from_tuples(rows, names=["experiment", "arm, size"])
    table = pd.DataFrame(list(rows.values()), index, ["n", "correlation", "low", "high", "wide"])
    return Table(table, columns, sentence("what the same seeds on both arms bought, of test accuracies"))
