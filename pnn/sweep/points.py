"""The points of a sweep, each a dictionary of parameters: a grid, parameters in step, a list, random draws."""

import ast
import itertools
import json
import math
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..system.extras import needs
from .parameters import ParameterError, parse_value

Point = dict[str, Any]
PARTS = ("grid", "zip", "list", "random")


def parse_values(text: str) -> list[Any]:
    """``"0.25,0.5,1"``, ``"smoke,laptop"``, ``"0:10"`` or ``"0:10:2"`` (as Python's ``range``) as a list.

    A text that holds a comma or looks like a number or a range is written in quotes: ``"'1,2','3,4'"``.
    """
    if re.fullmatch(r"-?\d+:-?\d+(:-?\d+)?", text):
        try:
            values = list(range(*map(int, text.split(":"))))
        except ValueError as error:  # The step is 0.
            raise ParameterError(f"{text!r} is no range: {error}") from error
        if not values:
            raise ParameterError(f"the range {text} is empty; its end is not part of it, as in Python")
        return values
    try:
        return list(ast.literal_eval(f"[{text}]")) or _empty(text)
    except (ValueError, SyntaxError):
        parts = [part.strip() or _empty(text) for part in text.split(",")]
    values = [parse_value(part) for part in parts]
    if torn := [value for value in values if isinstance(value, str) and value in parts and value[0] in "'\""]:
        raise ParameterError(f"{torn[0]} is half a text; write every text of {text} in quotes, or none")
    return values


def grid(values: Mapping[str, list[Any]]) -> list[Point]:
    """Every combination, the last parameter changing fastest."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


def in_step(values: Mapping[str, list[Any]]) -> list[Point]:
    """The first value of each parameter, then the second of each, and so on."""
    if len(set(map(len, values.values()))) > 1:
        lengths = ", ".join(f"{name} {len(own)}" for name, own in values.items())
        raise ParameterError(f"parameters in step need as many values each, got {lengths}")
    return [dict(zip(values, combination, strict=True)) for combination in zip(*values.values(), strict=True)]


def draws(number: int, seed: int, of: Mapping[str, Any]) -> list[Point]:
    """Random points: of a list one of its values; of ``{"uniform": [a, b]}``, ``{"log-uniform": [a, b]}`` or
    ``{"integer": [a, b]}`` (both ends included) a number."""
    for name, given in (("draws", number), ("seed", seed)):
        if type(given) is not int or given < (name == "draws"):
            raise ParameterError(
                f"random: {name} must be a whole number of at least {int(name == 'draws')}, got {given!r}"
            )
    stream = random.Random(seed)
    choices = {name: _distribution(name, spec) for name, spec in of.items()}
    return [{name: draw(stream) for name, draw in choices.items()} for _ in range(number)]


def read_file(path: str | Path) -> list[Point]:
    """The points of a YAML or JSON file: the combinations of its parts ``grid``, ``zip``, ``list`` and ``random``.

    .. code-block:: yaml

        grid: {task: [higgs, cifar10], seed: "0:5"}      # all combinations
        zip: {width: [16, 32], epochs: [8, 4]}           # in step
        list: [{device: cpu}]                            # points written out
        random: {draws: 20, seed: 0, of: {learning_rate: {log-uniform: [1.0e-4, 1.0e-1]}}}

    Raises:
        ParameterError: the file cannot be read, or a part has not this form.
    """
    with needs("notebooks", "a file of settings"):
        import yaml

    try:
        form = yaml.load(Path(path).read_text(), _once_each(yaml.SafeLoader))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ParameterError(f"{path} cannot be read as YAML: {error}") from error
    if not isinstance(form, Mapping) or not form or set(form) - set(PARTS):
        raise ParameterError(f"{path} must hold some of {', '.join(PARTS)} at its top, got {_short(form)}")
    try:
        return combine([_part(name, content) for name, content in form.items()])
    except ParameterError as error:
        raise ParameterError(f"{path}: {error}") from error


def _once_each(loader: type) -> type:
    """YAML's loader, but a key that stands twice is an error: YAML itself forgets the first."""

    class OnceEach(loader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict:
            keys = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
            names = [self.construct_object(key, deep=True) for key in keys]
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"{twice[0]} is given twice{node.start_mark}")
            return super().construct_mapping(node, deep)

    return OnceEach


def combine(parts: list[list[Point]]) -> list[Point]:
    """Every combination of a point of each part, without repetition; a parameter belongs to one part.

    Values are compared with their types: 1 and True are two.
    """
    names = [{name for point in part for name in point} for part in parts]
    if wrong := [name for name in set().union(*names) if not isinstance(name, str)]:
        raise ParameterError(f"a parameter's name is text, got {wrong[0]!r}; write it in quotes")
    for one, other in itertools.combinations(names, 2):
        if both := one & other:
            raise ParameterError(
                f"{', '.join(sorted(both))} is given twice; a parameter belongs to one part of a sweep"
            )
    points = [
        {name: value for point in combination for name, value in point.items()}
        for combination in itertools.product(*parts)
    ]
    return list({json.dumps(point, sort_keys=True, default=repr): point for point in points}.values())


def _part(name: str, content: Any) -> list[Point]:
    if name == "list":
        if not isinstance(content, list) or not content or not all(isinstance(point, Mapping) for point in content):
            raise ParameterError(f"list must hold points such as {{width: 8, seed: 0}}, got {_short(content)}")
        return [dict(point) for point in content]
    if not isinstance(content, Mapping) or not content:
        raise ParameterError(f"{name} must hold parameters by name, got {_short(content)}")
    if name == "random":
        if set(content) - {"seed"} != {"draws", "of"} or not isinstance(content["of"], Mapping):
            raise ParameterError(
                f"random must hold draws, of (parameters by name) and, if not 0, seed, got {_short(content)}"
            )
        return draws(content["draws"], content.get("seed", 0), content["of"])
    values = {key: _values(key, own) for key, own in content.items()}
    return grid(values) if name == "grid" else in_step(values)


def _values(name: str, given: Any) -> list[Any]:
    if isinstance(given, str):
        return parse_values(given)
    if isinstance(given, list):
        return given or _empty(name)
    return [given]


def _distribution(name: str, spec: Any) -> Callable[[random.Random], Any]:
    if isinstance(spec, (str, list)):
        values = _values(name, spec)
        return lambda stream: stream.choice(values)
    allowed = 'a list, {"uniform": [a, b]}, {"log-uniform": [a, b]} or {"integer": [a, b]} with a < b'
    try:
        ((kind, (low, high)),) = spec.items()
        good = kind in ("uniform", "log-uniform", "integer") and low < high and (kind != "log-uniform" or low > 0)
        good = good and all(type(end) is int or (type(end) is float and kind != "integer") for end in (low, high))
    except (AttributeError, TypeError, ValueError):
        good = False
    if not good:
        raise ParameterError(f"random: {name} must be drawn from {allowed}, got {_short(spec)}")
    if kind == "integer":
        return lambda stream: stream.randint(low, high)
    if kind == "uniform":
        return lambda stream: stream.uniform(low, high)
    return lambda stream: math.exp(stream.uniform(math.log(low), math.log(high)))


def _empty(text: str) -> list[Any]:
    raise ParameterError(f"a parameter needs at least one value, got {text!r}")


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) < 80 else text[:77] + "..."
