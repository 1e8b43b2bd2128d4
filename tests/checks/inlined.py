"""Every figure that a notebook draws is part of its page, and has an alternative text."""

import re
from pathlib import Path

OUTSIDE = re.compile(r'<img [^>]*src="[^"]*_images/[0-9a-f]{64}\.[a-z]+"')
INSIDE = re.compile(r'<svg class="figure"[^>]*>')
NAMED = re.compile(r'role="img" aria-label="[^"]+"')


def problems(built: Path) -> list[str]:
    found = []
    for file in sorted(built.rglob("*.html")):
        page, name = file.read_text(encoding="utf-8"), file.relative_to(built)
        found += [f"{name} has a notebook's figure outside of the page: {image}>" for image in OUTSIDE.findall(page)]
        found += [
            f"{name} has a figure without an alternative text: {figure}"
            for figure in INSIDE.findall(page)
            if not NAMED.search(figure)
        ]
    return found
