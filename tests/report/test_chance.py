"""The best of several settings that differ in nothing: counted one by one."""

import itertools
import math
import statistics

import numpy as np
import pytest

from pnn.report.chance import best_of_nothing, rising

VALUES = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6]


@pytest.mark.parametrize("settings", [1, 2, 4, 5])
def test_every_baseline_and_every_choice_of_others_counts_once(settings):
    gains = [
        max(choice) - baseline
        for place, baseline in enumerate(VALUES)
        for choice in itertools.combinations(VALUES[:place] + VALUES[place + 1 :], settings)
    ]
    found = best_of_nothing(VALUES, settings)
    assert found.settings == settings
    assert found.mean == pytest.approx(statistics.fmean(gains))
    assert (found.least, found.most) == (min(gains), max(gains))
    within = sum(found.low <= gain <= found.high for gain in gains) / len(gains)
    assert within >= 0.9
    assert sum(gain < found.low for gain in gains) <= 0.05 * len(gains)
    assert sum(gain > found.high for gain in gains) <= 0.05 * len(gains)


def test_one_setting_of_nothing_gains_nothing_on_the_mean():
    assert best_of_nothing(VALUES, 1).mean == pytest.approx(0)


def test_the_mean_is_near_the_expected_largest_of_normal_draws():
    """Of fifteen it is 1.736 deviations (Harter 1961)."""
    generator = np.random.default_rng(0)
    means = [best_of_nothing(list(generator.standard_normal(16)), 15).mean for _ in range(2000)]
    assert statistics.fmean(means) == pytest.approx(1.736, abs=0.03)


@pytest.mark.parametrize("settings", [0, 6, -1])
def test_more_settings_than_trainings_are_refused(settings):
    with pytest.raises(ValueError, match=f"of 6 trainings 1 to 5 can be tried beside one, got {settings}"):
        best_of_nothing(VALUES, settings)


def test_a_trend_is_counted_over_all_orders():
    assert rising([1, 2, 3, 4]) == pytest.approx(1 / math.factorial(4))
    assert rising([4, 3, 2, 1]) == 1
    assert rising([1, 1, 1]) == 1
    assert rising([2, 1, 3]) == pytest.approx(3 / 6)  # 123, 132 and 213 rise at least as steadily.


def test_a_trend_without_ties_is_kendalls():
    from scipy import stats

    values = [1.0, 3.0, 2.0, 5.0, 4.0, 6.0, 8.0]
    expected = stats.kendalltau(range(7), values, method="exact", alternative="greater").pvalue
    assert rising(values) == pytest.approx(expected)


@pytest.mark.parametrize("values", [[1.0], [0.0] * 10])
def test_a_trend_of_too_few_or_too_many_values_is_refused(values):
    with pytest.raises(ValueError, match=f"two to nine values, got {len(values)}"):
        rising(values)
