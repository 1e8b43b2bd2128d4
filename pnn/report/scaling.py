"""Accuracy against cost: a power law through several widths, whether it fits them, and bootstrap bands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..system.extras import needs
from .comparison import LEVEL

FEWEST = 4  # A fit needs so many distinct costs, as the law has three parameters.


@dataclass(frozen=True)
class PowerLaw:
    """error = floor + scale * cost ** -exponent, none of the three below 0."""

    floor: float  # the error that no cost removes, percent points
    scale: float  # the rest of the error at cost 1
    exponent: float

    def __call__(self, x: float | np.ndarray) -> float | np.ndarray:
        """The error at a cost above 0, or at an array of them."""
        return self.floor + self.scale * np.asarray(x, float) ** -self.exponent


@dataclass(frozen=True)
class Misses:
    """How far a law is from the points that it was fitted to, and how far these would be apart by their seeds alone."""

    largest: float  # of the distances between the mean of a width and the law, percent points
    spread: float  # standard deviation of the seeds of a width, pooled over the widths, percent points
    p: float  # how often misses as large come about where the law is true

    @property
    def fits(self) -> bool:
        """Whether the seeds explain the misses; where they do not, nothing that rests on the law is to be shown."""
        return self.p >= 1 - LEVEL


@dataclass(frozen=True)
class ScalingCurve:
    """Accuracy against cost, as fitted, with a 95 % bootstrap band at each cost by itself."""

    x: tuple[float, ...]  # costs
    mean: tuple[float, ...]  # fitted accuracy, percent
    low: tuple[float, ...]
    high: tuple[float, ...]
    law: PowerLaw  # of the error, 100 - accuracy
    misses: Misses


def fit_power_law(x: Sequence[float], error: Sequence[float]) -> PowerLaw:
    """The power law with the least sum of squared residuals.

    For each exponent the best floor and scale follow in closed form, so that only the exponent is searched for: on a
    grid first, as there may be more than one minimum, then ever closer around the best. If the error does not fall with
    cost, the law is the constant ``PowerLaw(mean, 0, 0)``. Exponents beyond 10, or so large that all the fall is at the
    smallest cost, are not tried.

    Args:
        x: costs; one may occur several times.
        error: the error at each, in percent points.

    Raises:
        ValueError: arms of different length, fewer than four distinct costs, a cost that is not above 0 and finite,
            or an error that is below 0 or not finite.
    """
    x, error = np.asarray(x, float), np.asarray(error, float)
    if x.shape != error.shape or x.ndim != 1:
        raise ValueError(f"costs and errors must be lists of the same length, got {x.shape} and {error.shape}")
    _check_costs(x)
    if not (np.isfinite(error) & (error >= 0)).all():
        raise ValueError("an error is below 0 or not finite")
    floor, fall, exponent = (float(part[0]) for part in _fit(x, error[None], np.ones(len(x))))
    return PowerLaw(floor, fall * float(x.min()) ** exponent, exponent)


def scaling_curve(
    costs: Sequence[float],
    values: Sequence[Sequence[float]],
    grid: Sequence[float],
    resamples: int = 500,
    seed: int = 0,
) -> ScalingCurve:
    r"""Fit a power law to the errors of several widths, with a 95 % percentile band of refits.

    Each refit draws the seeds anew within every width. Drawing n values with replacement understates the variance of
    their mean by (n - 1) / n, which matters at few seeds: so the deviations from the mean of a width are stretched by
    :math:`\sqrt{n / (n - 1)}` before they are drawn. Even so the band is narrow at few seeds: of six widths with three
    normal ones each, it holds the truth in about 87 of 100 cases, at its ends in about 80. It knows of the spread of
    seeds only, not of an error that is no power law; outside the range of costs the curve is an extrapolation.

    Args:
        costs: one for each width.
        values: accuracies of the seeds at each cost, in percent; at least two, not necessarily as many everywhere.
        grid: costs at which the curve is given.
        resamples: number of refits.
        seed: of the drawing.

    Raises:
        ValueError: as in :func:`fit_power_law`; or a cost with fewer than two values, or a value outside 0..100.
    """
    costs, samples = _checked(costs, values)
    grid = np.asarray(grid, float)
    if not (np.isfinite(grid) & (grid > 0)).all():
        raise ValueError("the costs of the grid must be above 0 and finite")
    law, fitted = _fitted_accuracies(costs, samples, grid, resamples, np.random.default_rng(seed))
    low, high = _band(fitted)
    return ScalingCurve(
        x=tuple(grid.tolist()),
        mean=tuple(fitted[0].tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        law=law,
        misses=lack_of_fit(costs, values, law),
    )


def lack_of_fit(costs: Sequence[float], values: Sequence[Sequence[float]], law: PowerLaw) -> Misses:
    r"""Whether a fitted law misses the means of its widths by more than their seeds explain.

    The F test for lack of fit :cite:p:`draper1998`. For widths :math:`i = 1 \dots k` with :math:`n_i` accuracies
    :math:`y_{ij}` of mean :math:`\bar y_i` at cost :math:`c_i`, :math:`N` in all, and a law :math:`f` of the error of
    which :math:`m` of the three parts are above 0,

    .. math:: F = \frac{\sum_i n_i (\bar y_i - 100 + f(c_i))^2 / (k - m)}{\sum_{ij} (y_{ij} - \bar y_i)^2 / (N - k)}

    has the distribution :math:`F_{k - m, N - k}` where the law is true and all seeds spread alike. A law counts as one
    that fits if :math:`p \ge 0.05`: one of twenty true laws is refused. With few or widely spread seeds a wrong law may
    pass, so that its largest miss is to be shown as well.

    Args:
        costs: one for each width.
        values: accuracies of the seeds at each cost, in percent; at least two.
        law: fitted to them.

    Raises:
        ValueError: as in :func:`scaling_curve`.
    """
    with needs("train", "a test of a fit"):
        from scipy import stats

    costs, samples = _checked(costs, values)
    counts = np.array([len(sample) for sample in samples])
    misses = np.array([sample.mean() for sample in samples]) - 100 + law(costs)
    parts = sum(part > 0 for part in (law.floor, law.scale, law.exponent))
    lack = (counts @ misses**2) / (len(costs) - parts)
    pure = sum(((sample - sample.mean()) ** 2).sum() for sample in samples) / (counts.sum() - len(costs))
    # The search for the exponent ends some ten-thousandths of a point from the best law: that is no miss.
    p = float(stats.f.sf(lack / max(pure, 1e-6), len(costs) - parts, counts.sum() - len(costs)))
    return Misses(float(np.abs(misses).max()), math.sqrt(pure), p)


def scaling_difference(
    costs_a: Sequence[float],
    values_a: Sequence[Sequence[float]],
    costs_b: Sequence[float],
    values_b: Sequence[Sequence[float]],
    points: Sequence[float],
    resamples: int = 500,
    seed: int = 0,
) -> list[tuple[float, float, float, float]]:
    """Accuracy of arm b less that of arm a at equal cost, from their fitted curves.

    The two arms are fitted and redrawn as in :func:`scaling_curve`, independently of each other: their widths cost
    different amounts, so that there are no pairs.

    Args:
        costs_a: one for each width of arm a.
        values_a: accuracies of the seeds at each, in percent.
        costs_b: one for each width of arm b.
        values_b: accuracies of the seeds at each, in percent.
        points: costs at which the arms are compared, within the range of both.
        resamples: number of refits.
        seed: of the drawing.

    Returns:
        (cost, difference in percent points, low, high) for each point; the 95 % intervals hold for each by itself.

    Raises:
        ValueError: as in :func:`scaling_curve`, or a point outside the costs that both arms cover.
    """
    (costs_a, samples_a), (costs_b, samples_b) = _checked(costs_a, values_a), _checked(costs_b, values_b)
    points = np.asarray(points, float)
    first, last = max(costs_a.min(), costs_b.min()), min(costs_a.max(), costs_b.max())
    if first > last:
        raise ValueError(
            f"the arms have no cost in common: {costs_a.min():.9g} to {costs_a.max():.9g} and "
            f"{costs_b.min():.9g} to {costs_b.max():.9g}"
        )
    for point in points:
        if not first * (1 - 1e-9) <= point <= last * (1 + 1e-9):  # An end of np.logspace may be off by rounding.
            raise ValueError(f"the arms can be compared at costs from {first:.9g} to {last:.9g}, got {point:.9g}")
    draw = np.random.default_rng(seed)
    _, fitted_a = _fitted_accuracies(costs_a, samples_a, points, resamples, draw)
    _, fitted_b = _fitted_accuracies(costs_b, samples_b, points, resamples, draw)
    difference = fitted_b - fitted_a
    low, high = _band(difference)
    return list(zip(points.tolist(), difference[0].tolist(), low.tolist(), high.tolist(), strict=True))


def _check_costs(x: np.ndarray) -> None:
    if not (np.isfinite(x) & (x > 0)).all():
        raise ValueError("a cost must be above 0 and finite")
    if len(np.unique(x)) < FEWEST:
        raise ValueError(f"a power law needs at least {FEWEST} distinct costs, got {len(np.unique(x))}")


def _checked(costs: Sequence[float], values: Sequence[Sequence[float]]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The costs, and the values at each, as checked arrays."""
    costs, samples = np.asarray(costs, float), [np.asarray(sample, float) for sample in values]
    if len(costs) != len(samples):
        raise ValueError(f"there must be values for each cost, got {len(costs)} costs and values for {len(samples)}")
    _check_costs(costs)
    for cost, sample in zip(costs, samples, strict=True):
        if len(sample) < 2:
            raise ValueError(f"a band needs at least two seeds at each cost, got {len(sample)} at {cost:g}")
        if not ((sample >= 0) & (sample <= 100)).all():
            raise ValueError(f"an accuracy at cost {cost:g} is not between 0 and 100 percent")
    return costs, samples


