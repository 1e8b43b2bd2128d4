"""The browser of this machine. Nothing is downloaded: where there is none, the browser checks are skipped."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
STILL = "*, ::before, ::after { transition: none !important; animation: none !important }"


def find() -> str | None:
    """The path of Chromium or Chrome: what the variable CHROME names, or the first on the path."""
    names = [os.environ["CHROME"]] if os.environ.get("CHROME") else NAMES
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def opened() -> Iterator[Browser]:
    """The browser, without a window."""
    with sync_playwright() as playwright:
        # in a container there is no sandbox to be had, and little shared memory
        words = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=find(), args=words)
        try:
            yield browser
        finally:
            browser.close()


def visit(page: Page, address: str, theme: str = "light") -> None:
    """Opens an address in a theme, and waits until nothing moves."""
    page.goto(address)
    page.add_style_tag(content=STILL)  # else colours are measured on their way from theme to theme
    show(page, theme)


def show(page: Page, theme: str) -> None:
    """Switches the open page to a theme, as the theme's own switch does."""
    page.evaluate("theme => Object.assign(document.documentElement.dataset, {theme, mode: theme})", theme)
