"""How much arms vary over the seeds, against printed quantiles and by simulation."""

import dataclasses
import math

import numpy as np
import pytest
from whole import whole_record

import pnn
from pnn.report import verdict
from pnn.report.deviations import compare_deviations

RUN = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 0, "smoke")


def arm(*accuracies: float | None) -> list[pnn.Record]:
    """A Record a seed with this test accuracy; None: it diverged."""
    runs = [dataclasses.replace(RUN, seed=seed) for seed in range(len(accuracies))]
    return [
        pnn.Record.of_failure(run, "diverged", "step 1") if own is None else whole_record(run, own)
        for run, own in zip(runs, accuracies, strict=True)
    ]


def test_the_ratio_and_its_interval_are_those_of_f():
    # The second arm's values are three times as far apart. F is 9.605 at 97.5 % with 4 and 4 degrees of freedom.
    a, b = [0.50, 0.51, 0.52, 0.53, 0.54], [0.50, 0.53, 0.56, 0.59, 0.62]
    found = compare_deviations(arm(*a), arm(*b))
    assert (found.n, found.lost, found.difference) == (5, 0, pytest.approx(200))
    assert found.mean_a == pytest.approx(100 * np.std(a, ddof=1))
    ends = [100 * (3 / math.sqrt(9.605) - 1), 100 * (3 * math.sqrt(9.605) - 1)]
    assert [found.low, found.high] == pytest.approx(ends, abs=0.1)
    assert 0.05 < found.p < 0.06  # just not told apart, as the interval says
    assert verdict.verdict(found, "gain", 0.0) == "cannot tell"


def test_the_other_way_round_is_the_reciprocal():
    a, b = arm(0.50, 0.53, 0.51, 0.56), arm(0.4, 0.9, 0.5, 0.6)
    one, other = compare_deviations(a, b), compare_deviations(b, a)
    assert (1 + one.difference / 100) * (1 + other.difference / 100) == pytest.approx(1)
    assert (1 + one.low / 100) * (1 + other.high / 100) == pytest.approx(1)
    assert one.p == pytest.approx(other.p)


def test_a_lost_run_takes_its_pair_with_it():
    found = compare_deviations(arm(0.5, 0.6, 0.7, 0.1), arm(0.5, 0.6, 0.7, None))
    assert (found.n, found.lost, found.difference) == (3, 1, pytest.approx(0))


@pytest.mark.parametrize(("a", "b"), [((0.5, 0.5, 0.5), (0.4, 0.5, 0.6)), ((0.5, None), (0.5, 0.6))])
def test_where_nothing_is_known_the_interval_is_the_whole_line(a, b):
    found = compare_deviations(arm(*a), arm(*b))
    assert (found.low, found.high, found.p) == (-math.inf, math.inf, 1.0)


def test_the_interval_holds_the_true_ratio_as_often_as_it_says():
    draw = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        a, b = 0.5 + 0.01 * draw.standard_normal(5), 0.5 + 0.02 * draw.standard_normal(5)
        found = compare_deviations(arm(*a), arm(*b))
        held += found.low <= 100 <= found.high
    assert 0.92 < held / 400 < 0.98
