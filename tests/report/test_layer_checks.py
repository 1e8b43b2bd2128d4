"""The tables of the checks of layers: from a small result by hand, and the committed one, which has every layer."""

import pytest

from pnn import nn as collection
from pnn.report import layer_checks, timings
from pnn.testing.layer import QUICK, SLOW

NAMES = [check.__name__.replace("_", " ") for check in (*QUICK, *SLOW)]


def outcomes(**other):
    """All checks hold, but for some."""
    found = {name: {"outcome": "held", "why": ""} for name in NAMES}
    return found | {name.replace("_", " "): {"outcome": outcome, "why": why} for name, (outcome, why) in other.items()}


@pytest.fixture
def found():
    broken = outcomes(
        adapters=("failed", "no adapter is called"),
        hooks=("failed", "never fired"),
        channels_last=("does not apply", "no input has four dimensions"),
        onnx=("not run", "it needs onnx"),
    )
    rows = [{"layer": "Sound", "checks": outcomes()}, {"layer": "Broken", "checks": broken}]
    return {"torch": "2.8.0+cpu", "onnx": "1.18", "rows": rows}


def test_a_row_a_layer_counts_what_holds_of_what_applies(found):
    table = layer_checks.by_layer(found)
    assert table.frame.loc["Sound", ["copies held", "copies all"]].tolist() == [7, 7]
    assert table.text.loc["Sound"].tolist() == ["7", "6", "2", "9", "4", "2", "–"]
    broken = ["7", "5", "2", "7 of 9", "3 of 4", "2", "hooks, adapters, onnx (not run)"]
    assert table.text.loc["Broken"].tolist() == broken
    assert "With torch 2.8.0 and onnx 1.18" in table.caption


def test_a_row_a_check_says_what_it_is_and_who_fails_it(found):
    text = layer_checks.by_check(found).text
    assert text.index.tolist() == NAMES
    assert text.loc["adapters"].tolist() == [
        "In the place of every map an adapter of low rank starts as the map, and learns.",
        "1",
        "0",
        "Broken",
    ]
    assert text.loc["channels last"].tolist()[1:] == ["1", "1", "–"]


def test_reasons_are_those_of_what_does_not_hold(found):
    assert layer_checks.reasons(found) == {
        "Broken, hooks": "never fired",
        "Broken, adapters": "no adapter is called",
        "Broken, onnx": "it needs onnx",
    }


def test_the_committed_result_has_every_layer_and_every_check():
    for found in timings.read("layer_checks"):
        assert [row["layer"] for row in found["rows"]] == collection.__all__
        assert all(list(row["checks"]) == NAMES for row in found["rows"])
        assert set(layer_checks.reasons(found)) == {"PolyNeuron, onnx"}  # It solves a system, which ONNX cannot.
