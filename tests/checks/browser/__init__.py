"""Every page in a browser, on a large and a small screen, light and dark: one file a promise.

The browser is that of the machine; where there is none, these checks are skipped with a word.
"""

import collections
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import Page

from checks.browser import axe, chromium, dialogs, keyboard, layout, listening, printing, search
from checks.sources import pages_of_toc

DESK, PHONE = 1280, 390  # pixels
TITLE_PAGE = "book/index.html"
WORD = "polynomial"  # which the book has on many pages
SKIPPED = "no browser found: set CHROME or install chromium; the browser checks were skipped"


def problems(built: Path) -> list[str]:
    if chromium.find() is None:
        print(SKIPPED)
        return []
    with ThreadPoolExecutor() as pool:  # a browser each for the two screens, side by side
        screens = pool.map(lambda width: problems_at(width, built.resolve()), (DESK, PHONE))
    return [
        f"{what} (at {width} pixels, on {', '.join(names[:3])}{f' and {len(names) - 3} more' if names[3:] else ''})"
        for width, found in zip((DESK, PHONE), screens, strict=True)
        for what, names in found.items()
    ]


def problems_at(width: int, built: Path) -> dict[str, list[str]]:
    """What is wrong on a screen of this width, and with which pages: much of a page is the same on all."""
    found: dict[str, list[str]] = collections.defaultdict(list)
    with chromium.opened() as browser:
        page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        heard = listening.listen(page)
        for name, address in addresses(built).items():
            wrong = problems_of(page, address, width) + listening.taken(heard)
            for what in dict.fromkeys(wrong):
                found[what].append(name)
        for what in whole_book(page, built, width):
            found[what].append("any page")
    return found


def whole_book(page: Page, built: Path, width: int) -> list[str]:
    """What is wrong with what is the same from every page."""
    buttons = dialogs.ON_EVERY_SCREEN if width == DESK else dialogs.ON_A_SMALL_SCREEN
    chromium.visit(page, (built / TITLE_PAGE).as_uri())
    return dialogs.problems(page, buttons) + search.problems(page, (built / "search.html").as_uri(), WORD)


def addresses(built: Path) -> dict[str, str]:
    """What is opened, by name: all pages, the index, the search's results, and of the source views, all alike, one.

    The title page is opened twice: as it is, and with the word marked, as the search opens it.
    """
    views = sorted((built / "_modules").rglob("*.html"), key=lambda path: path.stat().st_size)
    names = [f"{name}.html" for name in sorted(pages_of_toc())] + ["genindex.html"]
    names += [path.relative_to(built).as_posix() for path in views[len(views) // 2 :][:1]]
    queries = {f"search.html?q={WORD}": "search.html", f"{TITLE_PAGE}?highlight={WORD}": TITLE_PAGE}
    files = {name: name for name in names} | queries
    return {
        name: (built / file).as_uri() + name.removeprefix(file)
        for name, file in files.items()
        if (built / file).exists()  # another check names what is missing
    }


def problems_of(page: Page, address: str, width: int) -> list[str]:
    """What is wrong with one page, in both themes."""
    chromium.visit(page, address)
    found = layout.sideways(page) + layout.cut_tables(page) + axe.violations(page)
    if width == DESK:
        found += layout.too_tall(page) + keyboard.problems(page)
    chromium.show(page, "dark")
    return found + [f"{what} (dark)" for what in axe.violations_of_colour(page)] + printing.problems(page)
