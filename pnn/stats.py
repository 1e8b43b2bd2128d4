"""Two networks compared on the same seeds."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .run import Record

LEVEL = 0.95  # of every interval
POWER = 0.80  # of the smallest detectable effect


@dataclass(frozen=True)
class Comparison:
    """The differences b - a of n pairs, in the unit of what was compared."""

    n: int  # pairs
    lost: int  # pairs without both values: a run that is missing, diverged, ...
    mean_a: float
    mean_b: float
    difference: float  # mean of b - a
    low: float  # 95 % interval of the mean difference, paired t
    high: float
    p: float  # exact paired permutation (sign-flip) test, two-sided
    detectable: float  # smallest mean difference that n such pairs would show (p < 0.05) in 80 % of repetitions


def compare(a: Sequence[float], b: Sequence[float], lost: int = 0) -> Comparison:
    r"""Compare paired values: mean difference, interval, exact test and detectable effect.

    The interval is :math:`\bar d \pm t_{0.975, n-1}\, s_d / \sqrt n`. The test counts, over all :math:`2^n` choices of
    signs, how often the mean difference is at least as far from 0 as the observed one; its smallest possible p is
    :math:`2^{1-n}`, so that fewer than six pairs can never reach 0.05. The detectable effect is the mean difference
    that a paired t-test at 5 % finds with a power of 80 %, given the observed :math:`s_d`.

    Args:
        a: values of one side, by seed.
        b: values of the other side, same seeds in the same order.
        lost: pairs that could not be formed, to be shown with the result.

    Raises:
        ValueError: sides of different length, fewer than two pairs, or a value that is not finite.
    """
    from scipy import stats  # two seconds that a user of the layers does not wait for

    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"the two sides must be lists of the same length, got {a.shape} and {b.shape}")
    if len(a) < 2:
        raise ValueError(f"a comparison needs at least two pairs, got {len(a)} ({lost} lost); train more seeds")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a value is not finite; count that pair as lost instead")
    d = b - a
    deviation = d.std(ddof=1)
    half = stats.t.ppf((1 + LEVEL) / 2, len(d) - 1) * deviation / math.sqrt(len(d))
    # 2^n sign patterns; beyond 16 pairs a seeded sample of them
    test = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=2**16, vectorized=True, axis=-1, rng=0
    )
    return Comparison(
        n=len(d),
        lost=lost,
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        difference=float(d.mean()),
        low=float(d.mean() - half),
        high=float(d.mean() + half),
        p=float(test.pvalue),
        detectable=_detectable(len(d)) * float(deviation),
    )


def _detectable(n: int) -> float:
    """The smallest effect, in standard deviations of the differences, with the power POWER in a paired t-test."""
    from scipy import optimize, stats

    critical = stats.t.ppf((1 + LEVEL) / 2, n - 1)

    def lacking(effect: float) -> float:
        shift = effect * math.sqrt(n)
        other_tail = np.nan_to_num(stats.nct.cdf(-critical, n - 1, shift))  # underflows to nan far out
        return POWER - stats.nct.sf(critical, n - 1, shift) - other_tail

    enough = 1.0
    while lacking(enough) > 0:
        enough *= 2
    return float(optimize.brentq(lacking, 0.0, enough))


def pair_by_seed(
    records: Iterable[Record], value: Callable[[Record], float]
) -> tuple[list[int], list[float], list[float], int]:
    """Seeds, standard values, polynomial values, and how many seeds lack one of the two (never dropped silently)."""
    sides: dict[str, dict[int, float]] = {"standard": {}, "polynomial": {}}
    seeds: set[int] = set()
    for record in records:
        seeds.add(record.run.seed)
        if record.outcome == "ok":
            sides[record.run.network.neuron][record.run.seed] = value(record)
    both = sorted(sides["standard"].keys() & sides["polynomial"].keys())
    return (
        both,
        [sides["standard"][seed] for seed in both],
        [sides["polynomial"][seed] for seed in both],
        len(seeds) - len(both),
    )


def compare_records(records: Iterable[Record], value: Callable[[Record], float]) -> Comparison:
    """:func:`compare` of the standard (a) and the polynomial (b) side of a study, paired by seed."""
    _, standard, polynomial, lost = pair_by_seed(records, value)
    return compare(standard, polynomial, lost)


def verdict(comparison: Comparison, claimed: float) -> str:
    """Whether a claimed gain holds, by the 95 % interval.

    ``"holds"``: the interval is above 0 and reaches the claim. ``"does not hold"``: it ends below the claim (or, for
    a claim without a number, ``claimed=0``, at or below 0). ``"cannot tell"``: anything else.
    """
    if comparison.low > 0 and comparison.high >= claimed:
        return "holds"
    if comparison.high < claimed or comparison.high <= 0:
        return "does not hold"
    return "cannot tell"


def verdict_equal(comparison: Comparison, margin: float) -> str:
    """Whether two sides are comparable: the whole 95 % interval inside (holds) or outside (does not) of +-margin."""
    if -margin < comparison.low and comparison.high < margin:
        return "holds"
    if comparison.low > margin or comparison.high < -margin:
        return "does not hold"
    return "cannot tell"


# --- what is compared ------------------------------------------------------------------------------------------------


def accuracy(record: Record) -> float:
    """Accuracy on the test rows after the last epoch, in percent."""
    return 100 * record.final["test"].accuracy


def early_accuracy(record: Record) -> float:
    """Mean validation accuracy over the first quarter of the epochs, in percent."""
    curve = record.curves["validation_accuracy"]
    early = curve[: math.ceil(len(curve) / 4)]
    return 100 * sum(early) / len(early)


def gap(record: Record) -> float:
    """Accuracy on the training rows (unaugmented, evaluation mode) less that on the test rows, in points."""
    return 100 * (record.final["train"].accuracy - record.final["test"].accuracy)
