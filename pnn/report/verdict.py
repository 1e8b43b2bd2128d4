"""The rules by which an interval becomes an answer to a claim, and several answers become one."""

from collections.abc import Sequence

from .comparison import PAIRS, Comparison

RULES = ("gain", "no worse", "no gain")
ANSWERS = ("as claimed", "smaller", "none seen", "loss", "gain", "cannot tell", "cannot see", "computed")
MATTERS = 0.5  # Points below which a difference is too small to matter, unless a claim says another number.


def verdict(comparison: Comparison, rule: str, value: float | None = None, matters: float = MATTERS) -> str:
    r"""What the whole 95 % interval :math:`[l, h]` of a difference says to a claim.

    ``"gain"``, of at least ``value``: *as claimed* if :math:`l > 0` and :math:`h \ge` ``value``; *smaller* if
    :math:`l > 0` and :math:`h <` ``value``; *loss* if :math:`h < 0`; *none seen* if the interval lies within plus and
    minus ``matters``.

    ``"no worse"``, by more than ``value``: *as claimed* if :math:`l > -` ``value``; *loss* if :math:`h < -` ``value``.

    ``"no gain"``: *as claimed* if :math:`h <` ``matters``; *gain* if :math:`l >` ``matters``.

    Otherwise, and of fewer than three pairs always, *cannot tell*. More is better: of a measure of which less is
    better, the comparison is turned round.

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
    if comparison.n < PAIRS:
        return "cannot tell"
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


def verdict_on_all(answers: Sequence[str]) -> str:
    """What the answers to several claimed gains say to the claim that all of them are there.

    *As claimed* if each of them is a gain, whether as large as claimed or smaller. One *loss*, or else one *none seen*,
    contradicts the whole, and is its answer. Otherwise it is *cannot see* if that is one of them, else *cannot tell*.

    Args:
        answers: of :func:`pnn.verdict` for the rule ``"gain"``, or ``"cannot see"``.

    Raises:
        ValueError: there is none, or one that a claimed gain cannot have.
    """
    words = ("loss", "none seen", "cannot see", "cannot tell")
    if not answers or not set(answers) <= {"as claimed", "smaller", *words}:
        raise ValueError(f"answers must be those to claimed gains, at least one; got {', '.join(answers) or 'none'}")
    return next((word for word in words if word in answers), "as claimed")


def direction(comparison: Comparison, more: str = "better", less: str = "worse") -> str:
    """Which way a difference goes, by its whole 95 % interval, as a word; ``"not told apart"`` if it holds 0.

    Of two pairs it is ``"not told apart"``, of fewer ``"lost"``.

    Args:
        comparison: an arm less another.
        more: the word where the whole interval is above 0.
        less: the word where it is below 0.
    """
    if comparison.n < 2:
        return "lost"
    if comparison.n < PAIRS:
        return "not told apart"
    return more if comparison.low > 0 else less if comparison.high < 0 else "not told apart"
