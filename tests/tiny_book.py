"""A book of a few lines, built with the extensions under test alone; and a browser for what only a browser shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest
from checks.browser import chromium
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

BOOK = Path(__file__).parents[1] / "book"


def build(folder: Path, extensions: list[str], pages: dict[str, str], **settings: object) -> tuple[Path, str]:
    """Builds pages of MyST Markdown, by name. Returns the folder of HTML and the warnings."""
    source, built, warnings = folder / "source", folder / "html", StringIO()
    source.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        path = source / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    config = {
        "extensions": ["myst_parser", *extensions],
        "myst_enable_extensions": ["amsmath", "colon_fence", "dollarmath"],
        "html_theme": "basic",
        "html_static_path": [str(BOOK / "assets")],
        "master_doc": "index",
    }
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            source,
            None,
            built,
            folder / "doctrees",
            "html",
            config | settings,
            status=None,
            warning=warnings,
        )
        app.build()
    return built, warnings.getvalue()


@contextmanager
def opened(page: Path, *, query: str = "", width: int = 1280) -> Iterator:
    """The page in the system's Chromium, from file://, and a list that fills with what its console says."""
    if not chromium.find():
        pytest.skip("there is no Chromium here, which this test drives")
    with chromium.opened() as browser:
        tab = browser.new_page(viewport={"width": width, "height": 900})
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(f"{page.as_uri()}{query}")
        yield tab, said
