"""No page shows Python's name of a figure in the place of the figure.

An output that is glued into another page loses its SVG, and the builder then writes `<Figure size ...>` without a
warning.
"""

from pathlib import Path

from checks.sources import html_files

NAMES = ("<Figure size", "&lt;Figure size")


def problems(built: Path) -> list[str]:
    return [
        f"{path.relative_to(built)} shows the text '<Figure size ...>' where a figure should be"
        for path in html_files(built)
        if any(name in path.read_text(encoding="utf-8") for name in NAMES)
    ]
