"""y = (Rx + b)(Gx + g) + B(x * x) + c and its relatives: the layers against the equation in plain torch."""

import inspect
import math
import random
from itertools import combinations

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.testing import assert_close

import pnn

TORCH = {pnn.QuadraticLinear: nn.Linear, pnn.QuadraticConv1d: nn.Conv1d, pnn.QuadraticConv2d: nn.Conv2d}
DIMS = {pnn.QuadraticLinear: 0, pnn.QuadraticConv1d: 1, pnn.QuadraticConv2d: 2}  # of one channel of one sample
MAPS = {"full": "rgb", "compact": "rg", "type2": "b", "type3": "r"}
SETTINGS = {
    pnn.QuadraticLinear: {},
    pnn.QuadraticConv1d: {"kernel_size": 3, "groups": 2, "stride": 2},
    pnn.QuadraticConv2d: {"kernel_size": (3, 2), "padding": 1, "groups": 2, "padding_mode": "reflect"},
}


def label(value):
    return getattr(value, "__name__", None)


every_layer = pytest.mark.parametrize("kind", TORCH, ids=label)
every_form = pytest.mark.parametrize("form", MAPS)


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def build(kind, inputs=4, outputs=6, **settings):
    return kind(inputs, outputs, **SETTINGS[kind] | settings)


def build_torchs(kind, inputs=4, outputs=6, **settings):
    return TORCH[kind](inputs, outputs, **SETTINGS[kind] | settings)


def example(kind, channels=4, size=8, **options):
    return torch.randn(3, channels, *[size] * DIMS[kind], **options)


def stated(form, x, apply):
    """The equation of a form; ``apply(name, x)`` is the affine map of that name."""
    if form == "type2":
        return apply("b", x**2)
    if form == "type3":
        return apply("r", x) ** 2
    y = apply("r", x) * apply("g", x)
    return y + apply("b", x**2) if form == "full" else y


# The equation


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(4,), (0, 4), (5, 4), (2, 3, 4)])
@every_form
def test_linear_is_the_equation(form, shape, bias):
    layer = pnn.QuadraticLinear(4, 6, bias, form=form, dtype=torch.float64)
    maps = dict(layer.named_children())
    assert "".join(maps) == MAPS[form]

    def apply(name, x):
        y = torch.einsum("oi,...i->...o", maps[name].weight, x)
        return y + maps[name].bias if bias else y

    x = torch.randn(shape, dtype=torch.float64)
    assert_close(layer(x), stated(form, x, apply))


@pytest.mark.parametrize("seed", range(15))
@every_form
@pytest.mark.parametrize("kind", [pnn.QuadraticConv1d, pnn.QuadraticConv2d], ids=label)
def test_convolution_is_the_equation(kind, form, seed):
    """Settings drawn at random; each map is stated as a convolution of its own, of an input padded by hand."""
    draw, dims = random.Random(seed), DIMS[kind]

    def per_dim(*values):
        return tuple(draw.choice(values) for _ in range(dims))

    groups = draw.choice([1, 2, 3])
    inputs, outputs = groups * draw.randint(1, 3), groups * draw.randint(1, 3)
    kernel, stride, dilation, padding = per_dim(1, 2, 3), per_dim(1, 2), per_dim(1, 2), per_dim(0, 1, 2)
    mode, bias = draw.choice(["zeros", "reflect", "replicate", "circular"]), draw.choice([True, False])
    layer = kind(inputs, outputs, kernel, stride, padding, dilation, groups, bias, mode, dtype=torch.float64, form=form)
    maps = dict(layer.named_children())
    convolve = {1: F.conv1d, 2: F.conv2d}[dims]

    def apply(name, x):
        sides = [side for margin in reversed(padding) for side in (margin, margin)]
        padded = F.pad(x, sides, "constant" if mode == "zeros" else mode)
        return convolve(padded, maps[name].weight, maps[name].bias, stride, 0, dilation, groups)

    batch = draw.choice([(), (0,), (3,)])
    x = torch.randn(*batch, inputs, *(draw.randint(5, 7) for _ in range(dims)), dtype=torch.float64)
    assert_close(layer(x), stated(form, x, apply), msg=lambda text: f"{layer}\n{text}")


@every_form
@every_layer
def test_first_and_second_derivatives(kind, form):
    layer = build(kind, 2, 2, form=form, dtype=torch.float64)
    names, parameters = zip(*layer.named_parameters(), strict=True)
    x = example(kind, 2, 4, dtype=torch.float64, requires_grad=True)

    def call(x, *values):
        return functional_call(layer, dict(zip(names, values, strict=True)), x)

    assert torch.autograd.gradcheck(call, (x[:1], *parameters), fast_mode=True)
    assert torch.autograd.gradgradcheck(call, (x[:1], *parameters), fast_mode=True)


