"""Run and Record: one JSON form, an id that is its hash, nothing wrong accepted and nothing changed afterwards."""

import copy
import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

import pnn

RUN = pnn.Run(
    pnn.Task("cifar10", validation=200, rows="stand-in"),
    pnn.Network("cnn", "polynomial", 86),
    pnn.Recipe(20),
    seed=3,
    size="paper",
)
CANONICAL = (
    '{"network":{"activation":"relu","name":"cnn","neuron":"polynomial","width":86},'
    '"recipe":{"augment":"crop-flip","batch_size":128,"channels_last":true,"compile":false,"epochs":20,'
    '"learning_rate":0.001,"precision":"float32","source":"oporture","version":1},'
    '"seed":3,"size":"paper","task":{"name":"cifar10","rows":"stand-in","validation":200}}'
)
RECORD = pnn.Record(
    run=RUN,
    outcome="ok",
    message="",
    curves={"train_loss": [2.5, 1.25]},
    final={"test": pnn.Score(0.5, 0.875)},
    budget={"parameters": 2_008_540},
    seconds=1.5,
    sittings=1,
    used={"device": "cpu", "threads": 2},
    versions={"torch": "2.15.0"},
    commit="0" * 40,
    data={"door": "stand-in"},
)


def leaves(thing, where=()):
    """The path of every field that is not itself a dataclass."""
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value, (*where, field.name))
        else:
            yield *where, field.name


# --- Run -------------------------------------------------------------------------------------------------------------


def test_a_run_survives_json():
    assert pnn.Run.from_dict(json.loads(json.dumps(RUN.to_dict()))) == RUN


def test_the_id_is_the_hash_of_the_canonical_json():
    assert json.loads(CANONICAL) == RUN.to_dict()
    assert RUN.id == hashlib.sha256(CANONICAL.encode()).hexdigest()[:16]
    assert RUN.name == f"cifar10-paper-polynomial-86-seed3-{RUN.id}"


def test_the_id_does_not_depend_on_how_a_run_was_written():
    backwards = {
        name: dict(reversed(value.items())) if isinstance(value, dict) else value
        for name, value in reversed(json.loads(CANONICAL).items())
    }
    assert pnn.Run.from_dict(backwards).id == RUN.id
    assert pnn.Recipe(20, learning_rate=1) == pnn.Recipe(20, learning_rate=1.0)
    whole, decimal = (dataclasses.replace(RUN, recipe=pnn.Recipe(20, learning_rate=rate)) for rate in (1, 1.0))
    assert whole.id == decimal.id


def test_every_field_changes_the_id():
    ids, fields = {RUN.id}, list(leaves(RUN))
    for *owners, name in fields:
        changed = copy.deepcopy(RUN)
        owner = changed
        for step in owners:
            owner = getattr(owner, step)
        object.__setattr__(owner, name, "something else")  # whatever is allowed there
        ids.add(changed.id)
    assert len(ids) == 1 + len(fields)


@pytest.mark.parametrize("thing", [RUN, RUN.task, RUN.network, RUN.recipe, RECORD, RECORD.final["test"]])
def test_nothing_can_be_changed(thing):
    for field in dataclasses.fields(thing):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field.name, getattr(thing, field.name))


def test_equal_runs_are_one_key():
    assert {RUN: 1}[pnn.Run.from_dict(json.loads(CANONICAL))] == 1


