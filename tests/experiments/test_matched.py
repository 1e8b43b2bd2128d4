"""The experiments' arms: what they share, what is matched, and that the committed Records are still theirs."""

import dataclasses
import functools
import hashlib
import importlib
import json
from pathlib import Path

import pandas as pd
import pytest
import safetensors.torch
import torch
from torch.nn import functional as F

import pnn
from pnn import experiments
from pnn.experiments import common, matched
from pnn.networks import Baseline, Network
from pnn.studies.study import in_turn, study

SIZES = ("smoke", "laptop", "paper")
FOUR = {"standard", "parameters", "macs", "memory"}
SIDES = {  # without "time", which a size has where it was timed
    **{(name, size): FOUR for name in ("cifar10", "cifar100") for size in SIZES},
    **{("boolq", size): FOUR | {"majority", "bag-of-words"} for size in SIZES},
    **{("higgs", size): FOUR | {"source", "boosted-trees", "majority"} for size in SIZES},
}
PUBLISHED = {"published-standard", "published-parameters"}  # where rates were tuned
for size in ("smoke", "laptop"):
    SIDES["higgs", size] = SIDES["higgs", size] | PUBLISHED
each_experiment = pytest.mark.parametrize(("name", "size"), SIDES)
every_experiment = pytest.mark.parametrize("name", experiments.EXPERIMENTS)
# Those that choose learning rates have seeds of their own.
RESULTS = [name for name in experiments.EXPERIMENTS if not name.startswith("rates-")]
every_result = pytest.mark.parametrize("name", RESULTS)
# the others' arms differ in more than neuron and width: see test_experiments_of_neurons.py
ON_DISK = [name for name in experiments.EXPERIMENTS if not name.endswith("when-it-pays")]  # rows that exist
ALIKE = [
    name
    for name in RESULTS
    if name in ON_DISK
    and name.split("-")[0]
    not in (
        *("activation", "discovery", "interactions", "leaks", "neurons", "polynomials", "precision", "relinear"),
        *("stable", "tpgu"),
    )
]
FROM_THE_SOURCE = {  # epochs, batch, learning rate, augmentation, width of the standard network; our width of its equal
    "cifar10": (20, 128, 1e-3, "crop-flip", 149, 86),  # 86 in the source too
    "cifar100": (20, 128, 1e-3, "crop-flip", 149, 87),  # 86, 1.2 % fewer
    "boolq": (20, 128, 1e-4, "none", 256, 145),  # 148, 1.3 % more, or 3.6 % without the embedding
    "higgs": (4, 256, 1e-3, "none", 200, 113),  # 98, 24 % fewer
}


def arms_of(name: str, size: str, **settings) -> dict[str, list[pnn.Run]]:
    return experiments.EXPERIMENTS[name](size, **settings)


def trained(arms: dict) -> dict:
    """The arms without baselines."""
    return {arm: runs for arm, runs in arms.items() if not isinstance(runs[0].network, Baseline)}


def cost_of(run: pnn.Run) -> pnn.Budget:
    return cost(run.network, run.task.form)


@functools.cache
def cost(network: Network, form: pnn.Form) -> pnn.Budget:
    with torch.device("meta"):
        model = network.build(form)
        return pnn.budget(model, torch.zeros(1, *form.shape, dtype=torch.int32 if form.vocabulary else torch.float32))


def parameters(network: Network, form: pnn.Form) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in network.build(form).parameters())


# --- the arms -------------------------------------------------------------------------------------------------------


@each_experiment
def test_an_experiment_has_the_arms_of_its_documentation(name, size):
    arms = arms_of(name, size)
    assert arms.keys() - {"time"} == SIDES[name, size]
    for arm, runs in arms.items():
        kinds = {run.network.neuron for run in runs}
        assert kinds == {
            {"standard": "standard"}.get(
                arm.removeprefix("published-"), "none" if isinstance(runs[0].network, Baseline) else "polynomial"
            )
        }
        assert len({run.network for run in runs}) == 1
    for baseline in {"majority", "bag-of-words", "boosted-trees"} & arms.keys():
        assert {run.network.name for run in arms[baseline]} == {baseline}


