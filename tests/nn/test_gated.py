"""Bilinear and star layers against the equation in plain torch.nn.functional, and against each other."""

import functools
import inspect
import math
import pickle
import random

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.testing import assert_close

import pnn

TORCH = {
    pnn.BilinearLinear: nn.Linear,
    pnn.BilinearConv1d: nn.Conv1d,
    pnn.BilinearConv2d: nn.Conv2d,
    pnn.StarLinear: nn.Linear,
    pnn.StarConv2d: nn.Conv2d,
}
STAR = {pnn.BilinearLinear: pnn.StarLinear, pnn.BilinearConv2d: pnn.StarConv2d}
DIMS = {nn.Linear: 0, nn.Conv1d: 1, nn.Conv2d: 2}  # of one channel of one sample


def label(value):
    if isinstance(value, dict):
        return (
            ",".join(f"{name}={getattr(setting, '__name__', setting)}" for name, setting in value.items()) or "default"
        )
    return getattr(value, "__name__", None)


every_layer = pytest.mark.parametrize("kind", TORCH, ids=label)
every_star = pytest.mark.parametrize("kind", STAR.values(), ids=label)


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def build(kind, *channels, **settings):
    """A layer of ours or of torch's, with kernel size 3 if it is a convolution."""
    kernel = (3,) if DIMS[TORCH.get(kind, kind)] else ()
    return kind(*channels, *kernel, **settings)


def example(kind, batch=3, channels=4, size=6, **options):
    return torch.randn(batch, channels, *[size] * DIMS[TORCH[kind]], **options)


def branches(layer, groups=1):
    """Weight and bias of the two maps, stored in the order (group, branch, channel)."""

    def split(fused):
        if fused is None:
            return None, None
        grouped = fused.detach().reshape(groups, 2, -1, *fused.shape[1:])
        return [grouped[:, branch].reshape(-1, *fused.shape[1:]) for branch in (0, 1)]

    return list(zip(split(layer.maps.weight), split(layer.maps.bias), strict=True))


def sigma(kind, a):
    """The default activation of the first map."""
    return a.clamp(0, 6) if kind in STAR.values() else a


# The equation


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(4,), (0, 4), (5, 4), (2, 3, 4)])
@pytest.mark.parametrize("kind", [pnn.BilinearLinear, pnn.StarLinear], ids=label)
def test_linear_is_the_equation(kind, shape, bias):
    layer = kind(4, 6, bias, dtype=torch.float64)
    x = 20 * torch.randn(shape, dtype=torch.float64)
    a, b = (F.linear(x, *branch) for branch in branches(layer))
    assert_close(layer(x), sigma(kind, a) * b)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kind", [pnn.BilinearConv1d, pnn.BilinearConv2d, pnn.StarConv2d], ids=label)
def test_convolution_is_the_equation(kind, seed):
    draw, dims = random.Random(seed), DIMS[TORCH[kind]]
    groups = draw.choice([1, 2, 3])
    inputs, outputs = groups * draw.randint(1, 3), groups * draw.randint(1, 3)
    stride, padding, dilation = draw.randint(1, 2), draw.randint(0, 2), draw.randint(1, 2)
    layer = kind(inputs, outputs, 3, stride, padding, dilation, groups, draw.choice([True, False]), dtype=torch.float64)
    x = 20 * torch.randn(*draw.choice([(), (1,), (3,)]), inputs, *[7] * dims, dtype=torch.float64)
    convolve = {1: F.conv1d, 2: F.conv2d}[dims]
    a, b = (convolve(x, *branch, stride, padding, dilation, groups) for branch in branches(layer, groups))
    assert_close(layer(x), sigma(kind, a) * b, msg=lambda text: f"{layer}\n{text}")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (pnn.BilinearLinear, {}),
        (pnn.BilinearConv1d, {"groups": 2, "padding": 1}),
        (pnn.BilinearConv2d, {"bias": False}),
        (pnn.StarLinear, {"activation": nn.GELU}),
        (pnn.StarConv2d, {"groups": 2, "activation": nn.Tanh}),
    ],
    ids=label,
)
def test_first_and_second_derivatives(kind, settings):
    layer = build(kind, 2, 2, dtype=torch.float64, **settings)
    names, parameters = zip(*layer.named_parameters(), strict=True)

    def call(x, *values):
        return functional_call(layer, dict(zip(names, values, strict=True)), x)

    inputs = (example(kind, 1, 2, 4, dtype=torch.float64, requires_grad=True), *parameters)
    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs)


