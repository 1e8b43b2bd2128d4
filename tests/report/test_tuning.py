"""What the tuning of learning rates found, as a table and as a figure."""

import dataclasses

import pytest
from whole import whole_record

import pnn
from pnn.experiments.rates import Tried
from pnn.report import plots, tuning

RUN = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 1000, "laptop")


def tried(accuracy: float, lost: int = 0, runs: int = 3) -> list[pnn.Record]:
    good = whole_record(RUN)
    validation = dataclasses.replace(good.final["validation"], accuracy=accuracy)
    good = dataclasses.replace(good, final=good.final | {"validation": validation})
    return [good] * (runs - lost) + [pnn.Record.of_failure(RUN, "diverged", "why")] * lost


FOUND = {
    Tried("standard", 1e-3): tried(0.7),
    Tried("star", 1e-3): tried(0.6),
    Tried("standard", 1e-2): tried(0.8),
    Tried("star", 1e-2): tried(0.9, lost=2),
    Tried("standard", 1e-1): tried(0.5, lost=3),
    Tried("star", 1e-1): tried(0.5),
}


def test_a_row_an_arm_with_its_best_and_the_sources_rate():
    found = tuning.table(FOUND, 1e-1)
    assert found.frame.loc["standard", ["best", "n", "lost", "lost_as_published"]].tolist() == ["0.01", 3, 0, 3]
    # Of the runs of star at 0.01 one ended well, with 90 %: as two did not, 0.001 is better.
    assert found.frame.loc["star", ["best", "reached", "reached_as_published"]].tolist() == ["0.001", 60.0, 50.0]
    assert found.text.loc["standard"].tolist() == ["0.01", "80.00", "– (3 ended badly)", "3"]


def test_a_rate_and_a_ratio_are_shown_together():
    found = tuning.table(
        {
            Tried(("relinear", 8), (0.1, 1e-4)): tried(0.7),
            Tried(("standard", 8), (0.3, 1.0)): tried(0.6),
        },
        lambda name: (0.1, 1e-4) if "relinear" in name else (0.1, 1.0),
    )
    assert found.frame["best"].tolist() == ["0.1, ratio 0.0001", "0.3"]
    assert found.text.loc["standard/8", "at the source's, %"] == "–"


def test_the_figure_has_a_line_an_arm_with_a_gap_where_no_run_ended_well():
    (axis,) = plots.rates(tuning.by_rate(FOUND), 1e-3).axes
    published, standard, star = axis.lines
    assert published.get_xdata()[0] == 1e-3
    assert standard.get_xdata().tolist() == [1e-3, 1e-2, 1e-1]
    assert standard.get_ydata()[:2] == pytest.approx([70, 80])
    assert standard.get_ydata()[2] != standard.get_ydata()[2]
    assert star.get_ydata() == pytest.approx([60, 90, 50])
    assert {text.get_text() for text in axis.texts} >= {"standard", "star"}


def test_the_tuning_of_some_arms_by_a_part_of_their_names():
    arms = pnn.experiments.neurons
    found = {Tried(arms.Arm("ccp", "parameters", a), 1.0): [a] for a in ("relu", "none")}
    assert tuning.by_part(found, "neuron", activation="none") == {Tried("ccp", 1.0): ["none"]}
