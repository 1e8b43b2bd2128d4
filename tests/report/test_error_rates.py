"""How often intervals hold the truth, and how often tests and answers are false: enumerated, or simulated by a seed.

What is simulated may be off by three standard errors of a share among so many draws (:func:`allowed`), and no more.
"""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from scipy import stats
from whole import whole_record

import pnn
from pnn.report import comparison, measures
from pnn.report.crossed import crossed_interval
from pnn.report.endings import CLEARLY
from pnn.report.gates import blind
from pnn.report.verdict import verdict_on_all
from pnn.runs.score import Hits

ANY = pnn.compare([0.0] * 3, [0.0, 1.0, 2.0])  # Its numbers are replaced.


def allowed(rate: float, draws: int) -> float:
    """A share of so many draws that a true rate stays below, but once in some hundreds of tests."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / draws)


# --- intervals and tests of shares, enumerated -----------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 5, 20])
def test_the_exact_interval_of_a_share_holds_it_at_least_as_often_as_it_says(n):
    ends = np.array([comparison.proportion(hits, n)[1:] for hits in range(n + 1)]) / 100
    for share in np.linspace(0, 1, 41):
        held = (ends[:, 0] <= share + 1e-12) & (share - 1e-12 <= ends[:, 1])
        assert stats.binom.pmf(np.arange(n + 1), n, share)[held].sum() >= 0.95


@pytest.mark.parametrize(("n_a", "n_b"), [(3, 3), (5, 5), (5, 10), (10, 3)])
def test_two_shares_are_compared_at_the_stated_rates(n_a, n_b):
    """All outcomes of both arms, weighted by their probability; where both shares are equal, Fisher's test errs."""
    found = {
        (i, j): comparison.compare_rates([k < i for k in range(n_a)], [k < j for k in range(n_b)])
        for i, j in itertools.product(range(n_a + 1), range(n_b + 1))
    }
    shares = (0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.95, 1.0)
    for a, b in itertools.product(shares, shares):
        held = rejected = 0.0
        for (i, j), c in found.items():
            weight = stats.binom.pmf(i, n_a, a) * stats.binom.pmf(j, n_b, b)
            held += weight * (c.low - 1e-9 <= 100 * (b - a) <= c.high + 1e-9)
            rejected += weight * (c.p < 0.05)
        assert held >= 0.95
        if a == b:
            assert rejected <= 0.05


# --- seeds and rows --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 4, 5])
@pytest.mark.parametrize("luck", [0.0, 0.01, 0.05], ids=["rows alone", "both", "mostly seeds"])
def test_the_crossed_interval_of_few_seeds_holds_the_truth(seeds, luck):
    draw, draws, rows = np.random.default_rng(seeds), 500, 400
    held = 0
    for _ in range(draws):
        chance = np.clip(draw.normal(0.1, 0.4, rows) + draw.normal(0, luck, (seeds, 1)), -1, 1)
        found = np.sign(chance) * (draw.random((seeds, rows)) < np.abs(chance))
        low, high = crossed_interval(found)
        held += low <= 0.1 <= high
    assert 1 - held / draws <= allowed(0.05, draws)


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "luck"), [(5, 0.03), (10, 0.05), (5, 0.0)])
def test_the_detectable_effect_is_that_of_the_interval_over_seeds_and_rows(seeds, luck):
    """An effect as large as what was found detectable, on average, is seen in about 80 % of experiments."""
    draw, rows = np.random.default_rng(seeds), 400

    def records(neuron: str, right: np.ndarray) -> list[pnn.Record]:
        runs = [pnn.Run(pnn.Digits(), pnn.CNN(neuron, 4), pnn.Recipe(2), seed, "smoke") for seed in range(len(right))]
        return [whole_record(run, float(r.mean()), hits=Hits.of(r)) for run, r in zip(runs, right, strict=True)]

    def experiment(effect: float) -> pnn.Comparison:
        """Rows differ in how hard they are for either arm, seeds in luck."""
        chances = draw.normal([[0.5], [0.5 + effect]], 0.2, (2, rows))[:, None] + draw.normal(0, luck, (2, seeds, 1))
        right = draw.random((2, seeds, rows)) < chances
        return pnn.compare_records(records("standard", right[0]), records("polynomial", right[1]), measures.accuracy)

    detectable = np.mean([experiment(0.0).detectable for _ in range(100)]) / 100
    draws = 200
    seen = sum(experiment(detectable).low > 0 for _ in range(draws)) / draws
    assert seen == pytest.approx(comparison.POWER, abs=0.05 + 3 * math.sqrt(0.8 * 0.2 / draws))


# --- tests of paired values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [6, 8, 12])
@pytest.mark.parametrize("kind", ["normal", "heavy", "two values"])
def test_the_sign_flip_test_errs_no_oftener_than_it_says(n, kind):
    """It needs differences that are symmetric about 0, and nothing else."""
    draw, draws = np.random.default_rng(n), 2_000
    sample = {
        "normal": draw.normal(0, 1, (draws, n)),
        "heavy": draw.standard_t(1.5, (draws, n)),
        "two values": draw.choice([-1.0, 1.0], (draws, n)),
    }[kind]
    p = np.array([comparison._sign_flip(d, 1e-12) for d in sample])
    for level in (0.05, 0.01):
        assert np.mean(p < level) <= allowed(level, draws)


