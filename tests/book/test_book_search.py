"""A search from file:// finds a word, and shows it among its neighbours."""

import json

import pytest
from tiny_book import build, opened

PAGES = {
    "index": "# Title\n\nNothing here.\n\n```{toctree}\nfolder/trees\n```\n",
    "folder/trees": """# Trees

Of leaves.

## Conifers

The larch drops its needles, as $x^2$ does not.

<table><tr><td>cedar</td></tr></table>

% A remark about yew.

## Others

```python
oak = "oak"
```
""",
}
SETTINGS = {
    "html_show_search_summary": False,
    "html_theme": "sphinx_book_theme",
    "html_context": {"default_mode": "auto"},
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    built, warnings = build(tmp_path_factory.mktemp("search"), ["book_search"], PAGES, **SETTINGS)
    assert warnings == ""
    return built


@pytest.mark.parametrize(
    ("query", "excerpt"),
    [("larch", "The larch drops its needles"), ("cedar", "cedar"), ("conifers", "Conifers The larch")],
)
def test_a_result_has_an_excerpt(book, query, excerpt):
    with opened(book / "search.html", query=f"?q={query}") as (page, said):
        result = page.locator("ul.search > li", has=page.locator("a[href^='folder/trees.html']"))
        result.locator("p.context").first.wait_for()
        assert excerpt in result.first.inner_text()
        assert result.locator(".highlighted").first.inner_text().lower() == query
        assert said == []


def test_the_text_of_a_page_is_that_of_its_sections(book):
    text = (book / "_texts/folder/trees.js").read_text()
    start = 'bookTexts["folder/trees"]='
    assert text.startswith(start)
    assert json.loads(text.removeprefix(start).removesuffix(";\n")) == [
        [["trees"], "Trees Of leaves."],
        [["conifers"], "Conifers The larch drops its needles, as x^2 does not. cedar"],
        [["others"], 'Others oak = "oak"'],
    ]
