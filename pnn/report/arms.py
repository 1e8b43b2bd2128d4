"""The arms of an experiment as a reader sees them."""

from collections.abc import Mapping
from typing import Any

from ..runs.frame import arm_name
from ..runs.record import Record

Arms = Mapping[Any, list[Record]]  # They stand under their names, as `pnn.study` returns them.

NAMES = {
    "standard": "standard",
    "parameters": "polynomial, equal parameters",
    "macs": "polynomial, equal multiply-accumulates",
    "memory": "polynomial, equal activation memory",
    "time": "polynomial, equal step time",
    "source": "polynomial, the source's width",
    "majority": "majority class",
    "bag-of-words": "bag of words, logistic regression",
    "boosted-trees": "gradient-boosted trees",
}


def label(arm: Any) -> str:
    """The name that tables and figures give to an arm."""
    name = arm_name(arm)
    return NAMES.get(name, name)


def by_part(arms: Mapping[Any, Any], part: str, **others: Any) -> dict[Any, Any]:
    """The arms whose names have the given parts, by another part of their names.

    ``by_part(records, "neuron", equal="time", activation="relu")``
    """
    return {
        getattr(arm, part): own
        for arm, own in arms.items()
        if all(getattr(arm, name) == value for name, value in others.items())
    }
