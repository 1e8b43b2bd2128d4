"""The one rule by which an interval becomes a word."""

import dataclasses

from .comparison import Comparison

RULES = ("gain", "equal", "no gain")


def verdict(comparison: Comparison, rule: str, value: float | None = None) -> str:
    """Whether a claim about a difference holds, by its whole 95 % interval: ``"holds"`` or ``"does not hold"``.

    ``"gain"``: holds if the interval is above 0 and reaches the value, does not hold if it ends below the value, or at
    or below 0. ``"equal"``: holds if it lies within plus and minus the value, does not hold if it lies outside.
    ``"no gain"``: holds if it lies at or below 0, does not hold if it lies above. Otherwise ``"cannot tell"``.

    Args:
        comparison: the arm that the claim is about less the other one.
        rule: one of the three.
        value: in the comparison's unit. Of a gain what is claimed, 0 if no number is; of ``"equal"`` the margin.

    Raises:
        ValueError: an unknown rule, or a value where none belongs or none where one does.
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(map(repr, RULES))}, got {rule!r}")
    if (value is None) != (rule == "no gain"):
        raise ValueError(f"the rule {rule!r} takes {'no value' if rule == 'no gain' else 'a value'}, got {value!r}")
    low, high = comparison.low, comparison.high
    if rule == "gain":
        holds, fails = low > 0 and high >= value, high < value or high <= 0
    elif rule == "equal":
        holds, fails = -value < low and high < value, low > value or high < -value
    else:
        holds, fails = high <= 0, low > 0
    return "holds" if holds else "does not hold" if fails else "cannot tell"


def direction(comparison: Comparison, more: str = "better", less: str = "worse") -> str:
    """Of two claims of any gain, one an arm, the one that holds, as a word; ``"not told apart"`` if neither does.

    Of fewer than two pairs it is ``"lost"``.

    Args:
        comparison: an arm less another.
        more: the word where the whole interval is above 0.
        less: the word where it is below 0.
    """
    if comparison.n < 2:
        return "lost"
    if verdict(comparison, "gain", 0.0) == "holds":
        return more
    other = dataclasses.replace(comparison, low=-comparison.high, high=-comparison.low)
    return less if verdict(other, "gain", 0.0) == "holds" else "not told apart"
