"""When does a product pay: errors, ratios, slopes and the model, each against what was planted."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from whole import whole_record

import pnn
from pnn.experiments import pays as experiment
from pnn.experiments.pays import Case
from pnn.report import pays, pays_model, plots
from pnn.runs.record_check import curves_of
from pnn.runs.score import Hits

SLOPE, WORSE, NOISE = -1.5, 0.4, 0.05  # in factors of 2: by share on smooth functions, on thresholds, of a seed


def record_of(run: pnn.Run, error: float) -> pnn.Record:
    """A Record with this error on all splits."""
    if run.task.form.classes:
        rows = run.task.test
        right = np.arange(rows) >= round(error * rows)
        return whole_record(run, right.mean(), hits=Hits.of(right))
    record = whole_record(dataclasses.replace(run, task=pnn.Known("majority")))
    names = () if isinstance(run.network, pnn.QuadraticRidge) else curves_of(run)
    final = {split: pnn.Score(error, r2=1 - error) for split in ("train", "validation", "test")}
    curves = {name: [0.5] * run.recipe.epochs for name in names}
    return dataclasses.replace(record, run=run, curves=curves, final=final, data={"origin": "drawn", "fingerprint": ""})


def planted(task: pnn.Known, arm: str) -> float:
    if arm != "polynomial":
        return 0.0
    return WORSE if task.kind == "threshold" else SLOPE * task.interaction


@pytest.fixture(scope="module")
def records() -> dict[Case, list[pnn.Record]]:
    draw = np.random.default_rng(0)
    return {
        case: [record_of(run, 0.2 * 2 ** (planted(run.task, case.arm) + draw.normal(0, NOISE))) for run in own]
        for case, own in experiment.runs("laptop").items()
    }


def test_the_error_of_numbers_is_what_r2_leaves_and_of_classes_the_wrong_answers():
    number = pnn.Run(pnn.Known("root"), pnn.MLP("standard", 4), pnn.Recipe(1, augment="none"), 0, "laptop")
    assert pays.error(record_of(number, 0.03)) == pytest.approx(0.03)
    classes = dataclasses.replace(number, task=pnn.Known("majority"))
    assert pays.error(record_of(classes, 0.1)) == pytest.approx(0.1, rel=2e-3)
    # Without a single wrong answer it is below that of one, and has a logarithm.
    assert math.isfinite(pays.log_error(record_of(classes, 0.0)))
    assert pays.error(record_of(classes, 0.0)) < 1 / 5000 < pays.error(record_of(classes, 1 / 5000))


def test_a_ratio_is_that_of_geometric_means_with_the_interval_of_t(records):
    case = Case("products 1", 2000, "polynomial")
    found = pays.against(records, "polynomial")[case]
    own, base = (np.log2([pays.error(r) for r in records[one]]) for one in (case, case._replace(arm="GELU")))
    assert found.difference == pytest.approx((own - base).mean())
    assert found.difference == pytest.approx(SLOPE, abs=0.1)
    half = stats.sem(own - base) * stats.t.ppf(0.975, len(own) - 1)
    assert (found.low, found.high) == pytest.approx((found.difference - half, found.difference + half))
    row = pays.ratios(records).frame.loc["products 1"]
    assert row["polynomial"] == pytest.approx(2**found.difference)
    assert row["polynomial_low"] == pytest.approx(2**found.low)


def test_the_slopes_are_those_that_were_planted(records):
    found = pays.slopes(records)
    assert list(found) == [500, 2000, 8000]
    for comparison in found.values():
        assert comparison.n == 8
        assert comparison.low < SLOPE < comparison.high
        assert comparison.p == 2 / 2**8  # All seeds agree.
        assert comparison.mean_a == pytest.approx(0, abs=0.1)
    assert pays.slopes_table(found).frame["p_holm"].tolist() == pytest.approx([3 * 2 / 2**8] * 3)


def test_a_seed_that_lacks_a_run_has_no_slope_and_is_counted(records):
    case = Case("products 0.5", 2000, "polynomial")
    lost = pnn.Record.of_failure(records[case][3].run, "diverged", "step 1")
    found = pays.slopes(records | {case: [*records[case][:3], lost, *records[case][4:]]})
    assert (found[2000].n, found[2000].lost) == (7, 1)
    assert (found[500].n, found[500].lost) == (8, 0)


def test_where_neither_arm_has_learned_anything_there_is_no_ratio(records):
    own, base = Case("parity-4", 2000, "polynomial"), Case("parity-4", 2000, "GELU")
    chance = {case: [record_of(r.run, 0.49) for r in records[case]] for case in (own, base)}
    assert all(map(pays.blind, chance.values()))
    assert not pays.blind(records[own])
    assert own not in pays.against(records | chance, "polynomial")
    assert own in pays.against(records | {own: chance[own]}, "polynomial")  # The other one has.
    table = pays.ratios(records | chance)
    assert table.text.loc["parity-4", "polynomial"] == "–"
    counts = pays.counts(pays.against(records | chance, "polynomial"), pays.tasks_of(records))
    assert counts.frame.loc["threshold"].sum() == 5


def test_kinds_are_counted_by_their_whole_intervals(records):
    found = {case: c for case, c in pays.against(records, "polynomial").items() if case.rows == 2000}
    table = pays.counts(found, pays.tasks_of(records)).frame
    assert table.loc["threshold"].tolist() == [0, 6, 0]
    assert table.loc["product", "better"] >= 3
    assert table.to_numpy().sum() == len(found)


def test_ridge_has_a_ratio_without_an_interval(records):
    row = pays.ratios(records).text.loc["products 0.5"]
    assert row["ridge"].count("(") == 0
    assert float(row["ridge"]) == pytest.approx(1, abs=0.2)


def frame_of(slopes: tuple[float, float], between: float, seed: int) -> pd.DataFrame:
    """Thirty tasks, ten of them thresholds, with a deviation between tasks, and eight seeds each."""
    draw, rows = np.random.default_rng(seed), []
    for task in range(30):
        threshold, share, doublings = int(task % 3 == 0), draw.uniform(), draw.choice([-2, 0, 2])
        level = 0.3 * threshold + slopes[threshold] * share - 0.1 * doublings + draw.normal(0, between)
        facts = {"task": f"{task}", "threshold": threshold, "interaction": share, "doublings": doublings}
        rows += [facts | {"ratio": level + draw.normal(0, 0.1)} for _ in range(8)]
    return pd.DataFrame(rows)


def test_the_model_finds_the_slopes_that_were_planted():
    truth = [0.0, 0.3, -1.0, 0.5, -0.1]
    held, held_by_tasks = np.zeros(5), np.zeros(5)
    for seed in range(8):
        table = pays_model.model_of(frame_of((-1.0, 0.5), 0.2, seed)).frame
        held += (table["low"] < truth) & (truth < table["high"])
        held_by_tasks += (table["boot_low"] < truth) & (truth < table["boot_high"])
    # Of forty 95 % intervals a few miss by chance; a bootstrap over ten thresholds is a little narrow.
    assert held.sum() >= 34
    assert held_by_tasks.sum() >= 31


def test_the_model_of_the_records_is_that_of_the_planted_ratios(records):
    table = pays_model.model(records).frame
    slope = table.loc[pays_model.TERMS["smooth_share"]]
    assert slope["low"] < SLOPE < slope["high"]
    assert slope["high"] < -1
    assert table.loc[pays_model.TERMS["threshold"], "low"] > 0


def test_too_few_tasks_have_no_model(records):
    one = {case: own for case, own in records.items() if case[:2] == ("products 1", 2000)}
    assert pays_model.model(one).frame["estimate"].isna().all()
    assert pays.slopes(one) == {}


def test_the_task_with_most_arms_is_the_one_whose_costs_are_shown(records):
    assert list(pays.of_task(records)) == [*experiment.NETWORKS, "ridge"]


def test_figures_draw_the_ratios(records):
    tasks, family = pays.tasks_of(records), pays.family(records)
    (axis,) = plots.advantage_by_share(family, tasks).axes
    lines = [line for line in axis.lines if len(line.get_xdata()) == 5 and line.get_linestyle() not in ("None", "")]
    assert [line.get_xdata().tolist() for line in lines] == [list(experiment.SHARES)] * 3
    expected = [2 ** family[Case(f"products {share:g}", 500, "polynomial")].difference for share in experiment.SHARES]
    assert lines[0].get_ydata().tolist() == pytest.approx(expected)

    found = {case: c for case, c in pays.against(records, "polynomial").items() if case.rows == 2000}
    (axis,) = plots.advantage_by_task(found, tasks).axes
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert set(names) == {case.task for case in found}
    assert names[0] == "products 1"


def test_the_rates_that_were_chosen_are_counted(records):
    table = pays.rates_table(records).frame
    assert table.loc["GELU"].sum() == 26
    assert table.loc["kan"].sum() == len(experiment.SHOWN)
