"""Two networks compared on the same seeds."""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .run import Record

LEVEL = 0.95  # of every interval
POWER = 0.80  # of the smallest detectable effect
RESAMPLES = 9_999  # of the bootstrap
EXACT = 16  # most pairs whose sign patterns are all gone through; beyond, 2^16 are drawn


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
    bca_low: float  # the same by the bootstrap, bias-corrected and accelerated
    bca_high: float
    p: float  # exact paired permutation (sign-flip) test, two-sided
    detectable: float  # smallest mean difference that n such pairs would show (p < 0.05) in 80 % of repetitions


def compare(a: Sequence[float], b: Sequence[float], lost: int = 0) -> Comparison:
    r"""Compare paired values: mean difference, two intervals, exact test and detectable effect.

    The interval is :math:`\bar d \pm t_{0.975, n-1}\, s_d / \sqrt n`; verdicts go by it. The BCa bootstrap interval
    (seeded, 9,999 resamples) does not assume normal differences and shows a skew, but is too narrow for few pairs: of
    ten normal differences it holds the truth in about 90 of 100 cases, of five in 84. Of two pairs it is the two
    differences themselves, which hold the truth in 50.

    The test counts, over all :math:`2^n` choices of signs (beyond 16 pairs over a seeded sample of :math:`2^{16}`), how
    often the mean difference is at least as far from 0 as the observed one; its smallest possible p is
    :math:`2^{1-n}`, so that fewer than six pairs can never reach 0.05. The detectable effect is the mean difference
    that a paired t-test at 5 % finds with a power of 80 %, given the observed :math:`s_d`.

    If all differences are equal, both intervals are that point, and the detectable effect is 0.

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
    # ties are common, as accuracies are multiples of 1 / rows; rounding must not break them (70.3 - 69.9, 70.7 - 70.3)
    tiny = 1e-12 * max(np.abs(a).max(), np.abs(b).max())
    mean = float(d.mean())
    if np.ptp(d) <= tiny:
        deviation, bca_low, bca_high = 0.0, mean, mean
    else:
        deviation = float(d.std(ddof=1))
        bca_low, bca_high = _bca(d, tiny)
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(d) - 1)) * deviation / math.sqrt(len(d))
    return Comparison(
        n=len(d),
        lost=lost,
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        difference=mean,
        low=mean - half,
        high=mean + half,
        bca_low=bca_low,
        bca_high=bca_high,
        p=_sign_flip(d, tiny),
        detectable=_detectable(len(d)) * deviation,
    )


def _sign_flip(d: np.ndarray, tiny: float) -> float:
    """The share of sign patterns whose mean is at least as far from 0 as that of d; means within tiny are equal."""
    n = len(d)
    if n <= EXACT:
        minus = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        minus = np.random.default_rng(0).integers(0, 2, (2**EXACT, n), dtype=np.int8)
        minus[0] = 0  # the observed pattern is one of those counted, so that p is never 0
    means = (1 - 2 * minus) @ d / n
    return float(np.mean(np.abs(means) >= abs(d.mean()) - tiny))


def _bca(d: np.ndarray, tiny: float, resamples: int = RESAMPLES) -> tuple[float, float]:
    """The BCa interval of the mean of d, not all equal; means within tiny are equal."""
    # scipy.stats.bootstrap(method="BCa") in numpy, as the name of scipy's argument for the seed depends on its version
    from scipy import special

    n, mean = len(d), d.mean()
    means = d[np.random.default_rng(0).integers(0, n, (resamples, n))].mean(axis=1)
    below = (np.mean(means < mean - tiny) + np.mean(means <= mean + tiny)) / 2
    bias = special.ndtri(below)
    off = d - mean  # what the jackknife says of the influence of each pair on the mean
    acceleration = (off**3).sum() / (6 * (off**2).sum() ** 1.5)
    z = bias + special.ndtri([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    low, high = np.quantile(means, special.ndtr(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


@functools.cache
def _detectable(n: int) -> float:
    """The smallest effect, in standard deviations of the differences, with the power POWER in a paired t-test."""
    from scipy import optimize, stats

    critical = stats.t.ppf((1 + LEVEL) / 2, n - 1)

    def lacking(effect: float) -> float:
        # the square of a t statistic, and so both tails at once
        return POWER - stats.ncf.sf(critical**2, 1, n - 1, n * effect**2)

    enough = 1.0
    with np.errstate(divide="ignore"):  # scipy 1.11 raises the flag, with a right result
        while lacking(enough) > 0:
            enough *= 2
        return float(optimize.brentq(lacking, 0.0, enough))


def pair_by_seed(
    a: Iterable[Record], b: Iterable[Record], value: Callable[[Record], float]
) -> tuple[list[int], list[float], list[float], int]:
    """Seeds with a value on both sides, the values of a, those of b, and how many seeds lack one of the two.

    A run that did not end well has no value, and a value that is not finite is none. Nothing is dropped silently: every
    seed of either side is in the pairs or counted as lost.

    Raises:
        ValueError: two Records of one side have the same seed.
    """
    values_a, values_b = _by_seed(a, value), _by_seed(b, value)
    seeds = sorted(values_a.keys() | values_b.keys())
    both = [s for s in seeds if math.isfinite(values_a.get(s, math.nan)) and math.isfinite(values_b.get(s, math.nan))]
    return both, [values_a[seed] for seed in both], [values_b[seed] for seed in both], len(seeds) - len(both)


def _by_seed(records: Iterable[Record], value: Callable[[Record], float]) -> dict[int, float]:
    """The value of each seed of one side; nan for a run that did not end well."""
    values: dict[int, float] = {}
    names: dict[int, str] = {}
    for record in records:
        seed = record.run.seed
        if seed in values:
            raise ValueError(
                f"one side has two Records of seed {seed}: {names[seed]} and {record.run.name}; "
                "give it one network, one recipe and one size"
            )
        names[seed] = record.run.name
        values[seed] = float(value(record)) if record.outcome == "ok" else math.nan
    return values


def compare_records(a: Iterable[Record], b: Iterable[Record], value: Callable[[Record], float]) -> Comparison:
    """:func:`compare` of two sides, paired by seed as :func:`pnn.stats.pair_by_seed` does."""
    _, values_a, values_b, lost = pair_by_seed(a, b, value)
    return compare(values_a, values_b, lost)


def proportion(hits: int, n: int) -> tuple[float, float, float]:
    """A share in percent, and its exact 95 % interval (Clopper-Pearson).

    Args:
        hits: how many of the cases.
        n: how many cases, at least one.
    """
    from scipy import stats

    interval = stats.binomtest(hits, n).proportion_ci(LEVEL, method="exact")
    return 100 * hits / n, 100 * float(interval.low), 100 * float(interval.high)


def holm(p: Sequence[float]) -> list[float]:
    """The p values of one family of tests, adjusted by Holm's method, in the order given.

    Each is to be compared with the error rate of the whole family. The smallest of m is multiplied by m, the next by
    m - 1, and so on; none becomes smaller than one before it or larger than 1.

    Raises:
        ValueError: a p value is not a number between 0 and 1.
    """
    for value in p:
        if not 0 <= value <= 1:
            raise ValueError(f"a p value must lie between 0 and 1, got {value!r}")
    adjusted = [0.0] * len(p)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        largest = max(largest, min(1.0, (len(p) - rank) * float(p[i])))
        adjusted[i] = largest
    return adjusted


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


def failure(record: Record) -> float:
    """100 if the run ended badly, else 0: the mean over runs is the share of failures in percent."""
    return 100.0 * (record.outcome != "ok")


def early_accuracy(record: Record) -> float:
    """Mean validation accuracy over the first quarter of the epochs, in percent."""
    curve = record.curves["validation_accuracy"]
    early = curve[: math.ceil(len(curve) / 4)]
    return 100 * sum(early) / len(early)


def gap(record: Record) -> float:
    """Accuracy on the training rows (unaugmented, evaluation mode) less that on the test rows, in points."""
    return 100 * (record.final["train"].accuracy - record.final["test"].accuracy)


def validation_gap(record: Record) -> float:
    """Accuracy on the training rows (unaugmented, evaluation mode) less that on the validation rows, in points."""
    return 100 * (record.final["train"].accuracy - record.final["validation"].accuracy)


def final_loss(record: Record) -> float:
    """Cross-entropy on the test rows after the last epoch, in nats."""
    return record.final["test"].loss


def area_under_curve(record: Record) -> float:
    """Mean validation accuracy over the training, in percent.

    The trapezoidal rule from the end of the first epoch to the end of the last, divided by the epochs between: first
    and last epoch count half. Of a single epoch it is the accuracy itself.
    """
    curve = record.curves["validation_accuracy"]
    if len(curve) == 1:
        return 100 * curve[0]
    return 100 * (sum(curve) - (curve[0] + curve[-1]) / 2) / (len(curve) - 1)


def epochs_to(threshold: float) -> Callable[[Record], float]:
    """The measure: epochs until the validation accuracy first reaches a threshold, in percent.

    Linear between the ends of epochs; 1 if the first epoch reaches it. A run that never does is censored: the value is
    infinite, and :func:`pnn.compare_records` counts the pair as lost. With pairs lost that way the comparison is one
    of the seeds that arrived on both sides, and the count belongs beside it.

    Raises:
        ValueError: the threshold is not above 0 and at most 100.
    """
    if not 0 < threshold <= 100:
        raise ValueError(f"the threshold is an accuracy in percent, above 0 and at most 100, got {threshold!r}")
    level = threshold / 100  # not 100 * accuracy: 100 * 0.57 is less than 57

    def epochs(record: Record) -> float:
        curve = record.curves["validation_accuracy"]
        for i, reached in enumerate(curve):
            if reached >= level:
                return 1.0 if i == 0 else i + (level - curve[i - 1]) / (reached - curve[i - 1])
        return math.inf

    return epochs
