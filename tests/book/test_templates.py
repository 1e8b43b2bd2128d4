"""The templates that stand in for the theme's: the originals are still those that they were written for."""

import hashlib
import importlib.metadata
import importlib.util
import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).parents[2] / "book/templates"
HEAD = re.compile(r"\{# (?P<theme>\w+) (?P<version>[\d.]+), (?P<original>\S+), sha256 (?P<digest>[0-9a-f]{64})\n   \S")


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_the_original_has_not_changed(template):
    head = HEAD.match(template.read_text())
    assert head, f"{template.name} must begin with its theme, version, original and digest, and say what it changes"
    (package,) = importlib.util.find_spec(head["theme"]).submodule_search_locations
    original = Path(package) / "theme" / head["theme"] / head["original"]
    installed = importlib.metadata.version(head["theme"])
    assert hashlib.sha256(original.read_bytes()).hexdigest() == head["digest"], (
        f"{head['original']} of {head['theme']} {installed} is not that of {head['version']}, for which "
        f"{template.relative_to(TEMPLATES)} was written: compare the two originals, carry over what is new, "
        "look at a page, then put the new version and digest into the template's first line"
    )
