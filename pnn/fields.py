"""What the dataclasses of a Run share: fields that are checked, and their form as JSON."""

import dataclasses
import difflib
import math
import typing
from typing import Any, Literal


class RunError(ValueError):
    """A field of a Run that is unknown or has a wrong value; the message says which and what is allowed."""


def check_types(self) -> None:
    """Compare every field with its annotation; an int is accepted, and stored as a float, where a float is meant."""
    kind = type(self).__name__
    for name, expected in typing.get_type_hints(type(self)).items():
        value = getattr(self, name)
        if typing.get_origin(expected) is Literal:
            allowed = typing.get_args(expected)
            if value not in allowed:
                raise RunError(f"{kind}.{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
            continue
        if expected is float and type(value) is int:
            try:
                object.__setattr__(self, name, value := float(value))
            except OverflowError as error:
                raise RunError(f"{kind}.{name} must be finite, got a whole number beyond floats") from error
        if type(value) is not expected:
            raise RunError(f"{kind}.{name} must be of type {expected.__name__}, got {value!r}")
        if expected is float and not math.isfinite(value):
            raise RunError(f"{kind}.{name} must be finite, got {value!r}")


def check_at_least(self, least: float, *names: str) -> None:
    """Refuse a field below the least that is allowed."""
    for name in names:
        if getattr(self, name) < least:
            raise RunError(f"{type(self).__name__}.{name} must be at least {least}, got {getattr(self, name)!r}")


def added(default: Any) -> Any:
    """A field that came later: at its default it is left out of the canonical form, so that older ids stay."""
    return dataclasses.field(default=default, metadata={"added": True})


def to_plain(self) -> dict[str, Any]:
    """A dataclass as nested dictionaries of plain values."""
    form = {}
    for field in dataclasses.fields(self):
        value = getattr(self, field.name)
        if dataclasses.is_dataclass(value):
            form[field.name] = to_plain(value)
        elif not (field.metadata.get("added") and value == field.default):
            form[field.name] = value
    return form


def from_plain(cls: type, form: Any, where: str):
    """The inverse of `to_plain`; `where` is the name that errors give to the form."""
    if not isinstance(form, dict):
        raise RunError(f"{where} must be an object, got {form!r}")
    hints = typing.get_type_hints(cls)
    for key in form.keys() - hints.keys():
        near = difflib.get_close_matches(key, hints, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise RunError(f"{where} has no field {key!r}{hint}; its fields are {', '.join(hints)}")
    values = {
        k: from_plain(hints[k], v, f"{where}.{k}") if dataclasses.is_dataclass(hints[k]) else v for k, v in form.items()
    }
    try:
        return cls(**values)
    except TypeError as error:
        raise RunError(f"{where}: {error}") from error
