"""Statistics against scipy, against counting by hand, and against simulated pairs of known difference."""

import dataclasses
import inspect
import itertools
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from whole import whole_record

import pnn
from pnn.report import comparison, measures, verdict

CURVE = [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9]


def record(neuron: str, seed: int, accuracy: float | None, curve: list[float] = CURVE) -> pnn.Record:
    run = pnn.Run(pnn.Digits(), pnn.CNN(neuron, 4), pnn.Recipe(len(curve)), seed, "smoke")
    if accuracy is None:
        return pnn.Record.of_failure(run, "diverged", "step 3")
    final = {"train": pnn.Score(0.1, accuracy + 0.05), "validation": pnn.Score(0.4, accuracy + 0.01)}
    return whole_record(run, accuracy, curves={"validation_accuracy": curve}, final=final)


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


@pytest.mark.parametrize("n", [2, 3, 5, 9, 40])
def test_bca_interval_is_scipys(n):
    # multiples of 2^-20, whose sums are exact: scipy lets rounding decide whether two equal means are equal
    d = np.round(np.random.default_rng(n).exponential(2**20, n)) / 2**20
    result = pnn.compare(np.zeros(n), d)
    # scipy 1.15 renamed the argument
    name = "rng" if "rng" in inspect.signature(scipy_stats.bootstrap).parameters else "random_state"
    expected = scipy_stats.bootstrap((d,), np.mean, method="BCa", **{name: np.random.default_rng(0)})
    low, high = expected.confidence_interval
    assert (result.bca_low, result.bca_high) == pytest.approx((low, high), rel=1e-9)


def test_rounding_does_not_break_ties_of_the_bca_interval():
    """Of accuracies in percent of 1,000 rows the differences are multiples of 0.1, but not as floats."""
    tenths = np.array([3, 0, 0, -2, -1, -4, -1, 2])
    whole, rounded = pnn.compare(np.zeros(8), tenths), pnn.compare(np.full(8, 69.9), 69.9 + tenths / 10)
    expected = pytest.approx((whole.bca_low / 10, whole.bca_high / 10), rel=1e-9)
    assert (rounded.bca_low, rounded.bca_high) == expected


def test_bca_interval_of_two_pairs_is_the_two_differences():
    result = pnn.compare([0.0, 0.0], [1.0, 2.5])
    assert (result.bca_low, result.bca_high) == (1.0, 2.5)


def test_bca_interval_is_drawn_to_the_longer_tail():
    result = pnn.compare(np.zeros(20), np.random.default_rng(0).exponential(1, 20))
    assert result.high - result.difference == pytest.approx(result.difference - result.low)
    assert result.bca_high - result.difference > 1.1 * (result.difference - result.bca_low)


def test_p_is_the_share_of_sign_patterns_at_least_as_far_from_zero(pairs):
    a, b = pairs
    d = b - a
    means = [abs(np.dot(signs, d)) / 9 for signs in itertools.product([-1, 1], repeat=9)]
    assert pnn.compare(a, b).p == pytest.approx(np.mean([mean >= abs(d.mean()) - 1e-12 for mean in means]))


def exact_p(d: np.ndarray) -> float:
    sums = np.zeros(1)
    for x in d:
        sums = np.concatenate([sums + x, sums - x])
    return np.mean(np.abs(sums) >= abs(d.sum()) - 1e-12)


@pytest.mark.parametrize("n", [4, 11])
def test_p_is_scipys(n):
    d = np.random.default_rng(n).normal(0.5, 1, n)
    expected = scipy_stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=math.inf, vectorized=True, axis=-1
    ).pvalue
    assert pnn.compare(np.zeros(n), d).p == pytest.approx(expected, rel=1e-12)
    assert exact_p(d) == pytest.approx(expected, rel=1e-12)


def test_p_of_16_pairs_is_exact_and_of_more_a_sample():
    d = np.random.default_rng(1).normal(0.4, 1, 18)
    assert pnn.compare(np.zeros(16), d[:16]).p == exact_p(d[:16])
    p = pnn.compare(np.zeros(18), d).p
    assert p == pytest.approx(exact_p(d), abs=4 * math.sqrt(p * (1 - p) / 2**16))
    assert p != exact_p(d)
    assert p == pnn.compare(np.zeros(18), d).p
    assert pnn.compare(np.zeros(60), np.arange(1, 61)).p == 2**-16  # never 0


