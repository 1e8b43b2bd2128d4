"""The tables say what the Records say, and lose nothing."""

import dataclasses
import json
import statistics
from pathlib import Path

import pytest
import scipy.stats

import pnn
from pnn import tables
from pnn.experiments import exchange, oporture

ROOT = Path(__file__).parents[1]
ACCURACY = {"standard": [0.60, 0.61, 0.63, 0.60], "parameters": [0.62, 0.64, 0.64, 0.63], "memory": [0.58, 0.60, 0.59]}
WIDTH = {"standard": 200, "parameters": 113, "memory": 100}
RECIPE = pnn.Recipe(3, augment="none")


def record_of(side: str, seed: int, accuracy: float) -> pnn.Record:
    network = pnn.Network("mlp", "standard" if side == "standard" else "polynomial", WIDTH[side])
    run = pnn.Run(pnn.Task("higgs", rows="subset"), network, RECIPE, seed, "laptop")
    cost = {"parameters": 100 * WIDTH[side], "macs": 90 * WIDTH[side], "activation_bytes": 1024 * WIDTH[side]}
    return dataclasses.replace(
        pnn.Record.of_failure(run, "ok", ""),
        final={"test": pnn.Score(0.5, accuracy)},
        budget=cost,
        seconds=10.0 * (seed + 1),
        used={"device": "an abacus"},
    )


@pytest.fixture
def sides() -> dict[str, list[pnn.Record]]:
    made = {side: [record_of(side, seed, value) for seed, value in enumerate(ACCURACY[side])] for side in ACCURACY}
    lost = dataclasses.replace(made["memory"][0].run, seed=3)
    made["memory"].append(pnn.Record.of_failure(lost, "diverged", "step 1"))
    run = dataclasses.replace(
        lost, network=pnn.Network("majority", "none", 0), recipe=dataclasses.replace(RECIPE, source="scikit-learn")
    )
    ended = dataclasses.replace(pnn.Record.of_failure(run, "ok", ""), final={"test": pnn.Score(0.69, 0.54)})
    return made | {"majority": [ended]}


def test_the_setting_names_size_rows_seeds_and_device(sides):
    assert tables.setting(sides) == (
        "size laptop, HIGGS subset (51k rows), 3 epochs, 4 seeds a side, float32 on an abacus"
    )
    stand_in = pnn.Run(
        pnn.Task("cifar10", rows="stand-in"), pnn.Network("cnn", "standard", 4), pnn.Recipe(1), 0, "smoke"
    )
    record = dataclasses.replace(sides["standard"][0], run=stand_in)
    assert "an embedded stand-in for CIFAR-10, 1 epoch, 1 seeds" in tables.setting({"standard": [record]})
    assert "says nothing about any claim" in tables.setting({"standard": [record]})


def test_costs_are_the_records_and_relative_to_the_standard_side(sides):
    table = tables.costs(sides)
    assert list(table.index) == ["standard", "polynomial, equal parameters", "polynomial, equal activation memory"]
    assert table.loc["standard", "parameters"] == "20,000"
    assert table.loc["polynomial, equal parameters", "parameters"] == "11,300 (-43.5%)"
    assert table.loc["polynomial, equal activation memory", "multiply-accumulates a row"] == "9.0 k (-50.0%)"
    assert table.loc["standard", "training, mean of the runs"] == "25 s"
    assert (
        table.loc["polynomial, equal activation memory", "training, mean of the runs"] == "20 s"
    )  # of those that ended


def test_what_was_reached_has_a_row_for_every_side_and_counts_bad_endings(sides):
    table = tables.reached(sides)
    assert list(table["n"]) == ["4", "4", "3 (1 ended badly)", "1"]
    percent = [100 * value for value in ACCURACY["standard"]]
    assert table.loc["standard"].tolist()[1:] == [f"{statistics.mean(percent):.2f}", f"{statistics.stdev(percent):.2f}"]
    assert table.loc["majority class"].tolist()[1:] == ["54.00", "–"]


