"""The contest of polynomial activations, counted by hand."""

import dataclasses

import pytest
from whole import whole_record

import pnn
from pnn.analysis.health import Health
from pnn.experiments.stable import Arm
from pnn.report import contest

RUN = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 0, "smoke")


def runs(*accuracies: float | None, outside: float | None = None) -> list[pnn.Record]:
    """Records of these test accuracies, None of a training that diverged."""
    found = []
    for seed, accuracy in enumerate(accuracies):
        run = dataclasses.replace(RUN, seed=seed)
        health = Health(0, 0, 3.0, 4.0, outside, outside)
        good = None if accuracy is None else whole_record(run, accuracy, health=health)
        found.append(good or pnn.Record.of_failure(run, "diverged", "step 1"))
    return found


@pytest.fixture
def records() -> dict[Arm, list[pnn.Record]]:
    return {
        Arm("relu"): runs(0.9, 0.8),
        Arm("hermite", 2): runs(0.8, 0.8),
        Arm("published", 2, "tight"): runs(0.7, 0.6, outside=0.01),
        Arm("published", 8, "tight"): runs(0.7, None, outside=0.02),
        Arm("published", 8, "tight", "both"): runs(0.8, 0.7, outside=0.001),
        Arm("published", 8, "published"): runs(None, None),
    }


def test_shares_are_of_one_interval_and_of_arms_that_stand_at_every_degree(records):
    assert contest.shares(records, "tight") == {"powers, frozen, free": [(2, 0, 2), (8, 1, 2)]}
    assert contest.shares(records, "published") == {}


def test_a_table_has_one_degree_and_what_has_no_interval(records):
    table = contest.table(contest.of_degree(records, 8))
    names = [("ReLU", "none", "free"), ("Hermite, each basis function normalised", "none", "free")]
    powers = "powers, frozen"
    assert list(table.frame.index) == [
        *names,
        (powers, "tight", "free"),
        (powers, "tight", "both"),
        (powers, "published", "free"),
    ]
    assert table.text.loc[names[0]].tolist()[:4] == ["0\xa0of\xa02", "0 (0 to 84)", "85.00", "–"]
    assert table.text.loc[(powers, "tight", "free")].tolist()[:4] == ["1\xa0of\xa02", "50 (1 to 99)", "70.00", "2"]
    assert table.text.loc[(powers, "published", "free")].tolist()[:3] == ["2\xa0of\xa02", "100 (16 to 100)", "–"]
    assert "degree 8" in table.caption


def test_what_is_held_by_both_stands_beside_relu(records):
    assert list(contest.held(records)) == ["ReLU", "powers, frozen, degree 8, tight"]
