"""Kolmogorov-Arnold layers: their functions against scipy's splines and numpy's polynomials, then the sums."""

import inspect
import math
import random

import numpy as np
import pytest
import torch
from numpy.polynomial import Chebyshev
from scipy.interpolate import BSpline
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.testing import assert_close

import pnn

TORCH = {pnn.KANLinear: nn.Linear, pnn.KANConv2d: nn.Conv2d}
BASES = [
    {},
    {"degree": 1, "grid": 4},
    {"degree": 2, "grid": 1, "interval": (-3, 2)},
    {"degree": 6, "grid": 3, "interval": (0.5, 0.75)},
    {"basis": "chebyshev"},
    {"basis": "chebyshev", "degree": 1, "interval": (-2, 3)},
    {"basis": "chebyshev", "degree": 20},
]


def label(value):
    if isinstance(value, dict):
        return ",".join(f"{name}={setting}" for name, setting in value.items()) or "default"
    return getattr(value, "__name__", None)


every_basis = pytest.mark.parametrize("basis", BASES, ids=label)
both_bases = pytest.mark.parametrize("basis", ["spline", "chebyshev"])
both_layers = pytest.mark.parametrize("kind", TORCH, ids=label)


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def functions(x, basis="spline", grid=5, degree=3, interval=(-1, 1)):
    """The values of the functions of an edge, by scipy or numpy."""
    if basis == "chebyshev":
        values = [Chebyshev.basis(m, domain=interval)(x.numpy()) for m in range(1, degree + 1)]
    else:
        piece = (interval[1] - interval[0]) / grid
        knots = interval[0] + piece * np.arange(-degree, grid + degree + 1)
        splines = [BSpline.basis_element(knots[m : m + degree + 2], extrapolate=False) for m in range(grid + degree)]
        values = [F.silu(x).numpy(), *(np.nan_to_num(spline(x.numpy())) for spline in splines)]
    return [torch.from_numpy(np.asarray(value)) for value in values]


def bare_functions(**settings):
    """A layer of one input whose outputs are the functions themselves."""
    layer = pnn.KANLinear(1, pnn.KANLinear(1, 1, **settings).functions, False, dtype=torch.float64, **settings)
    with torch.no_grad():
        layer.maps.weight.copy_(torch.eye(layer.functions))
    return layer


# The functions of an edge


@every_basis
def test_functions_are_those_of_scipy_and_numpy(basis):
    """Inside the interval, on the knots, in the margins and far out."""
    low, high = basis.get("interval", (-1, 1))
    grid = basis.get("grid", 5)
    x = low + (high - low) * torch.cat([torch.linspace(-1.5, 2.5, 997), torch.arange(-2 * grid, 3 * grid) / grid])
    x = x.double()
    layer = bare_functions(**basis)
    expected = torch.stack(functions(x, **basis), dim=-1)
    assert layer.functions == expected.shape[-1]
    assert_close(layer(x[:, None]), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_splines_sum_to_one_inside_and_vanish_outside(degree):
    layer = bare_functions(degree=degree, grid=4, interval=(-2, 2))
    inside = layer(torch.linspace(-2, 2, 101, dtype=torch.float64)[:, None])[:, 1:]
    assert_close(inside.sum(-1), torch.ones(101, dtype=torch.float64))
    assert inside.min() >= 0
    outside = layer(torch.tensor([-2 - degree, 2 + degree, -1e9, 1e9], dtype=torch.float64)[:, None])[:, 1:]
    assert torch.equal(outside, torch.zeros_like(outside))
    margin = layer(torch.tensor([-1.9 - degree, 1.9 + degree], dtype=torch.float64)[:, None])[:, 1:]
    assert (margin.sum(-1) > 0).all()


def test_far_outside_only_silu_remains():
    layer = pnn.KANLinear(3, 5, dtype=torch.float64)
    x = torch.tensor([[4.0, -7.0, 90.0], [-3.0, -1e6, 1e6]], dtype=torch.float64)
    assert_close(layer(x), F.linear(F.silu(x), layer.maps.weight[:, ::9], layer.maps.bias))


def test_linear_splines_are_any_piecewise_linear_function_of_the_grid():
    layer = pnn.KANLinear(1, 2, bias=False, degree=1, grid=6, interval=(-3, 3), dtype=torch.float64)
    knots = np.arange(-3, 4)
    heights = np.array([np.abs(knots), [2, -1, 0.5, 4, 4, -3, 1]])
    with torch.no_grad():
        layer.maps.weight[:, 0] = 0
        layer.maps.weight[:, 1:] = torch.from_numpy(heights)
    x = np.linspace(-3, 3, 211)
    expected = np.stack([np.abs(x), np.interp(x, knots, heights[1])], axis=-1)
    assert_close(layer(torch.from_numpy(x)[:, None]), torch.from_numpy(expected))


@both_layers
def test_of_degree_1_the_chebyshev_layer_is_torchs(kind):
    kernel = (3, 2, 1) if kind is pnn.KANConv2d else ()
    layer, torchs = kind(4, 6, *kernel, basis="chebyshev", degree=1), TORCH[kind](4, 6, *kernel)
    torchs.load_state_dict(layer.maps.state_dict())
    x = torch.randn(2, 4, 9, 9) if kernel else torch.randn(5, 4)
    assert torch.equal(layer(x), torchs(x))


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 5, 8])
def test_chebyshev_layer_is_a_polynomial_of_its_degree(degree):
    """Along a line, differences of order ``degree`` are constant and not zero."""
    layer = pnn.KANLinear(3, 4, basis="chebyshev", degree=degree, interval=(-2, 1), dtype=torch.float64)
    start, direction = torch.randn(2, 3, dtype=torch.float64)
    values = layer(start + torch.linspace(-1, 1, degree + 4, dtype=torch.float64)[:, None] * direction)
    differences = values.diff(n=degree, dim=0)
    assert differences.abs().min() > 1e-6
    assert differences.diff(dim=0).abs().max() < 1e-8 * differences.abs().max() + 1e-10


