"""axe-core finds no serious or critical violation on a page."""

import importlib.util
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
EXPERIMENT = "label-content-name-mismatch"  # which has these tags too, but runs only where it is named
OF_COLOUR = ["color-contrast", "link-in-text-block"]  # all that another theme can change
SEVERE = ("serious", "critical")
SHOWN = 3  # of the elements that break a rule

# without preload: it fetches style sheets, which a page from a file may not
RUN = "async options => (await axe.run(document, {preload: false, resultTypes: ['violations'], ...options})).violations"


@cache
def script() -> str:
    """The text of axe-core, from the package that brings it."""
    package = importlib.util.find_spec("axe_playwright_python")
    return (Path(package.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """A line for each rule that the open page breaks, with the first elements that break it."""
    return run(page, {"runOnly": {"type": "tag", "values": TAGS}, "rules": {EXPERIMENT: {"enabled": True}}})


def violations_of_colour(page: Page) -> list[str]:
    """Those that can appear on a page without others when its theme is switched."""
    return run(page, {"runOnly": {"type": "rule", "values": OF_COLOUR}})


def run(page: Page, options: dict) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(script())
    return [
        f"axe, {rule['impact']}: {rule['id']} at {len(rule['nodes'])} places: {', '.join(first(rule['nodes']))}"
        for rule in page.evaluate(RUN, options)
        if rule["impact"] in SEVERE
    ]


def first(nodes: list[dict]) -> list[str]:
    return [str(node["target"][0]) for node in nodes[:SHOWN]]
