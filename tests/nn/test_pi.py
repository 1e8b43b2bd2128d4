"""The Π-net polynomials: the layers against the recursion written out, and as polynomials of their degree."""

import inspect
import math
import random
import re
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.testing import assert_close

import pnn

TORCH = {pnn.CCP: nn.Linear, pnn.NCP: nn.Linear, pnn.CCPConv2d: nn.Conv2d, pnn.NCPConv2d: nn.Conv2d}
LINEAR = [pnn.CCP, pnn.NCP]
CONVOLUTIONS = [pnn.CCPConv2d, pnn.NCPConv2d]
NESTED = [pnn.NCP, pnn.NCPConv2d]

every_layer = pytest.mark.parametrize("kind", TORCH)
every_linear = pytest.mark.parametrize("kind", LINEAR)
every_convolution = pytest.mark.parametrize("kind", CONVOLUTIONS)
every_degree = pytest.mark.parametrize("degree", [1, 2, 3, 5])


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def build(kind, *channels, **settings):
    """A layer with kernel size 3 if it is a convolution; vectors and BatchNorm are not left at ones and zeros."""
    kernel = (3,) if kind in CONVOLUTIONS else ()
    layer = kind(*channels, *kernel, **settings)
    with torch.no_grad():
        if kind in NESTED:
            for vector in (layer.start, *(step.bias for step in layer.steps)):
                vector.normal_()
        if layer.norm is not None:
            for values in (layer.norm.weight, layer.norm.bias, layer.norm.running_mean):
                values.normal_()
            layer.norm.running_var.uniform_(0.5, 2)
    return layer


def example(kind, batch, channels, size=5, **options):
    return torch.randn(batch, channels, *([size, size] if kind in CONVOLUTIONS else []), **options)


# The equation