def test_rounding_breaks_no_tie():
    # 0.4, -0.4 and 0.1 in floats of different error: all but four of the eight patterns are as far from 0
    a, b = [69.9, 70.7, 70.0], [70.3, 70.3, 70.1]
    d = [4, -4, 1]
    means = [abs(np.dot(signs, d)) for signs in itertools.product([-1, 1], repeat=3)]
    assert pnn.compare(a, b).p == np.mean([mean >= 1 for mean in means]) == 1.0


@pytest.mark.parametrize("n", [2, 5, 6, 10])
def test_smallest_p_is_that_of_equal_signs(n):
    assert pnn.compare(np.zeros(n), np.arange(1, n + 1)).p == pytest.approx(2.0 ** (1 - n))


@pytest.mark.parametrize("n", [3, 6, 12])
def test_detectable_effect_is_found_with_the_stated_power(n):
    draw = np.random.default_rng(n)
    unit = pnn.compare(np.zeros(n), scipy_stats.zscore(np.arange(n), ddof=1)).detectable  # in deviations
    samples = draw.normal(unit, 1, (20_000, n))
    found = scipy_stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(comparison.POWER, abs=0.01)


def test_intervals_cover_the_truth_as_often_as_stated():
    draw = np.random.default_rng(1)
    covered = np.zeros(2)
    for _ in range(1000):
        a = draw.normal(0, 3, 10)
        result = pnn.compare(a, a + draw.normal(0.7, 1, 10))
        covered += result.low <= 0.7 <= result.high, result.bca_low <= 0.7 <= result.bca_high
    t, bca = covered / 1000
    assert 0.93 <= t <= 0.97
    assert 0.87 <= bca <= 0.93


@pytest.mark.parametrize(("n", "stated"), [(2, 0.50), (5, 0.84)])
def test_bca_interval_of_few_pairs_covers_too_seldom_as_stated(n, stated):
    samples = np.random.default_rng(n).normal(0, 1, (1000, n))
    intervals = np.array([comparison._bca(d, 0.0, resamples=499) for d in samples])
    assert np.mean((intervals[:, 0] <= 0) & (intervals[:, 1] >= 0)) == pytest.approx(stated, abs=0.03)


@pytest.mark.parametrize(("d", "p"), [(0.5, 0.25), (0.1, 0.25), (0.0, 1.0)])
def test_equal_differences_are_no_error(d, p):
    a = np.array([0.7, 0.8, 0.1])  # the differences of 0.1 are not equal as floats
    result = pnn.compare(a, a + d)
    ends = [result.low, result.high, result.bca_low, result.bca_high]
    assert ends == [result.difference] * 4
    assert (result.difference, result.p, result.detectable) == (pytest.approx(d), p, 0.0)


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
    a = [record("standard", 0, 0.5), record("standard", 1, 0.6), record("standard", 2, 0.9), record("standard", 3, 0.4)]
    b = [record("polynomial", 4, None), record("polynomial", 1, 0.8), record("polynomial", 0, 0.7)]
    b += [record("polynomial", 2, None)]
    assert comparison.pair_by_seed(a, b, measures.accuracy) == ([0, 1], [50.0, 60.0], [70.0, 80.0], 3)
    assert comparison.pair_by_seed(iter(b), iter(a), measures.accuracy) == ([0, 1], [70.0, 80.0], [50.0, 60.0], 3)
    result = pnn.compare_records(a, b, measures.accuracy)
    assert (result.n, result.lost, result.difference) == (2, 3, pytest.approx(20.0))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_value_that_is_not_finite_is_a_lost_pair(value):
    a, b = ([record(neuron, seed, 0.5) for seed in range(3)] for neuron in ("standard", "polynomial"))
    seeds, values_a, _, lost = comparison.pair_by_seed(a, b, lambda r: value if r.run == b[1].run else 1.0)
    assert (seeds, values_a, lost) == ([0, 2], [1.0, 1.0], 1)


@pytest.mark.parametrize("accuracy", [0.6, None])
def test_two_records_of_one_seed_are_an_error_that_names_them(accuracy):
    first, second = record("standard", 7, 0.5), record("standard", 7, accuracy)
    second = dataclasses.replace(second, run=dataclasses.replace(second.run, recipe=pnn.Recipe(8, batch_size=9)))
    for arms in (([first, second], []), ([], [first, second])):
        with pytest.raises(ValueError, match="two Records of seed 7") as error:
            comparison.pair_by_seed(*arms, measures.accuracy)
        assert first.run.name in str(error.value)
        assert second.run.name in str(error.value)


