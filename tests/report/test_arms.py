"""The arms of experiments by the names that readers see."""

from typing import NamedTuple

from pnn.report.arms import by_part, label


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
