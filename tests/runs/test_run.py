"""Run: one JSON form, an id that is its hash, nothing wrong accepted and nothing changed afterwards."""

import copy
import dataclasses
import hashlib
import json

import pytest

import pnn

RUN = pnn.Run(
    pnn.CIFAR10(validation=200, rows="stand-in"),
    pnn.CNN("polynomial", 86),
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


@pytest.mark.parametrize("thing", [RUN, RUN.task, RUN.network, RUN.recipe])
def test_nothing_can_be_changed(thing):
    for field in dataclasses.fields(thing):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field.name, getattr(thing, field.name))


def test_equal_runs_are_one_key():
    assert {RUN: 1}[pnn.Run.from_dict(json.loads(CANONICAL))] == 1


ALLOWED = {  # field -> values that are wrong, and what the message must say is right
    (pnn.CIFAR10, "validation"): ([5000.0, "5000", True, None], "int"),
    (pnn.CIFAR10, "rows"): (["fake", True, "subset"], "'real', 'stand-in'"),
    (pnn.CIFAR10, "pooled"): ([2.0, True, "2"], "int"),
    (pnn.CIFAR10, "train"): ([5000.0, None, False], "int"),
    (pnn.HIGGS, "validation"): ([5000.0], "int"),
    (pnn.HIGGS, "rows"): (["fake"], "'real', '35k', 'stand-in'"),
    (pnn.HIGGS, "clip"): (["3", None, True], "float"),
    (pnn.Digits, "validation"): ([None], "int"),
    (pnn.MNIST, "validation"): ([2000.0], "int"),
    (pnn.MNIST, "rows"): (["fake"], "'real', 'stand-in'"),
    (pnn.MNIST, "train"): ([12_000.0, None, True], "int"),
    (pnn.SpeechCommands, "validation"): ([9981.0, None], "int"),
    (pnn.SpeechCommands, "rows"): (["fake"], "'real', 'stand-in'"),
    (pnn.UCIHAR, "validation"): (["1470"], "int"),
    (pnn.UCIHAR, "rows"): (["fake"], "'real', 'stand-in'"),
    (pnn.HAPT, "validation"): ([1500.0], "int"),
    (pnn.HAPT, "rows"): (["fake"], "'real', 'stand-in'"),
    (pnn.HAPT, "split"): (["user", None], "'users', 'rows', 'leaking'"),
    (pnn.CNN, "neuron"): (["poly", ["standard"], "none"], "'standard', 'polynomial', 'quadratic'"),
    (pnn.CNN, "width"): ([86.0, True, "86"], "int"),
    (pnn.CNN, "activation"): (["relu", None, pnn.ReLU], "must be of type ReLU or GELU"),
    (pnn.CNN, "pooling"): (["mean", None], "'max', 'average'"),
    (pnn.MLP, "neuron"): (["poly"], "'standard', 'polynomial', 'quadratic'"),
    (pnn.MLP, "width"): ([86.0], "int"),
    (pnn.MLP, "activation"): ([None], "must be of type ReLU or GELU"),
    (pnn.MLP, "depth"): ([1.0, True], "int"),
    (pnn.MLP, "norm"): (["layer", None, False], "'batch', 'none'"),
    (pnn.MLP, "order"): (["norm-first", None], "'norm-activation', 'activation-norm'"),
    (pnn.PolyNeXt, "neuron"): (["standard"], "'bilinear'"),
    (pnn.PolyNeXt, "width"): ([None], "int"),
    (pnn.PolyNeXt, "activation"): ([pnn.Polynomial(2, 4.0), None], "must be of type Identity or ReLU or GELU"),
    (pnn.PolyNeXt, "merge"): (["difference", None], "'product', 'sum'"),
    (pnn.PolyNeXt, "depth"): (["4"], "int"),
    (pnn.Majority, "neuron"): (["standard"], "'none'"),
    (pnn.Majority, "width"): ([3, False], "0"),
    (pnn.Majority, "activation"): ([pnn.Identity()], "ReLU"),
    (pnn.ReLinear, "ratio"): ([None, "1"], "float"),
    (pnn.ReLinear, "weight_decay"): ([True, "0"], "float or None"),
    (pnn.ReLinear, "standard_epochs"): ([0.5], "int"),
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
    (pnn.Recipe, "mix"): (["mixup", True], "'none', 'mixup-cutmix'"),
    (pnn.Recipe, "label_smoothing"): (["0.1"], "float"),
    (pnn.Recipe, "average"): ([True], "float"),
    (pnn.Recipe, "noise"): (["0.5", None, True], "float"),
    (pnn.Recipe, "methods"): ([pnn.ReLinear(), [pnn.ReLinear()], ("relinear",), None], "ReLinear"),
    (pnn.Run, "task"): ([{"name": "cifar10"}, "cifar10"], "CIFAR10 or CIFAR100 or BoolQ"),
    (pnn.Run, "network"): ([RUN.task, None], "CNN or MLP or ResNet"),
    (pnn.Run, "recipe"): ([20], "Recipe"),
    (pnn.Run, "seed"): ([True, 0.0, None, "3"], "int"),
    (pnn.Run, "size"): (["big", None], "'smoke', 'laptop', 'paper'"),
}
OUT_OF_RANGE = [
    (pnn.CIFAR10, "validation", 0, "at least 1"),
    (pnn.CIFAR10, "pooled", 0, "a divisor of 32"),
    (pnn.CIFAR10, "pooled", 3, "a divisor of 32"),
    (pnn.CIFAR10, "train", -1, "at least 0"),
    (pnn.HIGGS, "validation", 0, "at least 1"),
    (pnn.HIGGS, "clip", -0.5, "at least 0"),
    (pnn.Digits, "validation", -1, "at least 1"),
    (pnn.MNIST, "validation", 0, "at least 1"),
    (pnn.MNIST, "train", -1, "at least 0"),
    (pnn.SpeechCommands, "validation", 0, "at least 1"),
    (pnn.UCIHAR, "validation", 0, "at least 1"),
    (pnn.HAPT, "validation", 0, "at least 1"),
    (pnn.CNN, "width", 0, "at least 1"),
    (pnn.MLP, "width", 0, "at least 1"),
    (pnn.MLP, "depth", 0, "at least 1"),
    (pnn.PolyNeXt, "width", 0, "at least 1"),
    (pnn.PolyNeXt, "depth", 0, "at least 1"),
    (pnn.ReLinear, "ratio", -1.0, "at least 0"),
    (pnn.ReLinear, "weight_decay", -1.0, "at least 0"),
    (pnn.ReLinear, "standard_epochs", -1, "at least 0"),
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
    (pnn.Recipe, "noise", -0.5, "at least 0"),
    (pnn.Recipe, "label_smoothing", 1.0, "at least 0 and less than 1"),
    (pnn.Recipe, "average", -0.1, "at least 0 and less than 1"),
    (pnn.Run, "seed", -1, "at least 0"),
    (pnn.Run, "seed", 2**64, ""),  # torch's generator takes no more than 64 bits
]
CHOICES = (RUN.task, pnn.HIGGS(), pnn.Digits(), RUN.network, pnn.MLP("standard", 4), pnn.PolyNeXt("bilinear", 4))
CHOICES += (pnn.MNIST(), pnn.Majority(), pnn.ReLinear(), pnn.SpeechCommands(), pnn.UCIHAR(), pnn.HAPT())
VALID = {type(valid): valid for valid in (RUN, RUN.recipe, *CHOICES)}


