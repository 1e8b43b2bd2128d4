"""The numbers in the layers' documentation are those of the Records and of the timings."""

import functools
import inspect
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import pnn
from pnn import nn as collection
from pnn.experiments.neurons import Arm
from pnn.report import measures
from pnn.runs.store import load_record

ROOT = Path(__file__).parents[1]


@functools.cache
def records_of(experiment: str, **settings: str) -> dict:
    found = getattr(pnn.experiments, experiment)
    arms = getattr(found, "runs", found)("laptop", **settings)
    return {arm: [load_record(run, ROOT / "results") for run in runs] for arm, runs in arms.items()}


def compared(standard: list[pnn.Record], records: list[pnn.Record]) -> pnn.Comparison:
    assert None not in records, "a Record is missing"
    return pnn.compare_records(standard[: len(records)], records, measures.accuracy)


def accuracy(comparison: pnn.Comparison) -> list[str]:
    assert not comparison.low <= 0 <= comparison.high, "not told apart"
    where = "above" if comparison.difference > 0 else "below"
    return [f"{abs(comparison.difference):.2f} points {where}", f"{comparison.n} seeds"]


def on_higgs(neuron: str, activation: str = "relu") -> list[str]:
    arms = records_of("neurons", task="higgs")
    own, standard = (arms[Arm(kind, "parameters", activation)] for kind in (neuron, "standard"))
    comparison = compared(standard, own)
    return lost(own) + (accuracy(comparison) if comparison.n > 1 else [])


def lost(records: list[pnn.Record]) -> list[str]:
    outcomes = Counter(record.outcome for record in records if record.outcome != "ok")
    return [f"{count} of {len(records)} trainings {outcome}" for outcome, count in outcomes.items()]


def of_images(task: str) -> list[str]:
    arms = records_of(task)
    return accuracy(compared(arms["standard"], arms["parameters"]))


def of_texts(experiment: str) -> list[str]:
    arms = records_of(experiment)
    comparison = compared(arms["standard"], arms["parameters"])
    assert comparison.low <= 0 <= comparison.high
    return ["not told apart", f"{comparison.n} seeds"]


def slower(task: str, neuron: str) -> list[str]:
    """By the timing on one core, if at most a tenth of its rounds was faster than the standard network."""
    (path,) = (ROOT / "benchmarks/results").glob("neuron_time-laptop-intel-*.json")
    timing = json.loads(path.read_text())
    assert timing["threads"] == 1
    (row,) = (row for row in timing["rows"] if (row["task"], row["neuron"]) == (task, neuron))
    over = row["over standard"][str(row["equal parameters"])]
    assert over["low"] > 1, "not told apart"
    return [f"{over['median']:.1f} times as long"]


def of_the_showcase() -> list[str]:
    arms = records_of("showcase")
    assert compared(arms["standard"], arms["polynext"]).n < 2, "there are pairs to quote"
    return lost(arms["polynext"])


QUOTED: dict[str, Callable[[], list[str]]] = {
    "PolyLinear": lambda: on_higgs("polynomial") + on_higgs("polynomial", "none"),
    "PolyConv1d": lambda: of_texts("boolq") + of_texts("boolq_glove"),
    "PolyConv2d": lambda: of_images("cifar10") + of_images("cifar100"),
    "QuadraticLinear": lambda: on_higgs("quadratic") + slower("higgs", "quadratic"),
    "QuadraticConv1d": lambda: on_higgs("quadratic"),
    "QuadraticConv2d": lambda: on_higgs("quadratic"),
    "BilinearLinear": lambda: on_higgs("bilinear") + on_higgs("bilinear", "none"),
    "BilinearConv1d": lambda: on_higgs("bilinear"),
    "BilinearConv2d": lambda: on_higgs("bilinear"),
    "StarLinear": lambda: on_higgs("star") + slower("higgs", "star"),
    "StarConv2d": lambda: on_higgs("star"),
    "CCP": lambda: on_higgs("ccp") + slower("higgs", "ccp"),
    "CCPConv2d": lambda: slower("cifar10", "ccp"),
    "NCP": lambda: on_higgs("ncp") + slower("higgs", "ncp"),
    "NCPConv2d": lambda: slower("cifar10", "ncp"),
    "ProductUnit": lambda: on_higgs("product") + slower("higgs", "product"),
    "ProductConv2d": lambda: slower("cifar10", "product"),
    "KANLinear": lambda: (
        on_higgs("kan") + slower("higgs", "kan") + on_higgs("kan-chebyshev") + slower("higgs", "kan-chebyshev")
    ),
    "KANConv2d": lambda: slower("cifar10", "kan"),
    "PolyNeXtBlock": of_the_showcase,
}


@pytest.mark.parametrize("name", collection.__all__)
def test_when_not_to_use_it_is_measured(name):
    _, _, text = inspect.getdoc(getattr(pnn, name)).partition("\nWhen not to use it:\n")
    text = " ".join(text.partition("\n\n")[0].split())
    rest = text
    for quote in QUOTED[name]():
        assert quote in text
        rest = rest.replace(quote, "")
    assert not re.search(r"\d\.\d|\d seeds", rest), "a number that nothing measures"
