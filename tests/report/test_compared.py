"""Several comparisons at once, against comparing each by hand."""

import pytest
from whole import whole_record

import pnn
from pnn.report import compared, measures

ACCURACY = {"standard": [0.60, 0.61, 0.63], "macs": [0.62, 0.64, 0.64], "a new arm": [0.5, 0.5], "majority": [0.54]}


@pytest.fixture
def arms() -> dict[str, list[pnn.Record]]:
    def record(width: int, seed: int, accuracy: float) -> pnn.Record:
        run = pnn.Run(pnn.Digits(), pnn.CNN("standard", width), pnn.Recipe(2), seed, "smoke")
        curves = {"validation_accuracy": [accuracy / 2, accuracy]}
        return whole_record(run, accuracy, loss=0.2, final={"train": pnn.Score(0.1, 0.9)}, curves=curves)

    return {
        name: [record(width, *pair) for pair in enumerate(values)]
        for width, (name, values) in enumerate(ACCURACY.items(), 4)
    }


def test_two_arms_are_compared_by_every_measure(arms):
    pair = {name: arms[name] for name in ("standard", "macs")}
    found = compared.by_measure(pair)
    assert list(found) == ["test accuracy, %", "early validation accuracy, %", "gap, points"]
    assert found["gap, points"] == pnn.compare_records(*pair.values(), measures.gap)
    assert list(compared.by_measure(pair, {"loss": measures.final_loss})) == ["loss"]
    with pytest.raises(ValueError, match="two arms are compared, got 4: standard, polynomial, equal multiply"):
        compared.by_measure(arms)


def test_every_arm_of_two_seeds_is_compared_with_the_standard_one(arms):
    found = compared.by_arm(arms)
    assert list(found) == ["polynomial, equal multiply-accumulates", "a new arm"]
    assert found["a new arm"] == pnn.compare([60.0, 61.0], [50.0, 50.0])  # the third seed is no loss


def test_arms_that_are_the_same_runs_are_one_row(arms):
    found = compared.by_arm(arms | {"time": arms["macs"][:2]})
    assert list(found) == ["a new arm", "polynomial, equal multiply-accumulates and step time"]
    assert found["polynomial, equal multiply-accumulates and step time"].n == 3


def test_another_arm_may_be_the_base_and_an_arm_of_one_seed_is_left_out(arms):
    found = compared.by_arm({"one": arms["macs"][:1], "base": arms["standard"], "a": arms["a new arm"]}, base="base")
    assert list(found) == ["a"]


def test_an_arm_whose_runs_ended_badly_is_there_with_the_pairs_that_it_lost(arms):
    exploded = {"outcome": "exploded", "message": "the test loss is 1e+06", "loss": 1e6}
    bad = [
        pnn.Record.of_failure(arms["macs"][1].run, "diverged", "step 1"),
        whole_record(arms["macs"][2].run, **exploded),
    ]
    found = compared.by_arm({"standard": arms["standard"], "some": [arms["macs"][0], *bad], "all": bad})
    assert {name: (c.n, c.lost) for name, c in found.items()} == {"some": (1, 2), "all": (0, 2)}


def test_arms_are_compared_with_a_number(arms):
    found = compared.with_level(arms, 54.0)
    assert list(found) == ["standard", "polynomial, equal multiply-accumulates", "a new arm"]
    assert found["standard"].difference == pytest.approx(100 * sum(ACCURACY["standard"]) / 3 - 54)