def _fitted_accuracies(
    costs: np.ndarray, samples: list[np.ndarray], grid: np.ndarray, resamples: int, draw: np.random.Generator
) -> tuple[PowerLaw, np.ndarray]:
    """The law of the data, and accuracies on the grid: of the law, then of each refit."""
    errors = np.empty((1 + resamples, len(costs)))
    for i, sample in enumerate(samples):
        n, mean = len(sample), 100 - sample.mean()
        stretched = (sample.mean() - sample) * math.sqrt(n / (n - 1))
        errors[0, i] = mean
        errors[1:, i] = mean + stretched[draw.integers(0, n, (resamples, n))].mean(axis=1)
    # Means weigh by their number of values, as if the law were fitted to all.
    weight = np.array([len(sample) for sample in samples], float)
    floor, fall, exponent = _fit(costs, np.maximum(errors, 0), weight)
    away = np.log(grid / costs.min())
    fitted = 100 - floor[:, None] - fall[:, None] * np.exp(-exponent[:, None] * away)
    law = PowerLaw(float(floor[0]), float(fall[0] * costs.min() ** exponent[0]), float(exponent[0]))
    return law, fitted


def _band(refits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The percentile band of all rows but the first, which is the fit itself."""
    return tuple(np.quantile(refits[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0))


def _fit(x: np.ndarray, errors: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Floor, fall and exponent of floor + fall * (x / smallest x) ** -exponent for each row of errors."""
    away = np.log(x / x.min())
    largest = min(10.0, 30 / away.max())  # At 30, e**-30 of the fall is left at the largest cost.
    smallest = 1e-4 * largest  # This is in effect a straight line in the logarithm of the cost.
    weight = weight / weight.sum()
    rows = np.arange(len(errors))
    exponents = np.tile(np.geomspace(smallest, largest, 100), (len(errors), 1))
    for _ in range(6):  # Each pass narrows the bracket about tenfold.
        floor, fall, squares = _solve(exponents, away, errors, weight)
        best = squares.argmin(axis=1)
        found = floor[rows, best], fall[rows, best], exponents[rows, best]
        left = exponents[rows, np.maximum(best - 1, 0)]
        right = exponents[rows, np.minimum(best + 1, exponents.shape[1] - 1)]
        exponents = np.geomspace(left, right, 21, axis=1)
    floor, fall, exponent = found
    return floor, fall, np.where(fall > 0, exponent, 0.0)


def _solve(
    exponents: np.ndarray, away: np.ndarray, errors: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best floor and fall, neither below 0, and their weighted squares, for rows of exponents by rows of errors."""
    u = np.exp(-exponents[..., None] * away)
    error = errors[:, None, :]
    mean_u, mean_error = u @ weight, error @ weight
    off = u - mean_u[..., None]
    fall = (off * error) @ weight / (off**2 @ weight)
    floor = mean_error - fall * mean_u
    # As no error is below 0, at most one of the two is; the best admissible pair then has that one at 0.
    through = (u * error) @ weight / (u**2 @ weight)
    fall, floor = np.where(floor < 0, through, fall), np.maximum(floor, 0)
    fall, floor = np.where(fall < 0, 0, fall), np.where(fall < 0, mean_error, floor)
    squares = (error - floor[..., None] - fall[..., None] * u) ** 2 @ weight
    return floor, fall, squares
