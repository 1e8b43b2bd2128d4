"""No page loads anything from the network, or a local file that is missing."""

import collections
import html.parser
import re
import urllib.parse
from pathlib import Path

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


def problems(built: Path) -> list[str]:
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
