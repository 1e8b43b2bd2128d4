"""Formulas are set when the book is built, wherever one may stand, and one that cannot be read is a warning."""

import re

import book_maths
import pytest
from tiny_book import BOOK, build, opened

PAGES = {
    "index": r"""
# About $x^2$ and more

In a line ($a_1$), then $b$.

$$
y = A x + (B x) \odot (C x)
$$ (product)

By {eq}`product`, and in lines:

$$
a &= b \\
c &= d

e &= f
$$

\begin{align*}
g &= h
\end{align*}

| $p$ |
|---|
| $q$ |

```{toctree}
plain
```
""",
    "plain": "# No formula here\n",
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    built, warnings = build(tmp_path_factory.mktemp("maths"), ["book_maths"], PAGES, html_math_renderer="katex")
    assert warnings == ""
    return built


def test_every_formula_is_html_and_mathml(book):
    text = (book / "index.html").read_text()
    sources = [part.strip() for part in re.findall(r'<annotation encoding="application/x-tex">(.*?)</', text, re.S)]
    assert [sources.count(one) for one in ("x^2", "a_1", "b", "p", "q")] == [1] * 5
    assert any("g &amp;= h" in one for one in sources)
    assert len(re.findall(r'<div class="[^"]*\bmath\b', text)) == text.count("katex-display") == 3
    assert not re.search(r"\\\(|\\\[", text), "a formula is left to MathJax"


def test_an_equation_has_its_number_and_is_referred_to(book):
    text = (book / "index.html").read_text()
    assert re.search(r'<div class="math[^>]* id="equation-product" tabindex="0">', text)
    assert text.count('<span class="eqno">(1)') == 1
    assert re.search(r'href="#equation-product">\(1\)</a>', text)


def test_a_formula_keeps_the_marks_that_touch_it(book):
    text = (book / "index.html").read_text()
    assert re.search(r'In a line <span class="tied">\(<span class="math', text)
    assert re.search(r"</span>\)</span>, then", text)


def test_a_title_is_plain_text_where_no_markup_is_shown(book):
    assert "<title>About x^2 and more" in (book / "index.html").read_text()


def test_styles_are_loaded_where_there_are_formulas(tmp_path, book):
    assert "katex.css" in (book / "index.html").read_text()
    pages = {"index": "# None\n```{toctree}\nother\n```\n", "other": "# Other\nSome: $x$\n"}
    built, _ = build(tmp_path, ["book_maths"], pages, html_math_renderer="katex")
    assert "katex.css" in (built / "other.html").read_text()
    assert "katex.css" not in (built / "index.html").read_text()


def test_what_katex_cannot_read_is_a_warning_with_its_page(tmp_path):
    pages = {"index": "# Wrong\n\nSome $\\frac{1$ formula.\n"}
    built, warnings = build(tmp_path, ["book_maths"], pages, html_math_renderer="katex")
    assert re.search(r"index.md:3: WARNING: KaTeX cannot read the formula", warnings)
    assert r"<code>\frac{1</code>" in (built / "index.html").read_text()


def test_script_and_styles_are_of_one_version():
    version = book_maths.engine().eval("katex.version")
    assert f"KaTeX {version}," in (BOOK / "assets/katex/katex.css").read_text()
    assert f"KaTeX {version} " in book_maths.__doc__


def test_the_fonts_of_the_stylesheet_are_there():
    named = re.findall(r"url\(([^)]+)\)", (BOOK / "assets/katex/katex.css").read_text())
    assert sorted(named) == sorted(f"fonts/{path.name}" for path in (BOOK / "assets/katex/fonts").iterdir())


def test_a_long_formula_scrolls_from_its_beginning(tmp_path):
    pages = {"index": "# Long\n\n$$\n" + " + ".join(f"x_{{{i}}}" for i in range(60)) + "\n$$\n"}
    settings = {"html_theme": "sphinx_book_theme", "html_context": {"default_mode": "auto"}}
    built, _ = build(tmp_path, ["book_maths"], pages, html_math_renderer="katex", **settings)
    with opened(built / "index.html", width=390) as (page, said):
        box = page.locator("div.math")
        assert box.evaluate("box => [box.scrollLeft, box.scrollWidth > box.clientWidth]") == [0, True]
        left = box.evaluate("box => box.querySelector('.katex-html').getBoundingClientRect().left - box.offsetLeft")
        assert left >= 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        box.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.querySelector('div.math').scrollLeft > 0")
        assert said == []