@pytest.mark.parametrize("seeds", [[], [0]])
def test_of_fewer_than_two_pairs_nothing_is_known(seeds):
    a = [record("standard", seed, 0.5) for seed in (0, 1, 2)]
    b = [record("polynomial", seed, 0.6 if seed in seeds else None) for seed in (0, 1, 2)]
    found = pnn.compare_records(a, b, measures.accuracy)
    assert (found.n, found.lost) == (len(seeds), 3 - len(seeds))
    assert (found.low, found.high, found.p, found.detectable) == (-math.inf, math.inf, 1.0, math.inf)
    assert found.difference == pytest.approx(10) if seeds else math.isnan(found.difference)
    for rule, claimed in {"gain": 3.0, "no worse": 1.0, "no gain": None}.items():
        assert pnn.verdict(found, rule, claimed) == "cannot tell"
    assert verdict.direction(found) == "lost"


def test_arms_of_different_data_are_refused_by_name():
    a = [record("standard", seed, 0.5) for seed in (0, 1)]
    b = [record("polynomial", seed, 0.6) for seed in (0, 1)]
    b[1] = dataclasses.replace(b[1], data={"origin": "hub", "fingerprint": "f" * 64})
    with pytest.raises(ValueError, match=f"{a[0].run.name} on 0{{16}} and {b[1].run.name} on f{{16}}"):
        pnn.compare_records(a, b, measures.accuracy)
    b[1] = record("polynomial", 1, None)  # it failed before it had seen any
    assert pnn.compare_records(a, b, measures.accuracy).n == 1


def test_holm_on_four_values_by_hand():
    # in order: 4 * 0.005, 3 * 0.010, 2 * 0.030, and 1 * 0.040, which may not be below the one before
    assert comparison.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_is_the_closed_test_of_bonferroni():
    # a hypothesis falls if every set of hypotheses that contains it falls, each tested by Bonferroni
    draw = np.random.default_rng(0)
    for _ in range(20):
        p = draw.uniform(0, 1, 5) ** 3
        sets = [s for size in range(1, 6) for s in itertools.combinations(range(5), size)]
        expected = [max(min(1, len(s) * min(p[j] for j in s)) for s in sets if i in s) for i in range(5)]
        adjusted = comparison.holm(p)
        assert adjusted == pytest.approx(expected)
        assert all(adjusted >= p)
        assert [adjusted[i] for i in np.argsort(p)] == sorted(adjusted)


