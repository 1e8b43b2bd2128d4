"""PYTHONPATH=tests python -m checks.weight BUILT_HTML: what a first visit to each page loads, compressed, in kB.

Counted are the page, and the stylesheets, scripts, images and fonts that it asks for. Text is compressed with gzip, as
a server would; images and fonts are compressed already. A font counts where a rule for its family has classes that all
occur on the page, which is what makes a browser load it.
"""

import collections
import functools
import gzip
import re
import statistics
import sys
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path

from checks.sources import html_files

LIMIT = 400  # kB, of 1000 bytes
KINDS = ("html", "css", "js", "images", "fonts")
TEXT = {".html", ".css", ".js", ".svg", ".json"}
KIND_OF = {".html": "html", ".css": "css", ".js": "js", ".woff": "fonts", ".woff2": "fonts", ".ttf": "fonts"}
LOADING = {"stylesheet", "icon", "preload"}
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
ADDRESS = re.compile(r"""url\(\s*['"]?([^'")\s]+)""")


class Page(HTMLParser):
    """Collects the addresses that a page loads, and the classes of its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.classes |= set(values.get("class", "").split())
        if tag == "link" and LOADING & set(values.get("rel", "").split()):
            self.addresses.append(values.get("href", ""))
        elif tag in ("script", "img", "source", "iframe"):
            self.addresses.append(values.get("src", ""))


@functools.cache
def size(path: Path) -> int:
    """Bytes that a server sends."""
    data = path.read_bytes()
    return len(gzip.compress(data, 9, mtime=0)) if path.suffix in TEXT else len(data)


@functools.cache
def rules(sheet: Path) -> list[tuple[list[str], str]]:
    """The rules of a stylesheet that can make a browser load a file or choose a font: selectors, declarations."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = [(selectors, body) for selectors, body in RULE.findall(text) if "url(" in body or "font" in body]
    return [([part.strip() for part in selectors.split(",")], body) for selectors, body in found]


def declared(body: str, name: str) -> str:
    found = re.search(rf"(?:^|;)\s*{name}\s*:\s*([^;]+)", body)
    return found[1].strip("\"' ") if found else ""


def face(body: str, weight: str = "") -> tuple[str, str]:
    """The weight and the style of a rule."""
    return declared(body, "font-weight") or weight or "400", declared(body, "font-style") or "normal"


def loaded_by(sheet: Path, classes: set[str]) -> set[Path]:
    """The fonts and pictures that a stylesheet asks for on a page with these classes."""
    used = [
        ([selector for selector in selectors if applies(selector, classes)], body)
        for selectors, body in rules(sheet)
        if selectors != ["@font-face"]
    ]
    used = [(selectors, body) for selectors, body in used if selectors]
    weights = {selector: declared(body, "font-weight") for selectors, body in used for selector in selectors}
    asked = [
        (declared(body, "font-family") + declared(body, "font"), face(body, weights[selector]))
        for selectors, body in used
        for selector in selectors
    ]
    addresses = [address for _, body in used for address in ADDRESS.findall(body)]
    for selectors, body in rules(sheet):
        family = declared(body, "font-family")
        if selectors == ["@font-face"] and any(family in name and kind == face(body) for name, kind in asked):
            addresses.append(ADDRESS.findall(body)[0])  # the others are for older browsers
    return {local(sheet, address) for address in addresses if not re.match(r"[a-z]+:|#", address)}


def applies(selector: str, classes: set[str]) -> bool:
    return set(re.findall(r"\.([\w-]+)", re.sub(r":not\([^)]*\)", "", selector))) <= classes


def local(file: Path, address: str) -> Path:
    return (file.parent / urllib.parse.unquote(re.split(r"[?#]", address)[0])).resolve()


def first_load(path: Path) -> dict[str, int]:
    """Bytes by kind."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    addresses = [one for one in page.addresses if one and not re.match(r"[a-z]+:|//|#", one)]
    files = {path.resolve(), *(local(path, address) for address in addresses)}
    for sheet in [file for file in files if file.suffix == ".css" and file.is_file()]:
        files |= loaded_by(sheet, page.classes)
    sizes: collections.Counter[str] = collections.Counter()
    for file in files:
        if file.is_file():  # a missing one is another check's finding
            sizes[KIND_OF.get(file.suffix, "images")] += size(file)
    return {kind: sizes[kind] for kind in KINDS}


def problems(built: Path) -> list[str]:
    """The pages whose first load is above the limit, and of what it consists."""
    found = []
    for path in html_files(built):
        sizes = first_load(path)
        if sum(sizes.values()) > 1000 * LIMIT:
            parts = ", ".join(f"{kind} {sizes[kind] / 1000:.0f}" for kind in KINDS)
            name = path.relative_to(built).as_posix()
            found.append(f"{name} loads {sum(sizes.values()) / 1000:.0f} kB, of at most {LIMIT}: {parts}")
    return found


def main(built: Path) -> None:
    totals = []
    print(f"{'page':48}" + "".join(f"{kind:>8}" for kind in (*KINDS, "all")))
    for path in html_files(built):
        sizes = list(first_load(path).values())
        totals.append(sum(sizes))
        cells = "".join(f"{value / 1000:8.1f}" for value in (*sizes, totals[-1]))
        print(f"{path.relative_to(built).as_posix():48}{cells}")
    print(f"median {statistics.median(totals) / 1000:.1f} kB, largest {max(totals) / 1000:.1f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
