"""The interval over seeds and test rows: its limits, and how often it holds a truth that is known."""

import numpy as np
import pytest
from scipy import stats as scipy_stats
from whole import whole_record

import pnn
from pnn.report.crossed import bits, crossed_interval
from pnn.runs.score import Hits


def record(neuron: str, seed: int, right: list[int] | None, outcome: str = "ok") -> pnn.Record:
    run = pnn.Run(pnn.Digits(), pnn.CNN(neuron, 4), pnn.Recipe(2), seed, "smoke")
    if outcome != "ok":
        return pnn.Record.of_failure(run, outcome, "step 3")
    hits = None if right is None else Hits.of(np.array(right, bool))
    return whole_record(run, 0.5 if right is None else float(np.mean(right)), hits=hits)


def test_bits_are_paired_by_seed():
    a = [record("standard", 1, [1, 0, 1, 0]), record("standard", 0, [1, 1, 0, 0])]
    b = [record("polynomial", 0, [0, 1, 1, 0]), record("polynomial", 1, [1, 1, 1, 1])]
    assert bits(a, b).tolist() == [[-1, 0, 1, 0], [0, 1, 0, 1]]
    assert bits(a, [record("polynomial", 0, None, "diverged"), b[1]]).tolist() == [[0, 1, 0, 1]]


def test_records_without_bits_have_no_such_interval():
    a = [record("standard", 0, [1, 0]), record("standard", 1, None)]
    assert bits(a, [record("polynomial", seed, [1, 1]) for seed in (0, 1)]) is None
    assert bits([], []) is None


def test_without_a_spread_over_seeds_it_is_the_interval_over_rows():
    """Equal seeds: the bootstrap over rows alone, whose standard error is known."""
    row = np.repeat([1, 0, -1], [60, 900, 40])
    low, high = crossed_interval(np.tile(row, (4, 1)))
    half = 1.96 * row.std() / np.sqrt(1000)
    assert (low, high) == pytest.approx((0.02 - half, 0.02 + half), abs=0.0015)


def test_without_a_spread_over_rows_it_is_the_interval_over_seeds():
    seeds = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    low, high = crossed_interval(np.repeat(seeds[:, None], 50, axis=1))
    half = scipy_stats.t.ppf(0.975, 7) * seeds.std(ddof=1) / np.sqrt(8)
    assert (low, high) == pytest.approx((0.45 - half, 0.45 + half), abs=0.02)


def test_it_is_the_same_each_time_and_needs_two_of_either():
    some = np.random.default_rng(0).integers(-1, 2, (3, 40))
    assert crossed_interval(some) == crossed_interval(some)
    for shape in ((1, 40), (3, 1)):
        with pytest.raises(ValueError, match="needs two of either"):
            crossed_interval(np.zeros(shape))


@pytest.mark.parametrize(("seeds", "luck"), [(3, 0.05), (3, 0.005), (5, 0.05), (10, 0.02)])
def test_it_holds_the_truth_at_least_as_often_as_it_says(seeds, luck):
    """Some rows are easier for one arm, some seeds luckier; both are drawn anew each time."""
    draw = np.random.default_rng(seeds)
    held = 0
    for _ in range(200):
        easier, lucky = draw.normal(0.1, 0.4, 400), draw.normal(0, luck, (seeds, 1))
        chance = np.clip(easier + lucky, -1, 1)
        found = np.sign(chance) * (draw.random((seeds, 400)) < np.abs(chance))
        low, high = crossed_interval(found)
        held += low <= 0.1 <= high  # clipping hardly moves the mean: 0.4 is 2.25 deviations from the nearer limit
    assert held >= 0.93 * 200
