"""The leak: shares of rows against counting by hand, differences against the Records' own numbers."""

import statistics

import pytest

import pnn
from pnn.experiments.leaks import Arm, runs
from pnn.report import leaks
from pnn.tasks.data import drawn
from pnn.tasks.hapt import split_rows


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return pnn.study(runs("smoke", seeds=2), results=tmp_path_factory.mktemp("results"), device="cpu", progress=False)


def test_the_rows_that_were_seen_are_counted_one_by_one():
    table = leaks.seen(50, 30, 12).frame
    carved, kept = (set(part.tolist()) for part in drawn(50, 12))
    for split in ("users", "rows", "leaking"):
        train, test = (part.tolist() for part in split_rows(split, 50, 30))
        trained = sum(row in {train[place] for place in kept} for row in test)
        validated = sum(row in {train[place] for place in carved} for row in test)
        row = table.loc[leaks.NAMES[split]]
        assert (row.test, row.trained, row.validated, row.new) == (30, trained, validated, 30 - trained - validated)
    assert table.loc["by users"].new == table.loc["by rows"].new == 30


def test_of_many_rows_two_splits_of_four_to_one_leak_the_product_of_their_shares():
    row = leaks.seen(80_000, 20_000, 16_000).frame.loc["with the leak"]
    assert row.trained_share == pytest.approx(64, abs=1)
    assert row.validated_share == pytest.approx(16, abs=1)


def test_differences_are_those_of_the_records(records):
    score = {arm: [100 * record.final["test"].accuracy for record in own] for arm, own in records.items()}
    found = leaks.against_users(records)
    assert list(found) == [f"{a}, {s}" for a in ("ReLU", "polynomial") for s in ("by rows", "with the leak")]
    mean = statistics.fmean
    leaking = found["polynomial, with the leak"]
    assert leaking.difference == pytest.approx(
        mean(score[Arm("leaking", "polynomial")]) - mean(score[Arm("users", "polynomial")])
    )
    assert leaking.rows == 0  # The test rows are others, so that the interval is over seeds alone.
    inside = leaks.against_relu(records)["by rows"]
    assert inside.difference == pytest.approx(mean(score[Arm("rows", "polynomial")]) - mean(score[Arm("rows", "relu")]))
    gap = leaks.gaps_against_users(records)["by rows"]
    before = mean(score[Arm("users", "polynomial")]) - mean(score[Arm("users", "relu")])
    assert gap.difference == pytest.approx(inside.difference - before)
    means = leaks.reached(records).frame.loc[("ReLU", "by users")]
    assert means.test == pytest.approx(mean(score[Arm("users", "relu")]))


def test_a_lost_run_is_counted_and_no_pair(records):
    arm = Arm("leaking", "relu")
    bad = [pnn.Record.of_failure(record.run, "killed", "made so") for record in records[arm][:1]]
    mixed = records | {arm: bad + records[arm][1:]}
    assert leaks.reached(mixed).frame.loc[("ReLU", "with the leak")].lost == 1
    assert "ReLU, with the leak" not in leaks.against_users(mixed)  # one pair is left
    assert list(leaks.gaps_against_users(mixed)) == ["by rows"]
