"""Learning rates: what is tried, what is chosen, and that the tables hold what the Records of the tuning chose."""

import dataclasses

import pytest
from whole import whole_record

import pnn
from pnn import experiments
from pnn.experiments import (
    activation_free,
    discovery,
    matched,
    neurons,
    pays,
    polynomials,
    rates,
    relinear,
    stable,
    tpgu,
)
from pnn.experiments.rates import Tried
from pnn.runs.store import load_record
from pnn.studies.study import in_turn

TUNINGS = [name for name in experiments.EXPERIMENTS if name.startswith("rates-")]
each_tuning = pytest.mark.parametrize("name", TUNINGS)
RUN = pnn.Run(pnn.HIGGS(rows="35k"), pnn.MLP("standard", 8), pnn.Recipe(epochs=1, augment="none"), 0, "laptop")


def scored(run: pnn.Run, accuracy: float) -> pnn.Record:
    record = whole_record(run)
    validation = dataclasses.replace(record.final["validation"], accuracy=accuracy)
    return dataclasses.replace(record, final=record.final | {"validation": validation})


def test_every_arm_is_tried_at_every_rate_by_seeds_of_their_own():
    tried = rates.tuning({"a": RUN, "b": dataclasses.replace(RUN, network=pnn.MLP("polynomial", 5))}, "laptop", (1, 2))
    assert tried.keys() == {Tried(arm, rate) for arm in "ab" for rate in (1, 2)}
    for (arm, rate), runs in tried.items():
        assert [run.seed for run in runs] == [1000, 1001, 1002]
        assert {run.recipe for run in runs} == {dataclasses.replace(RUN.recipe, learning_rate=rate)}
        assert {run.network.neuron for run in runs} == {{"a": "standard", "b": "polynomial"}[arm]}


def test_the_smoke_size_tries_two_rates_of_each_arm_once():
    tried = rates.tuning({"a": RUN, "b": RUN}, "smoke")
    assert [(one.arm, one.value, len(runs)) for one, runs in tried.items()] == [
        (arm, rate, 1) for arm in "ab" for rate in rates.GRID[:2]
    ]


def test_the_best_has_the_highest_mean_and_of_equal_ones_the_lowest_value():
    def arm(name, *accuracies):
        return {Tried(name, 10.0**-k): [scored(RUN, a)] * 2 for k, a in enumerate(accuracies)}

    found = rates.best(arm("inside", 0.6, 0.8, 0.7) | arm("tie", 0.8, 0.8, 0.5) | {Tried("untrained", 1.0): []})
    assert found == {"inside": 0.1, "tie": 0.1}


def test_a_training_that_ended_badly_counts_as_nothing():
    good, bad = scored(RUN, 0.6), pnn.Record.of_failure(RUN, "diverged", "why")
    assert rates.best({Tried("a", 1.0): [good, good], Tried("a", 2.0): [scored(RUN, 0.8), bad]}) == {"a": 1.0}


@each_tuning
@pytest.mark.parametrize("size", ["smoke", "laptop", "paper"])
def test_no_seed_of_a_tuning_is_one_of_a_result(name, size):
    tuned = in_turn(experiments.EXPERIMENTS[name](size))
    results = in_turn(experiments.EXPERIMENTS[name.removeprefix("rates-")](size))
    assert {run.seed for run in tuned}.isdisjoint(run.seed for run in results)
    assert {run.task for run in tuned} == {run.task for run in results}


TABLES = {  # what each tuning chooses, and where it is kept
    "rates-higgs": {"laptop": matched.RATES["higgs", "laptop"]},
    **{
        f"rates-neurons-{task}": {
            "laptop": {
                neurons.Arm(neuron, "parameters", activation): rate
                for activation, own in neurons.RATES[task, "laptop"].items()
                for neuron, rate in own.items()
            }
        }
        for task in ("higgs", "higgs-clipped")
    },
    "rates-activation-free-cifar10": {"laptop": activation_free.RATES["laptop"]},
    "rates-relinear-higgs": {"laptop": relinear.BEST["higgs", "laptop"]},
    **{
        f"rates-polynomials-{task}": {"laptop": polynomials.RATES.get((task, "laptop"), {})}
        for task in polynomials.SETTINGS
    },
    **{f"rates-discovery-{task}": {"laptop": discovery.RATES[task, "laptop"]} for task in discovery.SETTINGS},
    "rates-stable-mnist": {"laptop": dict(zip(stable.TUNED, stable.RATES["laptop"], strict=True))},
    "rates-tpgu-cifar10": {
        "laptop": dict(zip(tpgu.TUNED, tpgu.RATES.get(("cifar10", "laptop"), ()), strict=False)),
    },
    "rates-when-it-pays": {
        "laptop": {
            pays.Case(task.title, task.rows, arm): rate
            for task in (*pays.FAMILY, *pays.OTHERS)
            for arm, rate in zip(pays.arms_of(task), pays.RATES[task.title, task.rows], strict=True)
        }
    },
}


def test_every_tuning_has_a_table():
    assert TABLES.keys() == set(TUNINGS)


@pytest.mark.parametrize(("name", "size"), [(name, size) for name, sizes in TABLES.items() for size in sizes])
def test_the_tables_hold_what_the_records_of_the_tuning_chose(name, size):
    records = {tried: [load_record(run) for run in runs] for tried, runs in experiments.EXPERIMENTS[name](size).items()}
    missing = [tried for tried, own in records.items() if None in own]
    assert not missing
    assert rates.best(records) == TABLES[name][size]


# One seed a rate does not tell neighbours apart, so that a grid would have to be extended without end.
OF_ONE_SEED = ("rates-when-it-pays",)


@pytest.mark.parametrize("name", [name for name in TUNINGS if name not in OF_ONE_SEED])
@pytest.mark.parametrize("size", ["laptop"])
def test_no_best_rate_lies_at_an_edge_of_what_was_tried_but_where_nothing_trains(name, size):
    tried = experiments.EXPERIMENTS[name](size)
    for arm, value in TABLES[name][size].items():
        means = {
            one.value: sum(map(rates.score, map(load_record, runs))) / len(runs)
            for one, runs in tried.items()
            if one.arm == arm
        }
        others = [mean for other, mean in means.items() if other != value]
        if value in (min(means), max(means)):
            assert means[value] - max(others) < 0.01 or means[value] < 0.6, (arm, value)
