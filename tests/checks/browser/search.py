"""The search finds pages from a file, and shows where the word stands in them."""

import contextlib

from playwright.sync_api import Page, TimeoutError

PATIENCE = 10_000  # milliseconds

# a result whose text, less its link, holds the word
EXCERPT = """
word => [...document.querySelectorAll("#search-results li")].some(result => {
    const copy = result.cloneNode(true);
    copy.querySelectorAll("a").forEach(link => link.remove());
    return copy.textContent.toLowerCase().includes(word.toLowerCase());
})
"""


def problems(page: Page, address: str, word: str) -> list[str]:
    """What is missing from the results for a word that the book has."""
    page.goto(f"{address}?q={word}")
    with contextlib.suppress(TimeoutError):
        page.wait_for_function(EXCERPT, arg=word, timeout=PATIENCE)
        return []
    results = page.locator("#search-results li").count()
    return [f"a search for {word!r} shows {results} results, none of them with an excerpt that has the word"]
