"""Mends the pages' HTML where its makers stand in the way of assistive technology.

Each cure is for a kind of element, wherever it appears, and leaves the rest of the page as it is, letter by letter.
"""

import re
from typing import Any

from sphinx.application import Sphinx

CURES = (
    # A heading without a word heads nothing: it is a cell. `scope` belongs to headings alone.
    (
        re.compile(r"<th\b([^>]*)>((?:\s|</?p>|<br ?/?>)*)</th>"),
        lambda found: f"<td{unscoped(found[1])}>{found[2]}</td>",
    ),
    # A list may hold list items alone, but a bibliography's list has anchors between them.
    (re.compile(r'<div role="list"( class="[^"]*citation-list")'), r"<div\1"),
    # These roles are deprecated, and never were for such elements.
    (re.compile(r' role="doc-(?:biblioentry|endnote)"'), ""),
    # A role demands rows that can be reached, which a table without any has not where a small screen hides its heads.
    (re.compile(r'(<table\b[^>]*) role="table"(?=[^>]*>(?:(?!</table>).)*<tbody[^>]*></tbody>)', re.DOTALL), r"\1"),
    # What is read out is what is seen: "Show code cell source" says more than the label in its place.
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
)


def mended(body: str) -> str:
    """The HTML of a page's text with every cure applied."""
    for broken, cure in CURES:
        body = broken.sub(cure, body)
    return body


def unscoped(attributes: str) -> str:
    return re.sub(r'\s+scope="[^"]*"', "", attributes)


def mend(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: object) -> None:
    if "body" in context:
        context["body"] = mended(context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
