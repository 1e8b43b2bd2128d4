"""Sets every formula when the book is built, by KaTeX in a JavaScript engine inside Python.

A page then holds its formulas as HTML for the eye and as MathML for a screen reader, and loads a stylesheet in place of
a script. A formula that KaTeX cannot read is a warning that names its page, and stands there as its source.

KaTeX 0.19.1 is vendored: its script beside this file, its stylesheet and fonts in book/assets/katex. All three are of
one npm package (`npm pack katex`), so replace them together; a test compares their versions.
"""

import functools
import html
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

SCRIPT = Path(__file__).parent / "katex/katex.min.js"
STYLES = "katex/katex.css", "maths.css"
TERM = '<span class="katex-base">'

logger = logging.getLogger(__name__)


class FormulaError(ValueError):
    """KaTeX cannot read a formula."""


@functools.cache
def engine() -> MiniRacer:
    racer = MiniRacer()
    racer.eval(SCRIPT.read_text(encoding="utf-8"))
    return racer


@functools.cache
def set_formula(source: str, display: bool) -> str:
    """The HTML and MathML of a formula in LaTeX. FormulaError if KaTeX cannot read it."""
    # What KaTeX reads but LaTeX would not is an error as well: the book's sources stay LaTeX.
    options = {"displayMode": display, "output": "htmlAndMathml", "throwOnError": True, "strict": "error"}
    try:
        found = engine().call("katex.renderToString", source, options)
        # In a line a formula may break between its terms, and, with maths.css, nowhere else.
        return found if display else found.replace(f"</span>{TERM}", f"</span><wbr>{TERM}")
    except JSEvalException as error:
        reason = re.search(r"KaTeX parse error: (.*)", str(error))
        raise FormulaError(reason[1] if reason else str(error)) from error


def in_lines(source: str) -> str:
    r"""Sphinx's reading of a display formula: an empty line starts another line of it, and \\ needs no environment."""
    parts = [part.strip() for part in re.split(r"\n\s*\n", source) if part.strip()]
    parts = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    return parts[0] if len(parts) == 1 else r"\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}"


class KeepMarks(SphinxPostTransform):
    """Ties a formula to the characters that touch it, as in "($x$)," where a browser would otherwise break the line."""

    default_priority = 900
    formats = ("html",)

    def run(self, **options: Any) -> None:
        for node in list(self.document.findall(nodes.math)):
            siblings = node.parent.children
            place = siblings.index(node)
            parts: list[nodes.Node] = [node]
            before, after = siblings[:place][-1:], siblings[place + 1 :][:1]
            if before and isinstance(before[0], nodes.Text) and re.search(r"\S$", before[0]):
                parts.insert(0, nodes.Text(before[0][-1]))
                node.parent.replace(before[0], nodes.Text(before[0][:-1]))
            if after and isinstance(after[0], nodes.Text) and re.match(r"\S", after[0]):
                parts.append(nodes.Text(after[0][0]))
                node.parent.replace(after[0], nodes.Text(after[0][1:]))
            tied = nodes.inline(classes=["tied"])
            node.replace_self(tied)
            tied += parts


def formula(translator: HTML5Translator, node: nodes.Element, source: str, display: bool) -> str:
    try:
        return set_formula(source, display)
    except FormulaError as error:
        page = translator.builder.current_docname
        logger.warning("KaTeX cannot read the formula %r: %s", source, error, location=(page, node.line))
        return f"<code>{html.escape(source)}</code>"


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    source = node.astext()
    translator.body.append(translator.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    translator.body.append(formula(translator, node, source, display=False) + "</span>")
    raise nodes.SkipNode


def visit_display(translator: HTML5Translator, node: nodes.math_block) -> None:
    source = node.astext().strip()
    # An environment such as align, which stands alone in LaTeX, is not wrapped.
    source = source if node["nowrap"] else in_lines(source)
    # A long formula scrolls on a phone; with a tab stop the keyboard reaches it too.
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate nohighlight", tabindex="0"))
    translator.body.append(formula(translator, node, source, display=True))
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def load_styles(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Only where there are formulas. One in a title stands in the navigation of every page."""
    in_a_title = any(next(title.findall(nodes.math), None) for title in app.env.titles.values())
    if in_a_title or 'class="katex' in context.get("body", ""):
        for name in STYLES:
            app.add_css_file(name)
    if 'class="katex' in context.get("title", ""):  # for the browser's tab, which shows no markup
        context["title"] = html.escape(app.env.titles[page].astext())


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_display, None))
    app.add_post_transform(KeepMarks)
    app.connect("html-page-context", load_styles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