# Limit cases


@pytest.mark.parametrize("constant", [0, 1])
@pytest.mark.parametrize("kind", [pnn.BilinearLinear, pnn.BilinearConv1d, pnn.BilinearConv2d], ids=label)
def test_with_one_map_constant_it_is_torchs_layer(kind, constant):
    """In whole numbers, so that the order of the sum does not matter."""
    layer, torchs = build(kind, 4, 6), build(TORCH[kind], 4, 6)
    own, other = slice(6 * (1 - constant), 6 * (2 - constant)), slice(6 * constant, 6 * (constant + 1))
    with torch.no_grad():
        for parameter in torchs.parameters():
            parameter.copy_(torch.randint(-9, 10, parameter.shape))
        for name, parameter in layer.maps.named_parameters():
            parameter[own] = getattr(torchs, name)
            parameter[other] = float(name == "bias")
    x = torch.randint_like(example(kind), -9, 10)
    assert torch.equal(layer(x), torchs(x))


@pytest.mark.parametrize("kind", STAR, ids=label)
def test_a_star_with_the_identity_is_bilinear(kind):
    layer, star = build(kind, 4, 6), build(STAR[kind], 4, 6, activation=nn.Identity)
    star.load_state_dict(layer.state_dict())
    x = example(kind)
    assert torch.equal(star(x), layer(x))
    assert not torch.equal(build(STAR[kind], 4, 6)(x), layer(x))


def test_bilinear_is_the_compact_quadratic_layer():
    layer = pnn.BilinearLinear(4, 6, dtype=torch.float64)
    compact = pnn.QuadraticLinear(4, 6, dtype=torch.float64, form="compact")
    for own, (weight, bias) in zip((compact.r, compact.g), branches(layer), strict=True):
        own.load_state_dict({"weight": weight, "bias": bias})
    x = torch.randn(5, 4, dtype=torch.float64)
    assert_close(compact(x), layer(x))


# The activation


@pytest.mark.parametrize("make", [nn.PReLU, lambda: nn.PReLU(1), functools.partial(nn.PReLU, init=0.25)])
@every_star
def test_activation_is_a_module_of_the_layer(kind, make):
    layer = build(kind, 4, 6, activation=make, dtype=torch.float64, device="meta")
    slope = layer.activation.weight
    assert slope.is_meta
    assert slope.dtype == torch.float64
    assert any(parameter is slope for parameter in layer.parameters())

    layer = build(kind, 4, 6, activation=make)
    x = example(kind)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x), layer(x))
    assert build(kind, 4, 6, activation=make).activation is not layer.activation


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (nn.ReLU(), r"such as the class torch.nn.ReLU6; got ReLU\(\)"),
        (F.relu, "without arguments.*function relu"),
        ("relu", "without arguments.*'relu'"),
        (None, "without arguments.*None"),
        (lambda: F.relu, "torch.nn.Module.*function relu"),
        (dict, r"torch.nn.Module.*\{\}"),
    ],
)
@every_star
def test_what_makes_no_module_is_refused(kind, activation, message):
    with pytest.raises(ValueError, match=message):
        build(kind, 4, 6, activation=activation)


# A drop-in for torch's layer


@every_layer
def test_signature_begins_with_torchs(kind):
    def arguments(layer):
        return [(p.name, p.kind, p.default) for p in inspect.signature(layer).parameters.values()]

    torchs, ours = arguments(TORCH[kind]), arguments(kind)
    assert ours[: len(torchs)] == torchs
    star = [("activation", inspect.Parameter.KEYWORD_ONLY, nn.ReLU6)]
    assert ours[len(torchs) :] == (star if kind in STAR.values() else [])


