"""A figure that moves is added by one file and one line."""

import pytest
from tiny_book import build, opened

TOY = """
for (const place of document.querySelectorAll('[data-interactive="toy"]')) {
  place.innerHTML = '<input type="range" min="0" max="10" value="2" aria-label="x">' +
    '<svg viewBox="0 0 100 20" width="100" role="img" aria-label="dot"><circle r="4" cy="10"></circle></svg>';
  const [slider, dot] = [place.querySelector("input"), place.querySelector("circle")];
  const draw = () => {
    dot.setAttribute("cx", 10 * slider.value);
    dot.setAttribute("fill", document.documentElement.dataset.theme === "dark" ? "white" : "black");
  };
  slider.addEventListener("input", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  draw();
}
"""
LINE = "```{interactive} toy\n:alt: A dot on a line.\n%s\nIt *moves*.\n```\n"
PAGES = {"index": f"# Title\n\n{LINE % ''}\n```{{toctree}}\nother\n```\n", "other": "# Other\n"}


@pytest.fixture
def static(tmp_path):
    folder = tmp_path / "static"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts/toy.js").write_text(TOY)
    return [str(folder)]


def test_a_figure_moves_and_follows_the_theme(tmp_path, static):
    built, warnings = build(tmp_path, ["book_scripts"], PAGES, html_static_path=static)
    assert warnings == ""
    with opened(built / "index.html") as (page, said):
        dot = page.locator("[data-interactive=toy] circle")
        assert (dot.get_attribute("cx"), dot.get_attribute("fill")) == ("20", "black")
        page.get_by_role("slider").press("ArrowRight")
        assert dot.get_attribute("cx") == "30"
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        assert dot.get_attribute("fill") == "white"
        assert page.locator("figcaption em").inner_text() == "moves"
        assert page.get_by_role("group", name="A dot on a line.").count() == 1
        assert not page.locator(".still").is_visible()
        assert said == []


def test_only_its_page_loads_the_script(tmp_path, static):
    built, _ = build(tmp_path, ["book_scripts"], PAGES, html_static_path=static)
    assert '<script defer="defer" src="_static/scripts/toy.js' in (built / "index.html").read_text()
    assert "toy.js" not in (built / "other.html").read_text()


@pytest.mark.parametrize(
    ("option", "still"), [("", "<p>A dot on a line.</p>"), (":still: dot.png\n", '<img alt="A dot on a line." src="')]
)
def test_without_scripts_there_is_something_to_see(tmp_path, static, option, still):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/dot.png").write_bytes(b"")
    built, warnings = build(tmp_path, ["book_scripts"], PAGES | {"index": LINE % option}, html_static_path=static)
    assert "ERROR" not in warnings
    assert f'<noscript class="still">{still}' in (built / "index.html").read_text()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("```{interactive} toi\n:alt: A dot.\n```\n", r"there is no scripts/toi.js; there are: toy"),
        ("```{interactive} toy\n```\n", "give :alt:"),
    ],
)
def test_what_is_missing_is_said(tmp_path, static, line, said):
    _, warnings = build(tmp_path, ["book_scripts"], {"index": f"# Title\n{line}"}, html_static_path=static)
    assert said in warnings
