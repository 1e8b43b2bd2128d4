"""The tables say what the Records say, and lose nothing."""

import dataclasses
import json
import math
import statistics
from pathlib import Path

import pytest
import scipy.stats
import torch
from whole import whole_record

import pnn
from pnn.analysis.health import Health
from pnn.experiments import matched, neurons
from pnn.report import compared, tables
from pnn.report.claim_file import Claim
from pnn.report.claims import Answer

ROOT = Path(__file__).parents[2]
ACCURACY = {"standard": [0.60, 0.61, 0.63, 0.60], "parameters": [0.62, 0.64, 0.64, 0.63], "memory": [0.58, 0.60, 0.59]}
WIDTH = {"standard": 200, "parameters": 113, "memory": 100}
RECIPE = pnn.Recipe(3, augment="none")


def record_of(arm: str, seed: int, accuracy: float) -> pnn.Record:
    network = pnn.MLP("standard" if arm == "standard" else "polynomial", WIDTH[arm])
    run = pnn.Run(pnn.HIGGS(rows="35k"), network, RECIPE, seed, "laptop")
    cost = {"parameters": 100 * WIDTH[arm], "macs": 90 * WIDTH[arm], "activation_bytes": 1024 * WIDTH[arm]}
    return whole_record(run, accuracy, budget=cost, seconds=10.0 * (seed + 1))


@pytest.fixture
def arms() -> dict[str, list[pnn.Record]]:
    made = {arm: [record_of(arm, seed, value) for seed, value in enumerate(ACCURACY[arm])] for arm in ACCURACY}
    lost = dataclasses.replace(made["memory"][0].run, seed=3)
    made["memory"].append(pnn.Record.of_failure(lost, "diverged", "step 1"))
    run = dataclasses.replace(lost, network=pnn.Majority(), recipe=dataclasses.replace(RECIPE, source="scikit-learn"))
    return made | {"majority": [whole_record(run, 0.54, loss=0.69)]}


def test_what_is_lost_is_shown_as_lost(arms):
    for name in ("parameters", "memory"):
        arms[name] = [pnn.Record.of_failure(record.run, "diverged", "step 1") for record in arms[name]]
    results = compared.by_arm(arms)
    names = ["polynomial, equal parameters", "polynomial, equal activation memory"]
    numbers = tables.comparisons(results, arms)
    assert numbers.frame[["n", "lost"]].to_dict("index") == {name: {"n": 0, "lost": 4} for name in names}
    assert numbers.frame.drop(columns=["n", "lost"]).isna().all(axis=None)
    for _, row in numbers.text.iterrows():
        assert row["n"] == "0 (4 lost)"
        assert set(row.drop("n")) == {"–"}
    assert tables.directions({"accuracy": results}).text["accuracy"].to_dict() == dict.fromkeys(names, "lost")
    query = {"experiment": "higgs", "arm": "memory", "measure": "accuracy", "rule": "gain", "value": 3.0}
    answer = Answer(Claim("a", "s", "t", "c", **query), "laptop", results[names[1]], (), 1.0)
    assert tables.judged([answer]).text.loc["t"].tolist() == ["cannot tell", "–", "0 (4 lost)"]


def test_costs_are_the_records_and_relative_to_the_standard_arm(arms):
    numbers = tables.costs(arms)
    assert numbers.frame["parameters"].tolist() == [20_000, 11_300, 10_000]
    assert numbers.frame["macs_over"].tolist()[1:] == pytest.approx([-0.435, -0.5])
    table = numbers.text
    assert list(table.index) == ["standard", "polynomial, equal parameters", "polynomial, equal activation memory"]
    assert table.loc["standard", "parameters"] == "20,000"
    assert table.loc["polynomial, equal parameters", "parameters"] == "11,300 (-43.5%)"
    assert table.loc["polynomial, equal activation memory", "multiply-accumulates a row"] == "9.0 k (-50.0%)"
    assert table.loc["standard", "training, mean of the runs"] == "25 s"
    assert (
        table.loc["polynomial, equal activation memory", "training, mean of the runs"] == "20 s"
    )  # of those that ended


def test_what_was_reached_has_a_row_for_every_arm_and_counts_bad_endings(arms):
    numbers = tables.reached(arms)
    assert numbers.frame["mean"].tolist() == pytest.approx([61, 63.25, 59, 54])
    table = numbers.text
    assert list(table["n"]) == ["4", "4", "3 (1 ended badly)", "1"]
    percent = [100 * value for value in ACCURACY["standard"]]
    said = [f"{statistics.mean(percent):.2f}", f"{statistics.stdev(percent):.2f}"]
    assert table.loc["standard"].tolist()[1:3] == said
    assert table.loc["majority class"].tolist()[1:] == ["54.00", "–", "0.690", "–", "–"]