@pytest.mark.parametrize("again", [False, True], ids=["constructed", "reset"])
@every_layer
def test_initial_weights_are_torchs(kind, again):
    """Each map on its own, uniform within 1 / sqrt(fan_in) of one map of one group."""
    settings = {"groups": 4} if DIMS[TORCH[kind]] else {}
    layer = build(kind, 32, 256, **settings)
    if again:
        torch.nn.utils.vector_to_parameters(torch.zeros(sum(p.numel() for p in layer.parameters())), layer.parameters())
        layer.reset_parameters()
    bound = 1 / math.sqrt(build(TORCH[kind], 32, 256, **settings).weight[0].numel())
    (a, _), (b, _) = maps = branches(layer, settings.get("groups", 1))
    for values in (value for branch in maps for value in branch):
        assert 0.95 * bound < values.abs().max() <= bound
        assert_close(values.std().item(), bound / math.sqrt(3), rtol=0.1, atol=0)
    correlation = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]
    assert correlation.abs() < 5 / math.sqrt(a.numel())


@pytest.mark.parametrize("bias", [True, False])
@every_layer
def test_costs_are_those_of_the_docstring(kind, bias):
    dims = DIMS[TORCH[kind]]
    settings = {"groups": 2, "padding": 1} if dims else {}
    measured = pnn.budget(build(kind, 4, 6, bias=bias, **settings), example(kind))
    edges = 4 * 6 // settings.get("groups", 1) * 3**dims
    assert measured.parameters == 2 * (edges + 6 * bias)
    assert measured.macs == 2 * edges * 6**dims


@pytest.mark.parametrize("kind", [pnn.BilinearConv1d, pnn.BilinearConv2d, pnn.StarConv2d], ids=label)
def test_groups_must_divide_the_channels(kind):
    with pytest.raises(ValueError, match="out_channels must be divisible by groups"):
        kind(6, 4, 3, groups=3)


class Doubling(nn.Module):
    """It works in place, and says so nowhere."""

    def forward(self, x):
        return x.mul_(2)


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


IN_PLACE = {
    "of torch": (functools.partial(nn.ReLU6, inplace=True), nn.ReLU6),
    "inside": (lambda: nn.Sequential(nn.Hardswish(inplace=True)), nn.Hardswish),
    "unsaid": (Doubling, Doubled),
}


@pytest.mark.parametrize(("in_place", "plain"), IN_PLACE.values(), ids=IN_PLACE)
@pytest.mark.parametrize("groups", [1, 2])
@every_star
def test_an_activation_may_work_in_place(kind, groups, in_place, plain):
    settings = {} if kind is pnn.StarLinear else {"groups": groups}
    layer, twin = (build(kind, 4, 6, **settings, activation=activation) for activation in (in_place, plain))
    twin.maps.load_state_dict(layer.maps.state_dict())
    found = []
    for star in (layer, twin):
        x = torch.linspace(-3, 3, example(kind).numel()).view_as(example(kind)).requires_grad_()
        y = star(x)
        y.square().sum().backward()
        found.append((y, x.grad, star.maps.weight.grad))
    assert_close(*found)


@every_star
def test_a_reset_draws_the_activation_anew_too(kind):
    layer = build(kind, 4, 6, activation=lambda: nn.Sequential(nn.PReLU(), nn.Identity()))
    with torch.no_grad():
        layer.activation[0].weight.fill_(7)
    layer.reset_parameters()
    assert layer.activation[0].weight.item() == 0.25


@pytest.mark.parametrize("hooked", [False, True])
def test_an_activation_that_works_in_place_changes_no_gradient(hooked):
    """What hooks the maps may keep its output for the way back, and then nobody may write into it."""
    gradients = []
    for inplace in (True, False):
        torch.manual_seed(0)
        layer = pnn.StarLinear(4, 6, activation=functools.partial(nn.SiLU, inplace=inplace))
        if hooked:
            layer.maps.register_forward_hook(lambda module, inputs, output: output.tanh())
        layer(torch.randn(3, 4)).sum().backward()
        gradients.append(layer.maps.weight.grad)
    torch.testing.assert_close(*gradients)
