"""python tests/check_book.py BUILT_HTML: what the builder does not check of a book that it built.

Every page of the table of contents is there and no source page is left out of it; no page loads anything from the
network, or a local file that is missing; the headline equals the Records, computed here by other code.
"""

import collections
import html.parser
import json
import re
import statistics
import sys
import urllib.parse
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
LOADING = {"stylesheet", "icon", "shortcut", "preload", "modulepreload", "prefetch", "preconnect", "manifest"}
ADDRESS_IN_CSS = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])([^'")\s]+)""")


class Page(html.parser.HTMLParser):
    """Collects the addresses that a page loads on being opened."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag != "link" or LOADING & set(values.get("rel", "").lower().split()):
            loaded = {"link": "href", "object": "data", "image": "href", "use": "href"}.get(tag, "src")
            self.addresses.append(values.get(loaded, "") if tag != "a" else "")
        self.addresses += [part.split()[0] for part in values.get("srcset", "").split(",") if part.strip()]
        self.addresses += ADDRESS_IN_CSS.findall(values.get("style", ""))
        self.in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.addresses += ADDRESS_IN_CSS.findall(data)


def pages_of_toc() -> set[str]:
    return set(re.findall(r"(?:file|root):\s*(\S+)", (ROOT / "_toc.yml").read_text()))


def missing_pages(built: Path) -> list[str]:
    return [
        f"{page} is in _toc.yml but was not built" for page in pages_of_toc() if not (built / f"{page}.html").exists()
    ]


def orphans() -> list[str]:
    sources = [*ROOT.glob("book/*.md"), *ROOT.glob("notebooks/**/*.ipynb")]
    names = {
        path.relative_to(ROOT).with_suffix("").as_posix() for path in sources if ".ipynb_checkpoints" not in path.parts
    }
    return [f"{name} is not in _toc.yml" for name in names - pages_of_toc()]


def bad_addresses(built: Path) -> list[str]:
    found: dict[str, list[str]] = collections.defaultdict(list)
    for path in sorted(built.rglob("*")):
        if path.suffix == ".html" and "_static" not in path.parts:  # there lie the theme's templates
            page = Page()
            page.feed(path.read_text(encoding="utf-8"))
            addresses = page.addresses
        elif path.suffix == ".css":
            addresses = ADDRESS_IN_CSS.findall(re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S))
        else:
            continue
        for address in addresses:
            if re.match(r"(https?:)?//", address):
                found[f"loads from the network: {address}"].append(path.name)
            elif address and not re.match(r"(data|blob|about|javascript|mailto):|#", address):
                file = path.parent / urllib.parse.unquote(re.split(r"[?#]", address)[0])
                if not file.exists():
                    found[f"loads a file that is missing: {address}"].append(path.name)
    return [f"{what} ({', '.join(sorted(set(where))[:3])})" for what, where in found.items()]


def wrong_headline(built: Path) -> list[str]:
    """The title page's difference, means and n against the Records of the size that it names."""
    text = re.sub(r"<[^>]+>", "", (built / "book/index.html").read_text(encoding="utf-8"))
    size = re.search(r"Setting: size (\w+),", text)
    if not size:
        return ["the title page names no size"]
    sides: dict[str, dict[int, float]] = {"standard": {}, "polynomial": {}}
    for path in (ROOT / "results").glob(f"cifar10-{size[1]}-*.json"):
        record = json.loads(path.read_text())
        if record["outcome"] == "ok" and f"{record['budget']['parameters']:,}" in text:
            run = record["run"]
            sides[run["network"]["neuron"]][run["seed"]] = 100 * record["final"]["test"]["accuracy"]
    seeds = sides["standard"].keys() & sides["polynomial"].keys()
    if not seeds:
        return [f"there are no Records of size {size[1]} behind the title page"]
    means = {neuron: statistics.fmean(values[seed] for seed in seeds) for neuron, values in sides.items()}
    difference = f"{means['polynomial'] - means['standard']:+.2f} points"
    expected = [difference, f"{len(seeds)} seeds a side", f"{means['polynomial']:.2f} against"]
    with Image.open(ROOT / "book/assets/headline.png") as figure:
        drawn = figure.text["Description"]
    stale = (
        [] if drawn == f"{size[1]}: {difference}, n = {len(seeds)}" else [f"headline.png shows {drawn}: draw it again"]
    )
    return [f"the title page does not say {part!r}" for part in expected if part not in " ".join(text.split())] + stale


def main(built: Path) -> int:
    problems = missing_pages(built) + orphans()
    if not problems:
        problems = bad_addresses(built) + wrong_headline(built)
    for problem in problems:
        print(f"check_book: {problem}", file=sys.stderr)
    if not problems:
        print(f"check_book: {len(pages_of_toc())} pages, nothing from the network, the headline equals the Records")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
