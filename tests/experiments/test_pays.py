"""When does a product pay: which tasks and arms there are, what they have in common, and their learning rates."""

import collections
from pathlib import Path

import pytest
import torch

import pnn
from pnn.experiments import common, pays
from pnn.experiments.rates import SEEDS, best
from pnn.runs.store import load_record
from pnn.studies.study import in_turn

RESULTS = Path(__file__).parents[2] / "results"


def parameters(run: pnn.Run) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in run.network.build(run.task.form).parameters())


def test_widths_are_those_that_match_in_parameters():
    task, standard = pays.FAMILY[0], pays.NETWORKS["standard"]
    for arm, network in pays.NETWORKS.items():
        found = common.matching_width(task, standard, network, "parameters", pays.TOLERANCE)
        assert found == network.width, arm


def test_the_arms_of_a_task_differ_in_network_and_rate_alone():
    by_task = collections.defaultdict(list)
    for case, (run, *_) in pays.runs("laptop").items():
        if case.arm != "ridge":
            by_task[case[:2]].append(run)
    assert len(by_task) == 26
    for runs in by_task.values():
        assert len({run.task for run in runs}) == len({run.recipe.epochs for run in runs}) == 1
        goal = parameters(runs[0])
        assert goal == pytest.approx(5700, rel=0.01)
        assert all(abs(parameters(run) / goal - 1) <= pays.TOLERANCE for run in runs)
        (steps,) = {-(-run.task.rows // run.recipe.batch_size) * run.recipe.epochs for run in runs}
        assert steps == pytest.approx(pays.STEPS, rel=0.05)
        assert all(run.recipe.patience == run.recipe.epochs for run in runs)  # The best epoch is kept, none is cut off.


def test_the_confirmatory_family_can_reach_five_in_a_hundred():
    arms = pays.runs("laptop")
    for case, own in arms.items():
        if case.task.startswith("products") and case.arm in pays.PAIR:
            assert [run.seed for run in own] == list(range(8))
    assert 2 ** (1 - 8) * len(pays.ROWS) < 0.05
    shares = collections.Counter(run.task.rows for run in in_turn(arms) if run.task.target == "products")
    assert shares.keys() == set(pays.ROWS)


def test_only_products_without_an_activation_are_polynomials():
    degrees = {}
    for arm, network in pays.NETWORKS.items():
        found = pnn.audit(network.build(pays.FAMILY[0].form), torch.zeros(1, 20))
        degrees[arm] = found.degree if found.polynomial else None
    assert degrees == {
        "standard": None,
        "GELU": None,
        "polynomial-relu": None,
        "polynomial": 4,
        "bilinear": 4,
        "quadratic": 4,
        "ccp": 9,
        "kan": None,
    }


def test_tuning_tries_every_rate_of_every_arm_by_a_seed_that_no_result_has():
    results, tuned = pays.runs("laptop"), pays.tuning_runs("laptop")
    networks = {case for case in results if case.arm != "ridge"}
    assert tuned.keys() == {(case, rate) for case in networks for rate in pays.RATES_TRIED}
    assert all([run.seed for run in own] == [SEEDS[0]] for own in tuned.values())
    assert not {run.seed for run in in_turn(results)} & set(SEEDS)


def test_rates_are_those_that_the_records_of_the_tuning_choose():
    records = {tried: [load_record(run, RESULTS) for run in own] for tried, own in pays.tuning_runs("laptop").items()}
    found = best(records)
    kept = {
        pays.Case(task, rows, arm): rate
        for task, rows in pays.RATES
        for arm, rate in zip(pays.arms_of(task_of(task, rows)), pays.RATES[task, rows], strict=True)
    }
    assert kept == found


def task_of(title: str, rows: int) -> pnn.Known:
    return next(task for task in pays.FAMILY + pays.OTHERS if (task.title, task.rows) == (title, rows))


def test_smoke_is_one_task_and_all_arms():
    arms = pays.runs("smoke")
    assert [case.arm for case in arms] == [*pays.NETWORKS, "ridge"]
    assert {run.task for run in in_turn(arms)} == {pnn.Known("products", share=0.5)}
    assert {len(own) for case, own in pays.runs("paper", seeds=3).items() if case.arm != "ridge"} == {3}
    with pytest.raises(pnn.RunError, match="size must be one of 'smoke', 'laptop', 'paper', got 'large'"):
        pays.runs("large")
