"""The gap to what sources report."""

import dataclasses

import pytest
from whole import whole_record

import pnn
from pnn.report import sources
from pnn.report.claim_file import ClaimError


def arm(rows: str, *accuracies: float) -> list[pnn.Record]:
    network = pnn.PolyNeXt("bilinear", 4, activation=pnn.Identity())
    run = pnn.Run(pnn.CIFAR10(rows=rows), network, pnn.Recipe(3), 0, "laptop")
    return [
        whole_record(dataclasses.replace(run, seed=seed), accuracy, budget={"parameters": 1234})
        for seed, accuracy in enumerate(accuracies)
    ]


def test_the_gap_is_ours_less_the_claimed_number():
    table = sources.gaps(arm("real", 0.94, 0.96), "polynext2026-cifar10", "chrysos2023-cifar10")
    assert table.frame["source"].tolist() == [97.1, 94.5]
    assert table.frame["difference"].tolist() == pytest.approx([95 - 97.1, 95 - 94.5])
    row = table.text.loc["PolyNeXt, 5.5 M parameters"]
    assert row[["source, %", "ours, %", "n", "parameters"]].tolist() == ["97.1", "95.00", "2", "1,234"]
    assert "Size laptop" in table.caption
    assert "3 epochs" in table.caption


@pytest.mark.parametrize("records", [arm("stand-in", 0.9, 0.9), arm("real", 0.9)])
def test_nothing_is_said_of_other_rows_or_of_one_run(records):
    assert sources.gaps(records, "polynext2026-cifar10").text.empty


def test_a_claim_of_more_than_one_number_is_an_error():
    with pytest.raises(ClaimError, match="claimed must be one accuracy, got '~85 → ~88 %'"):
        sources.gaps(arm("real", 0.9, 0.9), "oporture2026-cifar10-accuracy")
