"""Leaves of the theme's icons only those that the book shows.

The theme brings 2,000 icons of Font Awesome in three fonts, and a rule for each in its stylesheet. When all pages are
written, the icons that they name are known: the fonts are cut to these glyphs, and the other rules go. Sources are the
theme's own files, so that a second build into the same folder starts from all icons again.
"""

import re
from pathlib import Path
from typing import Any

import pydata_sphinx_theme
from fontTools import subset
from sphinx.application import Sphinx

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
FONTS = "vendor/fontawesome/webfonts"
STYLES = "styles/pydata-sphinx-theme.css"
RULE = re.compile(r'(?P<selectors>\.fa-[^{}]+:before)\{content:"(?P<glyph>[^"]+)"\}')
NAME = re.compile(r"\bfa-[a-z0-9-]+")
GLYPH = re.compile(r"\\([ef][0-9a-f]{3})|([\ue000-\uf8ff])")  # icons live in Unicode's private area, escaped or not


def names_in(built: Path) -> set[str]:
    """The icons that pages name, and those that scripts may show."""
    files = [*built.rglob("*.html"), *built.rglob("*.js")]
    return {name for path in files for name in NAME.findall(path.read_text(encoding="utf-8"))}


def glyphs_in(styles: str) -> set[int]:
    return {int(escaped, 16) if escaped else ord(plain) for escaped, plain in GLYPH.findall(styles)}


def only_named(styles: str, names: set[str]) -> str:
    """The stylesheet without the rules of icons that are not among these names."""

    def kept(rule: re.Match[str]) -> str:
        return rule[0] if names & set(NAME.findall(rule["selectors"])) else ""

    return RULE.sub(kept, styles)


def cut_font(source: Path, target: Path, glyphs: set[int]) -> None:
    options = subset.Options(flavor="woff2" if source.suffix == ".woff2" else None)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=glyphs)
    with subset.load_font(str(source), options) as font:
        cutter.subset(font)
        subset.save_font(font, str(target), options)


def cut(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    built, static = Path(app.outdir), Path(app.outdir) / "_static"
    for name in ("fontawesome.js", "fontawesome.js.map"):  # no page loads it, and it names every icon
        (static / "scripts" / name).unlink(missing_ok=True)
    styles = only_named((THEME / STYLES).read_text(encoding="utf-8"), names_in(built))
    (static / STYLES).write_text(styles, encoding="utf-8")
    glyphs = glyphs_in("".join(path.read_text(encoding="utf-8") for path in static.rglob("*.css")))
    for source in sorted((THEME / FONTS).iterdir()):
        cut_font(source, static / FONTS / source.name, glyphs)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", cut)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