@pytest.mark.parametrize(("degree", "expected"), [(1, 0), (3, 2), (4, 2), (9, 4)])
def test_chebyshev_depth(degree, expected):
    """Longest chain of products of two tensors, neither of them a parameter."""
    layer = pnn.KANLinear(2, 2, basis="chebyshev", degree=degree)
    graph = torch.export.export(layer, (torch.randn(3, 2),)).graph
    depth = {}
    for node in graph.nodes:
        product = (
            node.target is torch.ops.aten.mul.Tensor and len(node.all_input_nodes) + (len(set(node.args)) == 1) > 1
        )
        depth[node] = max((depth[source] for source in node.all_input_nodes), default=0) + product
    assert max(depth.values()) == expected


@both_layers
@both_bases
def test_half_precision_weights(kind, basis):
    settings = {"kernel_size": 3, "padding": 1} if kind is pnn.KANConv2d else {}
    layer = kind(4, 6, dtype=torch.bfloat16, basis=basis, **settings)
    x = torch.rand(2, 4, 5, 5)[(..., *([] if settings else [0, 0]))]
    y = layer(x.bfloat16())
    assert y.dtype == torch.bfloat16
    assert_close(y.float(), layer.float()(x), rtol=0.05, atol=0.05)


# The sums


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(4,), (0, 4), (5, 4), (2, 3, 4)])
@every_basis
def test_linear_is_the_equation(basis, shape, bias):
    layer = pnn.KANLinear(4, 3, bias, dtype=torch.float64, **basis)
    x = torch.randn(shape, dtype=torch.float64)
    edges = layer.maps.weight.detach().reshape(3, 4, -1)
    expected = torch.zeros(*shape[:-1], 3, dtype=torch.float64)
    for j in range(3):
        if bias:
            expected[..., j] += layer.maps.bias.detach()[j]
        for i in range(4):
            for weight, value in zip(edges[j, i], functions(x[..., i], **basis), strict=True):
                expected[..., j] += weight * value
    assert_close(layer(x), expected)


