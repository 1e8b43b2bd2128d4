"""The contest of polynomial activations, counted by hand."""

import dataclasses

import pytest
from whole import whole_record

import pnn
from pnn.analysis.health import Health
from pnn.experiments.stable import Arm
from pnn.experiments.stable_axes import Deep, Held
from pnn.report import contest, plots

RUN = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 0, "smoke")
OF = "\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}"
LOST = "\N{NO-BREAK SPACE}lost"


def runs(*accuracies: float | None, outside: float | None = None, exploded: int = 0) -> list[pnn.Record]:
    """Records of these test accuracies, None of a training that diverged."""
    found = []
    for seed, accuracy in enumerate(accuracies):
        run = dataclasses.replace(RUN, seed=seed)
        if accuracy is None:
            found.append(pnn.Record.of_failure(run, "diverged", "step 1"))
            continue
        scaled = {"scaled_median": [1.0, 2.0, 3.0, 4.0, 5.0], "scaled_largest": [1.0, 20.0, 1e3, 1e12, 1e20]}
        health = Health(0, 0, 3.0, 4.0, outside, outside, exploded, exploded + seed, 0.3, **scaled)
        record = whole_record(run, accuracy, health=health)
        epochs = len(record.curves["train_loss"])
        worst = {"validation_exploded": [0.02] + [0.0] * (epochs - 1), "activation_rms.1": [1.0] * epochs}
        found.append(dataclasses.replace(record, curves=record.curves | worst))
    return found


@pytest.fixture
def records() -> dict[Arm, list[pnn.Record]]:
    return {
        Arm("relu"): runs(0.9, 0.8),
        Arm("hermite", 2): runs(0.8, 0.8),
        Arm("chebyshev", 2, "tight"): runs(0.7, 0.6, outside=0.01),
        Arm("chebyshev", 8, "tight"): runs(0.7, None, outside=0.02, exploded=3),
        Arm("published", 8, "tight", "both"): runs(0.8, 0.7, outside=0.001),
        Arm("chebyshev", 8, "tight", "both"): runs(0.8, 0.7, outside=0.001),
        Arm("published", 8, "published"): runs(None, None),
        Arm("chebyshev", 8, "published"): runs(0.5, 0.5),
        Arm("relu", rate="best"): runs(0.95, 0.85),
    }


def test_shares_are_of_one_interval_and_of_ways_that_stand_at_every_degree(records):
    assert contest.shares(records, "tight") == {"free": [(2, 0, 2), (8, 1, 2)]}
    assert contest.shares(records, "published") == {}


def test_a_table_by_degree_counts_what_was_lost_and_says_what_is_not_there(records):
    table = contest.by_degree(records, "tight")
    rows = [("powers, frozen", "both"), ("Chebyshev, trained", "free"), ("Chebyshev, trained", "both")]
    assert list(table.frame.index) == rows
    assert table.text["degree 2"].tolist() == ["–", f"0{OF}2", "–"]
    assert table.text["degree 8"].tolist() == [f"0{OF}2", f"1{OF}2", f"0{OF}2"]
    assert table.frame.loc[rows[1], "lost degree 8"] == 1
    assert "tight interval" in table.caption


def test_an_accuracy_by_degree_is_of_those_that_ended_well(records):
    assert contest.accuracy_by_degree(records, "tight").text["degree 8"].tolist() == ["75.00", "70.00", "75.00"]
    published = contest.accuracy_by_degree(records, "published")
    assert published.text["degree 8"].tolist() == [f"2{OF}2 lost", "50.00"]


def test_a_table_has_one_degree_and_what_has_no_interval(records):
    table = contest.table(contest.of_degree(records, 8))
    relu, free = ("ReLU", "none", "free"), ("Chebyshev, trained", "tight", "free")
    assert len(table.frame) == 7
    assert table.text.loc[relu].tolist()[:5] == [f"0{OF}2", "85.00", "0.5", "2", "0 (0 to 84)"]
    assert table.text.loc[free].tolist()[:6] == [f"1{OF}2", "70.00", "3", "2", "50 (1 to 99)", "2"]
    assert table.text.loc["powers, frozen", "published", "free"].tolist()[:4] == [f"2{OF}2", "–", "–", "–"]
    assert "degree 8" in table.caption


def test_arms_are_chosen_by_their_rate_and_by_what_holds_them(records):
    assert list(contest.held(records)) == [
        "ReLU",
        "powers, frozen, degree 8, tight",
        "Chebyshev, trained, degree 8, tight",
    ]
    assert contest.best(records) == {"ReLU": records[Arm("relu", rate="best")]}
    assert list(contest.beyond(records)) == ["ReLU", "degree 8"]


def test_depths_and_strengths_are_columns():
    relu, tight = Arm("relu"), Arm("chebyshev", 8, "tight")
    deep = {Deep(arm, depth): runs(0.5, 0.7) for depth in (3, 20) for arm in (relu, tight)}
    deep[Deep(tight, 20)] = runs(None, None)
    table = contest.by_depth(deep)
    assert table.text["3 layers"].tolist() == [f"60.00; 0{LOST}"] * 2
    assert table.text["20 layers"].tolist() == [f"60.00; 0{LOST}", f"2{OF}2 lost"]
    assert list(contest.deepest(deep)) == ["ReLU, free", "Chebyshev, trained, degree 8, tight, free"]
    strong = {Held(10.0, ratio): runs(0.5, None) for ratio in (0.75, 0.5)}
    table = contest.by_strength(strong)
    assert list(table.text.columns) == ["from 0.5 B", "from 0.75 B"]
    assert table.text.iloc[0].tolist() == [f"50.00; 1{LOST}"] * 2


def test_the_figure_of_layers_leaves_out_what_was_never_evaluated():
    figure = plots.layers_by_epoch({"a": runs(0.5, 0.6), "b": runs(0.5, None)})
    assert [len(axis.lines) for axis in figure.axes] == [2, 2]
    assert {axis.get_yscale() for axis in figure.axes} == {"log"}


def test_logits_by_scale_are_medians_of_the_runs_and_ticks_are_powers():
    figure = plots.logits_by_scale({"ReLU": runs(0.5, 0.6), "degree 8": [], "degree 22": runs(None)})
    middle, largest = figure.axes
    assert [list(line.get_ydata()) for line in middle.lines] == [[1, 2, 3, 4, 5]]
    assert [list(line.get_ydata()) for line in largest.lines] == [[1, 20, 1e3, 1e12, 1e20]]
    figure.canvas.draw()
    assert "10²⁰" in {text.get_text() for text in largest.get_yticklabels()}