def test_comparisons_are_with_the_standard_side_and_corrected_over_the_rows(sides):
    results = tables.compared(sides)
    assert list(results) == ["polynomial, equal parameters", "polynomial, equal activation memory"]  # one seed: no pair
    table = tables.comparisons(results)
    first, second = results.values()
    assert table.iloc[1]["n"] == "3 (1 lost)"
    difference = 100 * statistics.mean(b - a for a, b in zip(ACCURACY["standard"], ACCURACY["parameters"], strict=True))
    assert table.iloc[0]["difference (95 %, t)"].startswith(f"{difference:+.2f} (")
    # the library's own correction of the step-down kind: scipy has none, so Holm by hand on two values
    low, high = sorted((first.p, second.p))
    holm = {low: min(1, 2 * low), high: max(min(1, 2 * low), high)}
    assert table["p (Holm)"].tolist() == [f"{holm[c.p]:.3f}" for c in (first, second)]
    again = tables.comparisons(results | {"the same runs by another name": first})
    assert again["p (Holm)"].tolist() == [*table["p (Holm)"], table["p (Holm)"].iloc[0]]
    values = [[100 * v for v in ACCURACY[side]] for side in ("standard", "parameters")]
    interval = scipy.stats.ttest_rel(values[1], values[0]).confidence_interval()
    assert table.iloc[0]["difference (95 %, t)"].endswith(f"({interval.low:+.2f} to {interval.high:+.2f})")


def test_seeds_that_a_side_was_not_to_have_are_not_lost(sides):
    short = sides | {"parameters": sides["parameters"][:2]}
    (first, _) = tables.compared(short).values()
    assert (first.n, first.lost) == (2, 0)


@pytest.mark.parametrize(("low", "high", "word"), [(0.1, 1, "better"), (-1, -0.1, "worse"), (-1, 1, "not told apart")])
def test_a_direction_is_that_of_the_whole_interval(low, high, word):
    comparison = dataclasses.replace(pnn.compare([1, 2, 3], [2, 3, 5]), low=low, high=high)
    assert tables.direction(comparison).startswith(word)


def test_what_is_judged_is_shown_with_its_verdict():
    comparison = pnn.compare([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], lost=2)
    row = tables.judged({"a claim": (comparison, "holds")}, "laptop").loc["a claim"]
    assert row.tolist() == [
        f"+2.00 ({comparison.low:+.2f} to {comparison.high:+.2f})",
        "3 (2 lost)",
        "laptop",
        "holds",
    ]


def test_widths_of_equal_time_are_those_that_were_timed():
    timings = [json.loads(path.read_text()) for path in (ROOT / "benchmarks/results").glob("match_time-*.json")]
    assert timings
    for timing in timings:
        for row in timing["rows"]:
            setting = getattr(oporture, row["experiment"].upper())[timing["size"]]
            assert row["standard width"] == setting.width
            assert row["match"] == setting.time_width


def test_the_endings_are_counted_and_the_share_has_its_exact_interval(sides):
    table = tables.endings(sides)
    assert table.loc["standard"].tolist() == ["4 ok", "0 (0 to 60)"]
    assert table.loc["polynomial, equal activation memory"].tolist() == ["3 ok, 1 diverged", "25 (1 to 81)"]


def test_the_audit_names_degree_or_obstacles():
    networks = {
        "standard": pnn.Network("mlp", "polynomial", 3, activation="identity"),
        "bent": pnn.Network("mlp", "polynomial", 3),
    }
    table = tables.audited(networks, pnn.Task("higgs"))
    assert table.loc["standard"].tolist() == ["yes", "8", "3", "–"]
    assert table.loc["bent"].tolist() == ["no", "–", "–", "3 ReLU: relu"]


def test_widths_of_neurons_of_equal_time_are_those_that_were_timed():
    timed = {}
    for path in (ROOT / "benchmarks/results").glob("neuron_time-*.json"):
        timing = json.loads(path.read_text())
        for row in timing["rows"]:
            assert row["standard width"] == exchange.SETTINGS[row["task"]][timing["size"]].width
            if row["match"] is not None:
                timed.setdefault((row["task"], timing["size"]), {})[row["neuron"]] = row["match"]
    assert timed == exchange.TIME_WIDTHS
