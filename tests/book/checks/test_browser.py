"""The checks in a browser, on toy pages that keep and that break each promise."""

import pytest
from checks import browser
from checks.browser import axe, chromium, dialogs, keyboard, layout, listening, printing, search
from checks.sources import ROOT

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title><style>
    html[data-theme="dark"] body {{ background: #111; color: #ddd }}
    html[data-theme="dark"] a {{ color: #8cf }}
</style></head><body><main><h1>A page</h1>{}</main></body></html>"""
PRINT, FOCUS = ((ROOT / f"book/assets/{name}.js").read_text() for name in ("print", "focus"))


@pytest.fixture(scope="module")
def tab():
    if chromium.find() is None:
        pytest.skip(browser.SKIPPED)
    with chromium.opened() as opened:
        yield opened.new_page(viewport={"width": 390, "height": 800})


@pytest.fixture
def show(tab, tmp_path):
    """Opens a page with this text in its main part."""

    def show(text: str, theme: str = "light"):
        (tmp_path / "page.html").write_text(PAGE.format(text), encoding="utf-8")
        chromium.visit(tab, (tmp_path / "page.html").as_uri(), theme)
        return tab

    return show


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('<p>Text and <a href="#">a link</a>.</p><button>Go</button>', None),
        ('<img src="data:,">', "critical: image-alt"),
        ('<p style="color: #aaa">Pale</p>', "serious: color-contrast"),
        ('<button aria-label="Other">Search</button>', "serious: label-content-name-mismatch"),
        ('<div role="list"><a href="#">x</a></div>', "critical: aria-required-children"),
    ],
)
def test_axe_finds_what_is_severe(text, rule, show):
    found = axe.violations(show(text))
    assert len(found) == (rule is not None)
    assert all(f"axe, {rule} at 1 places" in what for what in found)


def test_axe_finds_what_is_pale_in_the_other_theme_alone(show):
    page = show('<p style="color: #333">Ink</p><img src="data:,">')
    assert axe.violations_of_colour(page) == []
    chromium.show(page, "dark")
    assert ["color-contrast" in what for what in axe.violations_of_colour(page)] == [True]


TABLE = "<table><tr><th>name</th><th>{}</th></tr></table>"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (TABLE.format("short"), 0),
        (f'<div style="overflow-x: auto">{TABLE.format("short")}</div>', 0),
        (f'<div style="overflow-x: auto">{TABLE.format("x" * 99)}</div>', 1),
        (f'<div style="overflow-x: hidden">{TABLE.format("x" * 99)}</div>', 1),
        (TABLE.format("x" * 99), 1),
        (f"<div hidden>{TABLE.format('x' * 99)}</div>", 0),
    ],
)
def test_a_table_that_is_cut_is_named(text, number, show):
    found = layout.cut_tables(show(text))
    assert len(found) == number
    assert all(what.startswith("the table 'name xxx") for what in found)


@pytest.mark.parametrize(("width", "number"), [(300, 0), (500, 1)])
def test_a_page_does_not_scroll_sideways(width, number, show):
    assert len(layout.sideways(show(f'<div style="width: {width}px">x</div>'))) == number


@pytest.mark.parametrize(("height", "number"), [(19_000, 0), (21_000, 1)])
def test_a_page_is_not_endless(height, number, show):
    assert len(layout.too_tall(show(f'<div style="height: {height}px">x</div>'))) == number


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("<p>Nothing</p><script>console.log('fine')</script>", None),
        ("<script>console.error('a word')</script>", "on the console: a word"),
        ("<script>nothing.at.all</script>", "a script fails: nothing is not defined"),
        ('<script src="gone.js"></script>', "gone.js cannot be loaded: net::ERR_FILE_NOT_FOUND"),
        ('<img alt="" src="http://127.0.0.1:9/x.png">', "asks the network for http://127.0.0.1:9/x.png"),
    ],
)
def test_what_a_page_says_and_asks_is_heard(text, heard, tab, show):
    kept = listening.listen(tab)
    show(text)
    found = listening.taken(kept)
    assert (heard is None and found == []) or any(heard in what for what in found), found
    assert listening.taken(kept) == []


def test_a_page_that_is_left_while_it_loads_is_none_that_lacks_something(tab, tmp_path):
    (tmp_path / "first.html").write_text('<p>First</p><script src="held.js" async></script>')
    (tmp_path / "second.html").write_text("<p>Second</p>")
    kept, failed = listening.listen(tab), []
    tab.on("requestfailed", lambda request: failed.append(request))
    tab.route("**/held.js", lambda route: None)  # It is never answered.
    tab.goto((tmp_path / "first.html").as_uri(), wait_until="commit")
    tab.wait_for_selector("script", state="attached")
    tab.goto((tmp_path / "second.html").as_uri())
    assert [request.failure for request in failed] == ["net::ERR_ABORTED"]
    assert listening.taken(kept) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('<a href="#">a</a><button>b</button><input aria-label="c"><details><summary>d</summary></details>', None),
        ('<input type="radio" name="r" aria-label="a"><input type="radio" name="r" aria-label="b">', None),
        ('<a href="#" hidden>a</a><button disabled>b</button><p tabindex="-1">c</p>', None),
        ('<button style="outline: none"><i>a</i></button><style>:focus > i { outline: 1px solid }</style>', None),
        ('<div onclick="go()">a</div>', 'Tab does not reach <div onclick="go()">a</div>'),
        ('<button tabindex="-1">a</button>', 'Tab does not reach <button tabindex="-1">a</button>'),
        ('<button style="outline: none">a</button>', "the focus is not seen on <button style"),
        ('<div style="opacity: 0"><button>a</button></div>', "the focus is not seen on <button>a</button>"),
        ('<button>a</button><button tabindex="1">b</button>', "Tab does not go in the order of the page"),
        (
            '<button>a</button><button onkeydown="previousSibling.focus(); event.preventDefault()">b</button>'
            "<button>c</button>",
            "the keyboard is caught: after 2 steps Tab comes back to <button>a</button>",
        ),
    ],
)
def test_the_keyboard_reaches_everything(text, problem, show):
    found = keyboard.problems(show(text))
    assert (problem is None and found == []) or any(what.startswith(problem) for what in found), found


DIALOG = "<button onclick='{}'>a</button><dialog><input aria-label='b'></dialog>"


@pytest.mark.parametrize(
    ("opening", "problem"),
    [
        ("nextSibling.showModal()", None),
        ("", "Enter on button opens no dialog that takes the focus"),
        ("nextSibling.show(); focus()", "Escape does not close the dialog of button"),
        ("blur(); nextSibling.showModal()", "does not give the focus back"),
    ],
)
def test_a_dialog_opens_and_closes_by_the_keyboard(opening, problem, show):
    found = dialogs.problems(show(DIALOG.format(opening)), ("button",))
    assert (problem is None and found == []) or any(problem in what for what in found), found


def test_a_button_from_which_the_theme_takes_the_focus_keeps_it(show):
    button = DIALOG.format("blur(); nextSibling.showModal()").replace("<button", '<button class="search-button"')
    assert dialogs.problems(show(f"{button}<script>{FOCUS}</script>"), ("button",)) == []


def test_a_button_that_is_not_there_is_named(show):
    assert dialogs.problems(show("<p>a</p>"), (".search",)) == ["there is no button .search"]


def test_a_page_is_printed_light_from_the_dark(show):
    assert printing.problems(show("<p>Text</p><pre>code</pre>", "dark")) == [
        "printed from the dark theme, these are dark: body, main, pre"
    ]
    page = show(f"<p>Text</p><pre>code</pre><script>{PRINT}</script>", "dark")
    assert printing.problems(page) == []
    page.evaluate(printing.NEXT_FRAME)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ('<li><a href="a.html">A word</a><p>Here the Word stands.</p></li>', None),
        ('<li><a href="a.html">A word</a></li>', "shows 1 results, none of them with an excerpt that has the word"),
        ("", "shows 0 results"),
    ],
)
def test_a_search_shows_where_the_word_stands(result, problem, tab, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "PATIENCE", 300)
    (tmp_path / "search.html").write_text(PAGE.format(f'<ul id="search-results">{result}</ul>'))
    found = search.problems(tab, (tmp_path / "search.html").as_uri(), "word")
    assert (problem is None and found == []) or problem in found[0]


def test_without_a_browser_a_word_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("CHROME", str(tmp_path / "none"))
    assert browser.problems(tmp_path) == []
    assert capsys.readouterr().out == f"{browser.SKIPPED}\n"


def test_what_is_wrong_with_many_pages_is_said_once(monkeypatch, tmp_path):
    if chromium.find() is None:
        pytest.skip(browser.SKIPPED)
    names = [f"{name}.html" for name in "abcde"]
    monkeypatch.setattr(browser, "addresses", lambda built: dict.fromkeys(names, "about:blank"))
    monkeypatch.setattr(browser, "problems_of", lambda page, address, width: ["pale"] if width == browser.PHONE else [])
    monkeypatch.setattr(browser, "whole_book", lambda page, built, width: [])
    assert browser.problems(tmp_path) == ["pale (at 390 pixels, on a.html, b.html, c.html and 2 more)"]
