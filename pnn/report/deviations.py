"""How much more one arm varies over its seeds than another."""

import math
from collections.abc import Callable, Iterable

import numpy as np

from ..runs.record import Record
from ..system.extras import needs
from .comparison import Comparison, pair_by_seed
from .crossed import LEVEL
from .measures import accuracy


def compare_deviations(
    a: Iterable[Record], b: Iterable[Record], value: Callable[[Record], float] = accuracy
) -> Comparison:
    r"""Compare the standard deviations over the seeds: by how many percent that of b is larger than that of a.

    Of the seeds that ended well in both arms. The interval is that of a ratio of deviations of normal values,

    .. math:: \frac{s_b / s_a}{\sqrt F} \quad\text{to}\quad \frac{s_b}{s_a} \sqrt F , \qquad F = F_{0.975,\,n-1,\,n-1} ,

    as if the arms were independent, and the test is that of F. Of five seeds one deviation has to be about three
    times the other for the interval to lie off 0. ``mean_a`` and ``mean_b`` are the deviations, in the unit of the
    values. Where all values of an arm are equal, or there are fewer than two pairs, the interval is the whole line.

    Args:
        a: Records of one arm.
        b: of the other, with the same seeds.
        value: what varies, by default the test accuracy.

    Raises:
        ValueError: as of :func:`pnn.report.comparison.pair_by_seed`.
    """
    with needs("train", "a comparison"):
        from scipy import stats

    seeds, *pair, lost = pair_by_seed(a, b, value)
    n = len(seeds)
    s_a, s_b = (float(np.std(values, ddof=1)) if n > 1 else math.nan for values in pair)
    if n < 2 or not s_a or not s_b:
        ends = (-math.inf, math.inf)
        return Comparison(n, lost, s_a, s_b, math.nan, *ends, *ends, *ends, p=1.0, detectable=math.inf)
    ratio = s_b / s_a
    wide = math.sqrt(stats.f.ppf((1 + LEVEL) / 2, n - 1, n - 1))
    ends = (100 * (ratio / wide - 1), 100 * (ratio * wide - 1))
    p = min(1.0, 2 * float(stats.f.sf(max(ratio, 1 / ratio) ** 2, n - 1, n - 1)))
    return Comparison(n, lost, s_a, s_b, 100 * (ratio - 1), *ends, *ends, *ends, p=p, detectable=math.inf)