@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("size", SIZES)
def test_all_that_is_trained_shares_rows_recipe_and_architecture(name, size):
    arms = arms_of(name, size)
    runs = in_turn(arms)
    assert {run.size for run in runs} == {size}
    assert len({run.task for run in runs}) == 1
    networks = in_turn(trained(arms))
    assert len({dataclasses.replace(run.recipe, learning_rate=1) for run in networks}) == 1
    tuned = {(run.network.neuron, run.recipe.learning_rate) for arm in arms.keys() - PUBLISHED for run in arms[arm]}
    assert len({neuron for neuron, _ in tuned}) == len(tuned), "a neuron has one learning rate, but for the source's"
    published = [run for arm in arms.keys() & PUBLISHED for run in arms[arm]]
    assert len({run.recipe.learning_rate for run in published}) <= 1
    assert len({(run.network.name, run.network.activation) for run in networks}) == 1
    assert {run.recipe.source for run in runs if isinstance(run.network, Baseline)} <= {"scikit-learn"}


@every_result
@pytest.mark.parametrize("size", SIZES)
def test_all_arms_have_the_same_first_seeds(name, size):
    arms = arms_of(name, size)
    for runs in arms.values():
        assert [run.seed for run in runs] == list(range(len(runs)))
        assert runs
    if "parameters" in arms:
        most = max(len(runs) for runs in arms.values())
        assert len(arms["standard"]) == len(arms["parameters"]) == most >= 2


@every_experiment
def test_seeds_may_be_chosen_on_every_arm(name):
    arms = arms_of(name, "smoke", seeds=3)
    random = {arm: runs for arm, runs in arms.items() if runs[0].network.name not in ONE_SEED}
    assert {len(runs) for runs in random.values()} == {3}


ONE_SEED = ("majority", "bag-of-words", "ridge")  # nothing in them is random


@pytest.mark.parametrize("size", SIZES)
def test_what_is_not_random_has_one_seed(size):
    arms = arms_of("boolq", size, seeds=7)
    assert [len(arms[arm]) for arm in ONE_SEED if arm in arms] == [1, 1]


@pytest.mark.parametrize("name", ON_DISK)
def test_only_smoke_uses_stand_ins(name):
    rows = {size: {run.task.rows for run in in_turn(arms_of(name, size))} for size in SIZES}
    assert rows["smoke"] == {"stand-in"}
    assert "stand-in" not in rows["laptop"] | rows["paper"]
    assert rows["paper"] == {"real"}
    assert (rows["laptop"] == {"35k"}) == ("higgs" in name)


@pytest.mark.parametrize(("name", "setting"), FROM_THE_SOURCE.items())
def test_the_paper_size_is_the_sources(name, setting):
    arms = arms_of(name, "paper")
    recipe = arms["standard"][0].recipe
    widths = [arms[arm][0].network.width for arm in ("standard", "parameters")]
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate, recipe.augment, *widths) == setting
    assert (recipe.source, recipe.precision) == ("oporture", "float32")


@pytest.mark.parametrize("size", SIZES)
def test_the_sources_own_width_on_higgs_is_kept(size):
    assert arms_of("higgs", size)["source"][0].network == pnn.MLP("polynomial", 98)


# --- the match -------------------------------------------------------------------------------------------------------


