"""Two networks compared on the same seeds."""

import dataclasses
import functools
import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..runs.record import Record
from ..system.extras import needs
from .crossed import LEVEL, RESAMPLES, bits, crossed_interval
from .measures import accuracy

POWER = 0.80  # The smallest detectable effect is found with this power.
# Of fewer pairs no interval is shown, and none answers a claim: of two, that by t is thirteen times as wide as their
# differences are apart.
PAIRS = 3
FEWEST = 6  # Of fewer pairs the exact test cannot fall below 0.05, whatever they show.
EXACT = 16  # Up to so many pairs all sign patterns are gone through; of more pairs 2^16 are drawn.


@dataclass(frozen=True)
class Comparison:
    """The differences b - a of n pairs, in the unit of what was compared."""

    n: int  # pairs
    lost: int  # pairs that lack a value, as a run is missing, diverged, ...
    mean_a: float
    mean_b: float
    difference: float  # mean of b - a
    low: float  # the 95 % interval that answers go by: over seeds and test rows where both are known, else over seeds
    high: float
    t_low: float  # 95 % interval of the mean difference over seeds alone, paired t
    t_high: float
    bca_low: float  # the same interval by the bias-corrected and accelerated bootstrap
    bca_high: float
    p: float  # exact paired permutation (sign-flip) test, two-sided
    detectable: float  # smallest true difference of which that interval would lie off 0 in 80 % of repetitions
    rows: int = 0  # test rows that the interval is over; 0 if it is over seeds alone


def compare(a: Sequence[float], b: Sequence[float], lost: int = 0) -> Comparison:
    r"""Compare paired values: mean difference, two intervals, exact test and detectable effect.

    The interval is :math:`\bar d \pm t_{0.975, n-1}\, s_d / \sqrt n`. The BCa bootstrap interval
    (seeded, 9,999 resamples) does not assume normal differences and shows a skew, but is too narrow for few pairs: of
    ten normal differences it holds the truth in about 90 of 100 cases, of five in 84. Of two pairs it is the two
    differences themselves, which hold the truth in 50.

    The test counts, over all :math:`2^n` choices of signs (beyond 16 pairs over a seeded sample of :math:`2^{16}`), how
    often the mean difference is at least as far from 0 as the observed one; its smallest possible p is
    :math:`2^{1-n}`, so that fewer than six pairs can never reach 0.05. The detectable effect is the mean difference
    that a paired t-test at 5 % finds with a power of 80 %, given the observed :math:`s_d`.

    If all differences are equal, both intervals are that point, and the detectable effect is 0.

    Args:
        a: values of one arm, by seed.
        b: values of the other arm, same seeds in the same order.
        lost: pairs that could not be formed, to be shown with the result.

    Raises:
        ValueError: arms of different length, fewer than two pairs, or a value that is not finite.
    """
    with needs("train", "a comparison"):
        from scipy import stats  # The import takes two seconds.

    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"the two arms must be lists of the same length, got {a.shape} and {b.shape}")
    if len(a) < 2:
        raise ValueError(f"a comparison needs at least two pairs, got {len(a)} ({lost} lost); train more seeds")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a value is not finite; count that pair as lost instead")
    d = b - a
    # Ties are common, as accuracies are multiples of 1 / rows. Rounding must not break them (70.3 - 69.9, 70.7 - 70.3).
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
        t_low=mean - half,
        t_high=mean + half,
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
        minus[0] = 0  # The observed pattern is one of those counted, so that p is never 0.
    means = (1 - 2 * minus) @ d / n
    return float(np.mean(np.abs(means) >= abs(d.mean()) - tiny))


