"""What a sweep's table says, against numbers worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import pnn
from pnn import sweep
from pnn.report import plots
from pnn.runs.store import load_record

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
    assert found.index[0] == (2, 0.3)
    first = found.iloc[0]
    low, high = stats.t.interval(0.95, 1, loc=50.5, scale=np.std([50, 51], ddof=1) / math.sqrt(2))
    assert (first["n"], first["lost"], first["mean"]) == (2, 0, 50.5)
    assert (first["low"], first["high"]) == pytest.approx((low, high))
    assert sweep.settings(table(sums), "accuracy", ["width", "rate"], lowest=True).index[0] == (1, 0.1)


def test_a_lost_run_is_counted_and_a_setting_without_any_is_last():
    frame = table(
        lambda width, rate, seed: math.nan if width == 2 and (seed or rate == 0.1) else sums(width, rate, seed)
    )
    found = sweep.settings(frame, "accuracy", ["width", "rate"])
    assert (found.loc[(2, 0.3), "n"], found.loc[(2, 0.3), "lost"]) == (1, 1)
    assert math.isnan(found.loc[(2, 0.3), "low"])
    assert found.index[-1] == (2, 0.1)
    assert found.loc[(2, 0.1), "n"] == 0
    assert found.index[0] == (1, 0.3)  # (2, 0.3) is higher, but lost a run


@pytest.mark.parametrize("outcome", ["failed", "diverged", "oom", "timeout", "killed", "not done"])
def test_what_a_run_left_that_did_not_end_well_does_not_count(outcome):
    frame = table(sums)
    frame.loc[0, ["outcome", "accuracy", "run seconds"]] = [outcome, 1e6, 0.0]
    for response in ("accuracy", "run seconds"):
        first = sweep.settings(frame, response, ["width", "rate"]).loc[(1, 0.1)]
        assert (first["n"], first["lost"]) == (1, 1)
        assert np.isnan(sweep.well_ended(frame, response)[0])
    runs = plots.response_curves(frame, "accuracy", ["width"]).axes[0].lines[0]
    assert max(runs.get_ydata()) < 1e6


def test_a_number_that_is_not_finite_is_none():
    frame = table(lambda width, rate, seed: math.inf if seed else 1.0)
    assert sweep.settings(frame, "accuracy", ["width"])["mean"].tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="no run ended well with a number called 'accuracy'"):
        plots.response_curves(table(lambda *_: math.inf), "accuracy", ["width"])


def test_the_best_setting_is_compared_with_the_others_by_the_repetitions_that_both_have():
    noise = {0: 5.0, 1: -3.0, 2: 1.0}
    frame = pd.DataFrame(
        [
            {"width": width, "seed": seed, "outcome": "ok", "message": ""}
            | {"accuracy": 10 * width + noise[seed] + extra, "run seconds": 1.0}
            for width, extras in {1: (0, 0.5, 1), 2: (0, 1, 0), 3: (0, 0, 0)}.items()
            for seed, extra in enumerate(extras)
            if (width, seed) != (2, 2)
        ]
    )
    found = sweep.against_best(frame, "accuracy", ["width"])
    assert found.index.tolist() == [(2,), (1,)]
    assert found["pairs"].tolist() == [2, 3]
    d = [20.0, 19.5, 19.0]
    low, high = stats.t.interval(0.95, 2, loc=19.5, scale=stats.sem(d))
    last = found.iloc[1]
    assert last[["difference", "low", "high"]].tolist() == pytest.approx([19.5, low, high])
    p = stats.ttest_1samp(d, 0.0).pvalue
    assert last["p"] == pytest.approx(3 * p)  # three pairs of settings
    found = sweep.against_best(frame, "accuracy", ["width"], lowest=True)
    assert found.index.tolist() == [(2,), (3,)]
    assert found["difference"].tolist() == pytest.approx([-10.25, -19.5])


def test_without_repetitions_nothing_is_said_of_differences():
    found = sweep.against_best(table(sums).query("seed == 0"), "accuracy", ["width", "rate"])
    assert len(found) == 5
    assert found[["low", "high", "p"]].isna().all(axis=None)


def test_a_sum_has_no_interaction_and_a_product_has():
    added = sweep.interactions(table(sums), "accuracy", ["width", "rate"])
    assert added["rms"][0] == pytest.approx(0, abs=1e-9)
    # at width 1 the second seed is one better, at width 2 one worse
    multiplied = sweep.interactions(table(lambda w, r, s: w * r + s * (3 - 2 * w)), "accuracy", ["width", "rate"])
    left = np.array([[-1, 0, 1], [1, 0, -1]]) * 0.05  # w r less its row and column means
    assert multiplied["rms"][0] == pytest.approx(math.sqrt((left**2).sum() / 2))
    variance = 12 * 0.5**2 / 5  # six settings, two seeds
    assert multiplied["noise"][0] == pytest.approx(math.sqrt(variance / 2))
    assert multiplied["ratio"][0] == pytest.approx(multiplied["rms"][0] / multiplied["noise"][0])


def test_what_a_seed_does_to_all_settings_is_no_noise_if_they_share_seeds():
    frame = table(lambda w, r, s: w * r + s)
    assert sweep.interactions(frame, "accuracy", ["width", "rate"])["noise"][0] == pytest.approx(0, abs=1e-9)
    frame["seed"] = range(12)  # every run its own
    assert sweep.interactions(frame, "accuracy", ["width", "rate"])["noise"][0] == pytest.approx(math.sqrt(0.5 / 2))


def test_parameters_may_be_named_as_columns_are():
    frame = table(sums).rename(columns={"width": "mean", "rate": "p"})
    found = sweep.settings(frame, "accuracy", ["mean", "p"])
    assert found.index.names == ["mean", "p"]
    assert found["mean"].iloc[0] == 50.5
    assert sweep.against_best(frame, "accuracy", ["mean", "p"])["difference"].iloc[0] == 10
    assert sweep.interactions(frame, "accuracy", ["mean", "p"])["rms"][0] == pytest.approx(0, abs=1e-9)
    assert sweep.cell_means(found, "mean", "p").loc[2].tolist() == pytest.approx([30.5, 40.5, 50.5])


def test_a_third_parameter_is_neither_noise_nor_interaction():
    """However far its values lie apart, and though a run is lost."""
    frame = pd.concat([table(lambda w, r, s: w * r + s).assign(task=task) for task in (0.0, 50.0)], ignore_index=True)
    frame = frame[["task", *frame.columns.drop("task")]]
    frame["accuracy"] += frame["task"]
    frame.loc[3, "outcome"] = "killed"
    found = sweep.interactions(frame, "accuracy", ["task", "width", "rate"]).set_index("parameters")
    # the setting that lost its run of seed 1 is half lower: a quarter in the mean of its cell over two tasks
    left = np.array([[-1, 0, 1], [1, 0, -1]]) * 0.05 + np.array([[1, -2, 1], [-1, 2, -1]]) / 6 * 0.25
    assert found.loc["width, rate", "rms"] == pytest.approx(math.sqrt((left**2).sum() / 2))
    inverse = (11 * 0.5 + 1) / 12  # one run over the number of runs of each setting, on average
    assert found.loc["width, rate", "noise"] == pytest.approx(math.sqrt(0.5 * inverse / 2))


def test_noise_alone_has_a_ratio_of_about_one():
    rng = np.random.default_rng(0)
    squares = []
    for _ in range(60):
        frame = pd.concat([table(lambda *_: rng.normal()).assign(task=task) for task in (0, 1)], ignore_index=True)
        frame = frame[["task", *frame.columns.drop("task")]]
        frame["accuracy"] += 10 * frame["task"]
        squares.append(sweep.interactions(frame, "accuracy", ["task", "width", "rate"])[["rms", "noise"]] ** 2)
    mean = pd.concat(squares).mean()
    assert mean["rms"] / mean["noise"] == pytest.approx(1.0, rel=0.15)


def test_without_every_combination_there_are_no_interactions_and_no_means_of_one():
    frame = table(sums)
    assert sweep.is_complete(frame, "accuracy", ["width", "rate"])
    frame.loc[(frame["width"] == 2) & (frame["rate"] == 0.3), "outcome"] = "diverged"
    assert not sweep.is_complete(frame, "accuracy", ["width", "rate"])
    assert sweep.interactions(frame, "accuracy", ["width", "rate"]).empty
    together = frame.query("(width == 1 and rate == 0.1) or (width == 2 and rate == 0.2)")  # as --zip
    assert [len(axis.lines) for axis in plots.response_curves(together, "accuracy", ["width", "rate"]).axes] == [1, 1]
    assert [len(axis.lines) for axis in plots.response_curves(together, "accuracy", ["width"]).axes] == [2]


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
        for network, (run,) in pnn.experiments.width_scaling.runs(**point).items():
            record = load_record(run, ROOT / "results")
            for name, part in {"accuracy": "test", "validation": "validation"}.items():
                assert row[f"{name}-{network.neuron}"] == pytest.approx(100 * record.final[part].accuracy)