@each_experiment
def test_each_arm_has_in_common_what_it_is_named_after(name, size):
    """Within the tolerance, and no neighbouring width is nearer."""
    arms = arms_of(name, size)
    form = arms["standard"][0].task.form
    for by, tolerance in {"parameters": 0.015, "macs": 0.1, "memory": 0.1}.items():
        if by not in arms:
            continue
        attribute = {"memory": "activation_bytes"}.get(by, by)
        goal = getattr(cost_of(arms["standard"][0]), attribute)
        network = arms[by][0].network

        def off(width, network=network, attribute=attribute, goal=goal):
            return abs(getattr(cost(dataclasses.replace(network, width=width), form), attribute) / goal - 1)

        assert off(network.width) < tolerance
        assert off(network.width) <= min(off(network.width - 1), off(network.width + 1))


SETTINGS = (matched.CIFAR10_SETTINGS, matched.CIFAR100_SETTINGS, matched.BOOLQ_SETTINGS, matched.BOOLQ_GLOVE_SETTINGS)
SETTINGS += (matched.HIGGS_SETTINGS, matched.DIGITS_SETTINGS)
KEPT = [  # every width that is kept, once: sizes of equal settings keep the same
    (setting.task, setting.network, by, width)
    for settings in SETTINGS
    for size, setting in settings.items()
    for by, width in matched.WIDTHS[setting.task.name][size].items()
    if by != "time"
]
KEPT = list({(task.name, network, by): (task, network, by, width) for task, network, by, width in KEPT}.values())


@pytest.mark.parametrize(
    ("task", "network", "by", "width"),
    [
        pytest.param(*kept, id=f"{kept[0].name}-{kept[1].width}-{kept[2]}", marks=pytest.mark.slow if slow else [])
        for kept in KEPT
        # a second or more each, but for parameters and the small table's
        for slow in [kept[2] != "parameters" and (kept[0].name, kept[1].width) not in {("higgs", 200), ("boolq", 26)}]
    ],
)
def test_the_widths_that_are_kept_are_those_that_match(task, network, by, width):
    assert common.matching_width(task, network, dataclasses.replace(network, neuron="polynomial"), by) == width


def test_another_width_is_matched_anew_and_epochs_are_everyones():
    arms = experiments.cifar10("laptop", width=149, epochs=2)
    assert [arms[arm][0].network.width for arm in ("standard", "parameters")] == [149, 86]
    assert {run.recipe.epochs for run in in_turn(arms)} == {2}
    arms = experiments.higgs("paper", width=200, epochs=2)
    assert [arms[arm][0].network.width for arm in ("parameters", "macs", "memory")] == [113, 113, 100]
    assert "source" not in arms  # a width of its own
    assert {run.recipe.epochs for run in in_turn(trained(arms))} == {2}


def test_a_width_that_nothing_matches_is_an_error():
    with pytest.raises(ValueError, match=r"no width matches [\d,]+ parameters within 1\.5%"):
        experiments.cifar10("laptop", width=2)


@pytest.mark.parametrize("task", ["cifar10", "higgs"])
@pytest.mark.parametrize("size", SIZES)
def test_width_scaling_has_both_neurons_at_as_many_widths(task, size):
    arms = experiments.width_scaling.runs(size, task=task)
    widths = {
        neuron: [network.width for network in arms if network.neuron == neuron] for neuron in ("standard", "polynomial")
    }
    assert all(len(found) == (1 if size == "smoke" else 6) for found in widths.values())
    assert all(found == sorted(set(found)) for found in widths.values())
    for network, runs in arms.items():
        assert {run.network for run in runs} == {network}
        assert {run.task.name for run in runs} == {task}
    networks = {neuron: [network for network in arms if network.neuron == neuron] for neuron in widths}
    for standard, polynomial in zip(*networks.values(), strict=True):
        ratio = parameters(polynomial, runs[0].task.form) / parameters(standard, runs[0].task.form)
        assert 0.9 < ratio < 1.35, (
            standard.width,
            polynomial.width,
        )  # of HIGGS' narrow ones; CIFAR-10's are within 8 %


