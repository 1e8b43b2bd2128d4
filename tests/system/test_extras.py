"""The error of a library that is not installed."""

import sys

import pytest

from pnn.system.extras import MissingExtraError, needs


def test_it_says_which_library_for_what_and_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError) as caught, needs("notebooks", "a figure"):
        import matplotlib  # noqa: F401
    source = "git+https://github.com/polynomial-neurons/polynomial-neurons"
    command = f'pip install "polynomial-neurons[notebooks] @ {source}"'
    assert type(caught.value) is MissingExtraError
    assert str(caught.value) == f"a figure needs matplotlib, which is not installed: {command}"
    assert caught.value.name == "matplotlib"


def test_a_part_of_a_library_is_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"^reading needs pyarrow, "), needs("train", "reading"):
        import pyarrow.parquet  # noqa: F401


def test_the_innermost_purpose_counts():
    outer, inner = needs("notebooks", "a sweep"), needs("train", "a table")
    with pytest.raises(MissingExtraError, match=r"^a table needs nowhere, .*train"), outer, inner:
        import nowhere  # noqa: F401


@pytest.mark.parametrize("statement", ["import pnn.nowhere", "raise ModuleNotFoundError('why')", "from math import no"])
def test_a_mistake_that_no_extra_mends_stays_what_it_is(statement):
    with pytest.raises(ImportError) as caught, needs("train", "this"):
        exec(statement)
    assert not isinstance(caught.value, MissingExtraError)


def test_what_is_installed_is_imported():
    with needs("train", "this"):
        import numpy
    assert numpy.__name__ == "numpy"
