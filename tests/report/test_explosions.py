"""Which trainings exploded, counted by hand."""

import dataclasses

import pytest
from whole import whole_record

import pnn
from pnn.analysis.health import Health
from pnn.report import explosions, plots

RUN = pnn.Run(pnn.Digits(), pnn.PolyNeXt("bilinear", 4), pnn.Recipe(2), 0, "smoke")


def record(seed: int, accuracy: float, losses: list[float], rows: int = 0, share: float = 0.0) -> pnn.Record:
    """A Record of two epochs with these validation losses; the last is that of all splits."""
    run = dataclasses.replace(RUN, seed=seed)
    curves = {"validation_loss": losses, "validation_exploded": [share, 0.0], "validation_logit": [3.0, 1e9]}
    health = Health(0, 0, 3.0, 4.0, train_exploded=0, test_exploded=rows)
    ended = {"outcome": "exploded", "message": "the loss"} if losses[-1] > 23.1 else {}
    return whole_record(run, accuracy, loss=losses[-1], curves=curves, health=health, **ended)


@pytest.fixture
def records() -> dict[str, list[pnn.Record]]:
    return {
        "polynext": [record(0, 0.4, [2.0, 1.0]), record(1, 0.5, [1e20, 1.0], share=0.01)],
        "polynext-unheld": [record(0, 0.4, [2.0, 1e9], rows=3), record(1, 0.3, [2.0, 1.0], rows=1)],
    }


def test_an_explosion_on_the_way_counts_beside_one_at_the_end(records):
    assert [explosions.ever_exploded(own) for own in records["polynext"]] == [False, True]
    assert [explosions.ever_exploded(own) for own in records["polynext-unheld"]] == [True, False]
    assert explosions.ever_exploded(pnn.Record.of_failure(RUN, "diverged", "step 1"))


def test_the_table_counts_runs_and_rows(records):
    text = explosions.table(records).text
    half = "50 (1 to 99)"
    ours, free = text.loc["PolyNeXt"].tolist(), text.loc["PolyNeXt, held by nothing"].tolist()
    assert ours[:8] == ["0.001", "0\xa0of\xa02", "0 (0 to 84)", "1\xa0of\xa02", "45.00", half, "0", "1"]
    assert free[:8] == ["0.001", "1\xa0of\xa02", half, "1\xa0of\xa02", "30.00", half, "3", "0"]


def test_the_figure_draws_every_run_on_logarithmic_axes(records):
    figure = plots.explosions(explosions.named(records, ["polynext", "polynext-unheld"]))
    loss, validation, logit = figure.axes
    assert {axis.get_yscale() for axis in figure.axes} == {"log"}
    drawn = [list(line.get_ydata()) for line in validation.lines]
    assert [1e20, 1.0] in drawn
    assert [5e19 + 1, 1.0] in drawn  # the median of two
    assert [3.0, 1e9] in [list(line.get_ydata()) for line in logit.lines]
    assert "training loss" in loss.get_ylabel()
