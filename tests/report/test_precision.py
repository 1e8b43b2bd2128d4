"""What the precision moves, against numbers that are known, and its rule."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats
from whole import whole_record

import pnn
from pnn.experiments.precision import Arm
from pnn.report import precision
from pnn.runs.record import Hits

SECONDS = {"float32": 0.04, "bfloat16": 0.02}
ARMS = [Arm(neuron, p) for neuron in ("standard", "polynomial") for p in SECONDS]


def record_of(arm: Arm, seed: int, accuracy: float, **changes) -> pnn.Record:
    run = pnn.Run(pnn.Digits(), pnn.CNN(arm.neuron, 4), pnn.Recipe(2, precision=arm.precision), seed, "smoke")
    seconds = SECONDS[arm.precision] * (1 + seed)  # a busy machine slows both precisions of a seed
    return whole_record(run, accuracy, budget={"step_seconds": seconds}, used={"threads": 1}, **changes)


def records_of(standard: list, polynomial: list, standard16: list, polynomial16: list) -> dict[Arm, list[pnn.Record]]:
    accuracies = zip(ARMS, (standard, standard16, polynomial, polynomial16), strict=True)
    return {arm: [record_of(arm, seed, a / 100) for seed, a in enumerate(own)] for arm, own in accuracies}


def test_the_move_is_the_paired_difference_of_differences():
    values = [60, 61, 63], [64, 66, 68], [60.5, 61, 62], [64, 67, 66]
    records = records_of(*values)
    found = precision.moved(records)
    standard, polynomial, standard16, polynomial16 = map(np.array, values)
    moves = (polynomial16 - standard16) - (polynomial - standard)
    interval = stats.ttest_1samp(moves, 0).confidence_interval()
    assert (found.move.difference, found.move.low, found.move.high) == pytest.approx((moves.mean(), *interval))
    assert found.float32.difference == pytest.approx(14 / 3)
    assert found.bfloat16.difference == pytest.approx(4.5)
    assert found.tolerance == pytest.approx((found.float32.high - found.float32.low) / 10)
    text = precision.table(found, records).text
    assert text.loc["bfloat16 less float32", "bfloat16 is"] == found.verdict == "cannot tell"
    assert text.loc["float32", ["may move by", "bfloat16 is"]].tolist() == ["–", "–"]


def test_a_seed_that_lost_one_of_its_four_trainings_is_lost():
    records = records_of([60, 61, 63, 60], [64, 66, 68, 60], [60, 61, 63, 60], [64, 66, 68, 60])
    lost = records[ARMS[3]][3].run
    records[ARMS[3]][3] = pnn.Record.of_failure(lost, "diverged", "step 1")
    found = precision.moved(records)
    assert (found.move.n, found.move.lost, found.float32.n) == (3, 1, 3)
    assert (found.move.difference, found.verdict) == (0, "as good")


def test_where_the_rows_are_known_the_interval_is_over_them_too():
    records = records_of([50] * 4, [50] * 4, [50] * 4, [50] * 4)
    draw = np.random.default_rng(0)
    records = {
        arm: [dataclasses.replace(record, hits=Hits.of(draw.permutation(np.arange(100) < 50))) for record in own]
        for arm, own in records.items()
    }
    move = precision.moved(records).move
    assert (move.difference, move.rows) == (0, 100)
    assert move.low < move.t_low == move.t_high < move.high


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.09, 0.09, "as good"),
        (-0.09, 0.11, "cannot tell"),
        (-0.5, 0.5, "cannot tell"),
        (0.05, 0.5, "cannot tell"),
        (0.11, 0.5, "not as good"),
        (-0.5, -0.11, "not as good"),
    ],
)
def test_the_rule(low, high, verdict):
    difference = dataclasses.replace(pnn.compare([0, 0, 0], [1, 2, 3]), low=-0.5, high=0.5)
    moved = precision.Moved(difference, difference, dataclasses.replace(difference, low=low, high=high))
    assert moved.tolerance == pytest.approx(0.1)
    assert moved.verdict == verdict


def test_networks_that_never_learned_cannot_show_anything():
    records = records_of([11, 10, 10], [40, 41, 42], [11, 10, 10], [40, 41, 42])
    found = precision.moved(records)
    assert found.verdict == "cannot see"
    said = precision.table(found, records).text.loc["bfloat16 less float32", "bfloat16 is"]
    assert said == "cannot see: standard, float32 is at 10.3 %, the trivial answer at 10.0"


def test_trainings_that_share_only_their_seed_cannot_be_as_good():
    """However many seeds there are: the page says so."""
    draw = np.random.default_rng(0)
    for seeds in (5, 50, 500):
        found = precision.moved(records_of(*draw.normal(60, 0.5, (4, seeds))))
        assert found.verdict != "as good"
        width = found.float32.t_high - found.float32.t_low
        if seeds == 500:
            assert (found.move.t_high - found.move.t_low) / width == pytest.approx(math.sqrt(2), rel=0.1)


def test_the_time_of_a_step_is_a_ratio_within_a_seed():
    records = records_of([60, 61, 62], [60, 61, 62], [60, 61, 62], [60, 61, 62])
    table = precision.steps(records)
    assert table.frame.loc["standard", ["float32", "bfloat16"]].tolist() == pytest.approx([80, 40])
    assert table.frame.loc["polynomial", ["ratio", "low", "high"]].tolist() == pytest.approx([0.5] * 3)
    assert table.text.loc["standard", "bfloat16 over float32 (95 %)"] == "0.50 (0.50 to 0.50)"
    other = records[ARMS[0]][0]
    records[ARMS[0]][0] = dataclasses.replace(other, used=other.used | {"threads": 2})
    assert precision.steps(records).text.loc["standard", "bfloat16 over float32 (95 %)"] == "–"
