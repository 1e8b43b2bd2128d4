"""A page fits: it does not scroll sideways, no table of it is cut, and it is no longer than can be read."""

from playwright.sync_api import Page

TALLEST = 20_000  # pixels

SIDEWAYS = """
() => {
    const root = document.documentElement;
    return root.scrollWidth > root.clientWidth ? [root.scrollWidth, root.clientWidth] : null;
}
"""

# A table is cut by the nearest box around it that scrolls or hides, or by the edge of the page.
CUT = """
() => [...document.querySelectorAll("table")].filter(table => table.checkVisibility()).flatMap((table, number) => {
    let box = table;
    while (box !== document.body && getComputedStyle(box).overflowX === "visible") box = box.parentElement;
    const room = box === document.body ? document.documentElement.clientWidth : box.getBoundingClientRect().right;
    const width = Math.max(table.getBoundingClientRect().right, table.scrollWidth + table.getBoundingClientRect().left);
    const name = (table.caption ?? table.rows[0])?.innerText.replace(/\\s+/g, " ").slice(0, 60) ?? "";
    return width > room + 1 || box.scrollWidth > box.clientWidth + 1 ? [[name, Math.round(width - room)]] : [];
})
"""


def sideways(page: Page) -> list[str]:
    widths = page.evaluate(SIDEWAYS)
    return [f"the page is {widths[0]} pixels wide in a window of {widths[1]}"] if widths else []


def cut_tables(page: Page) -> list[str]:
    return [f"the table {name!r} is cut, by {pixels} pixels" for name, pixels in page.evaluate(CUT)]


def too_tall(page: Page) -> list[str]:
    height = page.evaluate("document.documentElement.scrollHeight")
    return [f"the page is {height} pixels high; at most {TALLEST} are allowed: split it"] if height > TALLEST else []