@pytest.mark.parametrize("alike", [0.0, 0.8], ids=["independent", "alike"])
@pytest.mark.parametrize("true", [0, 4], ids=["no gain at all", "four gains"])
def test_holm_errs_once_in_a_family_no_oftener_than_it_says(alike, true):
    """Twelve tests of eight pairs each, the first of them of real gains; the others may depend on each other."""
    draw, draws, tests, n = np.random.default_rng(1), 1_000, 12, 8
    false = found = unadjusted = 0
    for _ in range(draws):
        shared = draw.normal(0, 1, n)
        d = math.sqrt(alike) * shared + math.sqrt(1 - alike) * draw.normal(0, 1, (tests, n))
        d[:true] += 4.0
        p = np.array([comparison._sign_flip(own, 1e-12) for own in d])
        adjusted = np.array(comparison.holm(p))
        false += (adjusted[true:] < 0.05).any()
        unadjusted += (p[true:] < 0.05).any()
        found += (adjusted[:true] < 0.1).all()  # The smallest p of eight pairs is 1/128, times 12 is 0.09.
    assert false / draws <= allowed(0.05, draws)
    assert unadjusted / draws > 0.1  # So it is needed.
    assert found / draws > 0.9


# --- answers ---------------------------------------------------------------------------------------------------------


def answers_at(true: float, rule: str, value: float | None, *, n: int = 5, seed: int = 0, draws: int = 4_000):
    """The answers to so many experiments of n pairs with a true mean difference and a deviation of 0.3 points."""
    d = np.random.default_rng(seed).normal(true, 0.3, (draws, n))
    half = stats.t.ppf(0.975, n - 1) * d.std(1, ddof=1) / math.sqrt(n)
    ends = zip(d.mean(1) - half, d.mean(1) + half, strict=True)
    return [pnn.verdict(dataclasses.replace(ANY, n=n, low=low, high=high), rule, value) for low, high in ends]


@pytest.mark.parametrize(
    ("rule", "value", "true", "false_word"),
    [
        ("gain", 0.0, 0.0, "as claimed"),  # no gain is taken for one
        ("gain", 2.0, 0.0, "as claimed"),
        ("gain", 2.0, 0.0, "smaller"),
        ("gain", 2.0, 0.0, "loss"),
        ("gain", 2.0, 2.0, "smaller"),  # the claimed gain is there
        ("gain", 2.0, 0.5, "none seen"),  # the difference just matters
        ("gain", 2.0, -0.5, "none seen"),
        ("no worse", 1.0, -1.0, "as claimed"),
        ("no worse", 1.0, -1.0, "loss"),
        ("no gain", None, 0.5, "as claimed"),
        ("no gain", None, 0.5, "gain"),
    ],
)
def test_at_its_edge_each_answer_is_false_once_in_forty(rule, value, true, false_word):
    """Each end of a 95 % interval lies on the wrong side of the truth in 2.5 % of all experiments."""
    found = answers_at(true, rule, value)
    assert found.count(false_word) / len(found) <= allowed(0.025, len(found))


def test_far_from_its_edge_an_answer_is_right():
    """Of five pairs with a deviation of 0.3 the interval reaches about 0.4 to either side."""
    for rule, value, true, word in [
        ("gain", 2.0, 3.0, "as claimed"),
        ("gain", 3.0, 1.2, "smaller"),
        ("gain", 2.0, -1.2, "loss"),
        ("no worse", 1.0, 0.0, "as claimed"),
        ("no worse", 1.0, -2.2, "loss"),
        ("no gain", None, -0.7, "as claimed"),
        ("no gain", None, 1.7, "gain"),
    ]:
        found = answers_at(true, rule, value)
        assert found.count(word) / len(found) > 0.95, (rule, true)
    assert answers_at(0.0, "gain", 2.0, n=10).count("none seen") > 0.9 * 4_000


def test_a_claim_of_all_is_falsely_confirmed_once_in_forty_and_falsely_contradicted_once_in_forty_a_part():
    sure = ["as claimed"] * 4_000
    for parts in (
        (answers_at(0.0, "gain", 2.0), sure, sure),  # one of three is no gain, the others surely are
        (answers_at(0.0, "gain", 2.0), answers_at(0.0, "gain", 2.0, seed=1), sure),
    ):
        whole = [verdict_on_all(three) for three in zip(*parts, strict=True)]
        assert whole.count("as claimed") / len(whole) <= allowed(0.025, len(whole))
    at_zero = [answers_at(0.0, "gain", 2.0, seed=seed) for seed in range(3)]
    whole = [verdict_on_all(three) for three in zip(*at_zero, strict=True)]
    assert 0.05 < whole.count("loss") / len(whole) <= allowed(3 * 0.025, len(whole))


@pytest.mark.parametrize(("true", "wrong"), [(0.0, ""), (2 * CLEARLY, "blind")])
def test_the_gate_is_wrong_once_in_forty_where_no_network_learned_or_all_did(true, wrong):
    """Three runs judged by 1,000 test rows, at the trivial answer, or as far above the gate as that is below."""
    draw, draws = np.random.default_rng(0), 1_000
    run = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 0, "smoke")
    counted = 0
    for accuracies in draw.binomial(1_000, 0.6 + true / 100, (draws, 3)) / 1_000:
        reason = blind({"arm": [whole_record(run, float(accuracy)) for accuracy in accuracies]}, trivial=60.0)
        counted += bool(reason) == bool(wrong)
    assert counted / draws <= allowed(0.025, draws)
