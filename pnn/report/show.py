"""How a table of numbers becomes one of text: the one place where cells are formatted."""

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from ..system.extras import needs

with needs("train", "a table"):
    import pandas as pd


# A cell is a format of str.format over the columns of the numbers, or a function of the row.
Cell = str | Callable[[Mapping[str, Any]], str]
NOTHING = "–"


def formatted(frame: pd.DataFrame, columns: Mapping[str, Cell]) -> pd.DataFrame:
    """The same numbers with the columns that :func:`shown` makes of them, by their headings."""
    frame.attrs["columns"] = dict(columns)
    return frame


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of this book as text, ready to be displayed; a cell of which a number is missing is a dash.

    Raises:
        ValueError: the table says nothing of how it is shown: no table of this book, or one that was joined to others.
    """
    if "columns" not in frame.attrs:
        raise ValueError(
            "this table does not say how it is shown; display it as it is, or see pnn.report.show.formatted"
        )
    rows = frame.to_dict("records")
    columns = {heading: [_text(cell, row) for row in rows] for heading, cell in frame.attrs["columns"].items()}
    return pd.DataFrame(columns, frame.index)


def _text(cell: Cell, row: Mapping[str, Any]) -> str:
    if callable(cell):
        return cell(row)
    used = [name for _, name, _, _ in Formatter().parse(cell) if name]
    return NOTHING if any(pd.isna(row[name]) for name in used) else cell.format_map(row)


def pairs(row: Mapping[str, Any]) -> str:
    """The number of pairs ``n``, and those ``lost`` if any were."""
    return f"{row['n']}" + (f" ({row['lost']} lost)" if row["lost"] else "")


def duration(row: Mapping[str, Any]) -> str:
    """The column ``seconds``, from two minutes on in minutes."""
    return f"{row['seconds']:.0f} s" if row["seconds"] < 120 else f"{row['seconds'] / 60:.1f} min"
