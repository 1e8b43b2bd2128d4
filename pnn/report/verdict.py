"""The one rule by which an interval becomes an answer to a claim."""

from .comparison import Comparison

RULES = ("gain", "no worse", "no gain")
ANSWERS = ("as claimed", "smaller", "none seen", "loss", "gain", "cannot tell", "cannot see")
MATTERS = 0.5  # Points below which a difference is too small to matter, unless a claim says another number.


def verdict(comparison: Comparison, rule: str, value: float | None = None, matters: float = MATTERS) -> str:
    r"""What the whole 95 % interval :math:`[l, h]` of a difference says to a claim.

    ``"gain"``, of at least ``value``: *as claimed* if :math:`l > 0` and :math:`h \ge` ``value``; *smaller* if
    :math:`l > 0` and :math:`h <` ``value``; *loss* if :math:`h < 0`; *none seen* if the interval lies within plus and
    minus ``matters``.

    ``"no worse"``, by more than ``value``: *as claimed* if :math:`l > -` ``value``; *loss* if :math:`h < -` ``value``.

    ``"no gain"``: *as claimed* if :math:`h <` ``matters``; *gain* if :math:`l >` ``matters``.

    Otherwise *cannot tell*. More is better: of a measure of which less is better, the comparison is turned round.

    Args:
        comparison: the arm that the claim is about less the other one.
        rule: one of the three.
        value: in the comparison's unit. Of a gain the least that is still what is claimed, 0 if no number is; of
            ``"no worse"`` the margin.
        matters: in the comparison's unit, the smallest difference that matters.

    Raises:
        ValueError: an unknown rule, or a value where none belongs or none where one does.
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(map(repr, RULES))}, got {rule!r}")
    if (value is None) != (rule == "no gain"):
        raise ValueError(f"the rule {rule!r} takes {'no value' if rule == 'no gain' else 'a value'}, got {value!r}")
    low, high = comparison.low, comparison.high
    if rule == "gain":
        if low > 0:
            return "as claimed" if high >= value else "smaller"
        if high < 0:
            return "loss"
        return "none seen" if -matters < low and high < matters else "cannot tell"
    if rule == "no worse":
        return "as claimed" if low > -value else "loss" if high < -value else "cannot tell"
    return "as claimed" if high < matters else "gain" if low > matters else "cannot tell"


def direction(comparison: Comparison, more: str = "better", less: str = "worse") -> str:
    """Which way a difference goes, by its whole 95 % interval, as a word; ``"not told apart"`` if it holds 0.

    Of fewer than two pairs it is ``"lost"``.

    Args:
        comparison: an arm less another.
        more: the word where the whole interval is above 0.
        less: the word where it is below 0.
    """
    if comparison.n < 2:
        return "lost"
    return more if comparison.low > 0 else less if comparison.high < 0 else "not told apart"
