"""A page that is read in the dark is printed on white."""

import re

from playwright.sync_api import Page

# of the page, its text and every box of code or output that has a colour of its own
COLOURS = """
() => [document.documentElement, document.body, ...document.querySelectorAll("main, article, article p, pre, td, th")]
    .map(element => [getComputedStyle(element), element.localName])
    .map(([style, name]) => [name, style.backgroundColor, style.color])
"""
# A browser that has nothing to draw on a busy machine may draw no frame any more; it is waited for a second at most.
NEXT_FRAME = """
() => new Promise(done => {
    requestAnimationFrame(() => requestAnimationFrame(done))
    setTimeout(done, 1000)
})
"""


def problems(page: Page) -> list[str]:
    """What is dark on the paper of a page that is open in the dark theme."""
    page.emulate_media(media="print")
    page.evaluate(NEXT_FRAME)  # in which the page hears of it
    colours = page.evaluate(COLOURS)
    page.emulate_media(media="screen")
    dark = {name for name, background, ink in colours if dark_ground(background) or brightness(ink) > 0.6}
    return [f"printed from the dark theme, these are dark: {', '.join(sorted(dark))}"] if dark else []


def dark_ground(colour: str) -> bool:
    return alpha(colour) > 0.5 and brightness(colour) < 0.6


def parts(colour: str) -> list[float]:
    return [float(part) for part in re.findall(r"[\d.]+", colour)]


def alpha(colour: str) -> float:
    numbers = parts(colour)
    return numbers[3] if len(numbers) > 3 else 1.0


def brightness(colour: str) -> float:
    red, green, blue = parts(colour)[:3]
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