def test_the_quickstart_is_two_arms_of_scikit_learns_digits():
    arms = experiments.digits()
    assert arms.keys() == {"standard", "parameters"}
    assert {run.task.name for run in in_turn(arms)} == {"digits"}
    costs = [parameters(arms[arm][0].network, pnn.Digits().form) for arm in ("standard", "parameters")]
    assert costs[1] == pytest.approx(costs[0], rel=0.015)
    assert {len(runs) for runs in experiments.digits(seeds=1).values()} == {1}


# --- what is wrong ---------------------------------------------------------------------------------------------------


@every_experiment
@pytest.mark.parametrize("size", ["big", "Smoke", ""])
def test_an_unknown_size_says_which_there_are(name, size):
    with pytest.raises(pnn.RunError, match=f"size must be one of 'smoke', 'laptop', 'paper', got '{size}'"):
        arms_of(name, size)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "boolq", "boolq-glove", "higgs"])
@pytest.mark.parametrize("value", [-1, True, 1.0, "3", None])
def test_a_setting_that_is_no_count_is_named(name, value):
    for setting in ("seeds", "width", "epochs"):
        with pytest.raises(
            pnn.RunError, match=f"{setting} must be a whole number, 0 for the size's own; got {value!r}"
        ):
            arms_of(name, "smoke", **{setting: value})


@every_experiment
def test_seeds_are_counted_before_their_runs_are_built(name):
    with pytest.raises(pnn.RunError, match="seeds must be at most 10000, got 1000000000"):
        arms_of(name, "smoke", seeds=10**9)


@pytest.mark.parametrize("value", [-1, True, 1.0])
def test_a_setting_of_width_scaling_that_is_no_count_is_named(value):
    with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
        experiments.width_scaling.runs("smoke", seeds=value)


def test_an_unknown_task_of_width_scaling_says_which_there_are():
    with pytest.raises(pnn.RunError, match="task must be one of 'cifar10', 'higgs', got 'boolq'"):
        experiments.width_scaling.runs("smoke", task="boolq")


# --- the committed Records -------------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[2]
COMMITTED = [path for path in sorted(ROOT.glob("results/*/*/*.json")) if path.parent.name != "smoke"]


def every_run(name: str) -> list[pnn.Run]:
    return [run for size in SIZES for run in in_turn(arms_of(name, size))]


@every_experiment
def test_a_name_is_never_of_two_runs(name):
    runs = every_run(name)
    assert len({run.name for run in runs}) == len(set(runs)) == len(runs)


def test_the_committed_records_bear_the_names_that_their_experiments_ask_for():
    """The id is hashed here from the file's own JSON: neither a new field nor a new default may change it."""
    names = {run.name for name in experiments.EXPERIMENTS for run in every_run(name)}
    names |= {run.name for run in in_turn(experiments.digits())}
    example = pd.read_csv(ROOT / "book/assets/sweep-example.csv")  # of width_scaling, by its parameters
    for point in example[["size", "task", "width", "epochs", "seed"]].to_dict("records"):
        names |= {run.name for run in in_turn(experiments.width_scaling.runs(**point))}
    assert COMMITTED
    for path in COMMITTED:
        run = json.loads(path.read_text())["run"]
        canonical = json.dumps(run, sort_keys=True, separators=(",", ":"))
        assert path.stem.rpartition("-")[2] == hashlib.sha256(canonical.encode()).hexdigest()[:16]
        assert pnn.Run.from_dict(run).name == path.stem
        assert path.stem in names, f"{path.name} belongs to no experiment"


# --- a study of arms ------------------------------------------------------------------------------------------------


def test_the_first_run_of_every_arm_is_before_the_second_of_any_and_none_is_there_twice():
    assert in_turn({"a": [1, 2, 3], "b": [4], "c": [5, 6]}) == [1, 4, 5, 2, 6, 3]
    assert in_turn({"a": [1, 2], "b": [2, 1], "c": []}) == [1, 2]
    assert in_turn({}) == []
    assert in_turn({0: iter([1, 2]), 1: (3, 1)}) == [1, 3, 2]