@pytest.mark.parametrize("seed", range(40))
def test_convolution_is_the_equation(seed):
    """Settings drawn at random; padded by hand, then one convolution a function."""
    draw = random.Random(seed)

    def int_or_pair(*values):
        return draw.choice([draw.choice(values), (draw.choice(values), draw.choice(values))])

    def pair(value):
        return (value, value) if isinstance(value, int) else value

    groups = draw.choice([1, 2, 3])
    inputs, outputs = groups * draw.randint(1, 4), groups * draw.randint(1, 4)
    padding = draw.choice(["same", "valid", int_or_pair(0, 1, 2)])
    kernel = int_or_pair(1, 2, 3)
    stride = 1 if padding == "same" else int_or_pair(1, 2, 3)
    dilation = int_or_pair(1, 2)
    mode = draw.choice(["zeros", "reflect", "replicate", "circular"])
    bias = draw.choice([True, False])
    basis = draw.choice(BASES[:-1])
    layer = pnn.KANConv2d(
        inputs, outputs, kernel, stride, padding, dilation, groups, bias, mode, dtype=torch.float64, **basis
    )
    batch = draw.choice([(), (0,), (1,), (3,)])
    x = torch.randn(*batch, inputs, draw.randint(5, 9), draw.randint(5, 9), dtype=torch.float64)
    if batch and draw.random() < 0.5:
        x = x.contiguous(memory_format=torch.channels_last)

    if padding == "same":
        spans = [d * (k - 1) for d, k in zip(pair(dilation), pair(kernel), strict=True)]
        before = [span // 2 for span in spans]
        after = [span - first for span, first in zip(spans, before, strict=True)]
    else:
        before = after = pair(0 if padding == "valid" else padding)
    padded = F.pad(x, (before[1], after[1], before[0], after[0]), "constant" if mode == "zeros" else mode)
    expected = 0 if layer.maps.bias is None else layer.maps.bias[:, None, None]
    for m, values in enumerate(functions(padded.contiguous(), **basis)):
        weight = layer.maps.weight[:, m :: layer.functions]
        expected = expected + F.conv2d(values, weight, None, stride, 0, dilation, groups)
    assert_close(layer(x), expected, msg=lambda text: f"{layer}\n{text}")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (pnn.KANLinear, {}),
        (pnn.KANLinear, {"basis": "chebyshev", "degree": 4}),
        (pnn.KANConv2d, {"groups": 2, "padding": 1}),
        (pnn.KANConv2d, {"basis": "chebyshev", "padding": "same", "padding_mode": "reflect"}),
    ],
    ids=label,
)
def test_first_and_second_derivatives(kind, settings):
    layer = kind(2, 2, *((2,) if kind is pnn.KANConv2d else ()), dtype=torch.float64, **settings)
    names, parameters = zip(*layer.named_parameters(), strict=True)
    x = torch.randn((1, 2, 3, 3) if kind is pnn.KANConv2d else (4, 2), dtype=torch.float64, requires_grad=True)

    def call(x, *values):
        return functional_call(layer, dict(zip(names, values, strict=True)), x)

    assert torch.autograd.gradcheck(call, (x, *parameters))
    assert torch.autograd.gradgradcheck(call, (x, *parameters))


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_memory_format_of_the_output_is_that_of_the_input(memory, channels):
    layer = pnn.KANConv2d(channels, 6, 3, padding=1)
    x = torch.randn(2, channels, 8, 8).contiguous(memory_format=memory)
    y, torchs = layer(x), nn.Conv2d(channels, 6, 3, padding=1)(x)
    assert y.stride() == torchs.stride()
    assert_close(y, layer(x.contiguous()))


# A drop-in for torch's layer


@both_layers
def test_signature_begins_with_torchs(kind):
    def arguments(layer):
        return [(p.name, p.kind, p.default) for p in inspect.signature(layer).parameters.values()]

    torchs = arguments(TORCH[kind])
    assert arguments(kind)[: len(torchs)] == torchs
    assert all(p[1] is inspect.Parameter.KEYWORD_ONLY for p in arguments(kind)[len(torchs) :])


def test_representation():
    assert pnn.KANLinear(4, 6, bias=False, interval=(-2, 2)).extra_repr() == (
        "in_features=4, out_features=6, bias=False, basis='spline', grid=5, degree=3, interval=(-2.0, 2.0)"
    )
    assert pnn.KANConv2d(4, 6, 3, groups=2, basis="chebyshev").extra_repr() == (
        "4, 6, kernel_size=(3, 3), stride=(1, 1), groups=2, basis='chebyshev', degree=3, interval=(-1.0, 1.0)"
    )


