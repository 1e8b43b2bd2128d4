"""What somebody who mistyped a name may have meant."""

import difflib
from collections.abc import Iterable
from typing import Any


def meant(given: Any, allowed: Iterable[Any]) -> str:
    """The end of an error about a mistyped name: the nearest one that is allowed, if one is near."""
    names = [name for name in allowed if isinstance(name, str)]
    near = difflib.get_close_matches(given, names, 1) if isinstance(given, str) else []
    return f" (did you mean {near[0]!r}?)" if near else ""
