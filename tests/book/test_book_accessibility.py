"""The cures of the pages' HTML."""

from types import SimpleNamespace

import pytest
from book_accessibility import mend, mended


@pytest.mark.parametrize(
    ("broken", "cured"),
    [
        ("<th></th>", "<td></td>"),
        ('<th class="head"><p></p></th>', '<td class="head"><p></p></td>'),
        ('<th scope="col" class="index_name">\n </th>', '<td class="index_name">\n </td>'),
        ("<tr><th></th><th>n</th></tr>", "<tr><td></td><th>n</th></tr>"),
        ('<div role="list" class="citation-list">', '<div class="citation-list">'),
        ('<div class="citation" id="id1" role="doc-biblioentry">', '<div class="citation" id="id1">'),
        (
            '<table class="a" role="table"><thead></thead>\n<tbody role="rowgroup"></tbody></table>',
            '<table class="a"><thead></thead>\n<tbody role="rowgroup"></tbody></table>',
        ),
        ('<summary aria-label="Toggle hidden content">\n<p>Show</p>', "<summary>\n<p>Show</p>"),
    ],
)
def test_a_kind_of_element_is_mended(broken, cured):
    assert mended(broken) == cured


@pytest.mark.parametrize(
    "body",
    [
        '<thead><tr><th scope="col">n</th></tr></thead>',
        "<th><p>0</p></th>",
        '<ul role="list" class="contents"></ul>',
        '<table role="table"><tbody><tr></tr></tbody></table><table><tbody></tbody></table>',
        '<summary aria-label="Of a page">More</summary>',
        '<svg viewBox="0 0 1 1"><linearGradient/></svg><math><mi>x</mi></math>',
    ],
)
def test_the_rest_of_a_page_stays_letter_by_letter(body):
    assert mended(body) == body


def test_a_page_without_a_text_of_its_own_is_left_alone():
    context = {"title": "Search"}
    mend(SimpleNamespace(), "search", "search.html", context, None)
    assert context == {"title": "Search"}
    context["body"] = "<th></th>"
    mend(SimpleNamespace(), "a", "page.html", context, None)
    assert context["body"] == "<td></td>"
