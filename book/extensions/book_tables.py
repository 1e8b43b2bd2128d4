"""A table of the text becomes the same HTML as one of :mod:`pnn.report`: scopes, roles, and a label a cell.

The first column has the rows' names. A table without a caption takes the title of its section as one.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator


class table_caption(nodes.Element):  # Sphinx makes the name of the visiting function of it.
    """A caption without the number that Sphinx would give it: the tables of notebooks have none."""


class TablesHaveCaptionsAndLabels(SphinxPostTransform):
    """Gives each table a caption, and each cell the heading of its column."""

    default_priority = 400  # It comes after the transform that makes the table of executed notebooks.
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        for table in self.document.findall(nodes.table):
            title = table.next_node(nodes.title)
            if title is None:
                table.insert(0, table_caption("", nodes.Text(_section_of(table))))
            else:
                title.replace_self(table_caption("", *title.children))
            head = table.next_node(nodes.thead)
            labels = [entry.astext() for entry in head.findall(nodes.entry)] if head else []
            for body in table.findall(nodes.tbody):
                for row in body.findall(nodes.row):
                    for number, entry in enumerate(row.findall(nodes.entry)):
                        entry["label"] = labels[number] if number < len(labels) else ""


def _section_of(node: nodes.Node) -> str:
    while not isinstance(node, nodes.section):
        if node.parent is None:
            return "Table"
        node = node.parent
    return node.next_node(nodes.title).astext()


def visit_table(writer: HTML5Translator, node: nodes.table) -> None:
    writer._table_row_indices.append(0)
    writer.body.append(writer.starttag(node, "table", CLASS="book-table", ROLE="table"))


def depart_table(writer: HTML5Translator, node: nodes.table) -> None:
    writer._table_row_indices.pop()
    writer.body.append("</table>\n")


def visit_caption(writer: HTML5Translator, node: table_caption) -> None:
    writer.body.append("<caption>")


def depart_caption(writer: HTML5Translator, node: table_caption) -> None:
    writer.body.append("</caption>\n")


def visit_group(writer: HTML5Translator, node: nodes.thead | nodes.tbody) -> None:
    writer.body.append(writer.starttag(node, node.tagname, ROLE="rowgroup"))


def depart_group(writer: HTML5Translator, node: nodes.thead | nodes.tbody) -> None:
    writer.body.append(f"</{node.tagname}>\n")


def visit_row(writer: HTML5Translator, node: nodes.row) -> None:
    writer.body.append(writer.starttag(node, "tr", "", ROLE="row"))


def depart_row(writer: HTML5Translator, node: nodes.row) -> None:
    writer.body.append("</tr>\n")


def visit_entry(writer: HTML5Translator, node: nodes.entry) -> None:
    attributes = {"data-label": node["label"]} if node.get("label") else {}
    if isinstance(node.parent.parent, nodes.thead):
        tag, role = ("th", "columnheader") if node.astext() else ("td", "cell")  # A heading without a word is none.
        scope = {"scope": "col"} if tag == "th" else {}
    else:
        tag, role = ("th", "rowheader") if node.parent.index(node) == 0 else ("td", "cell")
        scope = {"scope": "row"} if tag == "th" else {}
    writer.body.append(writer.starttag(node, tag, "", ROLE=role, **scope, **attributes))
    writer.context.append(f"</{tag}>\n")


def depart_entry(writer: HTML5Translator, node: nodes.entry) -> None:
    writer.body.append(writer.context.pop())


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_post_transform(TablesHaveCaptionsAndLabels)
    app.add_node(table_caption, html=(visit_caption, depart_caption))
    app.add_node(nodes.table, override=True, html=(visit_table, depart_table))
    app.add_node(nodes.thead, override=True, html=(visit_group, depart_group))
    app.add_node(nodes.tbody, override=True, html=(visit_group, depart_group))
    app.add_node(nodes.row, override=True, html=(visit_row, depart_row))
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
