"""The tables of the text, as the extension of the book writes them."""

import xml.etree.ElementTree as ElementTree

import pytest
from tiny_book import build

TEXT = """
# A page

## A section

:::{table} What it shows.
| name | $y$ and | |
|---|---|---|
| `a < b` | 1 | more |
| c | | |
:::

| one |
|---|
| d |
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> list[ElementTree.Element]:
    """The tables of a page that Sphinx built with the extension."""
    built, warnings = build(tmp_path_factory.mktemp("page"), ["book_tables"], {"index": TEXT})
    assert warnings == ""
    text = (built / "index.html").read_text()
    parts = [part.split("</table>")[0] for part in text.split("<table")[1:]]
    return [ElementTree.fromstring(f"<table{part}</table>") for part in parts]


def test_a_table_has_a_caption_of_its_own_or_that_of_its_section(tables):
    assert [table.find("caption").text for table in tables] == ["What it shows.", "A section"]


def test_cells_have_scopes_roles_and_the_headings_of_their_columns(tables):
    table = tables[0]
    assert (table.get("class"), table.get("role")) == ("book-table", "table")
    rows = [
        [(cell.tag, cell.get("scope"), cell.get("role"), cell.get("data-label")) for cell in row]
        for row in table.iter("tr")
    ]
    assert rows[0] == [
        ("th", "col", "columnheader", None),
        ("th", "col", "columnheader", None),
        ("td", None, "cell", None),  # A heading without a word is none.
    ]
    for row in rows[1:]:
        assert row == [
            ("th", "row", "rowheader", "name"),
            ("td", None, "cell", "y and"),
            ("td", None, "cell", None),
        ]
    assert {row.get("role") for row in table.iter("tr")} == {"row"}
    assert [table.find(part).get("role") for part in ("thead", "tbody")] == ["rowgroup", "rowgroup"]


def test_the_text_of_cells_is_kept(tables):
    cells = ["".join(cell.itertext()).strip() for cell in tables[0].find("tbody").iter() if cell.tag in ("th", "td")]
    assert cells == ["a < b", "1", "more", "c", "", ""]
