"""How one cell of a table is written. Needs nothing that is not installed with the package itself."""

from collections.abc import Callable, Mapping
from typing import Any

# A cell is a format of str.format over the columns of the numbers, or a function of the row.
Cell = str | Callable[[Mapping[str, Any]], str]
# What stands where there is no number.
NOTHING = "–"