@pytest.mark.parametrize("choice", VALID.values(), ids=lambda choice: type(choice).__name__)
def test_a_whole_number_that_torch_cannot_hold_is_an_error_of_its_field(choice):
    """Such as a width of 10^30."""
    whole = [field.name for field in dataclasses.fields(choice) if type(getattr(choice, field.name)) is int]
    for name in whole:
        with pytest.raises(
            pnn.RunError, match=rf"{type(choice).__name__}\.{name} must be (below 2\*\*64|one of [0-9, ]+), got 1000"
        ):
            dataclasses.replace(choice, **{name: 10**30})


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
        (
            lambda form: form["task"].pop("name"),
            r"Run\.task must be a name or an object with a name, one of 'cifar10', ",
        ),
        (
            lambda form: form.update(task="cifar1"),
            r"Run\.task must be one of .*, got 'cifar1' \(did you mean 'cifar10'\?\)",
        ),
        (lambda form: form.update(network="cnn"), r"Run\.network: .*missing 2 required .*'neuron' and 'width'"),
        (lambda form: form["network"].update(name="vgg"), r"Run\.network must be one of 'cnn', 'mlp', .*, got 'vgg'"),
        (lambda form: form["network"].update(activation="rleu"), r"Run\.network\.activation .*did you mean 'relu'"),
        (
            lambda form: form["recipe"].update(methods="relinear"),
            r"Run\.recipe\.methods must be a list, got 'relinear'",
        ),
        (
            lambda form: form["recipe"].update(methods=[{"name": "relinear", "ration": 1}]),
            r"Run\.recipe\.methods\[0\] has no field 'ration' \(did you mean 'ratio'\?\)",
        ),
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
        (lambda: pnn.ResNet("standard", 4, depth=9), r"ResNet.depth must be 8, 14, 20, .* got 9"),
        (lambda: dataclasses.replace(RUN, network=pnn.TextCNN("standard", 3)), "'text-cnn' is not made for the rows"),
        (
            lambda: dataclasses.replace(RUN, network=pnn.Majority()),
            '"scikit-learn" is that of base',
        ),
        (lambda: dataclasses.replace(RUN, recipe=pnn.Recipe(1, source="scikit-learn")), '"scikit-learn" is that of'),
        (
            lambda: pnn.Run(pnn.HIGGS(), pnn.MLP("standard", 3), pnn.Recipe(1), 0, "smoke"),
            "whose rows are no images",
        ),
        (
            lambda: dataclasses.replace(RUN, recipe=pnn.Recipe(1, methods=(pnn.ReLinear(),))),
            'neuron "quadratic", got \'polynomial',
        ),
        (
            lambda: pnn.Run(
                pnn.BoolQ(), pnn.TextCNN("standard", 3), pnn.Recipe(1, augment="none", noise=0.1), 0, "smoke"
            ),
            "noise must be 0 for 'boolq', whose rows are token numbers",
        ),
        (lambda: pnn.Recipe(1, average=0.9, patience=1), "both say which weights count"),
    ],
)
def test_what_does_not_go_together_is_an_error_that_says_so(make, message):
    with pytest.raises(pnn.RunError, match=message):
        make()
