"""What lies over a page opens and closes by the keyboard, and gives the focus back."""

from playwright.sync_api import Page

ON_EVERY_SCREEN = (".search-button__button",)
ON_A_SMALL_SCREEN = (*ON_EVERY_SCREEN, ".primary-toggle", ".secondary-toggle")  # the two sidebars

FOCUS_INSIDE = "() => document.querySelector('dialog[open]')?.contains(document.activeElement) ?? false"
CLOSED = "() => document.querySelector('dialog[open]') === null"


def problems(page: Page, buttons: tuple[str, ...]) -> list[str]:
    """What goes wrong when each of these buttons is pressed by Enter, and its dialog left by Escape."""
    found = []
    for selector in buttons:
        button = page.locator(f"{selector}:visible").first
        if button.count() == 0:
            found.append(f"there is no button {selector}")
            continue
        button.focus()
        page.keyboard.press("Enter")
        if not page.evaluate(FOCUS_INSIDE):
            found.append(f"Enter on {selector} opens no dialog that takes the focus")
        page.keyboard.press("Escape")
        if not page.evaluate(CLOSED):
            found.append(f"Escape does not close the dialog of {selector}")
        elif not button.evaluate("button => button === document.activeElement"):
            found.append(f"closing the dialog of {selector} does not give the focus back")
    return found