ALLOWED = {  # field -> values that are wrong, and what the message must say is right
    (pnn.Task, "name"): (
        ["mnist", "CIFAR10", None, 0],
        "'cifar10', 'cifar100', 'boolq', 'boolq-words', 'higgs', 'digits'",
    ),
    (pnn.Task, "validation"): ([5000.0, "5000", True, None], "int"),
    (pnn.Task, "rows"): (["fake", True], "'real', 'subset', 'stand-in'"),
    (pnn.Network, "name"): (["vgg"], "'cnn', 'mlp', 'resnet', 'polynext', 'text-cnn', 'pair-cnn'"),
    (pnn.Network, "neuron"): (["poly", ["standard"]], "'standard', 'polynomial', 'quadratic'"),
    (pnn.Network, "width"): ([86.0, True, "86"], "int"),
    (pnn.Network, "activation"): (["tanh", None], "'relu', 'identity'"),
    (pnn.Network, "depth"): ([1.0, True], "int"),
    (pnn.Network, "pooling"): (["mean", None], "'max', 'average'"),
    (pnn.Network, "start"): (["zero"], "'torch', 'relinear'"),
    (pnn.Recipe, "epochs"): ([1.5, False, "20"], "int"),
    (pnn.Recipe, "source"): (["mine"], "'oporture'"),
    (pnn.Recipe, "version"): (["1", True], "int"),
    (pnn.Recipe, "batch_size"): ([128.0, None], "int"),
    (pnn.Recipe, "learning_rate"): (["0.001", None, True, [1e-3]], "float"),
    (pnn.Recipe, "augment"): (["crop", True], "'crop-flip', 'rand-augment', 'none'"),
    (pnn.Recipe, "precision"): (["float16", None], "'float32', 'bfloat16'"),
    (pnn.Recipe, "channels_last"): ([1, "yes", None], "bool"),
    (pnn.Recipe, "compile"): ([0, "no"], "bool"),
    (pnn.Recipe, "schedule"): (["step", None], "'cosine', 'constant'"),
    (pnn.Recipe, "embedding_learning_rate"): (["0.01", True], "float"),
    (pnn.Recipe, "patience"): ([1.0, True], "int"),
    (pnn.Recipe, "optimiser"): (["Adam", None], "'adam', 'adamw', 'sgd'"),
    (pnn.Recipe, "weight_decay"): (["0", None], "float"),
    (pnn.Recipe, "quadratic_rate"): ([None], "float"),
    (pnn.Recipe, "quadratic_decay"): ([True], "float"),
    (pnn.Recipe, "standard_epochs"): ([0.5], "int"),
    (pnn.Recipe, "mix"): (["mixup", True], "'none', 'mixup-cutmix'"),
    (pnn.Recipe, "label_smoothing"): (["0.1"], "float"),
    (pnn.Recipe, "average"): ([True], "float"),
    (pnn.Run, "task"): ([{"name": "cifar10"}, "cifar10"], "Task"),
    (pnn.Run, "network"): ([RUN.task, None], "Network"),
    (pnn.Run, "recipe"): ([20], "Recipe"),
    (pnn.Run, "seed"): ([True, 0.0, None, "3"], "int"),
    (pnn.Run, "size"): (["big", None], "'smoke', 'laptop', 'paper'"),
}
OUT_OF_RANGE = [
    (pnn.Task, "validation", 0, "at least 1"),
    (pnn.Network, "width", 0, "at least 1"),
    (pnn.Recipe, "epochs", 0, "at least 1"),
    (pnn.Recipe, "batch_size", -128, "at least 1"),
    (pnn.Recipe, "version", 0, "at least 1"),
    (pnn.Recipe, "learning_rate", 0, "positive"),
    (pnn.Recipe, "learning_rate", -1e-3, "positive"),
    (pnn.Recipe, "learning_rate", float("nan"), "finite"),
    (pnn.Recipe, "learning_rate", float("inf"), "finite"),
    pytest.param(pnn.Recipe, "learning_rate", 10**400, "", id="learning_rate-beyond-floats"),
    (pnn.Recipe, "patience", -1, "at least 0"),
    (pnn.Recipe, "embedding_learning_rate", -1e-3, "at least 0"),
    (pnn.Recipe, "weight_decay", -1e-4, "at least 0"),
    (pnn.Recipe, "quadratic_rate", -1.0, "at least 0"),
    (pnn.Recipe, "standard_epochs", -1, "at least 0"),
    (pnn.Recipe, "label_smoothing", 1.0, "at least 0 and less than 1"),
    (pnn.Recipe, "average", -0.1, "at least 0 and less than 1"),
    (pnn.Network, "depth", -1, "at least 0"),
    (pnn.Network, "depth", 20, "is of 'mlp' and 'resnet' and 'polynext', not of 'cnn'"),
    (pnn.Run, "seed", -1, "at least 0"),
    (pnn.Run, "seed", 2**64, ""),  # torch's generator takes no more than 64 bits
]
VALID = {pnn.Run: RUN, pnn.Task: RUN.task, pnn.Network: RUN.network, pnn.Recipe: RUN.recipe}


