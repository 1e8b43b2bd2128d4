"""Collapsed trainings, counted by hand."""

import dataclasses

import pytest
from whole import whole_record

import pnn
from pnn.experiments.rates import Tried
from pnn.experiments.relinear import RATIO, Arm
from pnn.report import collapse

RUN = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 0, "smoke")


def record_of(seed: int, accuracy: float | str) -> pnn.Record:
    """Of a training that ended well with an accuracy, or badly with an outcome."""
    run = dataclasses.replace(RUN, seed=seed)
    if accuracy == "exploded":  # it has an accuracy, but none that counts
        return whole_record(run, 0.9, loss=1e6, outcome="exploded", message="the train loss is 1e+06")
    return pnn.Record.of_failure(run, accuracy, "step 1") if isinstance(accuracy, str) else whole_record(run, accuracy)


def records_of(*accuracies: float | str) -> list[pnn.Record]:
    return [record_of(seed, accuracy) for seed, accuracy in enumerate(accuracies)]


@pytest.fixture
def records() -> dict[Arm, list[pnn.Record]]:
    return {
        Arm("standard", 8): records_of(0.7, 0.8),
        Arm("standard", 2): records_of(0.5, 0.9),
        Arm("quadratic", 2): records_of(0.6, "diverged"),
        Arm("quadratic", 8): records_of("diverged", "exploded"),
        Arm("relinear", 2, RATIO): records_of(0.7, 0.7),
        Arm("relinear", 8, RATIO): records_of(0.7, 0.7),
        Arm("relinear", 8, 1.0): records_of(0.7, "diverged"),
        Arm("shrinking", 8): records_of(0.7, 0.7),
        Arm("standard", 8, 1.0, "best"): records_of(0.8, 0.9),
        Arm("quadratic", 8, 1.0, "best"): records_of(0.6, 0.8),
        Arm("relinear", 8, 1e-2, "best"): records_of(0.8, 0.8),
        Arm("majority", 0): records_of(0.5),
    }


def test_a_run_collapsed_if_it_was_lost_or_no_better_than_the_majority_class(records):
    ways = collapse.ways(records)
    assert collapse.shares(ways, 50.0) == {
        "conventional": [(2, 1, 2), (8, 0, 2)],
        "quadratic": [(2, 1, 2), (8, 2, 2)],
        "ReLinear, ratio 0.0001": [(2, 0, 2), (8, 0, 2)],
    }
    table = collapse.table(ways, 50.0)
    assert table.frame.loc[(2, "quadratic"), ["n", "lost", "share", "mean"]].tolist() == [2, 1, 50, 60]
    text = table.text
    assert text.loc[(2, "conventional")].tolist()[:5] == ["2", "0", "50 (1 to 99)", "70.00", "0.500"]
    assert text.loc[(8, "quadratic")].tolist()[:5] == ["2", "2", "100 (16 to 100)", "–", "–"]


def test_each_way_at_its_best_is_apart_from_the_sources_rate(records):
    best = collapse.ways(records, "best")
    assert {name: list(depths) for name, depths in best.items()} == {
        "conventional": [8],
        "quadratic": [8],
        "ReLinear": [8],
    }
    found = collapse.against_conventional(best)
    assert {name: round(c.difference) for name, c in found.items()} == {
        "quadratic, 8 layers": -15,
        "ReLinear, 8 layers": -5,
    }


def test_a_tuning_is_named_as_its_ways_are():
    assert list(collapse.named({Tried(("standard", 8), (0.1, 1.0)): [], Tried(("relinear", 2), (0.1, 1e-4)): []})) == [
        ("conventional, 8 layers", (0.1, 1.0)),
        ("ReLinear, 2 layers", (0.1, 1e-4)),
    ]


def test_strategies_are_those_of_the_depth_where_all_are_tried(records):
    assert collapse.swept_depth(records) == 8
    assert list(collapse.by_ratio(records)) == [RATIO, 1.0]
    assert list(collapse.strategies(records)) == [
        "conventional",
        "quadratic, not held back",
        "ReLinear, ratio 0.0001",
        "ReLinear, ratio 1",
        "ReLinear by shrinking",
    ]