def test_loss_and_largest_logits_stand_beside_the_accuracy(arms):
    """Of the runs that ended well: an exploded one has a loss, but none that counts."""
    (first, second, third, fourth) = arms["parameters"]
    logits = [Health(0, 0, train_logit=3.0 + seed, test_logit=7000.0 - seed) for seed in range(3)]
    arms["parameters"] = [
        dataclasses.replace(first, health=logits[0], final=first.final | {"test": pnn.Score(0.6, 0.6)}),
        dataclasses.replace(second, health=logits[1], final=second.final | {"test": pnn.Score(0.8, 0.6)}),
        dataclasses.replace(third, final=third.final | {"test": pnn.Score(1.0, 0.6)}),
        dataclasses.replace(
            fourth,
            outcome="exploded",
            message="the test loss is 1e+06",
            final=fourth.final | {"test": pnn.Score(1e6, 0.6)},
            health=Health(0, 0, 1e9, 1e9),
        ),
    ]
    numbers = tables.reached(arms)
    row = ["test loss, nats", "largest logit, training rows", "largest logit, test rows"]
    assert numbers.text.loc["polynomial, equal parameters", row].tolist() == ["0.800", "4", "7,000"]
    assert set(numbers.more) == set(row[1:])


def test_comparisons_are_with_the_standard_arm_and_corrected_over_the_rows(arms):
    results = compared.by_arm(arms)
    assert list(results) == ["polynomial, equal parameters", "polynomial, equal activation memory"]  # one seed: no pair
    numbers = tables.comparisons(results, arms)
    assert numbers.frame["difference"].tolist() == [c.difference for c in results.values()]
    table = numbers.text
    assert table.iloc[1]["n"] == "3 (1 lost)"
    difference = 100 * statistics.mean(b - a for a, b in zip(ACCURACY["standard"], ACCURACY["parameters"], strict=True))
    assert table.iloc[0]["difference (95 %, seeds)"].startswith(f"{difference:+.2f} (")
    assert set(table["p (exact)"]) == set(table["p (Holm)"]) == {"–"}  # Of four pairs p is at least 0.125.
    values = [[100 * v for v in ACCURACY[arm]] for arm in ("standard", "parameters")]
    interval = scipy.stats.ttest_rel(values[1], values[0]).confidence_interval()
    assert table.iloc[0]["difference (95 %, seeds)"].endswith(f"({interval.low:+.2f} to {interval.high:+.2f})")
    assert table.iloc[0]["95 %, seeds alone (t)"] == f"{interval.low:+.2f} to {interval.high:+.2f}"


def test_p_is_corrected_over_the_rows_in_which_it_could_be_small(arms):
    zeros = [0.0] * 6
    tests = {
        "all of one sign": pnn.compare(zeros, [1, 2, 3, 4, 5, 6]),
        "but the smallest": pnn.compare(zeros, [-1, 2, 3, 4, 5, 6]),
        "by chance equal": pnn.compare(zeros, [-1, 2, 3, 4, 5, 6]),
        "too few": pnn.compare(zeros[:5], [1, 2, 3, 4, 5]),
    }
    table = tables.comparisons(tests, arms).text
    assert table["p (exact)"].tolist() == ["0.031", "0.062", "0.062", "–"]  # 2, 4 and 4 of 64 signs
    assert table["p (Holm)"].tolist() == ["0.094", "0.125", "0.125", "–"]  # by 3, 2 and 1, none below one before


def test_rows_of_one_kind_say_what_their_interval_is_over(arms):
    over_rows = dataclasses.replace(pnn.compare([1, 2, 3], [2, 3, 5]), rows=100)
    assert "difference (95 %, seeds and rows)" in tables.comparisons({"a": over_rows}, arms).text


def test_without_a_comparison_there_is_no_row(arms):
    assert tables.comparisons({}, arms).text.empty


def test_directions_have_a_column_a_kind_and_a_dash_where_there_is_none():
    up, down = pnn.compare([1, 2, 3], [2, 3, 4.1]), pnn.compare([1, 2, 3], [-9, -8, -7])
    table = tables.directions({"with ReLU, at a width": {"a": up, "b": down}, "without": {"b": up}}).text
    assert table.index.tolist() == ["a", "b"]
    assert table.to_numpy().tolist() == [["better", "–"], ["worse", "better"]]