@pytest.mark.parametrize(
    ("kind", "field", "value", "allowed"),
    [(*key, value, allowed) for key, (values, allowed) in ALLOWED.items() for value in values] + OUT_OF_RANGE,
)
def test_a_wrong_value_names_its_field_and_what_is_allowed(kind, field, value, allowed):
    with pytest.raises(pnn.RunError) as error:
        dataclasses.replace(VALID[kind], **{field: value})
    assert f"{kind.__name__}.{field}" in str(error.value)
    assert allowed in str(error.value)


def test_every_field_was_tried():
    assert ALLOWED.keys() == {(kind, field.name) for kind in VALID for field in dataclasses.fields(kind)}


def test_an_unknown_version_of_a_recipe_names_the_known_one():
    with pytest.raises(pnn.RunError, match="'oporture' version 1, got 2"):
        pnn.Recipe(20, version=2)


def edited(change) -> dict:
    form = json.loads(CANONICAL)
    change(form)
    return form


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda form: form.update(sede=1), r"Run has no field 'sede' \(did you mean 'seed'\?\).* seed, size"),
        (lambda form: form["network"].update(widht=1), r"Run\.network has no field 'widht' \(did you mean 'width'\?\)"),
        (lambda form: form["recipe"].update(lr=1), r"Run\.recipe has no field 'lr'.*learning_rate"),
        (lambda form: form.pop("seed"), r"Run: .*'seed'"),
        (lambda form: form["task"].pop("name"), r"Run\.task: .*'name'"),
        (lambda form: form.update(task="cifar10"), r"Run\.task must be an object, got 'cifar10'"),
        (lambda form: form["recipe"].update(epochs="20"), r"Recipe\.epochs must be of type int, got '20'"),
    ],
)
def test_a_wrong_json_form_says_where(change, message):
    with pytest.raises(pnn.RunError, match=message):
        pnn.Run.from_dict(edited(change))


@pytest.mark.parametrize("form", [None, [], "cifar10", 3])
def test_what_is_no_object_is_no_run(form):
    with pytest.raises(pnn.RunError, match="Run must be an object"):
        pnn.Run.from_dict(form)


# --- Record ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", [RECORD, pnn.Record.of_failure(RUN, "killed", "by signal 9")])
def test_a_record_survives_json(record):
    assert pnn.Record.from_dict(json.loads(json.dumps(record.to_dict(), allow_nan=False))) == record


def test_a_failure_says_what_and_claims_nothing():
    record = pnn.Record.of_failure(RUN, "failed", "why")
    assert (record.run, record.outcome, record.message) == (RUN, "failed", "why")
    assert not any((record.curves, record.final, record.budget, record.seconds, record.sittings))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda form: form.pop("commit"), "commit"),
        (lambda form: form.update(accuracy=0.9), "accuracy"),
        (lambda form: form.update(outcome="fine"), "ok, failed, diverged, oom, timeout, killed, got 'fine'"),
        (lambda form: form.update(outcome=None), "ok, failed, diverged, oom, timeout, killed, got None"),
        (lambda form: form.update(run=None), "Run must be an object"),
        (lambda form: form["run"].update(seed="3"), "Run.seed"),
        (lambda form: form.update(final=[]), "final"),
        (lambda form: form["final"].update(test=0.9), "final"),
        (lambda form: form["final"]["test"].pop("loss"), "final"),
        (lambda form: form["final"]["test"].update(top5=0.9), "final"),
    ],
)
def test_a_bad_form_is_no_record(change, message):
    form = json.loads(json.dumps(RECORD.to_dict()))
    change(form)
    with pytest.raises(pnn.RunError) as error:
        pnn.Record.from_dict(form)
    assert message in str(error.value)


