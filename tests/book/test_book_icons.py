"""The icons that a page names are there after the cut, and few others."""

import re

import book_icons
from fontTools.ttLib import TTFont
from tiny_book import build

SOLID = "vendor/fontawesome/webfonts/fa-solid-900.woff2"
PAGE = '# Title\n\n<i class="fa-solid fa-anchor"></i>\n\n:::{note}\nA word.\n:::\n'


def glyphs_of(font) -> set[int]:
    with TTFont(font) as opened:
        return set(opened.getBestCmap())


def test_the_fonts_and_the_stylesheet_are_cut_to_what_is_shown(tmp_path):
    for _ in range(2):  # a second build into the same folder finds as much
        built, warnings = build(tmp_path, ["book_icons"], {"index": PAGE}, html_theme="sphinx_book_theme")
        assert warnings == ""
        assert not [*(built / "_static").rglob("fontawesome.js")]
        styles = (built / "_static/styles/pydata-sphinx-theme.css").read_text()
        rules = {
            name: glyph
            for names, glyph in re.findall(r'((?:\.fa-[a-z-]+:before,?)+)\{content:"\\([^"]+)"', styles)
            for name in re.findall("fa-[a-z-]+", names)
        }
        assert rules["fa-anchor"] == "f13d"
        assert "fa-rocket" not in rules
        drawn = {int(rules[name], 16) for name in ("fa-anchor", "fa-magnifying-glass", "fa-bars")}
        font = built / "_static" / SOLID
        assert drawn | {0xF05A} <= glyphs_of(font), "0xF05A is that of a note, which the stylesheet draws"
        assert len(glyphs_of(font)) < 60 < len(glyphs_of(book_icons.THEME / SOLID))
        assert font.stat().st_size < 5000


def test_a_rule_goes_or_stays_whole():
    styles = '.a{color:red}.fa-x:before,.fa-y:before{content:"\\f001"}.fa-z:before{content:"\\f002"}'
    assert book_icons.only_named(styles, {"fa-y"}) == '.a{color:red}.fa-x:before,.fa-y:before{content:"\\f001"}'
    assert book_icons.glyphs_in(styles + '.b{content:"\uf003"}') == {0xF001, 0xF002, 0xF003}
