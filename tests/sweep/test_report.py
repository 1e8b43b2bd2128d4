"""What a sweep's table says, against numbers worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import pnn
from pnn import plots, sweep
from pnn.study import load_record

ROOT = Path(__file__).parents[2]


def table(value) -> pd.DataFrame:
    """Two widths, three rates, two seeds; the value of each run as told."""
    rows = [
        {"width": width, "rate": rate, "seed": seed, "size": "smoke", "outcome": "ok", "message": ""}
        | {"accuracy": value(width, rate, seed), "word": "a", "run seconds": 1.0 + seed}
        for width in (1, 2)
        for rate in (0.1, 0.2, 0.3)
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows).rename_axis("run")


def sums(width, rate, seed):
    return 10 * width + 100 * rate + seed


def test_which_parameters_vary_and_which_values_are_numbers():
    frame = table(sums)
    assert sweep.varied(frame) == ["width", "rate", "seed"]
    assert sweep.responses(frame) == ["accuracy", "run seconds"]


def test_settings_are_ranked_with_t_intervals():
    found = sweep.settings(table(sums), "accuracy", ["width", "rate"])
    assert found[["width", "rate"]].iloc[0].tolist() == [2, 0.3]
    first = found.iloc[0]
    low, high = stats.t.interval(0.95, 1, loc=50.5, scale=np.std([50, 51], ddof=1) / math.sqrt(2))
    assert (first["n"], first["lost"], first["mean"]) == (2, 0, 50.5)
    assert (first["low"], first["high"]) == pytest.approx((low, high))
    assert sweep.settings(table(sums), "accuracy", ["width", "rate"], lowest=True).iloc[0]["width"] == 1


def test_a_lost_run_is_counted_and_a_setting_without_any_is_last():
    frame = table(
        lambda width, rate, seed: math.nan if width == 2 and (seed or rate == 0.1) else sums(width, rate, seed)
    )
    found = sweep.settings(frame, "accuracy", ["width", "rate"]).set_index(["width", "rate"])
    assert (found.loc[(2, 0.3), "n"], found.loc[(2, 0.3), "lost"]) == (1, 1)
    assert math.isnan(found.loc[(2, 0.3), "low"])
    assert found.index[-1] == (2, 0.1)
    assert found.loc[(2, 0.1), "n"] == 0


def test_a_sum_has_no_interaction_and_a_product_has():
    added = sweep.interactions(table(sums), "accuracy", ["width", "rate"])
    assert added["rms"][0] == pytest.approx(0, abs=1e-9)
    multiplied = sweep.interactions(table(lambda w, r, s: w * r + s), "accuracy", ["width", "rate"])
    left = np.array([[-1, 0, 1], [1, 0, -1]]) * 0.05  # w r less its row and column means
    assert multiplied["rms"][0] == pytest.approx(math.sqrt((left**2).sum() / 2))
    assert multiplied["noise"][0] == pytest.approx(math.sqrt(0.5 / 2))  # two seeds, one apart
    assert multiplied["ratio"][0] == pytest.approx(multiplied["rms"][0] / multiplied["noise"][0])


def test_a_pair_with_an_empty_cell_is_left_out():
    frame = table(sums)
    frame.loc[(frame["width"] == 2) & (frame["rate"] == 0.3), "accuracy"] = math.nan
    assert sweep.interactions(frame, "accuracy", ["width", "rate"]).empty


@pytest.mark.parametrize(
    ("response", "by", "message"),
    [
        ("word", ["width"], "response must be one of accuracy, run seconds, got 'word'"),
        ("accuracy", ["depth"], "'depth' is no parameter of this sweep; there are width, rate, seed"),
    ],
)
def test_a_wrong_column_says_which_there_are(response, by, message):
    with pytest.raises(sweep.SweepError, match=message):
        sweep.settings(table(sums), response, by)


def test_failures_are_listed_with_their_parameters():
    frame = table(sums)
    frame.loc[3, ["outcome", "message"]] = ["failed", "ValueError: no"]
    (row,) = sweep.failures(frame).to_dict("records")
    assert row == {"width": 1, "rate": 0.2, "seed": 1, "outcome": "failed", "message": "ValueError: no"}


def test_response_curves_show_every_run_and_the_means():
    frame = table(sums).assign(size=["smoke", "laptop"] * 6)
    figure = plots.response_curves(frame, "accuracy", ["width", "rate", "seed", "size"])
    assert [axis.get_xlabel() for axis in figure.axes] == ["width", "rate", "seed", "size"]
    runs, means = figure.axes[0].lines
    assert sorted(runs.get_ydata()) == sorted(frame["accuracy"])
    assert means.get_ydata().tolist() == pytest.approx([30.5, 40.5])
    assert [tick.get_text() for tick in figure.axes[3].get_xticklabels()] == ["laptop", "smoke"]


def test_the_books_example_is_that_of_its_records():
    frame = sweep.table(ROOT / "book/assets/sweep-example.csv")
    assert len(frame) == 36
    for _, row in frame.iterrows():
        point = {name: row[name] for name in ("size", "task", "width", "epochs", "seed")}
        for network, (run,) in pnn.experiments.width_scaling(**point).items():
            record = load_record(run, ROOT / "results")
            assert row[f"accuracy-{network.neuron}"] == pytest.approx(100 * record.final["test"].accuracy)
