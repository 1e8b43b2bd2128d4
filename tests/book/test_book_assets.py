"""A page loads what its parts need."""

import re

import pytest
from tiny_book import build

PARTS = {
    "plain": ("Words.\n", set()),
    "code": ("```python\nx = 1\n```\n", {"clipboard.min.js", "copybutton.css", "copybutton.js"}),
    "tabs": (
        "::::{tab-set}\n:::{tab-item} One\nText\n:::\n::::\n",
        {"design-tabs.js", "sphinx-design.min.css"},
    ),
    "fold": (":::{note}\n:class: dropdown\nText\n:::\n", {"togglebutton.css", "togglebutton.js"}),
}
OPTIONAL = {name for _, names in PARTS.values() for name in names}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    extensions = ["sphinx_togglebutton", "sphinx_copybutton", "sphinx_design", "book_assets"]
    pages = {name: f"# {name}\n\n{text}" for name, (text, _) in PARTS.items()}
    pages["index"] = "# Title\n```{toctree}\n" + "\n".join(PARTS) + "\n```\n"
    built, warnings = build(tmp_path_factory.mktemp("assets"), extensions, pages)
    assert warnings == ""
    return built


@pytest.mark.parametrize("name", PARTS)
def test_a_page_loads_what_it_needs(book, name):
    text = (book / f"{name}.html").read_text()
    loaded = set(re.findall(r'(?:href|src)="_static/([^"?]+)', text))
    assert loaded & OPTIONAL == PARTS[name][1]
    assert {"doctools.js", "basic.css"} <= loaded, "what every page needs"