def _bca(d: np.ndarray, tiny: float, resamples: int = RESAMPLES) -> tuple[float, float]:
    """The BCa interval of the mean of d, whose values are not all equal; means within tiny count as equal."""
    with needs("train", "a comparison"):
        from scipy import stats

    mean = d.mean()

    def distance(sample: np.ndarray, axis: int) -> np.ndarray:
        # Scipy counts the resamples whose mean is below d's own, and half of those whose mean is equal to it.
        off = sample.mean(axis=axis) - mean
        return np.where(np.abs(off) <= tiny, 0.0, off)

    # Scipy 1.15 renamed the argument.
    seed = "rng" if "rng" in inspect.signature(stats.bootstrap).parameters else "random_state"
    interval = stats.bootstrap(
        (d,),
        distance,
        n_resamples=resamples,
        vectorized=True,
        confidence_level=LEVEL,
        method="BCa",
        **{seed: np.random.default_rng(0)},
    ).confidence_interval
    return float(mean + interval.low), float(mean + interval.high)


@functools.cache
def _detectable(n: int) -> float:
    """The smallest effect, in standard deviations of the differences, with the power POWER in a paired t-test."""
    with needs("train", "a comparison"):
        from scipy import optimize, stats

    critical = stats.t.ppf((1 + LEVEL) / 2, n - 1)

    def lacking(effect: float) -> float:
        # This is the square of a t statistic, and so both tails at once.
        return POWER - stats.ncf.sf(critical**2, 1, n - 1, n * effect**2)

    enough = 1.0
    with np.errstate(divide="ignore"):  # Scipy 1.11 raises the flag, with a right result.
        while lacking(enough) > 0:
            enough *= 2
        return float(optimize.brentq(lacking, 0.0, enough))


def _detectable_by_half(n: int) -> float:
    """The same in half-widths of the 95 % interval by t."""
    with needs("train", "a comparison"):
        from scipy import stats

    return _detectable(n) * math.sqrt(n) / float(stats.t.ppf((1 + LEVEL) / 2, n - 1))


def pair_by_seed(
    a: Iterable[Record], b: Iterable[Record], value: Callable[[Record], float]
) -> tuple[list[int], list[float], list[float], int]:
    """Seeds with a value on both arms, the values of a, those of b, and how many seeds lack one of the two.

    A run that did not end well has no value, and a value that is not finite is none. Nothing is dropped silently: every
    seed of either arm is in the pairs or counted as lost.

    Raises:
        ValueError: two Records of one arm have the same seed, or the arms were trained on different data.
    """
    a, b = list(a), list(b)
    check_same_data(a, b)
    values_a, values_b = _by_seed(a, value), _by_seed(b, value)
    seeds = sorted(values_a.keys() | values_b.keys())
    both = [s for s in seeds if math.isfinite(values_a.get(s, math.nan)) and math.isfinite(values_b.get(s, math.nan))]
    return both, [values_a[seed] for seed in both], [values_b[seed] for seed in both], len(seeds) - len(both)


def _by_seed(records: Iterable[Record], value: Callable[[Record], float]) -> dict[int, float]:
    """The value of each seed of one arm; nan for a run that did not end well."""
    values: dict[int, float] = {}
    names: dict[int, str] = {}
    for record in records:
        seed = record.run.seed
        if seed in values:
            raise ValueError(
                f"one arm has two Records of seed {seed}: {names[seed]} and {record.run.name}; "
                "give it one network, one recipe and one size"
            )
        names[seed] = record.run.name
        values[seed] = float(value(record)) if record.outcome == "ok" else math.nan
    return values


