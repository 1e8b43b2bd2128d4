"""What opens the pages below a page says so."""

import re

from tiny_book import build

PAGES = {
    "index": "# Title\n```{toctree}\nchapter\n```\n",
    "chapter": "# A chapter\n```{toctree}\nsection\n```\n",
    "section": "# A section\n",
}


def test_an_arrow_has_a_name(tmp_path):
    built, warnings = build(tmp_path, ["book_navigation"], PAGES, html_theme="sphinx_book_theme")
    assert warnings == ""
    summaries = re.findall(r"<summary[^>]*>", (built / "index.html").read_text())
    assert summaries == ['<summary aria-label="Pages below: A chapter">']
