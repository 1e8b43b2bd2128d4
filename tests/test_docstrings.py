"""When not to use a layer: one sentence and a link. What was measured stands in the book, whose Records may change."""

import contextlib
import importlib
import inspect
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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


REFERENCE = re.compile(r":(?:func|class|meth|mod|exc|data):`([^`]*)`")


def references_without_target(path: Path) -> list[str]:
    """The names that a module's docstrings refer to, and that the API pages cannot lead to."""
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    own = {name: value for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    classes = [value for value in own.values() if inspect.isclass(value)]
    lost = []
    for name in map(target, REFERENCE.findall(path.read_text())):
        first, *rest = name.split(".")
        if first not in ("pnn", "torch", "torchvision"):  # Sphinx looks in the class, the module, and the package.
            places = [*classes, SimpleNamespace(**own), pnn]
        else:
            places, first, *rest = ([importlib.import_module(first)], *rest)
        if not any(reached(place, [first, *rest]) for place in places):
            lost.append(name)
    return lost


def target(reference: str) -> str:
    return reference.partition("<")[2].rstrip(">") or reference.lstrip("~")


def reached(place: Any, names: list[str]) -> bool:
    for name in names:
        if not hasattr(place, name) and inspect.ismodule(place):
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(f"{place.__name__}.{name}")
        if not hasattr(place, name):
            return False
        place = getattr(place, name)
    return True


@pytest.mark.parametrize("path", sorted((ROOT / "pnn").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_reference_has_its_target(path):
    assert references_without_target(path) == []
