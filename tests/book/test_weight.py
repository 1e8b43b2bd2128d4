"""What a page loads, of files whose sizes are known."""

import gzip

import pytest
from checks import weight

STYLES = """
@font-face{font-family:Letters;font-weight:400;src:url(plain.woff2) format("woff2"),url(plain.woff)}
@font-face{font-family:Letters;font-weight:700;src:url(bold.woff2)}
@font-face{font-family:Unused;src:url(unused.woff2)}
.letters .word{font-family:Letters}
.letters .heavy{font-family:Letters;font-weight:700}
.elsewhere{background:url(elsewhere.png)}
.here{background:url("here.png")}
.drawn{background:url(data:image/png;base64,AAAA)}
"""
PAGE = """<html><head><link rel="stylesheet" href="_static/a.css?v=1"><script src="_static/a.js"></script>
<script src="https://example.org/b.js"></script><link rel="canonical" href="other.html"></head>
<body class="here drawn"><p class="letters"><span class="word">%s</span></p>
<img src="_static/a.png"><img src="_static/a.png">
"""


@pytest.fixture
def built(tmp_path):
    sizes = {"a.png": 3000, "here.png": 500, "elsewhere.png": 7000, "plain.woff2": 2000, "plain.woff": 2500}
    sizes |= {"bold.woff2": 1000, "unused.woff2": 900}
    (tmp_path / "_static").mkdir()
    for name, size in sizes.items():
        (tmp_path / "_static" / name).write_bytes(bytes(size))
    (tmp_path / "_static/a.css").write_text(STYLES)
    (tmp_path / "_static/a.js").write_text("x = 1;\n" * 1000)
    (tmp_path / "_static/template.html").write_text("no page")
    (tmp_path / "page.html").write_text(PAGE % "word")
    return tmp_path


def compressed(path) -> int:
    return len(gzip.compress(path.read_bytes(), 9, mtime=0))


def test_what_a_page_loads(built):
    assert weight.first_load(built / "page.html") == {
        "html": compressed(built / "page.html"),
        "css": compressed(built / "_static/a.css"),
        "js": compressed(built / "_static/a.js"),
        "images": 3500,
        "fonts": 2000,
    }


def test_a_bold_word_loads_the_bold_font(built):
    (built / "page.html").write_text(PAGE % '<b class="heavy">word</b>')
    assert weight.first_load(built / "page.html")["fonts"] == 3000


def test_a_light_page_is_no_problem(built):
    assert weight.problems(built) == []


def test_a_page_above_the_limit_is_named_with_its_parts(built):
    (built / "_static/a.png").write_bytes(bytes(399_000))
    (problem,) = weight.problems(built)
    assert problem.startswith("page.html loads 40")
    assert problem.endswith("images 400, fonts 2")
