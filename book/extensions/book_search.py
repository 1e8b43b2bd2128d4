"""Excerpts under the results of a search, also where the book is opened from a disk.

Sphinx fetches whole pages for its excerpts, which no browser allows from file://. Here the text of each page is written
into a script of its own, `_texts/PAGE.js`, and `search_excerpts.js` loads those of the pages that it shows.
"""

import html
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

FOLDER = "_texts"
TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)


def text_of(block: nodes.Element) -> str:
    text = block.astext()
    if isinstance(block, nodes.raw):
        text = html.unescape(TAGS.sub(" ", text)) if "html" in block["format"] else ""
    return " ".join(text.split())


def sections(doctree: nodes.document) -> list[tuple[list[str], str]]:
    """The names of each section, and its text as far as the next one."""
    found: list[tuple[list[str], list[str]]] = [([], [])]
    for node in doctree.findall(nodes.Element):
        if isinstance(node, nodes.section):
            found.append((node["ids"], []))
        elif isinstance(node, nodes.TextElement) and not isinstance(node.parent, nodes.TextElement):
            found[-1][1].append("" if isinstance(node, nodes.Invisible) else text_of(node))
    return [(names, " ".join(filter(None, parts))) for names, parts in found if names or any(parts)]


def write_text(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    if page == "search":
        app.add_js_file("search_excerpts.js", defer="defer")
    if doctree:
        path = Path(app.outdir) / FOLDER / f"{page}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        value = json.dumps(sections(doctree), ensure_ascii=False, separators=(",", ":"))
        path.write_text(f"bookTexts[{json.dumps(page)}]={value};\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", write_text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
