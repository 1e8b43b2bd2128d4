"""The one rule for verdicts, at its borders."""

import dataclasses
import itertools

import pytest

import pnn
from pnn.report.verdict import ANSWERS, direction, verdict_on_all

TINY = 1e-9


def interval(low: float, high: float) -> pnn.Comparison:
    return dataclasses.replace(pnn.compare([0.0] * 3, [0.0, 1.0, 1.0]), difference=(low + high) / 2, low=low, high=high)


@pytest.mark.parametrize(
    ("rule", "value", "low", "high", "word"),
    [
        ("gain", 2.0, TINY, 2.0, "as claimed"),
        ("gain", 2.0, 2.5, 3.5, "as claimed"),
        ("gain", 2.0, 4.5, 5.5, "as claimed"),
        ("gain", 2.0, TINY, 2.0 - TINY, "smaller"),
        ("gain", 2.0, 0.1, 0.2, "smaller"),
        ("gain", 2.0, 0.0, 2.0, "cannot tell"),
        ("gain", 2.0, -0.4, 0.4, "none seen"),
        ("gain", 2.0, -0.5, 0.4, "cannot tell"),
        ("gain", 2.0, -0.4, 0.5, "cannot tell"),
        ("gain", 2.0, -9.0, 9.0, "cannot tell"),
        ("gain", 2.0, -4.0, -TINY, "loss"),
        ("gain", 2.0, -4.0, 0.0, "cannot tell"),
        ("gain", 0.0, TINY, 0.1, "as claimed"),
        ("gain", 0.0, -0.1, TINY, "none seen"),
        ("gain", 0.0, -0.3, -0.1, "loss"),
        ("no worse", 1.0, -1.0 + TINY, 9.0, "as claimed"),
        ("no worse", 1.0, -1.0, 0.5, "cannot tell"),
        ("no worse", 1.0, -2.0, -1.0, "cannot tell"),
        ("no worse", 1.0, -2.0, -1.0 - TINY, "loss"),
        ("no gain", None, -1.0, 0.5 - TINY, "as claimed"),
        ("no gain", None, -1.0, 0.5, "cannot tell"),
        ("no gain", None, 0.5, 1.0, "cannot tell"),
        ("no gain", None, 0.5 + TINY, 1.0, "gain"),
    ],
)
def test_each_rule_at_its_borders(rule, value, low, high, word):
    assert pnn.verdict(interval(low, high), rule, value) == word


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        ("gains", 3.0, "rule must be one of 'gain', 'no worse', 'no gain', got 'gains'"),
        ("gain", None, "the rule 'gain' takes a value, got None"),
        ("no gain", 1.0, "the rule 'no gain' takes no value, got 1.0"),
    ],
)
def test_a_rule_and_its_value_belong_together(rule, value, message):
    with pytest.raises(ValueError, match=message):
        pnn.verdict(interval(0, 1), rule, value)


def test_what_matters_can_be_said():
    assert pnn.verdict(interval(-1.5, 1.5), "gain", 3.0, matters=2.0) == "none seen"
    assert pnn.verdict(interval(-1.5, 1.5), "no gain", matters=2.0) == "as claimed"


def test_every_answer_is_one_of_the_listed():
    borders = (-3.0, -0.6, -0.4, 0.0, 0.4, 0.6, 3.0)
    intervals = [interval(low, high) for low in borders for high in borders if low <= high]
    rules = {"gain": 2.0, "no worse": 1.0, "no gain": None}
    found = {pnn.verdict(one, rule, value) for one in intervals for rule, value in rules.items()}
    assert found == set(ANSWERS) - {"cannot see", "computed"}  # which the gates say, and numbers of networks


@pytest.mark.parametrize(("rule", "value"), [("gain", 2.0), ("no worse", 1.0), ("no gain", None)])
def test_two_pairs_answer_nothing(rule, value):
    """Their interval by t may well lie on one side of 0; it is not shown."""
    two = pnn.compare([0.0, 0.0], [5.0, 5.1])
    assert two.low > 0
    assert pnn.verdict(two, rule, value) == "cannot tell"
    assert direction(two) == "not told apart"


@pytest.mark.parametrize(
    ("answers", "word"),
    [
        (["as claimed", "as claimed"], "as claimed"),
        (["as claimed", "smaller", "smaller"], "as claimed"),
        (["as claimed", "loss", "none seen"], "loss"),
        (["cannot see", "none seen", "cannot tell"], "none seen"),
        (["as claimed", "cannot tell", "cannot see"], "cannot see"),
        (["as claimed", "cannot tell", "smaller"], "cannot tell"),
    ],
)
def test_a_claim_of_all_of_several_gains(answers, word):
    for order in itertools.permutations(answers):
        assert verdict_on_all(order) == word


def test_of_a_claim_of_all_the_parts_are_gains():
    for wrong in ([], ["as claimed", "gain"], ["not measured yet"]):
        with pytest.raises(ValueError, match="answers must be those to claimed gains, at least one; got"):
            verdict_on_all(wrong)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (TINY, 1, "better"),
        (-1, -TINY, "worse"),
        (-1, 1, "not told apart"),
        (0, 1, "not told apart"),
        (-1, 0, "not told apart"),
    ],
)
def test_a_direction_is_that_of_the_whole_interval(low, high, word):
    assert direction(interval(low, high)) == word
