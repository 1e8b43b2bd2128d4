"""How numbers become the text of a table, and that of its page."""

import importlib
import inspect
import pkgutil
import re
import typing
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pandas as pd
import pytest

import pnn.report
import pnn.sweep.show
from pnn.report.table import Table, duration, pairs, sentence

CAPTION = "What the table shows."


def page_of(table: Table) -> ElementTree.Element:
    """The table's HTML, which must be well formed but for its one attribute without a value."""
    text = table._repr_html_().replace(" hidden>", ">").replace('type="checkbox">', 'type="checkbox"/>')
    return ElementTree.fromstring(text)


def rows_of(page: ElementTree.Element) -> list[list[str]]:
    return [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]


def test_cells_are_formatted_by_their_columns_and_what_is_missing_is_a_dash():
    numbers = pd.DataFrame({"n": [3, 4], "lost": [0, 2], "mean": [1.234, None]}, ["a", "b"])
    table = Table(numbers, {"pairs": pairs, "mean of n": "{mean:.1f} ({n})"}, CAPTION)
    assert table.text.to_dict("index") == {
        "a": {"pairs": "3", "mean of n": "1.2 (3)"},
        "b": {"pairs": "4 (2 lost)", "mean of n": "–"},
    }
    assert table.frame["mean"].dtype == float
    assert table.head(1).text.index.tolist() == ["a"]


def test_a_terminal_shows_caption_and_cells():
    lines = repr(Table(pd.DataFrame({"n": [3]}, ["a"]), {"pairs": "{n}"}, CAPTION)).splitlines()
    assert lines[0] == CAPTION
    assert [line.split() for line in lines[1:]] == [["pairs"], ["a", "3"]]
    assert repr(Table(pd.DataFrame({"n": []}), {"pairs": "{n}"}, CAPTION)).splitlines() == [CAPTION, "pairs"]


def test_a_page_has_scopes_roles_and_labels():
    numbers = pd.DataFrame({"n": [3, 4]}, pd.MultiIndex.from_tuples([(1, "x < y"), (2, "z")], names=["depth", None]))
    page = page_of(Table(numbers, {"a & b": "{n}"}, "1 < 2."))
    assert page.get("class") == "book-table"
    assert page.find("caption").text == "1 < 2."
    assert rows_of(page) == [["depth", "", "a & b"], ["1", "x < y", "3"], ["2", "z", "4"]]
    head, *rows = page.iter("tr")
    assert [(cell.tag, cell.get("scope"), cell.get("role")) for cell in head] == [
        ("th", "col", "columnheader"),
        ("td", None, "cell"),  # A heading without a word is none.
        ("th", "col", "columnheader"),
    ]
    for row in rows:
        assert [(cell.tag, cell.get("scope"), cell.get("role")) for cell in row] == [
            ("th", "row", "rowheader"),
            ("th", "row", "rowheader"),
            ("td", None, "cell"),
        ]
        assert [cell.get("data-label") for cell in row] == ["depth", None, "a & b"]


def test_what_is_folded_is_marked_and_can_be_had_by_a_labelled_checkbox():
    page = page_of(Table(pd.DataFrame({"n": [3]}), {"n": "{n}", "p": "{n}"}, CAPTION, more=("p",)))
    assert [cell.text for cell in page.iter() if "more" in cell.get("class", "").split()] == ["p", "3"]
    label, table = page  # The role of a table allows no checkbox within it.
    assert (page.get("class"), label.tag, table.tag) == ("folding", "label", "table")
    assert [(child.tag, child.get("type")) for child in label] == [("input", "checkbox")]
    assert "all columns" in "".join(label.itertext())
    assert " hidden>" in Table(pd.DataFrame({"n": [3]}), {"p": "{n}"}, CAPTION, more=("p",))._repr_html_()
    assert not list(page_of(Table(pd.DataFrame({"n": [3]}), {"n": "{n}"}, CAPTION)).iter("label"))


