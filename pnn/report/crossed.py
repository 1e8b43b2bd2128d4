"""How sure a difference in accuracy is when both the seeds and the test rows could have been others."""

from collections.abc import Iterable

import numpy as np

from ..runs.record import Record
from ..system.extras import needs

LEVEL = 0.95  # Every interval of the book has this level.
RESAMPLES = 9_999  # A bootstrap draws so many.


def bits(a: Iterable[Record], b: Iterable[Record]) -> np.ndarray | None:
    """Whether b is right less whether a is, of every pair of a seed and every test row: -1, 0 or 1, (pairs, rows).

    None if a Record does not say which rows it classified rightly, as older ones do not, or if there is no pair.
    """
    right = []
    for arm in (a, b):
        right.append({r.run.seed: r.hits.array() for r in arm if r.outcome == "ok" and r.hits is not None})
        if len(right[-1]) < sum(record.outcome == "ok" for record in arm):
            return None
    seeds = sorted(right[0].keys() & right[1].keys())
    if not seeds:
        return None
    return np.array([right[1][seed].astype(np.int8) - right[0][seed] for seed in seeds])


def crossed_interval(differences: np.ndarray) -> tuple[float, float]:
    """A 95 % interval of the mean difference over seeds and rows, in the same unit.

    Seeds share their rows, so that an interval over seeds alone is too narrow for other rows. A resample draws seeds
    and, apart from that, rows, both with replacement (Owen 2007), and adds what the two move the mean by. A resample
    of few seeds spreads too little: its part is widened by what Student's t is above the normal distribution, and by
    the root of n / (n - 1), so that without a spread over rows this is the t interval but for its shape. Where each
    seed has an error of its own in each row, the interval is wider than it need be. It is seeded.

    Args:
        differences: (seeds, rows), such as :func:`bits`.

    Raises:
        ValueError: fewer than two seeds or rows.
    """
    seeds, rows = differences.shape
    if min(seeds, rows) < 2:
        raise ValueError(f"an interval over seeds and rows needs two of either, got {seeds} and {rows}")
    with needs("train", "an interval"):
        from scipy import stats

    generator = np.random.default_rng(0)
    tail = (1 + LEVEL) / 2
    wider = stats.t.ppf(tail, seeds - 1) / stats.norm.ppf(tail) * np.sqrt(seeds / (seeds - 1))
    mean = differences.mean()
    drawn_seeds = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    # Rows of one value need not be told apart: of three seeds there are seven.
    values, counts = np.unique(differences.mean(axis=0), return_counts=True)
    drawn_rows = generator.multinomial(rows, counts / rows, size=RESAMPLES) / rows
    moved = wider * (drawn_seeds @ (differences.mean(axis=1) - mean)) + drawn_rows @ (values - mean)
    low, high = mean + np.quantile(moved, [1 - tail, tail])
    return float(low), float(high)
