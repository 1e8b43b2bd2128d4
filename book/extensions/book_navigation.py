"""Gives the arrows of the navigation, which open the pages below a page, a name that a screen reader can say."""

from typing import Any

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx


def named(navigation: BeautifulSoup) -> BeautifulSoup:
    for summary in navigation.select("li > details > summary"):
        link = summary.find_parent("li").find("a")
        if not summary.get_text(strip=True):
            summary["aria-label"] = f"Pages below: {link.get_text(strip=True)}"
    return navigation


def name_arrows(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    theirs = context.get("generate_toctree_html")
    if theirs:

        def generate_toctree_html(*words: Any, **options: Any) -> Any:
            found = theirs(*words, **options)
            return named(found) if isinstance(found, BeautifulSoup) else found

        context["generate_toctree_html"] = generate_toctree_html


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", name_arrows, priority=900)  # after the theme has put its function there
    return {"parallel_read_safe": True, "parallel_write_safe": True}
