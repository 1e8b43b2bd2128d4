"""The arms of experiments by the names that readers see."""

import dataclasses
from typing import NamedTuple

import pytest
from whole import whole_record

import pnn
from pnn.report.arms import by_part, label, same_runs, setting


class Arm(NamedTuple):
    neuron: str
    equal: str


def test_an_arm_is_called_as_a_reader_knows_it_or_by_its_own_name():
    assert [label(arm) for arm in ("macs", "PolyNeXt", Arm("ccp", "time"))] == [
        "polynomial, equal multiply-accumulates",
        "PolyNeXt",
        "ccp/time",
    ]


def test_arms_are_chosen_by_the_parts_of_their_names():
    arms = {Arm("ccp", "time"): [1], Arm("ccp", "parameters"): [2], Arm("star", "time"): [3]}
    assert by_part(arms, "neuron", equal="time") == {"ccp": [1], "star": [3]}
    assert by_part(arms, "equal", neuron="kan") == {}


@pytest.fixture
def arms() -> dict[str, list[pnn.Record]]:
    recipe = pnn.Recipe(3, augment="none")
    networks = {"standard": pnn.MLP("standard", 200), "parameters": pnn.MLP("polynomial", 113)}
    return {
        name: [whole_record(pnn.Run(pnn.HIGGS(rows="35k"), net, recipe, seed, "laptop")) for seed in range(4)]
        for name, net in networks.items()
    }


def test_the_setting_names_size_rows_seeds_and_device(arms):
    assert setting(arms) == "size laptop, HIGGS subset (35k rows), 3 epochs, 4 seeds an arm, float32 on an abacus"
    stand_in = pnn.Run(pnn.CIFAR10(rows="stand-in"), pnn.CNN("standard", 4), pnn.Recipe(1), 0, "smoke")
    record = whole_record(stand_in)
    assert "an embedded stand-in for CIFAR-10, 1 epoch, 1 seeds" in setting({"standard": [record]})
    assert "says nothing about any claim" in setting({"standard": [record]})


def test_the_setting_names_every_recipe(arms):
    run = dataclasses.replace(arms["standard"][0].run, recipe=pnn.Recipe(9, augment="none", patience=2))
    arms["patient"] = [whole_record(run)]
    assert "3 epochs or at most 9 epochs, 4 or 1 seeds an arm" in setting(arms)


def test_the_setting_says_what_is_mixed(arms):
    arms["standard"][0].used["threads"] = 2
    assert "mixed" not in setting(arms)  # of the others it is not known
    arms["standard"][1].used["threads"] = 1
    arms["standard"][2].versions["torch"] = "2.16.0"
    arms["standard"][3].used["device"] = "a slide rule"
    assert setting(arms).endswith(
        "float32 on a slide rule and an abacus, mixed: 1 and 2 threads, mixed: torch 2.15.0 and 2.16.0"
    )


def test_arms_that_are_the_same_runs_are_one_of_both_names():
    def arm(width: int, seeds: int) -> list[pnn.Record]:
        runs = [
            pnn.Run(pnn.Digits(), pnn.CNN("polynomial", width), pnn.Recipe(1), seed, "smoke") for seed in range(seeds)
        ]
        return [whole_record(run) for run in runs]

    found = same_runs({"parameters": arm(5, 3), "macs": arm(4, 2), "time": arm(4, 2), "memory": arm(5, 2)})
    assert {name: len(own) for name, own in found.items()} == {
        "polynomial, equal multiply-accumulates and step time": 2,
        "polynomial, equal parameters and activation memory": 3,
    }


def test_a_seed_of_several_networks_together_counts_once(arms):
    together = {"all arms": [record for arm in arms.values() for record in arm]}
    assert len(together["all arms"]) == 8
    assert ", 4 seeds an arm," in setting(together)
