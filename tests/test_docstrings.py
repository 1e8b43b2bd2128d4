"""When not to use a layer: one sentence and a link. What was measured stands in the book, whose Records may change."""

import inspect
import re
from pathlib import Path

import pytest

import pnn
from pnn import nn as collection

ROOT = Path(__file__).parents[1]
PAGES = set(re.findall(r"(?:file|root):\s*(\S+)", (ROOT / "_toc.yml").read_text()))


@pytest.mark.parametrize("name", collection.__all__)
def test_when_not_to_use_it_leads_to_a_page_and_quotes_no_number(name):
    _, _, text = inspect.getdoc(getattr(pnn, name)).partition("\nWhen not to use it:\n")
    text = " ".join(text.partition("\n\n")[0].split())
    pages = re.findall(r":doc:`[^`<]+ </([^`>]+)>`", text)
    assert pages
    assert set(pages) <= PAGES
    assert not re.search(r"\d+\.\d|\d+ (seeds|points|times|of \d)", text), "a measured number"
