"""A page loads the scripts and stylesheets of the parts that it has, and no others.

Extensions of Sphinx add their files to every page. Those below are taken off the pages whose body has nothing for them.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

# the name of a file, and what a body that needs it contains
NEEDED_BY = {
    r"sphinx-design\.min\.css": r'class="[^"]*\bsd-',
    r"design-tabs\.js": r'class="[^"]*\bsd-tab',
    r"togglebutton\.(css|js)": r'class="[^"]*\b(toggle|dropdown)\b',
    r"(copybutton|clipboard\.min)\.(css|js)": r"<pre",
    r"mystnb\.\w+\.css": r'class="[^"]*\bcell',
}


def needed(name: str, body: str) -> bool:
    patterns = [pattern for file, pattern in NEEDED_BY.items() if re.match(file, name)]
    return all(re.search(pattern, body) for pattern in patterns)


def keep_needed(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    for kind in ("css_files", "script_files"):
        # Sphinx gives every page the same list, and restores it after the page.
        context[kind][:] = [
            file
            for file in context[kind]
            if not file.filename or needed(str(file.filename).rpartition("/")[2], context.get("body", ""))
        ]


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", keep_needed, priority=900)  # after all that add a file
    return {"parallel_read_safe": True, "parallel_write_safe": True}
