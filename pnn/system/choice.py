"""Choices: small frozen dataclasses that name what a Run uses; the union of an annotation lists what may be chosen.

In JSON a choice is an object of its ``name`` (a class attribute) and its fields, or the bare name if that says it all.
"""

import dataclasses
import functools
import math
import sys
import types
import typing
from collections.abc import Iterable
from typing import Any, Literal

from .meant import meant


class RunError(ValueError):
    """A field of a Run that is unknown or has a wrong value; the message says which and what is allowed."""


def added(default: Any) -> Any:
    """A field that came later: at its default it is left out of the JSON, so that older ids stay."""
    return dataclasses.field(default=default, metadata={"added": True})


def check_types(self: Any) -> None:
    """Compare every field with its annotation; an int is accepted, and stored as a float, where a float is meant."""
    for name, expected in _annotations(type(self)).items():
        object.__setattr__(self, name, _checked(f"{type(self).__name__}.{name}", expected, getattr(self, name)))


def check_at_least(self: Any, least: float, *names: str) -> None:
    """Refuse a field below the least that is allowed."""
    for name in names:
        if getattr(self, name) < least:
            raise RunError(f"{type(self).__name__}.{name} must be at least {least}, got {getattr(self, name)!r}")


def to_plain(value: Any) -> Any:
    """A choice, or a dataclass that holds some, as plain values ready for JSON."""
    if not dataclasses.is_dataclass(value):
        return [to_plain(one) for one in value] if isinstance(value, tuple) else value
    name = getattr(type(value), "name", None)  # A Run, which is no choice, has a property of this name.
    form = {"name": name} if isinstance(name, str) else {}
    for field in dataclasses.fields(value):
        own = getattr(value, field.name)
        if not (field.metadata.get("added") and own == field.default):
            form[field.name] = to_plain(own)
    return form["name"] if form.keys() == {"name"} else form


def from_plain(expected: Any, form: Any, where: str) -> Any:
    """The inverse of `to_plain` for an annotation; `where` is the name that errors give to the form."""
    if typing.get_origin(expected) is tuple:
        if not isinstance(form, (list, tuple)):
            raise RunError(f"{where} must be a list, got {form!r}")
        return tuple(from_plain(typing.get_args(expected)[0], one, f"{where}[{i}]") for i, one in enumerate(form))
    members: list[Any] = [kind for kind in _members(expected) if dataclasses.is_dataclass(kind)]
    if not members:
        return form  # It is a plain value, which the dataclass that it belongs to checks.
    cls: Any = members[0]
    if isinstance(getattr(cls, "name", None), str):
        named: dict[str, Any] = {kind.name: kind for kind in members}
        form = {"name": form} if isinstance(form, str) else form
        name = form.get("name") if isinstance(form, dict) else None
        if not isinstance(name, str):
            raise RunError(f"{where} must be a name or an object with a name, one of {_listed(named)}; got {form!r}")
        if name not in named:
            raise RunError(f"{where} must be one of {_listed(named)}, got {name!r}{meant(name, named)}")
        cls, form = named[name], {key: value for key, value in form.items() if key != "name"}
    if not isinstance(form, dict):
        raise RunError(f"{where} must be an object, got {form!r}")
    fields = _annotations(cls)
    for key in form.keys() - fields.keys():
        raise RunError(f"{where} has no field {key!r}{meant(key, fields)}; its fields are {', '.join(fields)}")
    try:
        return cls(**{key: from_plain(fields[key], value, f"{where}.{key}") for key, value in form.items()})
    except TypeError as error:  # A field without a default is missing.
        raise RunError(f"{where}: {error}") from error


def _checked(where: str, expected: Any, value: Any) -> Any:
    """The value as its annotation means it; a RunError says what else is allowed."""
    if typing.get_origin(expected) is Literal:
        allowed = typing.get_args(expected)
        if not any(type(value) is type(one) and value == one for one in allowed):
            raise RunError(f"{where} must be one of {_listed(allowed)}, got {value!r}{meant(value, allowed)}")
        return value
    if typing.get_origin(expected) is tuple and isinstance(value, tuple):
        return tuple(_checked(where, typing.get_args(expected)[0], one) for one in value)
    members = _members(expected)
    if float in members and type(value) is int:
        value = float(value) if abs(value) <= sys.float_info.max else math.inf
    if type(value) not in members:
        names = " or ".join("None" if kind is type(None) else kind.__name__ for kind in members)
        raise RunError(f"{where} must be of type {names or expected}, got {value!r}")
    if type(value) is int and abs(value) >= 2**64:  # Torch, which counts in 64 bits, would say so less clearly.
        raise RunError(f"{where} must be below 2**64, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise RunError(f"{where} must be finite, got {value!r}")
    return value


def _members(expected: Any) -> tuple[Any, ...]:
    """The types of a union, or the annotation itself if it is a type; empty for a tuple."""
    origin = typing.get_origin(expected)
    return typing.get_args(expected) if origin in (typing.Union, types.UnionType) else () if origin else (expected,)


_hints = functools.cache(typing.get_type_hints)  # Resolving them takes long, and a study has thousands of Runs.


def _annotations(cls: type) -> dict[str, Any]:
    """The fields' types; a union of another module is read anew, as it may have been extended since."""
    own, names = {f.name: f.type for f in dataclasses.fields(cls)}, vars(sys.modules[cls.__module__])
    anew = {name: eval(kind, names) for name, kind in own.items() if isinstance(kind, str) and "." in kind}
    return {name: anew.get(name) or _hints(cls)[name] for name in own}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
