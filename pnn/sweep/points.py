"""The points of a sweep, each a dictionary of parameters: a grid, parameters in step, a list, random draws."""

import ast
import itertools
import json
import math
import random
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from ..system.extras import needs
from .declared import Parameter, ParameterError, shortened
from .parameters import NO_LITERAL, parse_value

Point = dict[str, Any]
PARTS = ("grid", "zip", "list", "random")
RANGE = re.compile(r"-?\d+:-?\d+(:-?\d+)?")
MOST = 100_000  # Each run is a folder. So many are counted before they are built.


def parse_values(text: str, parameter: Parameter | None = None) -> list[Any]:
    """``"0.25,0.5,1"``, ``"smoke,laptop"``, ``"0:10"`` or ``"0:10:2"`` (as Python's ``range``) as a list.

    A text that holds a comma or looks like a number or a range is written in quotes: ``"'1,2','3,4'"``. For a
    parameter that takes text alone, nothing looks like a number or a range.

    Raises:
        ParameterError: the text is no list of values, or one of too many.
    """
    takes_text = parameter is not None and parameter.fits(text) and not parameter.fits(0)
    literals = None if takes_text and RANGE.fullmatch(text) else _literals(text)
    if literals is not None and (parameter is None or all(map(parameter.fits, literals))):
        return literals or _empty(text)
    parts = [part.strip() or _empty(text) for part in text.split(",")]
    values = [parse_value(part, parameter) for part in parts]
    if literals and parameter and not all(map(parameter.fits, values)):
        return literals  # They do not fit either, as an error will say.
    if torn := [value for value in values if isinstance(value, str) and value in parts and value[0] in "'\""]:
        raise ParameterError(f"{torn[0]} is half a text; write every text of {text} in quotes, or none")
    return values


def _literals(text: str) -> list[Any] | None:
    """The values of a range, or of a list of Python's literals; None if the text is neither."""
    if RANGE.fullmatch(text):
        try:
            start, stop, step = [*map(int, text.split(":")), 1][:3]
            number = -((start - stop) // step)
        except (ValueError, ZeroDivisionError) as error:  # The step is 0, or a number has thousands of digits.
            raise ParameterError(f"{shortened(text)} is no range: {error}") from error
        if number < 1:
            raise ParameterError(f"the range {text} is empty; its end is not part of it, as in Python")
        _check_number(f"the range {text}", number)
        return list(range(start, stop, step))
    try:
        return list(ast.literal_eval(f"[{text}]"))
    except NO_LITERAL:
        return None


def _check_number(what: str, number: int) -> None:
    if number > MOST:
        raise ParameterError(
            f"{what} has {shortened(number)} values, but a sweep has at most {MOST} runs; give fewer, such as draws at "
            "random (-f FILE)"
        )


def _check_product(parts: Iterable[list]) -> None:
    _check_number("the grid of all combinations", math.prod(map(len, parts)))


def grid(values: Mapping[str, list[Any]]) -> list[Point]:
    """Every combination, the last parameter changing fastest."""
    _check_product(values.values())
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
    _check_number("random: draws", number)
    stream = random.Random(seed)
    choices = {name: _distribution(name, spec) for name, spec in of.items()}
    return [{name: draw(stream) for name, draw in choices.items()} for _ in range(number)]


def read_file(path: str | Path, declared: Mapping[str, Parameter] | None = None) -> list[Point]:
    """The points of a YAML or JSON file: the combinations of its parts ``grid``, ``zip``, ``list`` and ``random``.

    A value is what YAML 1.2 says: ``1e-1`` is a number, ``1:30`` and ``on`` are texts. A text in place of a list is
    read as :func:`parse_values` does, for a parameter that is declared.

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
        form = yaml.load(Path(path).read_text(), _loader(yaml.SafeLoader))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ParameterError(f"{path} cannot be read as YAML: {error}") from error
    if not isinstance(form, Mapping) or not form or set(form) - set(PARTS):
        raise ParameterError(f"{path} must hold some of {', '.join(PARTS)} at its top, got {shortened(form)}")
    try:
        return combine([_part(name, content, declared or {}) for name, content in form.items()])
    except ParameterError as error:
        raise ParameterError(f"{path}: {error}") from error


# What a plain value of a file is, as the core schema of YAML 1.2 says, and as JSON: the library reads YAML 1.1, in
# which 1e-1 is a text, 1:30 is 90, on is true and 010 is 8. Whether 010 is 8 or 10 is left open: it is a text.
PLAIN = {
    "null": ("~nN", r"~|null|Null|NULL|"),
    "bool": ("tTfF", r"true|True|TRUE|false|False|FALSE"),
    "int": ("-+0123456789", r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+"),
    "float": (
        "-+.0123456789",
        r"[-+]?((\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|\.(inf|Inf|INF))|\.(nan|NaN|NAN)",
    ),
    "merge": ("<", r"<<"),
}


def _loader(loader: type) -> type:
    """YAML's loader, of YAML 1.2; and a key that stands twice is an error: YAML itself forgets the first."""

    class OnceEach(loader):
        yaml_implicit_resolvers: ClassVar = {}
        yaml_constructors: ClassVar = loader.yaml_constructors | {
            "tag:yaml.org,2002:int": lambda self, node: int(self.construct_scalar(node), 0)
        }

        def construct_mapping(self, node: Any, deep: bool = False) -> dict:
            keys = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
            names = [self.construct_object(key, deep=True) for key in keys]
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"{twice[0]} is given twice{node.start_mark}")
            return super().construct_mapping(node, deep)

    for name, (first, pattern) in PLAIN.items():
        OnceEach.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(rf"(?:{pattern})\Z"), [*first, ""])
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
    _check_product(parts)
    points = [
        {name: value for point in combination for name, value in point.items()}
        for combination in itertools.product(*parts)
    ]
    return list({json.dumps(point, sort_keys=True, default=repr): point for point in points}.values())


def _part(name: str, content: Any, declared: Mapping[str, Parameter]) -> list[Point]:
    if name == "list":
        if not isinstance(content, list) or not content or not all(isinstance(point, Mapping) for point in content):
            raise ParameterError(f"list must hold points such as {{width: 8, seed: 0}}, got {shortened(content)}")
        return [dict(point) for point in content]
    if not isinstance(content, Mapping) or not content:
        raise ParameterError(f"{name} must hold parameters by name, got {shortened(content)}")
    if name == "random":
        if set(content) - {"seed"} != {"draws", "of"} or not isinstance(content["of"], Mapping):
            raise ParameterError(
                f"random must hold draws, of (parameters by name) and, if not 0, seed, got {shortened(content)}"
            )
        return draws(content["draws"], content.get("seed", 0), content["of"])
    values = {key: _values(key, own, declared.get(key)) for key, own in content.items()}
    return grid(values) if name == "grid" else in_step(values)


def _values(name: str, given: Any, parameter: Parameter | None = None) -> list[Any]:
    if isinstance(given, str):
        return parse_values(given, parameter)
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
        raise ParameterError(f"random: {name} must be drawn from {allowed}, got {shortened(spec)}")
    if kind == "integer":
        return lambda stream: stream.randint(low, high)
    if kind == "uniform":
        return lambda stream: stream.uniform(low, high)
    return lambda stream: math.exp(stream.uniform(math.log(low), math.log(high)))


def _empty(text: str) -> NoReturn:
    raise ParameterError(f"a parameter needs at least one value, got {text!r}")
