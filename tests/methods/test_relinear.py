"""ReLinear: the start as a conventional network, and the groups that hold the quadratic parts back."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn.utils import prune
from torch.testing import assert_close

import pnn
from pnn.methods.relinear import relinear_, relinear_groups


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


class Network(nn.Module):
    """Every kind of layer, with names that a search for "r.", "g." or "b." in them would mistake."""

    def __init__(self, conv1d, conv2d, linear, bias=True, **form):
        super().__init__()
        self.stem = conv2d(2, 8, 3, stride=2, padding=1, padding_mode="circular", bias=bias, **form)
        self.norm = nn.BatchNorm2d(8)
        self.r = nn.Sequential(nn.ReLU(), conv2d(8, 12, (3, 1), groups=2, dilation=(1, 2), bias=bias, **form))
        self.conv = conv1d(12, 6, 3, padding="same", groups=3, **form)
        self.activation = nn.PReLU(6)
        self.linear = linear(6, 5, **form)
        self.g = nn.Linear(5, 4)
        self.weight_b = nn.Parameter(torch.randn(4))

    def forward(self, x):
        x = self.r(self.norm(self.stem(x)))
        x = self.activation(self.conv(x.flatten(2)))
        return self.g(self.linear(x.sum(2))) * self.weight_b


def conventional(bias=True):
    return Network(nn.Conv1d, nn.Conv2d, nn.Linear, bias)


def quadratic(form="full", bias=True):
    return Network(pnn.QuadraticConv1d, pnn.QuadraticConv2d, pnn.QuadraticLinear, bias, form=form)


QUADRATIC = ("stem", "r.1", "conv", "linear")
every_form = pytest.mark.parametrize("form", ["full", "compact"])


def images():
    return torch.randn(4, 2, 8, 8)


def quadratic_names(model, *letters):
    """The names of parameters of given maps, spelt out."""
    return {
        f"{layer}.{letter}.{kind}"
        for layer in QUADRATIC
        for letter in letters
        for kind in ("weight", "bias")
        if f"{layer}.{letter}.{kind}" in dict(model.named_parameters())
    }


# The start


@every_form
def test_only_the_quadratic_parts_change(form):
    model = quadratic(form)
    before = copy.deepcopy(model.state_dict())
    assert relinear_(model) is model
    start = dict.fromkeys(quadratic_names(model, "b"), 0.0)
    start |= {name: float(name.endswith("bias")) for name in quadratic_names(model, "g")}
    assert len(start) == {"full": 16, "compact": 8}[form]
    for name, value in model.state_dict().items():
        assert torch.equal(value, torch.full_like(value, start[name]) if name in start else before[name]), name


@pytest.mark.parametrize("bias", [True, False])
@every_form
def test_it_starts_as_its_source(form, bias):
    source, model = conventional(bias), quadratic(form)
    for _ in range(3):
        source(images())  # moves BatchNorm's statistics
    assert relinear_(model, source) is model
    for training in (True, False):
        x = images()
        assert_close(model.train(training)(x), source.train(training)(x), rtol=1e-5, atol=1e-6)
    norms = model.norm.state_dict(), source.norm.state_dict()
    assert all(torch.equal(norms[0][name], norms[1][name]) for name in norms[1])
    assert all(p.requires_grad for p in model.parameters())


@every_form
def test_it_starts_as_its_source_bit_for_bit_where_sums_are_exact(form):
    source, model = conventional().eval(), quadratic(form).eval()
    source.norm = model.norm = nn.Identity()
    with torch.no_grad():
        for parameter in source.parameters():
            parameter.copy_(torch.randint(-1, 2, parameter.shape))
    x = torch.randint(-1, 2, (4, 2, 8, 8)).float()
    assert torch.equal(relinear_(model, source)(x), source(x))


def test_weights_are_copied_not_shared():
    source, model = conventional(), quadratic()
    y = relinear_(model, source).eval()(x := images())
    with torch.no_grad():
        for tensor in [*source.parameters(), *source.buffers()]:
            tensor.zero_()
    assert torch.equal(model(x), y)


def test_every_quadratic_part_gets_a_gradient_at_the_start():
    model = relinear_(quadratic())
    model(images()).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_a_model_may_be_one_layer():
    source, model = nn.Linear(4, 6), pnn.QuadraticLinear(4, 6)
    relinear_(model, source)
    x = torch.randn(3, 4)
    assert_close(model(x), source(x))


def test_modules_may_be_shared_as_in_the_source():
    def network(linear):
        layer, act = linear(4, 4), nn.PReLU()
        return nn.Sequential(layer, act, layer, act)

    source, model = network(nn.Linear), network(pnn.QuadraticLinear)
    x = torch.randn(3, 4)
    assert_close(relinear_(model, source)(x), source(x))
    shared_activation = nn.Sequential(nn.Linear(4, 4), act := nn.ReLU(), nn.Linear(4, 4), act)
    model = nn.Sequential(pnn.QuadraticLinear(4, 4), nn.ReLU(), pnn.QuadraticLinear(4, 4), nn.ReLU())
    assert_close(relinear_(model, shared_activation)(x), shared_activation(x))


def test_containers_may_be_of_different_classes():
    class Other(nn.Sequential):
        pass

    source, model = nn.Sequential(nn.Linear(4, 6)), Other(pnn.QuadraticLinear(4, 6))
    assert torch.equal(relinear_(model, source)[0].r.weight, source[0].weight)


def with_module(model, name, module):
    model.set_submodule(name, module)
    return model


@pytest.mark.parametrize(
    ("name", "module", "message"),
    [
        ("linear", nn.Linear(6, 4), r"'linear' \(QuadraticLinear\).*out_features 5.*got 4"),
        ("linear", nn.Bilinear(6, 6, 5), "'linear'.*Linear.*Bilinear"),
        ("linear", pnn.QuadraticLinear(6, 5), "'linear'.*type Linear.*QuadraticLinear"),
        ("r.1", nn.Conv2d(8, 12, 3, groups=2, dilation=(1, 2)), r"'r\.1'.*kernel_size \(3, 1\).*got \(3, 3\)"),
        ("r.1", nn.Conv2d(8, 12, (3, 1), dilation=(1, 2)), r"'r\.1'.*groups 2.*got 1"),
        ("r.1", nn.Conv2d(8, 12, (3, 1), groups=2), r"'r\.1'.*dilation \(1, 2\).*got \(1, 1\)"),
        ("stem", nn.Conv2d(2, 8, 3, padding=1, padding_mode="circular"), "'stem'.*stride"),
        ("stem", nn.Conv2d(2, 8, 3, stride=2, padding=1), "'stem'.*padding_mode circular.*got zeros"),
        ("r.0", nn.GELU(), r"'r\.0' \(ReLU\).*type ReLU.*got GELU"),
        ("norm", nn.BatchNorm2d(8, affine=False), "'norm'.*weight"),
        ("activation", nn.PReLU(), r"'activation'.*\(6,\).*\(1,\)"),
        ("r", nn.Sequential(nn.ReLU()), r"source lacks the module 'r\.1'"),
        ("r.2", nn.Tanh(), r"model lacks the module 'r\.2' \(Tanh\)"),
    ],
)
def test_other_networks_are_refused_and_nothing_is_changed(name, module, message):
    model = quadratic()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=message):
        relinear_(model, with_module(conventional(), name, module))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_module_shared_in_the_model_alone_is_refused():
    layer = pnn.QuadraticLinear(4, 4)
    source = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    with pytest.raises(ValueError, match=r"'1'.*shares"):
        relinear_(nn.Sequential(layer, layer), source)
    source[1].load_state_dict(source[0].state_dict())  # of the same values it may be
    x = torch.randn(3, 4)
    assert_close(relinear_(nn.Sequential(layer, layer), source)(x), source(x))


@pytest.mark.parametrize("function", [relinear_, lambda model: relinear_groups(model, 0.1, ratio=0.1)])
@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (pnn.QuadraticLinear(6, 5, form="type2"), "'linear'.*'type2'.*'full' or 'compact'"),
        (pnn.QuadraticLinear(6, 5, form="type3"), "'linear'.*'type3'"),
    ],
)
def test_forms_without_conventional_part_are_refused(function, layer, message):
    with pytest.raises(ValueError, match=message):
        function(with_module(quadratic(), "linear", layer))


@pytest.mark.parametrize("function", [relinear_, lambda model: relinear_groups(model, 0.1, ratio=0.1)])
@pytest.mark.parametrize("layer", [nn.Linear(4, 6), pnn.PolyLinear(4, 6)])
def test_networks_without_quadratic_layer_are_refused(function, layer):
    with pytest.raises(ValueError, match=r"Sequential.*no quadratic layer"):
        function(nn.Sequential(layer))


def test_a_layer_without_bias_is_refused():
    model = with_module(quadratic(), "linear", pnn.QuadraticLinear(6, 5, bias=False))
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=r"'linear'.*no bias.*bias=True"):
        relinear_(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# The groups


@every_form
def test_each_parameter_is_in_its_group(form):
    model = quadratic(form)
    groups = relinear_groups(model, 0.5, ratio=0.01, weight_decay=1e-4, shrink=0.2)
    names = {parameter: name for name, parameter in model.named_parameters()}
    found = {group["name"]: [names[parameter] for parameter in group["params"]] for group in groups}
    gate = {f"{layer}.g.bias" for layer in QUADRATIC}
    parts = quadratic_names(model, "g", "b") - gate
    assert set(found["gate"]) == gate
    assert set(found["quadratic"]) == parts
    assert set(found["conventional"]) == set(names.values()) - parts - gate
    assert sum(map(len, found.values())) == len(names)
    assert {"r.1.r.weight", "g.weight", "linear.r.weight", "weight_b", "norm.bias"} <= set(found["conventional"])

    rates = {group["name"]: (group["lr"], group["weight_decay"]) for group in groups}
    assert rates == {"conventional": (0.5, 1e-4), "quadratic": (0.005, 0.2), "gate": (0.005, 0.0)}
    quadratic_group = relinear_groups(model, 0.5, ratio=1, weight_decay=1e-4)[1]
    assert (quadratic_group["lr"], quadratic_group["weight_decay"]) == (0.5, 1e-4)


def test_shared_parameters_are_in_one_group_once():
    model = nn.ModuleDict({"a": pnn.QuadraticLinear(4, 4), "b": pnn.QuadraticLinear(4, 4), "c": nn.Linear(4, 4)})
    model["b"].g.weight = model["a"].g.weight
    model["c"].weight = model["a"].r.weight
    model["again"] = model["a"]
    members = [parameter for group in relinear_groups(model, 1.0, ratio=0.1) for parameter in group["params"]]
    assert len(members) == len(set(members)) == 12
    assert set(members) == set(model.parameters())


def test_an_empty_group_is_left_out():
    model = nn.Sequential(pnn.QuadraticLinear(4, 4, bias=False))
    assert [group["name"] for group in relinear_groups(model, 1.0, ratio=0.1)] == ["conventional", "quadratic"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": -0.1}, "lr .*-0.1"),
        ({"ratio": -1}, "ratio .*-1"),
        ({"ratio": math.inf}, "ratio .*inf"),
        ({"ratio": math.nan}, "ratio .*nan"),
        ({"weight_decay": -1.0}, "weight_decay .*-1.0"),
        ({"shrink": -1.0}, "shrink .*-1.0"),
    ],
)
def test_numbers_out_of_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        relinear_groups(quadratic(), **{"lr": 0.1, "ratio": 0.1} | values)


LR, RATIO, DECAY, SHRINK = 0.1, 0.01, 1e-3, 0.3


def rate_and_decay(name):
    """By hand, for a network of one QuadraticLinear."""
    if name == "g.bias":
        return LR * RATIO, 0.0
    return (LR * RATIO, SHRINK) if name[0] in "gb" else (LR, DECAY)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_steps_are_those_written_by_hand(kind):
    model = relinear_(pnn.QuadraticLinear(4, 3, dtype=torch.float64))
    groups = relinear_groups(model, LR, ratio=RATIO, weight_decay=DECAY, shrink=SHRINK)
    optimiser = {
        "sgd": lambda: torch.optim.SGD(groups, momentum=0.9),
        "adam": lambda: torch.optim.Adam(groups),
        "adamw": lambda: torch.optim.AdamW(groups),
    }[kind]()
    x, target = torch.randn(8, 4, dtype=torch.float64), torch.randn(8, 3, dtype=torch.float64)
    expected = {name: p.detach().clone() for name, p in model.named_parameters()}
    first = {name: torch.zeros_like(p) for name, p in expected.items()}
    second = copy.deepcopy(first)

    for step in (1, 2, 3):
        optimiser.zero_grad()
        (model(x) - target).square().mean().backward()
        for name, parameter in model.named_parameters():
            (rate, decay), slope, w = rate_and_decay(name), parameter.grad, expected[name]
            if kind == "sgd":
                first[name] = 0.9 * first[name] + slope + decay * w
                expected[name] = w - rate * first[name]
                continue
            if kind == "adamw":
                w = w - rate * decay * w
            else:
                slope = slope + decay * w
            first[name] = 0.9 * first[name] + 0.1 * slope
            second[name] = 0.999 * second[name] + 0.001 * slope**2
            unbiased = first[name] / (1 - 0.9**step), second[name] / (1 - 0.999**step)
            expected[name] = w - rate * unbiased[0] / (unbiased[1].sqrt() + 1e-8)
        optimiser.step()
        assert_close(dict(model.named_parameters()), expected)


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW])
def test_ratio_0_freezes_the_quadratic_parts(kind):
    model = relinear_(quadratic())
    before = copy.deepcopy(model.state_dict())
    optimiser = kind(relinear_groups(model, 0.1, ratio=0, weight_decay=0.1, shrink=0.5))
    for _ in range(2):
        optimiser.zero_grad()
        model(images()).square().mean().backward()
        optimiser.step()
    frozen = quadratic_names(model, "g", "b")
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) == (name in frozen), name


# Weights that are computed from others


def masked(layer):
    prune.l1_unstructured(layer, "weight", amount=0.5)


COMPUTED = {
    "parametrised": nn.utils.parametrizations.weight_norm,
    "spectral": nn.utils.parametrizations.spectral_norm,
    "older norm": nn.utils.spectral_norm,
    "masked": masked,
}


@pytest.mark.parametrize("compute", COMPUTED.values(), ids=COMPUTED)
@pytest.mark.parametrize("letter", ["r", "g", "b"])
def test_what_would_be_written_into_a_computed_weight_is_refused_by_name(letter, compute):
    model = quadratic()
    compute(getattr(model.conv, letter))
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=f"the map '{letter}' in the module 'conv'.*call relinear_ before"):
        relinear_(model, conventional())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("compute", COMPUTED.values(), ids=COMPUTED)
def test_what_a_quadratic_weight_is_computed_from_is_held_back_with_it(compute):
    model = nn.Sequential(pnn.QuadraticLinear(4, 6))
    for layer in model[0].children():
        compute(layer)
    groups = {group["name"]: group["params"] for group in relinear_groups(model, 0.1, ratio=0.01)}
    assert {id(p) for p in groups["conventional"]} == {id(p) for p in model[0].r.parameters()}
    assert [id(p) for p in groups["gate"]] == [id(model[0].g.bias)]