@pytest.fixture
def fitted(monkeypatch) -> list[pnn.Run]:
    """The runs that were trained; none really is."""
    runs = []

    def fit(run, **_):
        runs.append(run)
        return pnn.Record.of_failure(run, "killed", f"by number {len(runs)}")

    monkeypatch.setattr(importlib.import_module("pnn.studies.study"), "fit", fit)  # `pnn.study` is the function
    return runs


@every_experiment
def test_a_study_of_arms_has_their_records_by_their_names(name, tmp_path, fitted):
    arms = arms_of(name, "smoke")
    found = study(arms, results=tmp_path / "results")
    assert list(found) == list(arms)
    for arm, runs in arms.items():
        assert [record.run for record in found[arm]] == runs
    assert fitted == in_turn(arms)
    count = len(fitted)
    assert study(arms, results=tmp_path / "results") == found
    assert len(fitted) == count


def test_a_run_of_two_arms_is_trained_once_and_in_both(tmp_path, fitted):
    runs = experiments.digits(seeds=3)["standard"]
    found = study({1: iter(runs[:2]), (2, "b"): [runs[2], runs[0]], None: []}, results=tmp_path / "results")
    assert {key: [record.run for record in records] for key, records in found.items()} == {
        1: runs[:2],
        (2, "b"): [runs[2], runs[0]],
        None: [],
    }
    assert fitted == [runs[0], runs[2], runs[1]]


# --- smoke runs that train -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "arm"), [("higgs", "standard"), ("higgs", "parameters"), ("boolq", "parameters")])
def test_a_smoke_run_trains_and_its_scores_are_those_of_its_weights(tmp_path, name, arm):
    run = arms_of(name, "smoke")[arm][0]
    record = pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    assert record.outcome == "ok"
    assert record.data["origin"] == "stand-in"
    assert record.budget["parameters"] == cost_of(run).parameters
    data = run.task.load()
    model = run.network.build(data.form).eval()
    model.load_state_dict(safetensors.torch.load_file(tmp_path / run.name / "weights.safetensors"))
    for split in ("train", "validation", "test"):
        rows = getattr(data, split)
        with torch.no_grad():
            z = torch.cat([model(data.normalise(rows.x[i : i + 50]))[:, 0] for i in range(0, len(rows), 50)])
        logits = torch.stack([torch.zeros_like(z), z], 1)
        assert record.final[split].loss == pytest.approx(F.cross_entropy(logits, rows.y).item(), rel=1e-4)
        assert record.final[split].accuracy == (logits.argmax(1) == rows.y).double().mean()


# --- one width, one seed ---------------------------------------------------------------------------------------------


def test_width_scaling_at_one_width_and_one_seed():
    arms = experiments.width_scaling.runs("laptop", task="higgs", width=0.25, seed=3, epochs=2)
    standard, polynomial = arms
    assert (standard.neuron, standard.width, polynomial.neuron) == ("standard", 100, "polynomial")
    parameters = [sum(p.numel() for p in n.build(pnn.HIGGS().form).parameters()) for n in arms]
    assert parameters[1] == pytest.approx(parameters[0], rel=0.05)
    assert [(run.seed, run.recipe.epochs) for (run,) in arms.values()] == [(3, 2), (3, 2)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 1.5}, "width must be a share of the widest.*got 1.5"),
        ({"width": -0.1}, "width must be a share"),
        ({"seed": -2}, "seed must be a whole number, -1 for all"),
        ({"seed": 1.0}, "seed must be a whole number"),
        ({"seed": 1, "seeds": 3}, "give one of them, got 3 and 1"),
    ],
)
def test_a_wrong_width_or_seed_of_width_scaling_says_what_is_allowed(settings, message):
    with pytest.raises(pnn.RunError, match=message):
        experiments.width_scaling.runs("smoke", **settings)