@pytest.mark.parametrize("again", [False, True], ids=["constructed", "reset"])
@pytest.mark.parametrize(
    ("kind", "settings"), [(pnn.KANLinear, {}), (pnn.KANConv2d, {"kernel_size": 3, "groups": 4})], ids=label
)
@both_bases
def test_initial_weights(kind, settings, basis, again):
    """The first function and the bias as torch's layer, the others small."""
    layer = kind(32, 256, basis=basis, **settings)
    if again:
        torch.nn.utils.vector_to_parameters(torch.zeros(sum(p.numel() for p in layer.parameters())), layer.parameters())
        layer.reset_parameters()
    bound = 1 / math.sqrt(TORCH[kind](32, 256, **settings).weight[0].numel())
    weight = layer.maps.weight.unflatten(1, (-1, layer.functions))
    for values in (weight[:, :, 0], layer.maps.bias):
        assert 0.95 * bound < values.abs().max() <= bound
        assert_close(values.std().item(), bound / math.sqrt(3), rtol=0.1, atol=0)
    others = weight[:, :, 1:]
    assert_close(others.std().item(), 0.1 * bound, rtol=0.05, atol=0)
    assert others.mean().abs() < 5 * 0.1 * bound / math.sqrt(others.numel())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("basis", "functions"), [({}, 9), ({"grid": 8, "degree": 2}, 11), ({"basis": "chebyshev"}, 3)])
def test_costs_are_those_of_the_docstring(basis, functions, bias):
    linear = pnn.budget(pnn.KANLinear(10, 7, bias, **basis), torch.randn(4, 10))
    assert linear.parameters == (functions * 10 + bias) * 7
    assert linear.macs == functions * 10 * 7
    convolution = pnn.KANConv2d(10, 6, (3, 5), padding="same", groups=2, bias=bias, **basis)
    convolution = pnn.budget(convolution, torch.randn(2, 10, 8, 4))
    assert convolution.parameters == 6 * (functions * 10 // 2 * 15 + bias)
    assert convolution.macs == functions * 6 * 10 // 2 * 15 * 32


@pytest.mark.parametrize(("basis", "numbers"), [("spline", 33), ("chebyshev", 5)])
def test_memory_is_that_of_the_docstring(basis, numbers):
    """Behind a layer whose output needs a gradient; where that output is kept itself, it is one number more."""
    network = nn.Sequential(nn.Linear(10, 10), pnn.KANLinear(10, 7, basis=basis))
    kept = pnn.budget(network, torch.randn(4, 10)).activation_bytes / 4 / 10
    assert kept - (basis == "spline") == numbers


# Bad input


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"basis": "fourier"}, "basis must be one of 'spline', 'chebyshev', got 'fourier'"),
        ({"grid": 0}, "grid.*at least 1.*0"),
        ({"grid": 2.5}, "grid.*whole.*2.5"),
        ({"degree": 0}, "degree.*at least 1.*0"),
        ({"degree": "3"}, "degree.*whole.*'3'"),
        ({"interval": (1, 1)}, r"interval.*lower first.*\(1, 1\)"),
        ({"interval": (2, -2)}, r"interval.*\(2, -2\)"),
        ({"interval": (0, math.inf)}, "interval.*finite.*inf"),
        ({"interval": (-math.inf, 0)}, "interval.*finite.*-inf"),
        ({"interval": (math.nan, 1)}, "interval.*nan"),
        ({"interval": (0, 1, 2)}, "interval.*two"),
        ({"interval": 3}, "interval.*two.*3"),
    ],
    ids=label,
)
@both_layers
def test_settings_out_of_range_are_refused(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(4, 6, *((3,) if kind is pnn.KANConv2d else ()), **settings)


def test_inputs_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"expected 4 features, got shape \(2, 3\)"):
        pnn.KANLinear(4, 6)(torch.randn(2, 3))
    for x in (torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)):
        with pytest.raises(ValueError, match=r"expected 4 channels, got shape \(2, 3, 8, 8\)"):
            pnn.KANConv2d(4, 6, 3)(x)
