"""Power laws against laws that are known, against scipy, and bands against simulated widths."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from pnn.report.scaling import PowerLaw, ScalingCurve, fit_power_law, lack_of_fit, scaling_curve, scaling_difference

COSTS = np.geomspace(1e3, 1e6, 6)
LAW = PowerLaw(5.0, 400.0, 0.4)


def accuracies(law: PowerLaw, costs: np.ndarray, seeds: int, spread: float, draw: np.random.Generator) -> list:
    return [100 - law(cost) + draw.normal(0, spread, seeds) for cost in costs]


@pytest.mark.parametrize(
    "law",
    [
        LAW,
        PowerLaw(20.0, 1e5, 1.0),
        PowerLaw(0.0, 100.0, 0.2),
        PowerLaw(3.0, 80.0, 0.05),
        PowerLaw(10.0, 1e10, 3.0),
    ],
)
@pytest.mark.parametrize("unit", [1.0, 1e6, 1e-4])
def test_an_exact_law_is_found_in_any_unit_of_cost(law, unit):
    found = fit_power_law(COSTS * unit, law(COSTS))
    assert found.floor == pytest.approx(law.floor, rel=1e-4, abs=1e-4)
    assert found.exponent == pytest.approx(law.exponent, rel=1e-4)
    assert found.scale == pytest.approx(law.scale * unit**law.exponent, rel=1e-3)
    assert found(COSTS * unit) == pytest.approx(law(COSTS), rel=1e-5)


def test_four_costs_in_any_order_are_enough():
    found = fit_power_law([1e6, 1e3, 1e5, 1e4], LAW(np.array([1e6, 1e3, 1e5, 1e4])))
    assert (found.floor, found.scale, found.exponent) == pytest.approx((5, 400, 0.4), rel=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_no_fit_of_scipys_is_closer(seed):
    draw = np.random.default_rng(seed)
    error = np.maximum(LAW(COSTS) + draw.normal(0, 2, 6), 0)
    squares = ((fit_power_law(COSTS, error)(COSTS) - error) ** 2).sum()

    def residual(theta: np.ndarray) -> np.ndarray:
        return theta[0] + theta[1] * (COSTS / COSTS[0]) ** -theta[2] - error

    for exponent in (0.05, 0.2, 0.8, 2.0):
        start = [error.min() / 2, error.max() / 2, exponent]
        other = optimize.least_squares(residual, start, bounds=([0, 0, 1e-3], [np.inf, np.inf, 4]))
        assert squares <= 2 * other.cost * (1 + 1e-6)


@pytest.mark.parametrize("error", [[7.3] * 6, [0.0] * 6, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
def test_an_error_that_does_not_fall_is_constant(error):
    law = fit_power_law(COSTS, error)
    assert law(COSTS) == pytest.approx([np.mean(error)] * 6)
    assert law.floor == pytest.approx(np.mean(error))


def test_a_constant_has_neither_scale_nor_exponent():
    assert fit_power_law(COSTS, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == PowerLaw(pytest.approx(3.5), 0.0, 0.0)


def test_no_part_of_a_law_is_negative():
    for error in ([50, 40, 30, 20, 10, 0], [50, 0, 0, 0, 0, 0], [50, 50, 50, 50, 50, 0]):
        law = fit_power_law(COSTS, error)
        assert min(law.floor, law.scale, law.exponent) >= 0
        assert np.isfinite(law(COSTS)).all()


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1.0, 2.0, 3.0, 3.0, 2.0], [4.0, 3.0, 2.0, 2.0, 3.0], "at least 4 distinct costs, got 3"),
        ([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0], "same length"),
        ([0.0, 1.0, 2.0, 3.0], [4.0, 3.0, 2.0, 1.0], "cost must be above 0"),
        ([1.0, 2.0, 3.0, math.inf], [4.0, 3.0, 2.0, 1.0], "cost must be above 0 and finite"),
        ([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, math.nan], "not finite"),
        ([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, -1.0], "below 0"),
    ],
)
def test_what_cannot_be_fitted_is_an_error(x, error, message):
    with pytest.raises(ValueError, match=message):
        fit_power_law(x, error)


def test_curve_is_the_law_of_all_values_within_its_band():
    values = accuracies(LAW, COSTS, 5, 0.5, np.random.default_rng(0))
    values[2] = values[2][:3]  # a seed counts as one wherever it is
    grid = np.geomspace(1e3, 1e6, 20)
    curve = scaling_curve(COSTS, values, grid)
    law = fit_power_law(np.repeat(COSTS, [len(v) for v in values]), 100 - np.concatenate(values))
    assert isinstance(curve, ScalingCurve)
    assert curve.x == tuple(grid)
    assert curve.mean == pytest.approx(100 - curve.law(grid))
    assert curve.mean == pytest.approx(100 - law(grid), abs=1e-4)
    assert all(low < mean < high for low, mean, high in zip(curve.low, curve.mean, curve.high, strict=True))


def test_curve_is_a_function_of_its_seed():
    values = accuracies(LAW, COSTS, 3, 0.5, np.random.default_rng(0))
    first = scaling_curve(COSTS, values, COSTS, resamples=50)
    assert first == scaling_curve(COSTS, values, COSTS, resamples=50)
    other = scaling_curve(COSTS, values, COSTS, resamples=50, seed=1)
    assert (other.mean == first.mean, other.low == first.low) == (True, False)


def test_band_without_spread_is_the_curve():
    curve = scaling_curve(COSTS, [[100 - LAW(cost)] * 3 for cost in COSTS], COSTS, resamples=20)
    assert curve.low == pytest.approx(curve.mean)
    assert curve.high == pytest.approx(curve.mean)


def refused(truth, seeds: int, spread: float, repetitions: int = 400) -> float:
    """Which share of fitted laws misses, where the mean accuracy at each cost is the truth."""
    draw, bad = np.random.default_rng(seeds), 0
    for _ in range(repetitions):
        values = [truth(cost) + draw.normal(0, spread, seeds) for cost in COSTS]
        law = fit_power_law(np.repeat(COSTS, seeds), 100 - np.concatenate(values))
        bad += not lack_of_fit(COSTS, values, law).fits
    return bad / repetitions


@pytest.mark.parametrize("seeds", [2, 3, 10])
@pytest.mark.parametrize("law", [LAW, PowerLaw(0.0, 100.0, 0.15)])
def test_a_true_law_is_refused_about_once_in_twenty_times(law, seeds):
    """At the edge of what is allowed, a floor of 0, about as often."""
    assert 0.015 <= refused(lambda cost: 100 - law(cost), seeds, 0.6) <= 0.09


@pytest.mark.parametrize(("spread", "low", "high"), [(0.2, 0.99, 1.0), (0.6, 0.9, 1.0), (10.0, 0.0, 0.12)])
def test_a_law_that_misses_by_two_points_is_refused_where_the_seeds_can_tell(spread, low, high):
    def steps(cost: float) -> float:  # It rises in two steps, as no power law does.
        return 40.0 + 8 * (cost > 5e3) + 8 * (cost > 3e5)

    assert low <= refused(steps, 3, spread) <= high


def test_the_lack_of_fit_is_that_of_the_textbook():
    """Against a linear model with the same residuals, by the sums of squares of an analysis of variance."""
    values = accuracies(LAW, COSTS, 4, 0.5, np.random.default_rng(1))
    values[2] = values[2][:3] + 2
    law = fit_power_law(np.repeat(COSTS, [len(own) for own in values]), 100 - np.concatenate(values))
    found = lack_of_fit(COSTS, values, law)
    rest = sum(((own - 100 + law(cost)) ** 2).sum() for cost, own in zip(COSTS, values, strict=True))
    within = sum((len(own) - 1) * own.var(ddof=1) for own in values)
    assert min(law.floor, law.scale, law.exponent) > 0
    assert found.p == pytest.approx(stats.f.sf(((rest - within) / 3) / (within / 17), 3, 17))
    assert found.spread == pytest.approx(math.sqrt(within / 17))
    assert found.largest == pytest.approx(
        max(abs(own.mean() - 100 + law(cost)) for cost, own in zip(COSTS, values, strict=True))
    )


def test_an_exact_law_fits_without_any_spread():
    values = [[100 - LAW(cost)] * 3 for cost in COSTS]
    assert lack_of_fit(COSTS, values, fit_power_law(COSTS, LAW(COSTS))).fits
    values[3] = [value + 0.1 for value in values[3]]
    assert not lack_of_fit(COSTS, values, fit_power_law(COSTS, [100 - own[0] for own in values])).fits


@pytest.mark.parametrize("seeds", [3, 12])
def test_band_is_as_wide_as_the_linearised_fit_says(seeds):
    away = (COSTS / 1e3) ** -LAW.exponent
    jacobian = np.stack([np.ones(6), away, away * np.log(COSTS / 1e3)], axis=1)  # by floor, scale, exponent
    spread = 0.3
    expected = 2 * 1.96 * spread / math.sqrt(seeds) * np.sqrt(np.diag(jacobian @ np.linalg.pinv(jacobian)))
    draw = np.random.default_rng(seeds)
    widths = []
    for i in range(60):
        curve = scaling_curve(COSTS, accuracies(LAW, COSTS, seeds, spread, draw), COSTS, resamples=200, seed=i)
        widths.append(np.subtract(curve.high, curve.low))
    square = np.square(np.array(widths) / expected)  # its mean is not biased by the few seeds, that of the width is
    assert np.sqrt(square.mean()) == pytest.approx(1, abs=0.06)  # not stretched, three seeds would give 0.82
    assert np.sqrt(square.mean(axis=0)) == pytest.approx(np.ones(6), abs=0.15)


def test_difference_of_known_laws_changes_its_sign_where_they_cross():
    a, b = PowerLaw(10.0, 300.0, 0.4), PowerLaw(5.0, 600.0, 0.4)
    crossing = 60**2.5  # 10 + 300 u = 5 + 600 u
    costs_b = COSTS * 1.7
    values_a, values_b = (
        [[100 - law(c) + e for e in (-0.1, 0, 0.1)] for c in x] for law, x in ((a, COSTS), (b, costs_b))
    )
    points = [2e3, crossing, 9e5]
    below, at, above = scaling_difference(COSTS, values_a, costs_b, values_b, points, resamples=100)
    for point, (cost, difference, low, high) in zip(points, (below, at, above), strict=True):
        assert cost == point
        assert difference == pytest.approx(a(cost) - b(cost), abs=1e-3)
        assert low < difference < high
    assert below[3] < 0 < above[2]


def test_interval_of_a_difference_covers_it():
    a, b = LAW, PowerLaw(4.0, 380.0, 0.4)
    draw = np.random.default_rng(0)
    covered = 0
    for i in range(100):
        values_a, values_b = accuracies(a, COSTS, 3, 0.5, draw), accuracies(b, COSTS * 1.3, 3, 0.5, draw)
        ((_, _, low, high),) = scaling_difference(COSTS, values_a, COSTS * 1.3, values_b, [3e4], 100, i)
        covered += low <= a(3e4) - b(3e4) <= high
    assert 0.88 <= covered / 100 <= 0.99


def test_difference_reaches_to_both_ends_of_the_overlap_and_not_beyond():
    values = accuracies(LAW, COSTS, 2, 0.5, np.random.default_rng(0))
    ends = [2e3 * (1 - 1e-12), 1e6 * (1 + 1e-12)]
    assert len(scaling_difference(COSTS, values, COSTS * 2, values, ends, resamples=5)) == 2
    for point in (1.9e3, 1.1e6, math.nan):
        with pytest.raises(ValueError, match="at costs from 2000 to 1000000, got"):
            scaling_difference(COSTS, values, COSTS * 2, values, [point], resamples=5)
    with pytest.raises(ValueError, match="no cost in common: 1000 to 1000000 and 2000000 to"):
        scaling_difference(COSTS, values, COSTS * 2000, values, [1e6], resamples=5)


@pytest.mark.parametrize(
    ("costs", "values", "grid", "message"),
    [
        ([1, 2, 3, 4], [[50, 51]] * 3, [1], "4 costs and values for 3"),
        ([1, 2, 3, 3], [[50, 51]] * 4, [1], "4 distinct costs, got 3"),
        ([1, 2, 3, 4], [[50, 51]] * 3 + [[50]], [1], "at least two seeds at each cost, got 1 at 4"),
        ([1, 2, 3, 4], [[50, 51]] * 3 + [[50, math.nan]], [1], "at cost 4 is not between 0 and 100"),
        ([1, 2, 3, 4], [[50, 101]] * 4, [1], "at cost 1 is not between 0 and 100"),
        ([1, 2, 3, 4], [[50, 51]] * 4, [0, 1], "grid must be above 0"),
    ],
)
def test_what_gives_no_curve_is_an_error(costs, values, grid, message):
    with pytest.raises(ValueError, match=message):
        scaling_curve(costs, values, grid)