def compare_records(a: Iterable[Record], b: Iterable[Record], value: Callable[[Record], float]) -> Comparison:
    """:func:`compare` of two arms, paired by seed as :func:`pnn.report.comparison.pair_by_seed` does.

    Of test accuracies of which the Records say every row, the interval is over seeds and rows
    (:func:`pnn.report.crossed.crossed_interval`), and the one over seeds stands beside it. The detectable effect is
    then that of the wider interval: as many half-widths of it as Student's t asks for with as many pairs.

    With fewer than two pairs left nothing is known: the intervals are the whole line, p is 1, and no difference would
    have been found.

    Raises:
        ValueError: as of ``pair_by_seed``.
    """
    a, b = list(a), list(b)
    _, values_a, values_b, lost = pair_by_seed(a, b, value)
    if len(values_a) >= 2:
        result = compare(values_a, values_b, lost)
        found = bits(a, b) if value is accuracy else None
        if found is None:
            return result
        low, high = (100 * end for end in crossed_interval(found))
        detectable = _detectable_by_half(result.n) * (high - low) / 2
        return dataclasses.replace(result, low=low, high=high, detectable=detectable, rows=found.shape[1])
    mean_a, mean_b = (values[0] if values else math.nan for values in (values_a, values_b))
    ends = {"low": -math.inf, "high": math.inf}
    line = {f"{kind}{end}": value for kind in ("", "t_", "bca_") for end, value in ends.items()}
    return Comparison(len(values_a), lost, mean_a, mean_b, mean_b - mean_a, **line, p=1.0, detectable=math.inf)


def shown(comparison: Comparison) -> dict[str, float]:
    """The fields that a table may show: of fewer than `PAIRS` pairs no interval, of fewer than two the counts alone."""
    c = comparison
    if c.n < 2:
        return {"n": c.n, "lost": c.lost}
    fields = dataclasses.asdict(c)
    return {name: value for name, value in fields.items() if c.n >= PAIRS or not name.endswith(("low", "high"))}


def check_same_data(a: Iterable[Record], b: Iterable[Record]) -> None:
    """Refuse Records that were trained on different rows, by their fingerprint; one that failed may not know its rows.

    Raises:
        ValueError: there is more than one fingerprint; the message says which.
    """
    seen: dict[str, Record] = {}
    for record in (*a, *b):
        if fingerprint := record.data.get("fingerprint"):
            seen.setdefault(fingerprint, record)
    if len(seen) > 1:
        found = " and ".join(f"{record.run.name} on {fingerprint[:16]}" for fingerprint, record in seen.items())
        raise ValueError(
            f"arms are compared on the same data, by their fingerprint; these were trained on different ones: {found}. "
            "Train one of them again on the other's data"
        )


def proportion(hits: int, n: int) -> tuple[float, float, float]:
    """A share in percent, and its exact 95 % interval (Clopper-Pearson).

    Args:
        hits: how many of the cases.
        n: how many cases, at least one.
    """
    with needs("train", "a comparison"):
        from scipy import stats

    interval = stats.binomtest(hits, n).proportion_ci(LEVEL, method="exact")
    return 100 * hits / n, 100 * float(interval.low), 100 * float(interval.high)


def compare_rates(a: Sequence[bool], b: Sequence[bool]) -> Comparison:
    """Compare how often something happened in two arms, in points: b less a, with an interval that needs no spread.

    The interval is Newcombe's for a difference of two shares, from the exact intervals of either (Clopper-Pearson): of
    5 in 5 against 0 in 5 it is not a point. The test is Fisher's. Arms need not be paired.

    Args:
        a: of each run of one arm, whether it happened.
        b: of each run of the other.

    Raises:
        ValueError: an arm without a run.
    """
    if not len(a) or not len(b):
        raise ValueError(f"shares are compared of runs, got {len(a)} and {len(b)}")
    with needs("train", "a comparison"):
        from scipy import stats

    (share_a, low_a, high_a), (share_b, low_b, high_b) = (proportion(sum(arm), len(arm)) for arm in (a, b))
    difference = share_b - share_a
    low = difference - math.hypot(share_b - low_b, high_a - share_a)
    high = difference + math.hypot(high_b - share_b, share_a - low_a)
    table = [[sum(arm), len(arm) - sum(arm)] for arm in (a, b)]
    p = float(stats.fisher_exact(table).pvalue)
    ends = (max(low, -100.0), min(high, 100.0))
    return Comparison(min(len(a), len(b)), 0, share_a, share_b, difference, *ends, *ends, *ends, p, math.inf)


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
