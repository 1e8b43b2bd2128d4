"""Whether an experiment can see at all what a claim is about: where it cannot, there is no verdict but the reason."""

from collections.abc import Iterable

from ..runs.record import Record
from .endings import lost, no_better
from .measures import accuracy

MOST_LOST = 1 / 3  # An arm that lost a larger share of its runs is no arm to compare.


def blind(arms: dict[str, list[Record]], trivial: float) -> str:
    """Why these arms cannot be compared, as a reader reads it; empty if they can.

    An arm must not have lost more than a third of its runs, and the mean of the others must be better than the trivial
    answer, as :func:`pnn.report.endings.no_better` has it.

    Args:
        arms: Records by the arm's name.
        trivial: test accuracy in percent of the answer that looks at no input.
    """
    for name, arm in arms.items():
        ended = [record for record in arm if not lost(record)]
        missing = len(arm) - len(ended)
        if missing > MOST_LOST * len(arm):
            return f"{missing} of {len(arm)} runs of {_shown(name)} {_endings(arm)}"
        mean = sum(map(accuracy, ended)) / len(ended)
        if no_better(mean, trivial):
            return f"{_shown(name)} is at {mean:.1f} %, the trivial answer at {trivial:.1f}"
    return ""


def _shown(name: str) -> str:
    """The parts of an arm's name that say something; what a part leaves unchanged is empty in it."""
    return ", ".join(filter(None, name.split("/")))


def _endings(arm: Iterable[Record]) -> str:
    found = dict.fromkeys(record.outcome for record in arm if lost(record))
    return " or ".join(found)