@pytest.mark.parametrize(
    "settings", [{}, {"bias": False}, {"hidden_features": 2}, {"norm": True}], ids=lambda s: ",".join(s) or "default"
)
@every_degree
@every_linear
def test_linear_is_the_recursion_number_by_number(kind, degree, settings):
    layer = build(kind, 3, 4, degree=degree, dtype=torch.float64, **settings).eval()
    hidden = settings.get("hidden_features", 4)
    z = torch.randn(2, 3, dtype=torch.float64)
    with torch.no_grad():
        y = layer(z)

    maps = layer.maps.weight.tolist()
    readout = layer.readout.weight.tolist()
    for row, outputs in zip(z.tolist(), y.tolist(), strict=True):
        u = [
            [sum(w * v for w, v in zip(maps[n * hidden + j], row, strict=True)) for j in range(hidden)]
            for n in range(degree)
        ]
        if layer.norm is not None:
            mean, var, scale, shift = (
                getattr(layer.norm, name).tolist() for name in ("running_mean", "running_var", "weight", "bias")
            )
            for n in range(degree):
                for j in range(hidden):
                    i = n * hidden + j
                    u[n][j] = (u[n][j] - mean[i]) / math.sqrt(var[i] + 1e-5) * scale[i] + shift[i]
        x = u[0] if kind is pnn.CCP else [u[0][j] * layer.start[j].item() for j in range(hidden)]
        for n in range(1, degree):
            if kind is pnn.CCP:
                x = [u[n][j] * x[j] + x[j] for j in range(hidden)]
            else:
                square, vector = layer.steps[n - 1].weight.tolist(), layer.steps[n - 1].bias.tolist()
                x = [u[n][j] * (sum(square[j][i] * x[i] for i in range(hidden)) + vector[j]) for j in range(hidden)]
        for k, output in enumerate(outputs):
            beta = 0.0 if layer.readout.bias is None else layer.readout.bias[k].item()
            assert output == pytest.approx(sum(readout[k][j] * x[j] for j in range(hidden)) + beta, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", range(40))
@every_convolution
def test_convolution_is_the_recursion(kind, seed):
    """Settings drawn at random. Group by group: the groups of one layer are layers of one group beside one another."""
    draw = random.Random(seed)
    groups, degree = draw.choice([1, 2, 3]), draw.choice([1, 2, 3, 4])
    inputs, hidden, outputs = (groups * draw.randint(1, 3) for _ in range(3))
    padding = draw.choice(["same", "valid", 1, (0, 2)])
    stride = 1 if padding == "same" else draw.choice([1, 2, (2, 1)])
    kernel, dilation = draw.choice([1, 3, (3, 1)]), draw.choice([1, 2])
    mode, bias = draw.choice(["zeros", "reflect", "replicate", "circular"]), draw.choice([True, False])
    settings = {"degree": degree, "hidden_channels": hidden, "norm": draw.choice([True, False])}
    arguments = (inputs, outputs, kernel, stride, padding, dilation, groups, bias, mode, "cpu", torch.float64)
    layer = kind(*arguments, **settings).eval()
    with torch.no_grad():
        for parameter in layer.parameters():  # the vectors must not be ones, nor BatchNorm the identity
            parameter.copy_(torch.randn_like(parameter))
    batch = (draw.choice([0, 1, 3]),) if settings["norm"] else draw.choice([(), (0,), (3,)])
    z = torch.randn(*batch, inputs, 7, 6, dtype=torch.float64)

    def of_group(g, values, channels):  # the g-th of `groups` runs of channels
        size = channels // groups
        return values[g * size : (g + 1) * size]

    def one_by_one(values, weight, bias):
        y = torch.einsum("oc,...chw->...ohw", weight.flatten(1), values)
        return y if bias is None else y + bias[:, None, None]

    parts = []
    for g in range(groups):
        own = nn.Conv2d(inputs // groups, hidden // groups, kernel, stride, padding, dilation, 1, False, mode)
        first_input = g * (inputs // groups)
        u = []
        for n in range(degree):
            start = (g * degree + n) * (hidden // groups)  # order: group, branch, channel
            rows = slice(start, start + hidden // groups)
            own.weight = nn.Parameter(layer.maps.weight[rows])
            u.append(own(z[..., first_input : first_input + inputs // groups, :, :]))
            if layer.norm is not None:
                scale, shift = (values[rows, None, None] for values in (layer.norm.weight, layer.norm.bias))
                u[n] = u[n] / math.sqrt(1 + 1e-5) * scale + shift
        if kind is pnn.CCPConv2d:
            x = u[0]
            for n in range(1, degree):
                x = u[n] * x + x
        else:
            x = u[0] * of_group(g, layer.start, hidden)[:, None, None]
            for n in range(1, degree):
                step = layer.steps[n - 1]
                x = u[n] * one_by_one(x, of_group(g, step.weight, hidden), of_group(g, step.bias, hidden))
        beta = layer.readout.bias
        beta = beta if beta is None else of_group(g, beta, outputs)
        parts.append(one_by_one(x, of_group(g, layer.readout.weight, outputs), beta))
    assert_close(layer(z), torch.cat(parts, -3), msg=lambda text: f"{layer}\n{text}")


@pytest.mark.parametrize("shape", [(4,), (0, 4), (5, 4), (2, 3, 4), (2, 0, 3, 4)])
@every_linear
def test_other_dimensions_are_rows(kind, shape):
    layer = build(kind, 4, 6, degree=3)
    x = torch.randn(shape)
    y = layer(x)
    assert y.shape == (*shape[:-1], 6)
    assert_close(y.reshape(-1, 6), torch.stack([layer(row) for row in x.reshape(-1, 4)]) if x.numel() else y.view(0, 6))


@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 4), (2, 1, 3, 4)])
@every_linear
def test_batch_statistics_are_over_all_rows(kind, shape):
    layer = build(kind, 4, 2, norm=True, dtype=torch.float64)
    x = torch.randn(shape, dtype=torch.float64)
    u = F.linear(x.reshape(-1, 4), layer.maps.weight)
    u = (u - u.mean(0)) / (u.var(0, unbiased=False) + 1e-5).sqrt() * layer.norm.weight + layer.norm.bias
    if kind is pnn.CCP:
        x2 = u[:, :2] * (1 + u[:, 2:])
    else:
        x2 = u[:, 2:] * F.linear(u[:, :2] * layer.start, layer.steps[0].weight, layer.steps[0].bias)
    assert_close(layer(x), F.linear(x2, layer.readout.weight, layer.readout.bias).view(*shape[:-1], 2))


@every_layer
def test_in_training_normalisation_divides_by_the_batch(kind):
    """Scale and shift of each map do not reach the output, so the layer sees a map's shape only."""
    layer = build(kind, 4, 6, degree=3, norm=True, dtype=torch.float64)
    x = 5 + example(kind, 8, 4, dtype=torch.float64)
    before = layer(x)
    with torch.no_grad():
        layer.maps.weight *= 10
    assert_close(layer(x), before, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(layer.eval()(x), before)


@pytest.mark.parametrize(("degree", "settings"), [(1, {}), (2, {"bias": False}), (3, {"norm": True})])
@every_layer
def test_first_and_second_derivatives(kind, degree, settings):
    convolution = {"groups": 2, "padding": 1, "stride": 2} if kind in CONVOLUTIONS else {}
    layer = build(kind, 2, 2, degree=degree, dtype=torch.float64, **settings, **convolution).eval()
    names, parameters = zip(*layer.named_parameters(), strict=True)
    inputs = (example(kind, 1, 2, 3, dtype=torch.float64, requires_grad=True), *parameters)

    def call(x, *values):
        return functional_call(layer, dict(zip(names, values, strict=True)), x)

    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs, fast_mode=True)


# A polynomial of its degree


@pytest.mark.parametrize("norm", [False, True])
@every_degree
@every_layer
def test_it_is_a_polynomial_of_exactly_its_degree(kind, degree, norm):
    """Along a random line: a fit of degree N has no error, a fit of degree N - 1 has."""
    layer = build(kind, 4, 3, degree=degree, norm=norm, dtype=torch.float64).eval()
    start, direction = example(kind, 2, 4, 3, dtype=torch.float64)
    t = np.cos(np.linspace(0, np.pi, 4 * degree + 4))
    with torch.no_grad():
        values = torch.stack([layer((start + 3 * s * direction)[None]).flatten() for s in t]).numpy()

    def error(order):
        fit = np.polynomial.chebyshev.chebfit(t, values, order)
        return np.abs(np.polynomial.chebyshev.chebval(t, fit).T - values).max(0) / np.abs(values).max(0)

    assert (error(degree) < 1e-12).all()
    assert (error(degree - 1) > 1e-9).all()


@every_layer
def test_without_input_only_beta_is_left(kind):
    layer = build(kind, 4, 3, degree=3)
    y = layer(torch.zeros_like(example(kind, 2, 4)))
    assert_close(y, layer.readout.bias.view(-1, *[1] * (y.dim() - 2)).expand_as(y))


@pytest.mark.parametrize("bias", [True, False])
@every_layer
def test_degree_one_is_a_linear_map(kind, bias):
    layer = (
        build(kind, 4, 3, degree=1, hidden_channels=5, bias=bias)
        if kind in CONVOLUTIONS
        else build(kind, 4, 3, degree=1, hidden_features=5, bias=bias)
    )
    scale = layer.start if kind in NESTED else torch.ones(5)
    composed = torch.einsum("oh,h,h...->o...", layer.readout.weight.flatten(1), scale, layer.maps.weight)
    x = example(kind, 3, 4)
    apply = F.conv2d if kind in CONVOLUTIONS else F.linear
    assert_close(layer(x), apply(x, composed, layer.readout.bias))


@pytest.mark.parametrize("degree", [2, 4])
@pytest.mark.parametrize("kind", NESTED)
def test_nested_without_its_vectors_has_the_highest_degree_only(kind, degree):
    layer = build(kind, 4, 3, degree=degree, bias=False, dtype=torch.float64)
    with torch.no_grad():
        for step in layer.steps:
            step.bias.zero_()
    x = example(kind, 2, 4, dtype=torch.float64)
    assert_close(layer(3 * x), 3**degree * layer(x))


@every_linear
def test_coupled_and_nested_share_polynomials(kind):
    """Where the squares are the identity and the vectors ones, a nested step is x + 1 times its map."""
    layer = build(kind, 4, 4, degree=2, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.readout.weight.copy_(torch.eye(4))
        if kind is pnn.NCP:
            layer.start.fill_(1)
            layer.steps[0].weight.copy_(torch.eye(4))
            layer.steps[0].bias.fill_(1)
    x = torch.randn(5, 4, dtype=torch.float64)
    first, second = (x @ half.T for half in layer.maps.weight.split(4))
    assert_close(layer(x), first * second + (first if kind is pnn.CCP else second))


# Cost


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("norm", [True, False])
@every_degree
@every_linear
def test_linear_costs_what_its_formulas_say(kind, degree, norm, bias):
    inputs, hidden, outputs = 5, 7, 3
    layer = kind(inputs, outputs, bias, degree=degree, hidden_features=hidden, norm=norm)
    nested = kind is pnn.NCP
    macs = degree * hidden * inputs + hidden * outputs + nested * (degree - 1) * hidden**2
    cost = pnn.budget(layer, torch.zeros(1, inputs))
    assert cost.macs == macs
    assert cost.parameters == macs + nested * degree * hidden + bias * outputs + norm * 2 * degree * hidden


@pytest.mark.parametrize("groups", [1, 2])
@every_degree
@every_convolution
def test_convolution_costs_what_its_formulas_say(kind, degree, groups):
    inputs, hidden, outputs, pixels = 4, 6, 2, 4 * 4
    layer = kind(inputs, outputs, (3, 5), padding=(1, 2), groups=groups, degree=degree, hidden_channels=hidden)
    nested = kind is pnn.NCPConv2d
    weights = degree * hidden * inputs // groups * 15 + hidden * outputs // groups
    weights += nested * (degree - 1) * hidden**2 // groups
    cost = pnn.budget(layer, torch.zeros(1, inputs, 4, 4))
    assert cost.macs == weights * pixels
    assert cost.parameters == weights + nested * degree * hidden + outputs


@every_degree
@every_layer
def test_the_input_is_mapped_once(kind, degree):
    """One fused map, the square maps, the output map."""
    program = torch.export.export(build(kind, 4, 6, degree=degree), (example(kind, 3, 4),))
    names = [str(node.target) for node in program.graph.nodes]
    assert sum("conv" in name or "linear" in name for name in names) == 2 + (kind in NESTED) * (degree - 1)


# A drop-in for torch's layer


@every_layer
def test_signature_starts_with_torchs(kind):
    def arguments(layer):
        return [(p.name, p.kind, p.default) for p in inspect.signature(layer).parameters.values()]

    own, torchs = arguments(kind), arguments(TORCH[kind])
    assert own[: len(torchs)] == torchs
    hidden = "hidden_channels" if kind in CONVOLUTIONS else "hidden_features"
    keyword = inspect.Parameter.KEYWORD_ONLY
    assert own[len(torchs) :] == [("degree", keyword, 2), (hidden, keyword, None), ("norm", keyword, False)]


@pytest.mark.parametrize("settings", [{}, {"bias": False}])
@every_layer
def test_representation_starts_with_torchs(kind, settings):
    text = build(kind, 4, 6, degree=3, **settings).extra_repr()
    kernel = (3,) if kind in CONVOLUTIONS else ()
    expected = TORCH[kind](4, 6, *kernel, **settings).extra_repr()
    hidden = "hidden_channels" if kind in CONVOLUTIONS else "hidden_features"
    assert text == f"{expected}, degree=3, {hidden}=6"


@every_convolution
def test_representation_names_what_is_set(kind):
    settings = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2, "bias": False, "padding_mode": "reflect"}
    layer = kind(4, 6, 3, **settings)
    assert layer.extra_repr().startswith(nn.Conv2d(4, 6, 3, **settings).extra_repr() + ", degree")
    torchs = nn.Conv2d(4, 6, 3, **settings)
    for name in (
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
        "padding_mode",
    ):
        assert getattr(layer, name) == getattr(torchs, name)


@pytest.mark.parametrize("again", [False, True], ids=["constructed", "reset"])
@every_layer
def test_initial_weights(kind, again):
    """Every map uniform within 1 / sqrt(fan_in) as torch's layer, no two alike; vectors ones; BatchNorm fresh.

    But the steps of CCP start at a tenth of that, by the BatchNorm where there is one.
    """
    groups = {"groups": 2} if kind in CONVOLUTIONS else {}
    kernel = (3,) if kind in CONVOLUTIONS else ()
    layer = kind(32, 128, *kernel, degree=3, norm=True, **groups)
    if again:
        layer.norm.running_mean.fill_(7)
        for parameter in layer.parameters():
            parameter.detach().zero_()
        layer.reset_parameters()

    nested = kind in NESTED
    maps = [*layer.maps.weight.chunk(3), layer.readout.weight, *([s.weight for s in layer.steps] if nested else [])]
    for weight in (*maps, layer.readout.bias):
        fan_in = layer.readout.weight[0].numel() if weight.dim() == 1 else weight[0].numel()
        bound = 1 / math.sqrt(fan_in)
        assert 0.9 * bound < weight.abs().max() <= bound
        assert_close(weight.std().item(), bound / math.sqrt(3), rtol=0.2 if weight.dim() == 1 else 0.05, atol=0)
    for one, other in combinations([weight.flatten()[:4000] for weight in maps], 2):
        size = min(len(one), len(other))
        assert torch.corrcoef(torch.stack([one[:size], other[:size]]))[0, 1].abs() < 5 / math.sqrt(size)
    if nested:
        for vector in (layer.start, *(step.bias for step in layer.steps)):
            assert torch.equal(vector, torch.ones(128))
    branches = layer.norm.weight.unflatten(0, (layer.groups, 3, -1))
    assert (branches[:, 0] == 1).all()
    assert_close(branches[:, 1:], torch.full_like(branches[:, 1:], 1.0 if nested else 0.1))
    assert not layer.norm.running_mean.any()


@pytest.mark.parametrize("again", [False, True], ids=["constructed", "reset"])
@pytest.mark.parametrize("kind", [pnn.CCP, pnn.CCPConv2d])
def test_the_steps_of_ccp_start_small_without_a_norm_too(kind, again):
    groups = {"groups": 2} if kind in CONVOLUTIONS else {}
    layer = kind(32, 128, *((3,) if kind in CONVOLUTIONS else ()), degree=3, **groups)
    if again:
        layer.reset_parameters()
    bound = 1 / math.sqrt(layer.maps.weight[0].numel())
    first, *steps = layer.maps.weight.unflatten(0, (layer.groups, 3, -1)).unbind(1)
    assert 0.9 * bound < first.abs().max() <= bound
    for step in steps:
        assert 0.09 * bound < step.abs().max() <= 0.1 * bound + 1e-9


@pytest.mark.parametrize("degree", [2, 5])
@every_layer
def test_at_the_start_every_branch_learns(kind, degree):
    kernel = (3,) if kind in CONVOLUTIONS else ()
    layer = kind(16, 16, *kernel, degree=degree)
    layer(example(kind, 32, 16)).square().mean().backward()
    for branch in layer.maps.weight.grad.chunk(degree):
        assert branch.norm() > 0.01 * layer.maps.weight.grad.norm()
    assert all(parameter.grad.abs().max() > 0 for parameter in layer.parameters())


@pytest.mark.parametrize("degree", [0, -1, 2.0, True, "2", None])
@every_layer
def test_refuses_a_degree_below_one(kind, degree):
    with pytest.raises(ValueError, match=re.escape(f"degree must be a whole number of at least 1, got {degree!r}")):
        build(kind, 4, 6, degree=degree)


@pytest.mark.parametrize("hidden", [0, -3, 2.5])
@every_layer
def test_refuses_a_hidden_width_below_one(kind, hidden):
    name = "hidden_channels" if kind in CONVOLUTIONS else "hidden_features"
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, got {hidden}"):
        build(kind, 4, 6, **{name: hidden})


@every_convolution
def test_refuses_hidden_channels_that_the_groups_do_not_divide(kind):
    with pytest.raises(ValueError, match="hidden_channels must be divisible by groups, got 3 and 2"):
        kind(4, 4, 3, groups=2, hidden_channels=3)


# Memory format


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("weights", [torch.contiguous_format, torch.channels_last])
@every_convolution
def test_channels_last_stays_channels_last(kind, weights, groups):
    layer = build(kind, 4, 6, degree=3, groups=groups)
    x = example(kind, 3, 4)
    expected = layer(x)
    y = layer.to(memory_format=weights)(x.contiguous(memory_format=torch.channels_last))
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert_close(y, expected)