def test_holm_at_its_limits():
    assert comparison.holm([]) == []
    assert comparison.holm([0.02]) == [0.02]
    assert comparison.holm([0.5, 0.5, 1.0, 0.0]) == [1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("wrong", [math.nan, -0.01, 1.01, math.inf])
def test_holm_refuses_what_is_no_p_value(wrong):
    with pytest.raises(ValueError, match="between 0 and 1"):
        comparison.holm([0.5, wrong])


def test_measures_of_a_record():
    r = record("standard", 0, 0.75)
    assert measures.accuracy(r) == 75.0
    assert measures.early_accuracy(r) == pytest.approx(20.0)  # the first two of eight epochs
    assert measures.gap(r) == pytest.approx(5.0)
    assert measures.validation_gap(r) == pytest.approx(4.0)
    assert measures.final_loss(r) == 0.5


@pytest.mark.parametrize(
    ("curve", "area"),
    [
        ([0.4], 40.0),
        ([0.4, 0.6], 50.0),
        ([0.0, 0.6, 0.6], 45.0),  # 30 over the first interval, 60 over the second
        (CURVE, 100 * (4.8 - 0.5) / 7),
        ([0.7] * 5, 70.0),
    ],
)
def test_area_under_the_curve_is_its_mean_height(curve, area):
    assert measures.area_under_curve(record("standard", 0, 0.5, curve)) == pytest.approx(area)


@pytest.mark.parametrize(
    ("curve", "threshold", "epochs"),
    [
        ([0.2, 0.4, 0.8], 40, 2.0),
        ([0.2, 0.4, 0.8], 50, 2.25),
        ([0.2, 0.4, 0.8], 10, 1.0),
        ([0.2, 0.4, 0.8], 20, 1.0),
        ([0.2, 0.6, 0.3, 0.9], 50, 1.75),  # the first time, though it falls again
        ([0.2, 0.57], 57, 2.0),  # 100 * 0.57 < 57
        ([0.2, 0.4, 0.8], 81, math.inf),
    ],
)
def test_epochs_to_a_threshold(curve, threshold, epochs):
    assert measures.epochs_to(threshold)(record("standard", 0, 0.5, curve)) == pytest.approx(epochs)


def test_a_run_that_never_arrives_is_a_lost_pair():
    a = [record("standard", seed, 0.5, [0.2, 0.4, 0.6]) for seed in range(3)]
    b = [record("polynomial", seed, 0.5, [0.2, 0.6, top]) for seed, top in enumerate([0.7, 0.7, 0.6])]
    b[2] = record("polynomial", 2, 0.5, [0.2, 0.3, 0.4])
    result = pnn.compare_records(a, b, measures.epochs_to(50))
    assert (result.n, result.lost, result.difference) == (2, 1, pytest.approx(-0.75))


@pytest.mark.parametrize("wrong", [0, -1, 101, math.nan])
def test_epochs_to_no_accuracy_is_an_error(wrong):
    with pytest.raises(ValueError, match="in percent"):
        measures.epochs_to(wrong)


# --- shares ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (5, 5), (3, 10), (1, 1)])
def test_a_share_has_its_exact_interval(hits, n):
    """Clopper and Pearson: 2.5 % for so many hits or more at its lower end, and for so many or less at its upper."""
    share, low, high = comparison.proportion(hits, n)
    assert share == pytest.approx(100 * hits / n)
    if hits:
        assert scipy_stats.binom.sf(hits - 1, n, low / 100) == pytest.approx(0.025, rel=1e-4)
    else:
        assert low == 0
    if hits < n:
        assert scipy_stats.binom.cdf(hits, n, high / 100) == pytest.approx(0.025, rel=1e-4)
    else:
        assert high == 100


# --- shares ----------------------------------------------------------------------------------------------------------


def test_shares_are_compared_with_an_interval_that_needs_no_spread():
    """5 of 5 against 0 of 5: Newcombe's formula on the exact intervals of either share, and Fisher's test."""
    found = comparison.compare_rates([False] * 5, [True] * 5)
    bound = 100 * (1 - 0.025 ** (1 / 5))  # Clopper-Pearson of none in five
    assert found.difference == 100
    assert (found.low, found.high) == pytest.approx((100 - math.hypot(bound, bound), 100))
    assert found.p == pytest.approx(2 / math.comb(10, 5))
    assert (found.n, found.lost, found.mean_a, found.mean_b) == (5, 0, 0, 100)


def test_equal_shares_differ_by_nothing_in_an_interval_around_it():
    found = comparison.compare_rates([True, False, False, False], [False, True, False, False])
    assert (found.difference, found.p) == (0, 1)
    assert found.low == -found.high < -30
    with pytest.raises(ValueError, match="shares are compared of runs, got 0 and 2"):
        comparison.compare_rates([], [True, False])


def test_the_interval_of_shares_holds_the_truth_as_often_as_it_says():
    """Enumerated, not simulated: all outcomes of ten runs an arm, weighted by their probability."""
    n, runs = 10, np.arange(11)
    for share_a, share_b in ((0.05, 0.05), (0.1, 0.6), (0.5, 0.9), (0.0, 0.3)):
        weight = np.outer(scipy_stats.binom.pmf(runs, n, share_a), scipy_stats.binom.pmf(runs, n, share_b))
        held = 0.0
        for i, j in itertools.product(runs, runs):
            found = comparison.compare_rates([k < i for k in range(n)], [k < j for k in range(n)])
            held += weight[i, j] * (found.low - 1e-9 <= 100 * (share_b - share_a) <= found.high + 1e-9)
        assert held >= 0.95


# --- seeds and rows --------------------------------------------------------------------------------------------------


def test_where_the_records_say_every_row_the_interval_is_over_rows_too():
    draw = np.random.default_rng(1)
    arms = []
    for neuron in ("standard", "polynomial"):
        right = [draw.random(500) < 0.7 for _ in range(4)]
        arms.append(
            [
                dataclasses.replace(record(neuron, seed, float(r.mean())), hits=pnn.runs.score.Hits.of(r))
                for seed, r in enumerate(right)
            ]
        )
    found = pnn.compare_records(*arms, measures.accuracy)
    alone = pnn.compare([measures.accuracy(r) for r in arms[0]], [measures.accuracy(r) for r in arms[1]])
    assert found.rows == 500
    assert (found.t_low, found.t_high) == (alone.low, alone.high) == (alone.t_low, alone.t_high)
    assert found.low < found.difference < found.high
    assert (found.low, found.high) != (alone.low, alone.high)
    assert pnn.compare_records(*arms, measures.final_loss).rows == 0  # of a loss no row is known
    without = [[dataclasses.replace(r, hits=None) for r in arm] for arm in arms]
    assert pnn.compare_records(*without, measures.accuracy) == alone