def test_what_is_judged_is_shown_with_its_verdict():
    comparison = pnn.compare([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], lost=2)
    query = {"experiment": "higgs", "arm": "parameters", "measure": "accuracy", "rule": "no gain"}
    claim = Claim("a", "s", "a whole sentence", "none", **query)
    unknown = dataclasses.replace(comparison, n=1, low=-math.inf, high=math.inf)
    answers = [
        Answer(dataclasses.replace(claim, short="a few words"), "laptop", comparison, (), 1.0),
        Answer(claim, "laptop", unknown, (), 1.0),
    ]
    table = tables.judged(answers).text
    assert table.loc["a few words"].tolist() == [
        pnn.verdict(comparison, "no gain"),
        f"+2.00 ({comparison.low:+.2f} to {comparison.high:+.2f})",
        "3 (2 lost)",
    ]
    assert table.loc["a whole sentence"].tolist() == ["cannot tell", "–", "1 (2 lost)"]


def test_widths_of_equal_time_are_those_that_were_timed():
    timings = [json.loads(path.read_text()) for path in (ROOT / "benchmarks/results").glob("match_time-*.json")]
    assert timings
    for timing in timings:
        for row in timing["rows"]:
            settings = getattr(matched, f"{row['experiment'].upper()}_SETTINGS")
            assert row["standard width"] == settings[timing["size"]].network.width
            assert row["match"] == matched.WIDTHS[row["experiment"]][timing["size"]]["time"]


def test_the_endings_are_counted_and_the_share_has_its_exact_interval(arms):
    numbers = tables.endings(arms)
    assert numbers.frame["diverged"].tolist() == [0, 0, 1, 0]
    table = numbers.text
    assert table.loc["standard"].tolist() == ["4 ok", "0 (0 to 60)"]
    assert table.loc["polynomial, equal activation memory"].tolist() == ["3 ok, 1 diverged", "25 (1 to 81)"]


def test_arms_that_lost_no_run_are_counted_together(arms):
    assert list(tables.lossy(arms)) == ["memory"]
    del arms["memory"]
    assert tables.endings(tables.lossy(arms)).text.loc["all arms", "runs"] == "9 ok"


def test_runs_have_a_row_each_by_seed(arms):
    table = tables.runs({name: arms[name][:2] for name in ("standard", "parameters")}).text
    assert table.index.tolist() == [
        f"{name}, seed {seed}" for seed in (0, 1) for name in ("standard", "polynomial, equal parameters")
    ]
    assert table.iloc[1].tolist() == ["113", "11,300", "62.0", "10.0"]


def test_a_run_that_exploded_has_no_accuracy_that_counts(arms):
    run = arms["standard"][0].run
    exploded = whole_record(run, 0.9, loss=100.0, outcome="exploded", message="the loss is 100")
    row = tables.runs({"standard": [exploded]}).text.iloc[0]
    assert row["test accuracy, %"] == "–"


def test_the_audit_names_degree_or_obstacles():
    networks = {
        "standard": pnn.MLP("polynomial", 3, activation=pnn.Identity()),
        "bent": pnn.MLP("polynomial", 3),
    }
    table = tables.audited(networks, pnn.HIGGS()).text
    assert table.loc["standard"].tolist() == ["yes", "8", "3", "–"]
    assert table.loc["bent"].tolist() == ["no", "–", "–", "ReLU (3): relu"]


class Unread:
    """A network with an operation that the audit does not know."""

    def build(self, form):
        class Unique(torch.nn.Module):
            def forward(self, x):
                return x.unique()

        return Unique()


def test_what_the_audit_does_not_know_is_undecided():
    table = tables.audited({"standard": Unread()}, pnn.HIGGS()).text
    assert table.loc["standard"].tolist() == ["undecided", "–", "–", "Unique (1): _unique2"]


def test_widths_of_neurons_of_equal_time_are_those_that_were_timed():
    timed = {}
    for path in (ROOT / "benchmarks/results").glob("neuron_time-*.json"):
        timing = json.loads(path.read_text())
        for row in timing["rows"]:
            assert row["standard width"] == neurons.SETTINGS[row["task"]][timing["size"]].network.width
            if row["match"] is not None:
                timed.setdefault((row["task"], timing["size"]), {})[row["neuron"]] = row["match"]
    assert timed == neurons.TIME_WIDTHS
