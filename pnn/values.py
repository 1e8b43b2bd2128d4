"""What a notebook found, written to a file for the sweep that started it; without a sweep nothing is written."""

import json
import math
import os
from typing import Any

VARIABLE = "PNN_VALUES"  # the environment variable that names the file


def keep(kind: str, name: str, value: Any) -> None:
    """Append a named value: of kind ``"value"``, or ``"training"`` for the outcome of a Record.

    Numbers of numpy and torch are kept as Python's. What is neither a number nor text, such as a figure, is not kept;
    neither are NaN and infinity, which stand for numbers that could not be taken.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    if hasattr(value, "item") and getattr(value, "size", None) == 1:
        value = value.item()
    if not isinstance(value, (str, int, float)) or (isinstance(value, float) and not math.isfinite(value)):
        return
    with open(path, "a") as file:
        file.write(json.dumps([kind, name, value]) + "\n")


def read(path: str | os.PathLike) -> dict[str, dict[str, Any]]:
    """The values of a file by kind and name, the last of each; of a line that was cut off nothing is left."""
    found: dict[str, dict[str, Any]] = {"value": {}, "training": {}}
    try:
        lines = open(path).read().splitlines()  # noqa: SIM115
    except FileNotFoundError:
        return found
    for line in lines:
        try:
            kind, name, value = json.loads(line)
        except ValueError:
            continue
        found[kind][name] = value
    return found
