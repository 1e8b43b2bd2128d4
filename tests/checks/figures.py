"""No page shows Python's words in the place of a figure or of a number.

An output that is glued into another page loses its SVG, and the builder then writes `<Figure size ...>` without a
warning. A number that is none is written as `+nan` or `-nan` where its sign is asked for.
"""

import re
from pathlib import Path

from checks.sources import html_files

WORDS = {
    re.compile("(<|&lt;)Figure size"): "'<Figure size ...>' where a figure should be",
    re.compile(r"[+-]nan\b"): "'nan' where a number should be",
}


def problems(built: Path) -> list[str]:
    return [
        f"{path.relative_to(built)} shows the text {what}"
        for path in html_files(built)
        for words, what in WORDS.items()
        if words.search(path.read_text(encoding="utf-8"))
    ]
