"""The checks of built pages on toy books, each of which breaks one promise."""

import subprocess
import sys
from pathlib import Path

import pytest
from checks import addresses, figures, links, pages, sums
from checks.__main__ import CHECKS, main

ROOT = Path(__file__).parents[3]


def book(folder: Path, **texts: str) -> Path:
    """A book of pages with these texts, by name; two underscores stand for the slash of a folder."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("#here", None),
        ("#", None),
        ("#top", None),
        ("x/other.html#there%C3%A9", None),
        ("x/other.html?q=1#named", None),
        ("https://example.org/#nowhere", None),
        ("mailto:a@example.org", None),
        ("notes.txt#line", None),
        ("#nowhere", "a link leads to a place that is not on its page: #nowhere (on a.html)"),
        ("x/other.html#here", "a link leads to a place that is not on its page: x/other.html#here (on a.html)"),
        ("other.html", "a link leads to a file that is missing: other.html (on a.html)"),
        ("x", "a link leads to a file that is missing: x (on a.html)"),
    ],
)
def test_a_link_leads_to_a_place_that_is_there(link, problem, tmp_path):
    built = book(
        tmp_path,
        a=f'<h1 id="here">a</h1><a href="{link}">b</a>',
        x__other='<p id="thereé">c</p><a name="named"></a>',
    )
    (built / "notes.txt").touch()
    assert links.problems(built) == ([problem] if problem else [])


def test_a_broken_link_on_many_pages_is_one_problem(tmp_path):
    built = book(tmp_path, **{name: '<a href="gone.html">b</a>' for name in "abcd"})
    assert links.problems(built) == [
        "a link leads to a file that is missing: gone.html (on a.html, b.html, c.html)",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('<img src="a.png"><a href="https://example.org">b</a><img src="data:image/png;base64,AA">', None),
        ('<script src="https://example.org/x.js"></script>', "loads from the network: https://example.org/x.js"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "loads from the network: //example.org/x.css"),
        ('<p style="background: url(https://example.org/x)">', "loads from the network: https://example.org/x"),
        ('<style>@import "https://example.org/x";</style>', "loads from the network: https://example.org/x"),
        ('<img srcset="a.png 1x, b.png 2x">', "loads a file that is missing: b.png"),
    ],
)
def test_a_page_loads_what_is_beside_it(text, problem, tmp_path):
    built = book(tmp_path, page=text)
    (built / "a.png").touch()
    assert addresses.problems(built) == ([f"{problem} (page.html)"] if problem else [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>A figure of size 3</p>", 0),
        ("<pre>&lt;Figure size 640x480 with 1 Axes&gt;</pre>", 1),
        ("<p>The share is nan of a way of length 0</p>", 0),
        ("<p>it is +nan on CIFAR-10</p>", 1),
    ],
)
def test_a_figure_is_not_its_name_and_a_number_is_one(text, found, tmp_path):
    assert len(figures.problems(book(tmp_path, page=text))) == found


def test_every_page_of_the_table_of_contents_is_built(tmp_path):
    named = pages.pages_of_toc()
    assert len(named) > 10
    built = book(tmp_path, **{name.replace("/", "__"): "" for name in named})
    assert pages.problems(built) == []
    (built / "book/index.html").unlink()
    assert pages.problems(built) == ["book/index is in _toc.yml but was not built"]


def test_records_are_those_of_their_checksums(tmp_path):
    for name in ("t/laptop/a.json", "t/smoke/b.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("{}")
    assert "SHA256SUMS is missing" in sums.wrong_sums(tmp_path)[0]
    digest = subprocess.run(["sha256sum", "t/laptop/a.json"], cwd=tmp_path, capture_output=True, text=True).stdout
    (tmp_path / "SHA256SUMS").write_text(digest)
    assert sums.wrong_sums(tmp_path) == []
    (tmp_path / "t/laptop/a.json").write_text("{ }")
    assert sums.wrong_sums(tmp_path)[0].startswith("t/laptop/a.json is not as results/SHA256SUMS says")


def test_all_problems_are_reported_of_whichever_check(tmp_path, monkeypatch, capsys):
    for number, check in enumerate(CHECKS):
        monkeypatch.setattr(check, "problems", lambda built, number=number: [f"{built.name} has problem {number}"])
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().err.splitlines()
    names = ["pages", "addresses", "links"]
    assert [line.split(":")[0] for line in said][:3] == names
    assert [line.split()[-1] for line in said] == [str(number) for number in range(len(CHECKS))]


def test_without_a_problem_the_promises_are_named(tmp_path, monkeypatch, capsys):
    for check in CHECKS:
        monkeypatch.setattr(check, "problems", lambda built: [])
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("the book keeps its promises: pages, addresses, links, ")


def test_a_book_that_is_not_built_is_an_error_that_says_what_to_do(tmp_path):
    words = [sys.executable, "-m", "checks", str(tmp_path / "nowhere")]
    done = subprocess.run(words, cwd=ROOT / "tests", capture_output=True, text=True)
    assert done.returncode == 2
    assert "build the book first, with make book" in done.stderr


@pytest.mark.parametrize("name", ["book/lost.md", "book/api/lost.md", "notebooks/a/b/lost.ipynb"])
def test_a_source_page_that_the_contents_leave_out_is_found_at_any_depth(name, tmp_path):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    (tmp_path / "book").mkdir(exist_ok=True)
    (tmp_path / "book/index.md").touch()  # which they have
    assert pages.orphans(tmp_path) == [f"{name.rpartition('.')[0]} is not in _toc.yml"]
    assert pages.orphans() == []
