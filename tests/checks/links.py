"""No link leads to a page, a file or a place in a page that is not there, from source views either."""

import collections
import html.parser
import re
import urllib.parse
from pathlib import Path

from checks.sources import html_files


class Places(html.parser.HTMLParser):
    """Collects where a page's links lead, and the places in it that a link can name."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = {"", "top"}  # of every page, by the HTML standard

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.places.add(values.get("id", ""))
        if tag == "a":
            self.places.add(values.get("name", ""))
            self.links.add(values.get("href", ""))


def problems(built: Path) -> list[str]:
    pages = {path.resolve(): Places() for path in html_files(built)}
    for path, page in pages.items():
        page.feed(path.read_text(encoding="utf-8"))
    found: dict[str, set[str]] = collections.defaultdict(set)
    for path, page in pages.items():
        for link in page.links:
            if not re.match(r"[a-z][a-z0-9+.-]*:|//", link, re.IGNORECASE) and (what := broken(link, path, pages)):
                found[what].add(path.relative_to(built.resolve()).as_posix())
    return [f"{what} (on {', '.join(sorted(where)[:3])})" for what, where in sorted(found.items())]


def broken(link: str, path: Path, pages: dict[Path, Places]) -> str:
    """What is wrong with a link of the page at this path: nothing, that is "", if it leads somewhere."""
    address, place = urllib.parse.urldefrag(link)
    file = urllib.parse.unquote(address.split("?")[0])
    target = (path.parent / file).resolve() if file else path
    if not target.is_file():
        return f"a link leads to a file that is missing: {link}"
    if target in pages and urllib.parse.unquote(place) not in pages[target].places:
        return f"a link leads to a place that is not on its page: {link}"
    return ""