def test_columns_of_numbers_are_told_from_columns_of_words():
    numbers = pd.DataFrame({"n": [3, 4, None], "verdict": ["holds", "holds", "2 of 3 hold"]})
    page = page_of(Table(numbers, {"n": "{n:+.0f}", "nothing": "{n}", "verdict": "{verdict}"}, CAPTION))
    marked = {cell.get("data-label") for cell in page.iter("td") if "number" in (cell.get("class") or "").split()}
    assert marked == {"n", "nothing"}


def test_an_interval_does_not_break():
    page = page_of(Table(pd.DataFrame({"n": [3]}), {"n": "{n} or so (1 to 5)"}, CAPTION))
    assert rows_of(page)[1] == ["0", "3 or so (1\xa0to\xa05)"]
    words = page_of(Table(pd.DataFrame({"n": [3]}), {"n": "words ({n} of them)"}, CAPTION))
    assert rows_of(words)[1] == ["0", "words (3 of them)"]


def test_a_rows_name_may_lead_somewhere():
    numbers = pd.DataFrame({"where": ["a.html?x&y", ""]}, ["x", "y"])
    page = page_of(Table(numbers, {}, CAPTION, address="where"))
    assert [(link.get("href"), link.text) for link in page.iter("a")] == [("a.html?x&y", "x")]


def test_a_table_of_twelve_columns_keeps_them_all():
    numbers = pd.DataFrame([list(range(12))] * 2, ["a", "b"], [f"c{i}" for i in range(12)])
    page = page_of(
        Table(numbers, {name: f"{{{name}}}" for name in numbers}, CAPTION, more=[f"c{i}" for i in range(6, 12)])
    )
    assert rows_of(page)[1] == ["a", *map(str, range(12))]
    assert "book-table wide" in [table.get("class") for table in page.iter("table")]
    assert len([cell for cell in page.iter("td") if cell.get("class") == "number more"]) == 12


def test_a_table_without_columns_has_the_names_of_its_rows():
    table = Table(pd.DataFrame(index=["a", "b"]), {}, CAPTION)
    assert rows_of(page_of(table)) == [[""], ["a"], ["b"]]
    assert repr(table).splitlines() == [CAPTION, "a, b"]


def test_a_table_without_rows_says_so():
    page = page_of(Table(pd.DataFrame({"n": []}), {"n": "{n}"}, CAPTION))
    assert page.find("caption").text == CAPTION
    assert rows_of(page) == [["", "n"], ["no rows"]]
    assert [cell.get("colspan") for cell in page.iter("td")][-1] == "2"


@pytest.mark.parametrize(
    ("caption", "more", "message"),
    [(" ", (), "needs a caption .* got ' '"), (CAPTION, ("q",), "can be folded, got 'q'; there are 'p'")],
)
def test_a_table_that_cannot_be_shown_is_an_error(caption, more, message):
    with pytest.raises(ValueError, match=message):
        Table(pd.DataFrame({"n": [1]}), {"p": "{n}"}, caption, more)


def test_sentences_begin_large_and_end_with_a_stop():
    assert sentence("each run", "", "size laptop") == "Each run. Size laptop."


@pytest.mark.parametrize(("seconds", "text"), [(3.4, "3 s"), (119.4, "119 s"), (120, "2.0 min"), (876, "14.6 min")])
def test_durations(seconds, text):
    assert duration({"seconds": seconds}) == text


def test_every_function_that_makes_a_table_of_a_page_returns_a_table():
    names = [name for _, name, _ in pkgutil.iter_modules(pnn.report.__path__, "pnn.report.")]
    modules = [importlib.import_module(name) for name in names if name != "pnn.report.plots"] + [pnn.sweep.show]
    functions = {
        f"{module.__name__}.{name}": function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    returned = {name: typing.get_type_hints(function).get("return") for name, function in functions.items()}
    assert sum(kind is Table for kind in returned.values()) > 20
    assert not [name for name, kind in returned.items() if kind in (pd.DataFrame, pd.Series)]


def test_no_notebook_shows_a_frame_of_its_own():
    for path in (Path(__file__).parents[2] / "notebooks").rglob("*.ipynb"):
        assert not re.search(r"to_frame\(\)|pd\.DataFrame|to_html|\.style\b", path.read_text(encoding="utf-8")), path
