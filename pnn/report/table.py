"""A table of the book: its numbers, and how each column is shown. The one place where cells are formatted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from string import Formatter
from typing import Any

from ..system.extras import needs
from .cell import NOTHING, Cell

with needs("train", "a table"):
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers that a page shows as a table; the last line of a notebook's cell.

    Attributes:
        frame: the numbers, a row each. Its index has the rows' names, its index's names are their headings.
        columns: what is shown, by heading.
        caption: what the table shows, and of which device and size.
        more: headings that a page folds away until a reader asks for them.
        address: the column of the numbers that says where a row's name leads to; empty: nowhere.

    Raises:
        ValueError: no caption, or a heading to fold that is none of the columns.
    """

    frame: pd.DataFrame
    columns: Mapping[str, Cell]
    caption: str
    more: Collection[str] = ()
    address: str = ""

    def __post_init__(self) -> None:
        if not self.caption.strip():
            raise ValueError(f"a table needs a caption that says what it shows, got {self.caption!r}")
        if unknown := [heading for heading in self.more if heading not in self.columns]:
            known = ", ".join(map(repr, self.columns)) or "none"
            raise ValueError(f"only columns of the table can be folded, got {unknown[0]!r}; there are {known}")

    @property
    def text(self) -> pd.DataFrame:
        """The cells as text, by heading; one of which a number is missing is a dash."""
        rows = self.frame.to_dict("records")
        cells = {heading: [_text(cell, row) for row in rows] for heading, cell in self.columns.items()}
        return pd.DataFrame(cells, self.frame.index)

    def head(self, rows: int) -> "Table":
        """The same table of its first rows."""
        return replace(self, frame=self.frame.head(rows))

    def __repr__(self) -> str:
        text = self.text
        if text.empty:
            return f"{self.caption}\n{', '.join(map(str, text.index if len(text) else text.columns)) or 'no rows'}"
        return f"{self.caption}\n{text.to_string()}"

    def _repr_html_(self) -> str:
        from .table_html import html_of

        return html_of(self)


def _text(cell: Cell, row: Mapping[str, Any]) -> str:
    if callable(cell):
        return cell(row)
    used = [name for _, name, _, _ in Formatter().parse(cell) if name]
    return NOTHING if any(pd.isna(row[name]) for name in used) else cell.format_map(row)


def sentence(*parts: str) -> str:
    """A caption of several parts: each begins with a capital letter and ends with a full stop."""
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts if part)


def interval(row: Mapping[str, Any]) -> str:
    """The ``difference`` with its interval, ``low`` to ``high``; alone if that is missing, as of too few pairs."""
    if pd.isna(row["difference"]):
        return NOTHING
    ends = "" if pd.isna(row["low"]) else f" ({row['low']:+.2f} to {row['high']:+.2f})"
    return f"{row['difference']:+.2f}{ends}"


def pairs(row: Mapping[str, Any]) -> str:
    """The number of pairs ``n``, and those ``lost`` if any were."""
    return f"{row['n']}" + (f" ({row['lost']} lost)" if row["lost"] else "")


def duration(row: Mapping[str, Any]) -> str:
    """The column ``seconds``, from two minutes on in minutes."""
    return f"{row['seconds']:.0f} s" if row["seconds"] < 120 else f"{row['seconds'] / 60:.1f} min"
