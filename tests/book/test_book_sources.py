"""From a source view, every name leads back to where it is documented, under whatever package it is exported."""

import re
import sys

import pytest
from tiny_book import build

MODULE = '''"""Two classes, of which the package exports one."""


class Outer:
    """Exported by the package."""


class Inner:
    """Documented under its own module."""

    def method(self):
        """A method."""
'''
PAGES = {
    "index": "# Reference\n```{toctree}\nother\n```\n```{eval-rst}\n.. autoclass:: shelf.Outer\n```\n",
    "other": "# Other\n```{eval-rst}\n.. autoclass:: shelf.deep.books.Inner\n   :members:\n```\n",
}


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    (tmp_path / "shelf/deep").mkdir(parents=True)
    (tmp_path / "shelf/__init__.py").write_text("from .deep.books import Outer\n__all__ = ['Outer']\n")
    (tmp_path / "shelf/deep/__init__.py").write_text("")
    (tmp_path / "shelf/deep/books.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "shelf"]:
        del sys.modules[name]


def test_every_name_leads_back(tmp_path, shelf):
    extensions = ["sphinx.ext.autodoc", "sphinx.ext.viewcode", "book_sources"]
    built, warnings = build(tmp_path, extensions, PAGES)
    assert warnings == ""
    text = (built / "_modules/shelf/deep/books.html").read_text()
    links = dict(re.findall(r'id="([^"]+)">\n<a class="viewcode-back" href="([^"]+)"', text))
    assert links == {
        "Outer": "../../../index.html#shelf.Outer",
        "Inner": "../../../other.html#shelf.deep.books.Inner",
        "Inner.method": "../../../other.html#shelf.deep.books.Inner.method",
    }
    for link in links.values():
        page, _, anchor = link.removeprefix("../../../").partition("#")
        assert f'id="{anchor}"' in (built / page).read_text()
