"""The HTML of a table: headings with scopes, cells that carry their headings, and the switch for folded columns.

Cells become cards on a narrow screen (book/assets/tables.css), which takes a table's meaning from its elements; the
roles give it back. Without the stylesheet, as on Colab, all columns are shown and there is no switch.
"""

import html
import re
from collections.abc import Sequence
from typing import Any

from .cell import NOTHING
from .table import Table

SWITCH = '<label class="fold" hidden><input type="checkbox"> all columns</label>'
NUMBER = re.compile(r"[-+−<>]? ?\d")
WIDE = 8  # A table of more columns breaks its cells anywhere, and is set smaller.
BRACKETS = re.compile(r"\([^()]{1,24}\)")


def html_of(table: Table) -> str:
    """The table as ``<table class="book-table">``, in a box with its switch if columns are folded."""
    text = table.text
    names = [str(name or "") for name in text.index.names]
    wide = len(text.columns) > WIDE
    classes = {heading: _classes(text[heading].tolist(), heading in table.more) for heading in text}

    caption = html.escape(table.caption, quote=False)
    headings = [_heading(name) for name in names] + [_heading(str(h), classes[h]) for h in text]
    addresses = table.frame[table.address] if table.address else [None] * len(text)
    rows = []
    for key, address, cells in zip(text.index, addresses, text.to_numpy().tolist(), strict=True):
        keys = key if isinstance(key, tuple) else (key,)
        row = [_row_name(name, key, address) for name, key in zip(names, keys, strict=True)]
        for heading, cell in zip(text, cells, strict=True):
            label = html.escape(str(heading))
            row.append(
                element(
                    "td",
                    _words(cell, "number" in classes[heading] and not wide),
                    classes[heading],
                    role="cell",
                    data_label=label,
                )
            )
        rows.append(element("tr", "".join(row), role="row"))
    if not rows:  # A table must have a row to be one to those who hear it.
        rows = [element("tr", f'<td role="cell" colspan="{len(headings)}">no rows</td>', role="row")]
    head = element("thead", element("tr", "".join(headings), role="row"), role="rowgroup")
    body = element("tbody", "\n".join(rows), role="rowgroup")
    made = element(
        "table",
        f"<caption>{caption}</caption>\n{head}\n{body}",
        "book-table wide" if wide else "book-table",
        role="table",
    )
    # The switch stands outside the table, whose role allows rows alone within it.
    return element("div", f"{SWITCH}\n{made}", "folding") if table.more else made


def element(tag: str, content: str, classes: str = "", **attributes: str) -> str:
    """An HTML element; attributes without a value are left out, ``data_label`` is written ``data-label``."""
    named = {"class": classes} | {name.replace("_", "-"): value for name, value in attributes.items()}
    written = "".join(f' {name}="{value}"' for name, value in named.items() if value)
    return f"<{tag}{written}>{content}</{tag}>"


def _heading(name: str, classes: str = "") -> str:
    if not name:  # A heading without a word is none.
        return element("td", "", role="cell")
    return element("th", html.escape(name, quote=False), classes, role="columnheader", scope="col")


def _row_name(heading: str, name: Any, address: str | None) -> str:
    text = html.escape(f"{name:g}" if isinstance(name, float) else str(name), quote=False)
    if address:
        text = element("a", text, href=html.escape(address))
    return element("th", text, role="rowheader", scope="row", data_label=html.escape(heading))


def _words(cell: str, number: bool) -> str:
    """A number may break before brackets, such as those of an interval, and not in them: their spaces do not break."""
    text = html.escape(cell, quote=False)
    return BRACKETS.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text) if number else text


def _classes(cells: Sequence[str], folded: bool) -> str:
    """A column is one of numbers if at least half of its cells that say anything begin with one."""
    said = [cell for cell in cells if cell != NOTHING]
    numbers = [cell for cell in said if NUMBER.match(cell)]
    classes = []
    if 2 * len(numbers) >= len(said):
        classes.append("number")
    if folded:
        classes.append("more")
    return " ".join(classes)
