"""Measures over the epochs and sizes by layer, on curves written by hand."""

import dataclasses
import math

import pytest
from whole import whole_record

import pnn
from pnn.report import compared, dynamics

RUN = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 0, "smoke")


def record_of(seed: int, best: float, size: float) -> pnn.Record:
    curves = {"validation_accuracy": [best, best / 2]}
    for layer in (1, 2):
        curves |= {f"activation_rms.{layer}": [9.0, size * layer], f"gradient_rms.{layer}": [9.0, 1 / size]}
    return whole_record(dataclasses.replace(RUN, seed=seed), best, curves=curves)


@pytest.fixture
def pair() -> dict[str, list[pnn.Record]]:
    return {
        "standard": [record_of(seed, 0.6049, 1.0) for seed in range(3)],
        "polynomial": [record_of(seed, 0.7, 2.0 + 0.1 * seed) for seed in range(3)]
        + [pnn.Record.of_failure(dataclasses.replace(RUN, seed=9), "diverged", "step 1")],
    }


def test_the_common_accuracy_is_one_that_every_run_reaches(pair):
    assert dynamics.common_accuracy(pair) == 60.4
    measures = dynamics.over_the_epochs(pair)
    assert "epochs to 60.4 %" in measures
    found = compared.by_measure(pair, measures)
    assert found["epochs to 60.4 %"].n == 3
    assert found["test loss × 100"].mean_a == 50


def test_sizes_are_compared_as_ratios_of_the_last_epoch(pair):
    ratios = dynamics.norm_ratios(pair)
    assert set(ratios) == {(layer, what) for layer in (1, 2) for what in ("activation", "gradient")}
    geometric = (2.0 * 2.1 * 2.2) ** (1 / 3)
    assert math.exp(ratios[2, "activation"].difference) == pytest.approx(geometric)
    table = dynamics.norm_table(pair)
    assert table.frame.index.tolist() == ["layer 1", "layer 2 (output)"]
    assert table.frame["activation_size"].tolist() == pytest.approx([1, 2])
    assert table.frame["gradient_ratio"].tolist() == pytest.approx([1 / geometric] * 2)
    cell = table.text["activation, polynomial / standard"].iloc[0]
    assert cell.startswith(f"{geometric:.2f} (")


def test_records_without_sizes_have_no_table(pair):
    del pair["standard"][0].curves["activation_rms.1"]
    assert not dynamics.has_norms(pair)
    assert dynamics.norm_table(pair).text.empty
