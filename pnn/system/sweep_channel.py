"""What a notebook found, written to a file for the sweep that started it; without a sweep nothing is written."""

import json
import math
import os
from pathlib import Path
from typing import Any

VARIABLE = "PNN_VALUES"  # This environment variable names the file.
RETRY = "PNN_RETRY"  # This one lists the outcomes of trainings that a repeated run of a sweep is to train again.


def in_sweep() -> bool:
    return bool(os.environ.get(VARIABLE))


def to_retry() -> set[str]:
    """The outcomes of trainings that this run of a sweep is to train again."""
    return set(filter(None, os.environ.get(RETRY, "").split(",")))


def keep(kind: str, name: str, value: Any) -> None:
    """Append a named value: of kind ``"value"``, or ``"training"`` for the outcome of a Record.

    Numbers of numpy and torch are kept as Python's, NaN and infinity as a value that is missing. What is neither a
    number nor text, such as a figure, is not kept.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    if hasattr(value, "item"):
        try:
            value = value.item()
        except (ValueError, RuntimeError):  # It holds more than one number.
            return
    if not isinstance(value, (str, int, float)):
        return
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    with open(path, "a") as file:
        file.write(json.dumps([kind, name, value]) + "\n")


def read(path: str | os.PathLike) -> dict[str, dict[str, Any]]:
    """The values of a file by kind and name, the last of each name. A line that was cut off or damaged is left out."""
    found: dict[str, dict[str, Any]] = {"value": {}, "training": {}}
    try:
        lines = Path(path).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return found
    for line in lines:
        try:
            kind, name, value = json.loads(line)
            found[kind][name] = value
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
    return found
