"""The tables of learned activations, counted by hand."""

import dataclasses

import pytest
from whole import whole_record

import pnn
from pnn.experiments import discovery as experiment
from pnn.experiments.discovery import Arm
from pnn.experiments.rates import Tried
from pnn.report import discovery


def records(arms: dict[Arm, list[float | None]], task: str = "mnist") -> dict[Arm, list[pnn.Record]]:
    """Records of arms with these accuracies on the test rows; None: it diverged."""
    first = experiment.runs("laptop", task=task) | experiment.ablations("laptop", task=task)
    return {
        arm: [
            pnn.Record.of_failure(run, "diverged", "step 1") if own is None else whole_record(run, own)
            for run, own in zip(
                [dataclasses.replace(first[arm][0], seed=s) for s in range(9)], accuracies, strict=False
            )
        ]
        for arm, accuracies in arms.items()
    }


def test_errors_stand_beside_the_published_ones():
    made = records(
        {
            Arm("relu"): [0.96, 0.97, 0.98],
            Arm("polyneuron"): [0.99, None, 0.97],
            Arm("relu", rate="published"): [0.90],
            Arm("polyneuron", rate="published"): [None],
        }
    )
    table = discovery.errors(made)
    relu = table.frame.loc["ReLU"]
    assert (relu["mean_best"], relu["n_best"], relu["lost_best"]) == (pytest.approx(3), 3, 0)
    # Student's t of two degrees of freedom is 4.303, and the deviation is 1.
    assert relu["high_best"] - relu["low_best"] == pytest.approx(2 * 4.303 / 3**0.5, rel=1e-3)
    assert relu["mean_published"] == pytest.approx(10)
    text = table.text.loc["PolyNeuron"].tolist()
    assert text == ["2.00", "3 (1 lost)", "–", "1 (1 lost)", "1.75"]


def test_the_published_errors_are_the_sources():
    """As the abstracted table of the source has them, by task in the order of the arms."""
    assert list(discovery.PUBLISHED["mnist"].values()) == [2.03, 1.91, 1.80, 1.75, 1.66]
    assert list(discovery.PUBLISHED["cifar10"].values()) == [9.31, 8.60, 9.09, 8.68, 8.64]
    assert all(own.keys() == discovery.NAMES.keys() for own in discovery.PUBLISHED.values())
    assert tuple(discovery.NAMES) == experiment.NAMES


def test_a_change_is_paired_with_the_unchanged_activation_of_its_kind():
    made = records(
        {
            Arm("polyneuron", "", "published"): [0.96, 0.97, 0.98, 0.98],
            Arm("polyneuron", "k = 2", "published"): [0.95, 0.95, 0.96],
            Arm("polyneuron-r", "", "published"): [0.90, 0.90, 0.90],
            Arm("polyneuron-r", "no penalty", "published"): [None, 0.80, 0.90],
        }
    )
    table = discovery.changed(made)
    worse = table.frame.loc["PolyNeuron", "k = 2"]
    assert worse["difference"] == pytest.approx((1 + 2 + 2) / 3)
    assert worse["mean"] == pytest.approx((5 + 5 + 4) / 3)
    assert worse["deviation"] == pytest.approx(3**-0.5)
    assert table.text.loc["PolyNeuron", "unchanged"].tolist()[-1] == "–"
    assert table.text.loc["PolyNeuron-R", "no penalty"].tolist() == ["1\xa0of\xa03", "15.00", "7.07", "+5.00"]


def test_names_are_those_of_a_reader():
    made = records({Arm("relu"): [0.9], Arm("apl"): [0.9], Arm("apl", rate="published"): [0.8]})
    assert list(discovery.named(made)) == ["ReLU", "APL"]
    assert list(discovery.named(made, "published")) == ["APL"]
    assert list(discovery.tuning_named({Tried("polyneuron-r", 0.1): []})) == [Tried("PolyNeuron-R", 0.1)]