@every_form
@every_layer
def test_r_and_g_are_one_fused_map_and_b_a_second(kind, form):
    called = []

    class Calls(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            called.append(function)
            return function(*args, **kwargs or {})

    layer, x = build(kind, form=form), example(kind)
    with Calls():
        layer(x)
    maps = [f for f in called if f in (F.linear, F.conv1d, F.conv2d)]
    assert len(maps) == (2 if form == "full" else 1)


@pytest.mark.parametrize("groups", [1, 2])
@every_form
def test_channels_last_stays_channels_last(form, groups):
    layer = build(pnn.QuadraticConv2d, form=form, groups=groups).to(memory_format=torch.channels_last)
    x = example(pnn.QuadraticConv2d)
    y = layer(x.contiguous(memory_format=torch.channels_last))
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert_close(y, layer(x))


# Limit cases


@pytest.mark.parametrize("form", ["full", "compact"])
@every_layer
def test_without_its_quadratic_part_it_is_torchs_layer_bit_for_bit(kind, form):
    """In whole numbers: rounding would depend on the order of the sum, which torch picks by the size of the map."""
    conventional, layer = build_torchs(kind), build(kind, form=form)
    with torch.no_grad():
        for parameter in conventional.parameters():
            parameter.copy_(torch.randint(-9, 10, parameter.shape))
        nn.utils.vector_to_parameters(torch.zeros(sum(p.numel() for p in layer.parameters())), layer.parameters())
        layer.r.load_state_dict(conventional.state_dict())
        layer.g.bias.fill_(1)
    x = torch.randint_like(example(kind), -9, 10)
    assert torch.equal(layer(x), conventional(x))


@every_layer
def test_full_without_its_power_is_compact(kind):
    full, compact = build(kind), build(kind, form="compact")
    state = {name: torch.zeros_like(value) for name, value in full.b.state_dict(prefix="b.").items()}
    full.load_state_dict(state | compact.state_dict())
    x = example(kind)
    assert torch.equal(full(x), compact(x))


@every_layer
def test_compact_of_two_equal_maps_is_type3(kind):
    compact, square = build(kind, form="compact"), build(kind, form="type3")
    for branch in (compact.r, compact.g):
        branch.load_state_dict(square.r.state_dict())
    x = example(kind)
    assert_close(compact(x), square(x))


@every_form
@every_layer
def test_without_bias_it_is_homogeneous_of_degree_2(kind, form):
    layer, x = build(kind, form=form, bias=False), example(kind)
    assert torch.equal(layer(4 * x), 16 * layer(x))  # powers of 2 do not round
    assert not torch.equal(build(kind, form=form)(4 * x), 16 * layer(x))


# Costs and initialisation


@pytest.mark.parametrize("bias", [True, False])
@every_form
@every_layer
def test_parameters_and_macs_are_the_formulas(kind, form, bias):
    layer, x = build(kind, form=form, bias=bias), example(kind)
    # in / groups * kernel, as in SETTINGS
    patch = {pnn.QuadraticLinear: 4, pnn.QuadraticConv1d: 2 * 3, pnn.QuadraticConv2d: 2 * 3 * 2}[kind]
    positions = layer(x)[0, 0].numel() if DIMS[kind] else 1
    cost = pnn.budget(layer, x)
    assert cost.parameters == len(MAPS[form]) * 6 * (patch + bias)
    assert cost.macs == len(MAPS[form]) * 6 * patch * positions


@pytest.mark.parametrize("again", [False, True], ids=["constructed", "reset"])
@every_form
@every_layer
def test_initial_weights_are_torchs(kind, form, again):
    """Each map on its own, uniform within 1 / sqrt(fan_in)."""
    layer = build(kind, 32, 256, form=form)
    if again:
        nn.utils.vector_to_parameters(torch.zeros(sum(p.numel() for p in layer.parameters())), layer.parameters())
        layer.reset_parameters()
    bound = 1 / math.sqrt(build_torchs(kind, 32, 256).weight[0].numel())
    for name in MAPS[form]:
        for values in getattr(layer, name).parameters():
            assert 0.95 * bound < values.abs().max() <= bound
            assert_close(values.std().item(), bound / math.sqrt(3), rtol=0.1, atol=0)
    for one, other in combinations([branch.weight.flatten() for branch in layer.children()], 2):
        assert torch.corrcoef(torch.stack([one, other]))[0, 1].abs() < 5 / math.sqrt(len(one))


# A drop-in for torch's layer


@every_layer
def test_signature_is_torchs_and_form(kind):
    def arguments(layer):
        return [(p.name, p.kind, p.default) for p in inspect.signature(layer).parameters.values()]

    *shared, form = arguments(kind)
    assert shared == arguments(TORCH[kind])
    assert form == ("form", inspect.Parameter.KEYWORD_ONLY, "full")


@pytest.mark.parametrize("bias", [True, False])
@every_form
@every_layer
def test_representation_and_settings_are_torchs(kind, form, bias):
    layer, conventional = build(kind, form=form, bias=bias), build_torchs(kind, bias=bias)
    assert layer.extra_repr() == f"{conventional.extra_repr()}, form={form!r}"
    for name in {"in_features", "in_channels", "kernel_size", "stride", "groups"} & vars(conventional).keys():
        assert getattr(layer, name) == getattr(conventional, name)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("cubic", "'full', 'compact', 'type2', 'type3', got 'cubic'"),
        (None, "'full'.*got None"),
        ("type1", r"'type1' is torch\.nn\.Bilinear"),
        ("type4", "'type4' is the form 'compact'"),
        ("quadralib", "'quadralib'.*PolyLinear"),
    ],
)
@every_layer
def test_unknown_forms_are_refused(kind, form, message):
    with pytest.raises(ValueError, match=message):
        build(kind, form=form)
