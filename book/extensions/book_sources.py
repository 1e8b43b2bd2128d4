"""From the source views of sphinx.ext.viewcode back to the reference, for names that a package exports further up.

Viewcode links each name back by the module through which the first name of that file was documented, so that of two
classes in one file, documented as `pnn.Record` and as `pnn.runs.score.Hits`, one link leads nowhere. Here every such
link gets the name under which the object is documented: that of its module, or of a package above.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

BACK = re.compile(r'(<div class="viewcode-block" id="(?P<name>[^"]+)">\n<a class="viewcode-back" href=")[^"]*#[^"]*"')


def documented(objects: dict[str, Any], module: str, name: str) -> Any:
    """What the reference has of a name in a module, under whatever package it is exported; None if nothing."""
    parts = module.split(".")
    names = [".".join([*parts[:depth], name]) for depth in range(len(parts), 0, -1)]
    return next((objects[full] for full in names if full in objects), None)


def mend(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    if not page.startswith("_modules/"):
        return
    objects = app.env.get_domain("py").objects  # type: ignore[attr-defined]

    def link(found: re.Match[str]) -> str:
        target = documented(objects, page.removeprefix("_modules/").replace("/", "."), found["name"])
        if target is None:
            return found[0]
        return f'{found[1]}{app.builder.get_relative_uri(page, target.docname)}#{target.node_id}"'

    context["body"] = BACK.sub(link, context["body"])


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
