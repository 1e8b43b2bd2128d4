"""The SVG figures of notebooks become part of their page, drawn in the page's own ink.

An ``<img>`` knows neither the colours nor the font of the page around it, an ``<svg>`` in the page does: one figure
serves the light and the dark theme, and its text is the page's. Numbers and captions of figures stay as they are.
"""

import html
import re
from pathlib import Path

from docutils import nodes
from myst_nb.ext.glue.crossref import read_glue_cache
from myst_nb.ext.glue.utils import PendingGlueReference
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

PAPER = "var(--pst-color-background)"
GREY = re.compile(r"(?<=: )#([0-9a-f]{2})\1\1\b")
REFERENCE = re.compile(r'(?:url\(#|href="#)([^)"]+)')
LONG = re.compile(r"(\d\.\d\d)\d+")  # A hundredth of a point is enough for a place.
# What a page has no use for. Matplotlib's style sheet would rule the whole page; figures.css has what it says.
DEAD = re.compile(
    r'<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style .*?</style>|<g id="background">.*?</g>',
    re.DOTALL,
)
logger = logging.getLogger(__name__)


class Figure(nodes.General, nodes.Element):
    """An SVG as it stands in the page. It is no raw HTML, whose words Sphinx would search: the ticks of all axes."""


class InlineFigures(SphinxPostTransform):
    """Puts the SVG itself in the place of every image of it, and of every figure that is glued from another page."""

    default_priority = 4  # before MyST-NB's own transform of what is glued, which knows no SVG
    formats = ("html",)

    def run(self) -> None:
        nodes_of_both = self.document.findall(lambda node: isinstance(node, nodes.image | PendingGlueReference))
        figures = [(node, *found) for node in list(nodes_of_both) if (found := self.figure(node))]
        for number, (node, svg, alt) in enumerate(figures, 1):
            if not alt:
                logger.warning("a figure without an alternative text: its cell needs mystnb.image.alt", location=node)
            node.replace_self(Figure(svg=inline(svg, alt, f"figure{number}-")))

    def figure(self, node: nodes.image | PendingGlueReference) -> tuple[str, str] | None:
        """The SVG that a node stands for, if it is that of a notebook, and its alternative text, or an empty one."""
        if isinstance(node, nodes.image):
            file = self.file(node)
            return (file.read_text(encoding="utf-8"), node.get("alt", "")) if file else None
        glued = read_glue_cache(self.env.mystnb_config.output_folder, node.refdoc).get(node.key)  # type: ignore
        svg = glued["data"].get("image/svg+xml") if glued else None
        return (svg, self.alternative(node.refdoc, svg)) if svg else None

    def file(self, image: nodes.image) -> Path | None:
        """The file of an image that is the SVG output of a notebook."""
        file = Path(self.app.srcdir, image["uri"]).resolve()
        outputs = Path(self.env.mystnb_config.output_folder).resolve()  # type: ignore[attr-defined]
        return file if file.suffix == ".svg" and file.is_relative_to(outputs) else None

    def alternative(self, page: str, svg: str) -> str:
        """The alternative text that a figure has on its own page."""
        for image in self.env.get_doctree(page).findall(nodes.image):
            file = self.file(image)
            if file and file.read_text(encoding="utf-8").splitlines() == svg.splitlines():
                return image.get("alt", "")
        return ""


def inline(svg: str, alt: str, prefix: str) -> str:
    """The SVG of matplotlib as an element of a page.

    White becomes the page's paper, black its ink, and a grey as much of both; colours stay. The ids that are referred
    to begin with the prefix, which differs from figure to figure of a page; the others are left out.
    """
    svg = DEAD.sub("", svg)
    svg = GREY.sub(lambda grey: ink(int(grey[1], 16)), svg)
    used = set(REFERENCE.findall(svg))
    svg = re.sub(r' id="([^"]+)"', lambda own: f' id="{prefix}{own[1]}"' if own[1] in used else "", svg)
    svg = REFERENCE.sub(lambda own: own[0].replace(own[1], prefix + own[1]), svg).replace("xlink:href", "href")
    svg = re.sub(r"font: [^;\"]*?([\d.]+px)[^;\"]*", r"font-size: \1", svg)  # as matplotlib until 3.10 writes it
    svg = re.sub(r" ?font-family: [^;\"]*;?", "", svg)
    svg = re.sub(r"<[^>]+>", lambda tag: LONG.sub(r"\1", tag[0]), svg)
    svg = re.sub(r"\s*\n\s*", " ", svg)
    (view,) = re.findall(r'<svg [^>]*(viewBox="[^"]+")', svg)
    opening = f'<svg class="figure" role="img" aria-label="{html.escape(alt)}" {view}>'
    return re.sub(r"<svg [^>]*>", lambda _: opening, svg, count=1).strip()


def ink(grey: int) -> str:
    """The colour in a page of a grey from 0, black, to 255, white."""
    if grey in (0, 255):
        return PAPER if grey else "currentColor"
    return f"color-mix(in srgb, currentColor {100 - round(grey / 2.55)}%, {PAPER})"


def visit(translator: HTML5Translator, node: Figure) -> None:
    translator.body.append(node["svg"])
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(Figure, html=(visit, None))
    app.add_post_transform(InlineFigures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
