"""The one rule for verdicts, at its borders."""

import dataclasses

import pytest

import pnn
from pnn.report.verdict import direction

TINY = 1e-9


def interval(low: float, high: float) -> pnn.Comparison:
    return dataclasses.replace(pnn.compare([0.0, 0.0], [0.0, 1.0]), difference=(low + high) / 2, low=low, high=high)


@pytest.mark.parametrize(
    ("rule", "value", "low", "high", "word"),
    [
        ("gain", 3.0, TINY, 3.0, "holds"),
        ("gain", 3.0, 2.5, 3.5, "holds"),
        ("gain", 3.0, 3.5, 4.5, "holds"),
        ("gain", 3.0, 0.0, 3.0, "cannot tell"),
        ("gain", 3.0, 2.0, 3.0 - TINY, "does not hold"),
        ("gain", 3.0, -9.0, 9.0, "cannot tell"),
        ("gain", 0.0, TINY, 0.1, "holds"),
        ("gain", 0.0, -0.1, TINY, "cannot tell"),
        ("gain", 0.0, -0.1, 0.0, "does not hold"),
        ("gain", 0.0, -4.0, -1.0, "does not hold"),
        ("equal", 1.0, -1.0 + TINY, 1.0 - TINY, "holds"),
        ("equal", 1.0, -1.0, 0.5, "cannot tell"),
        ("equal", 1.0, -0.5, 1.0, "cannot tell"),
        ("equal", 1.0, 1.0, 2.0, "cannot tell"),
        ("equal", 1.0, 1.0 + TINY, 2.0, "does not hold"),
        ("equal", 1.0, -2.0, -1.0 - TINY, "does not hold"),
        ("equal", 1.0, -2.0, 2.0, "cannot tell"),
        ("no gain", None, -1.0, 0.0, "holds"),
        ("no gain", None, -1.0, TINY, "cannot tell"),
        ("no gain", None, 0.0, 1.0, "cannot tell"),
        ("no gain", None, TINY, 1.0, "does not hold"),
        ("no gain", None, 0.0, 0.0, "holds"),
    ],
)
def test_each_rule_at_its_borders(rule, value, low, high, word):
    assert pnn.verdict(interval(low, high), rule, value) == word


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        ("gains", 3.0, "rule must be one of 'gain', 'equal', 'no gain', got 'gains'"),
        ("gain", None, "the rule 'gain' takes a value, got None"),
        ("no gain", 1.0, "the rule 'no gain' takes no value, got 1.0"),
    ],
)
def test_a_rule_and_its_value_belong_together(rule, value, message):
    with pytest.raises(ValueError, match=message):
        pnn.verdict(interval(0, 1), rule, value)


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
