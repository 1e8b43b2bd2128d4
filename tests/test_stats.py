"""Statistics against scipy, against counting by hand, and against simulated pairs of known difference."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

import pnn
from pnn.stats import POWER, pair_by_seed


def record(neuron: str, seed: int, accuracy: float | None) -> pnn.Record:
    run = pnn.Run(pnn.Task("digits"), pnn.Network("cnn", neuron, 4), pnn.Recipe(8), seed, "smoke")
    if accuracy is None:
        return pnn.Record.of_failure(run, "diverged", "step 3")
    score = pnn.Score(0.5, accuracy)
    return pnn.Record(
        run=run,
        outcome="ok",
        message="",
        curves={"validation_accuracy": [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9]},
        final={"train": pnn.Score(0.1, accuracy + 0.05), "validation": score, "test": score},
        budget={},
        seconds=1.0,
        sittings=1,
        used={},
        versions={},
        commit="",
        data={},
    )


@pytest.fixture
def pairs():
    draw = np.random.default_rng(0)
    a = draw.normal(70, 1, 9)
    return a, a + draw.normal(0.4, 0.5, 9)


def test_interval_is_scipys_paired_t(pairs):
    a, b = pairs
    result, expected = pnn.compare(a, b), scipy_stats.ttest_rel(b, a).confidence_interval(0.95)
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high))
    assert (result.n, result.difference) == (9, pytest.approx(np.mean(b) - np.mean(a)))


def test_p_is_the_share_of_sign_patterns_at_least_as_far_from_zero(pairs):
    a, b = pairs
    d = b - a
    means = [abs(np.dot(signs, d)) / 9 for signs in itertools.product([-1, 1], repeat=9)]
    assert pnn.compare(a, b).p == pytest.approx(np.mean([mean >= abs(d.mean()) - 1e-12 for mean in means]))


@pytest.mark.parametrize("n", [2, 5, 6, 10])
def test_smallest_p_is_that_of_equal_signs(n):
    assert pnn.compare(np.zeros(n), np.arange(1, n + 1)).p == pytest.approx(2.0 ** (1 - n))


@pytest.mark.parametrize("n", [3, 6, 12])
def test_detectable_effect_is_found_with_the_stated_power(n):
    draw = np.random.default_rng(n)
    unit = pnn.compare(np.zeros(n), scipy_stats.zscore(np.arange(n), ddof=1)).detectable  # in deviations
    samples = draw.normal(unit, 1, (20_000, n))
    found = scipy_stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(POWER, abs=0.01)


def test_interval_covers_the_truth_in_95_of_100():
    draw = np.random.default_rng(1)
    covered = 0
    for _ in range(1000):
        a = draw.normal(0, 3, 5)
        result = pnn.compare(a, a + draw.normal(0.7, 1, 5))
        covered += result.low <= 0.7 <= result.high
    assert covered / 1000 == pytest.approx(0.95, abs=0.025)


def test_no_variance_is_no_error():
    result = pnn.compare([1.0, 2.0], [1.5, 2.5])
    assert (result.low, result.difference, result.high, result.detectable) == (0.5, 0.5, 0.5, 0.0)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0], [2.0], "at least two pairs, got 1"),
        ([1.0, 2.0], [2.0], "same length"),
        ([1.0, math.nan], [2.0, 2.0], "not finite"),
    ],
)
def test_what_cannot_be_compared_is_an_error(a, b, message):
    with pytest.raises(ValueError, match=message):
        pnn.compare(a, b)


def test_pairs_are_by_seed_and_a_lost_one_is_counted():
    records = [record("polynomial", 1, 0.8), record("standard", 0, 0.5), record("standard", 1, 0.6)]
    records += [record("polynomial", 0, 0.7), record("standard", 2, 0.9), record("polynomial", 2, None)]
    records += [record("standard", 3, 0.4)]
    assert pair_by_seed(records, pnn.stats.accuracy) == ([0, 1], [50.0, 60.0], [70.0, 80.0], 2)
    assert pnn.compare_records(records, pnn.stats.accuracy).lost == 2


def test_measures_of_a_record():
    r = record("standard", 0, 0.75)
    assert pnn.stats.accuracy(r) == 75.0
    assert pnn.stats.early_accuracy(r) == pytest.approx(20.0)  # the first two of eight epochs
    assert pnn.stats.gap(r) == pytest.approx(5.0)


def interval(low: float, high: float) -> pnn.Comparison:
    return pnn.Comparison(5, 0, 0.0, 0.0, (low + high) / 2, low, high, 0.1, 0.1)


@pytest.mark.parametrize(
    ("low", "high", "claimed", "word"),
    [
        (2.5, 3.5, 3.0, "holds"),
        (3.5, 4.5, 3.0, "holds"),
        (0.5, 2.5, 3.0, "does not hold"),
        (-4.0, -1.0, 0.0, "does not hold"),
        (-1.0, 0.0, 0.0, "does not hold"),
        (-1.0, 3.5, 3.0, "cannot tell"),
        (-1.0, 0.5, 0.0, "cannot tell"),
        (0.1, 0.5, 0.0, "holds"),
    ],
)
def test_verdict_follows_the_written_rule(low, high, claimed, word):
    assert pnn.verdict(interval(low, high), claimed) == word


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(-0.9, 0.9, "holds"), (1.1, 2.0, "does not hold"), (-3, -1.1, "does not hold"), (0.5, 1.5, "cannot tell")],
)
def test_verdict_on_what_is_comparable(low, high, word):
    assert pnn.verdict_equal(interval(low, high), 1.0) == word