@pytest.mark.parametrize("form", [None, [], "ok"])
def test_what_is_no_object_is_no_record(form):
    with pytest.raises(pnn.RunError, match="a Record has the fields"):
        pnn.Record.from_dict(form)


@pytest.mark.parametrize("path", sorted(Path(__file__).parents[1].glob("results/*.json")), ids=lambda path: path.stem)
def test_a_committed_record_is_whole_and_bears_its_runs_name(path):
    record = pnn.Record.from_dict(json.loads(path.read_text()))
    assert path.stem == record.run.name
    assert (record.outcome == "ok") == (record.message == "") == (set(record.final) == {"train", "validation", "test"})
    if record.run.network.is_baseline:
        assert not record.curves
    elif record.outcome == "ok":
        (epochs,) = {len(curve) for curve in record.curves.values()}
        assert epochs <= record.run.recipe.epochs if record.run.recipe.patience else epochs == record.run.recipe.epochs


# --- fields that came later, and what goes with what -----------------------------------------------------------------


def test_a_field_that_came_later_is_in_the_id_only_where_it_is_not_its_default():
    assert "patience" not in RUN.to_dict()["recipe"]
    later = dataclasses.replace(RUN, recipe=dataclasses.replace(RUN.recipe, patience=2))
    assert later.to_dict()["recipe"]["patience"] == 2
    assert later.id != RUN.id
    assert pnn.Run.from_dict(later.to_dict()) == later
    assert pnn.Run.from_dict(RUN.to_dict()) == RUN


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pnn.Task("cifar10", rows="subset"), 'rows "subset" is of "higgs" alone'),
        (lambda: pnn.Network("mlp", "none", 4), 'neuron "none" is that of baselines'),
        (lambda: pnn.Network("majority", "standard", 0), 'neuron "none" is that of baselines'),
        (lambda: pnn.Network("majority", "none", 3), "width must be 0"),
        (lambda: dataclasses.replace(RUN, network=pnn.Network("mlp", "standard", 3)), "'mlp' is not made for the rows"),
        (
            lambda: dataclasses.replace(RUN, network=pnn.Network("majority", "none", 0)),
            '"scikit-learn" is that of base',
        ),
        (lambda: dataclasses.replace(RUN, recipe=pnn.Recipe(1, source="scikit-learn")), '"scikit-learn" is that of'),
        (
            lambda: pnn.Run(pnn.Task("higgs"), pnn.Network("mlp", "standard", 3), pnn.Recipe(1), 0, "smoke"),
            "whose rows are no images",
        ),
        (lambda: dataclasses.replace(RUN, recipe=pnn.Recipe(1, quadratic_rate=0.1)), 'start "relinear", of which'),
        (lambda: dataclasses.replace(RUN, recipe=pnn.Recipe(1, standard_epochs=1)), 'start "relinear", of which'),
        (lambda: pnn.Network("cnn", "polynomial", 3, start="relinear"), 'of the neuron "quadratic", got \'polynomial'),
        (lambda: pnn.Network("polynext", "bilinear", 3), 'the activation "identity"'),
        (lambda: pnn.Network("mlp", "standard", 3, pooling="average"), "pooling is of 'cnn'"),
        (lambda: pnn.Recipe(1, average=0.9, patience=1), "both say which weights count"),
    ],
)
def test_what_does_not_go_together_is_an_error_that_says_so(make, message):
    with pytest.raises(pnn.RunError, match=message):
        make()
