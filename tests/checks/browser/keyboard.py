"""Everything that can be used is reached by Tab, in the order of the page, and shows that it is in focus."""

from playwright.sync_api import Page

# Numbers what Tab is to reach, in the order of the page, and keeps how each looks without focus. Of radio buttons with
# one name Tab reaches one.
PREPARE = """
() => {
    const usable = "a[href], button, input:not([type=hidden]), select, textarea, summary, iframe, [contenteditable], " +
        "audio[controls], video[controls], [onclick], [role=button]";
    const groups = new Set();
    const isReached = element => {
        if (element.disabled || !element.checkVisibility({visibilityProperty: true})) return false;
        if (element.type !== "radio") return true;
        const known = groups.has(element.name);
        groups.add(element.name);
        return !known;
    };
    const elements = [...document.querySelectorAll(`${usable}, [tabindex]:not([tabindex^="-"])`)].filter(isReached);
    const isOfGroup = (one, other) => one.type === "radio" && other.type === "radio" && one.name === other.name;
    const around = element => [element, element.parentElement, ...element.children, ...(element.labels ?? [])];
    const look = element => around(element).map(part => {
        const style = getComputedStyle(part);
        const outline = style.outlineStyle === "none" ? "" : style.outline;
        const {boxShadow, border, backgroundColor, textDecoration, color} = style;
        return [outline, boxShadow, border, backgroundColor, textDecoration, color].join();
    }).join();
    const plain = elements.map(look);
    window.tabbing = {
        elements,
        place: element => elements.findIndex(other => other === element || isOfGroup(other, element)),
        name: element => element.outerHTML.replace(/\\s+/g, " ").slice(0, 90),
        isSeen: (element, place) => {
            let opacity = 1;
            for (let part = element; part; part = part.parentElement) opacity *= getComputedStyle(part).opacity;
            return (opacity > 0.1 || element.labels?.length > 0) && look(element) !== plain[place];
        },
    };
    document.activeElement.blur();
    return elements.length;
}
"""

# Of the element in focus: its place among them, or -1, its name, and whether its focus is seen.
ACTIVE = """
() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const place = window.tabbing.place(element);
    return [place, window.tabbing.name(element), place < 0 || window.tabbing.isSeen(element, place)];
}
"""

MISSED = "way => window.tabbing.elements.filter((_, place) => !way.includes(place)).map(window.tabbing.name)"
BOXES = 200  # that scroll, at most: browsers let Tab stop at these too


def problems(page: Page) -> list[str]:
    """What goes wrong on the way by Tab through a page that was just opened."""
    number = page.evaluate(PREPARE)
    way: list[int] = []
    found: list[str] = []
    for _ in range(number + BOXES):
        page.keyboard.press("Tab")
        active = page.evaluate(ACTIVE)
        if active is None:
            break
        place, name, seen = active
        if place >= 0 and place in way:  # around once
            break
        way.append(place)
        if not seen:
            found.append(f"the focus is not seen on {name}")
    missed = page.evaluate(MISSED, way)
    if missed and active is not None:
        found.append(f"the keyboard is caught: after {len(way)} steps Tab comes back to {active[1]}")
    found += [f"Tab does not reach {name}" for name in missed]
    known = [place for place in way if place >= 0]
    if known != sorted(known):
        found.append("Tab does not go in the order of the page")
    return found
