"""The directive `interactive`: a figure that a script draws, from one file and one line.

    ```{interactive} NAME
    :alt: what the figure shows, for those who do not see it
    :still: NAME.png

    A caption.
    ```

loads `book/assets/scripts/NAME.js` on this page, after the page is read, and gives it an empty element with
`data-interactive="NAME"`. Without scripts a reader sees the still picture, a path from the page, or where there is none
the text of `alt`. What a script has to do stands in CONTRIBUTING.md.
"""

from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

FOLDER = "scripts"


class interactive(nodes.General, nodes.Element):
    """The place of a script: `name` and `alt`. Its children, a still picture, are for readers without scripts."""


class Interactive(SphinxDirective):
    required_arguments = 1
    option_spec: ClassVar = {"alt": directives.unchanged_required, "still": directives.uri}
    has_content = True

    def run(self) -> list[nodes.Node]:
        (name,) = self.arguments
        if "alt" not in self.options:
            raise self.error(f"interactive {name}: give :alt:, a sentence that says what the figure shows")
        folders = [Path(self.env.srcdir) / folder / FOLDER for folder in self.config.html_static_path]
        if not any((folder / f"{name}.js").is_file() for folder in folders):
            there = sorted(path.stem for folder in folders for path in folder.glob("*.js"))
            raise self.error(
                f"interactive {name}: there is no {FOLDER}/{name}.js; there are: {', '.join(there) or '-'}"
            )
        place = interactive(name=name, alt=self.options["alt"])
        if "still" in self.options:
            place += nodes.image(uri=self.options["still"], alt=self.options["alt"])
        else:
            place += nodes.paragraph("", self.options["alt"])
        figure = nodes.figure("", place, classes=["interactive"])
        if self.content:
            figure += nodes.caption("", "", *self.parse_inline("\n".join(self.content))[0])
        self.set_source_info(figure)
        return [figure]


def visit(translator: HTML5Translator, node: interactive) -> None:
    attributes = {"data-interactive": node["name"], "aria-label": node["alt"]}
    translator.body.append(translator.starttag(node, "div", "", role="group", **attributes) + "</div>")
    translator.body.append('<noscript class="still">')


def depart(translator: HTML5Translator, node: interactive) -> None:
    translator.body.append("</noscript>")


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    for name in sorted({node["name"] for node in doctree.findall(interactive)} if doctree else ()):
        app.add_js_file(f"{FOLDER}/{name}.js", defer="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(interactive, html=(visit, depart))
    app.add_directive("interactive", Interactive)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
