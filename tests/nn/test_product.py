"""y = prod_i x_i ** w_i: the layers against the product written out, at zero, and against torch's own layers."""

import cmath
import inspect
import math
import random

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.testing import assert_close

import pnn

TORCH = {pnn.ProductUnit: nn.Linear, pnn.ProductConv2d: nn.Conv2d}

every_layer = pytest.mark.parametrize("kind", TORCH)
every_dtype = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def build(kind, inputs, outputs, **settings):
    """A layer of ours or of torch's, with kernel size 3 if it is a convolution."""
    kernel = (3,) if kind in (pnn.ProductConv2d, nn.Conv2d) else ()
    return kind(inputs, outputs, *kernel, **settings)


def example(kind, batch, channels, size=5, **options):
    return torch.randn(batch, channels, *([size, size] if kind is pnn.ProductConv2d else []), **options)


def unit(exponents, bias=None, **settings):
    """Product units with the exponents given, a row a unit."""
    weight = torch.as_tensor(exponents, dtype=settings.get("dtype"))
    layer = pnn.ProductUnit(weight.shape[1], weight.shape[0], bias is not None, **settings)
    with torch.no_grad():
        layer.maps.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(torch.as_tensor(bias))
    return layer


# The equation


@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_the_real_part_of_the_complex_product(bias):
    layer = pnn.ProductUnit(5, 4, bias, dtype=torch.float64)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    x = torch.randn(6, 5, dtype=torch.float64)
    y = layer(x)
    for row, outputs in zip(x.tolist(), y.tolist(), strict=True):
        for j, output in enumerate(outputs):
            product = 1
            for value, exponent in zip(row, layer.maps.weight[j].tolist(), strict=True):
                product *= cmath.exp(exponent * cmath.log(value))
            assert output == pytest.approx(product.real + (layer.bias[j].item() if bias else 0), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("shape", [(4,), (0, 4), (5, 4), (2, 3, 4), (2, 0, 3, 4)])
def test_other_dimensions_are_rows(shape):
    layer, x = pnn.ProductUnit(4, 6), torch.randn(shape)
    y = layer(x)
    assert y.shape == (*shape[:-1], 6)
    assert_close(y.reshape(-1, 6), torch.stack([layer(row) for row in x.reshape(-1, 4)]) if x.numel() else y.view(0, 6))


@pytest.mark.parametrize("seed", range(40))
def test_convolution_is_the_product_over_a_patch(seed):
    """Settings drawn at random. Padding by hand: ones where torch pads zeros."""
    draw = random.Random(seed)
    groups = draw.choice([1, 2, 3])
    inputs, outputs = groups * draw.randint(1, 3), groups * draw.randint(1, 3)
    padding = draw.choice(["same", "valid", 1, (0, 2)])
    stride = (1, 1) if padding == "same" else draw.choice([(1, 1), (2, 2), (2, 1)])
    kernel, dilation = draw.choice([(1, 1), (3, 3), (3, 1), (2, 3)]), draw.choice([(1, 1), (2, 1)])
    if padding == "same":
        kernel = (3, 3)
    mode, bias = draw.choice(["zeros", "reflect", "replicate", "circular"]), draw.choice([True, False])
    layer = pnn.ProductConv2d(
        inputs, outputs, kernel, stride, padding, dilation, groups, bias, mode, dtype=torch.float64
    )
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    batch = draw.choice([(), (0,), (1,), (3,)])
    x = torch.randn(*batch, inputs, 7, 6, dtype=torch.float64)

    if padding == "same":
        high, wide = (d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True))
    else:
        high, wide = {"valid": (0, 0), 1: (1, 1), (0, 2): (0, 2)}[padding]
    sides = (wide, wide, high, high)
    padded = F.pad(x, sides, "constant", 1.0) if mode == "zeros" else F.pad(x, sides, mode)

    y = layer(x)
    weight = layer.maps.weight
    for top, left in {(0, 0), (0, y.shape[-1] - 1), (y.shape[-2] - 1, 0), (y.shape[-2] // 2, y.shape[-1] // 2)}:
        for out in range(outputs):
            product = torch.ones(batch, dtype=torch.complex128)
            for i in range(inputs // groups):
                channel = out // (outputs // groups) * (inputs // groups) + i
                for row in range(kernel[0]):
                    for column in range(kernel[1]):
                        place = top * stride[0] + row * dilation[0], left * stride[1] + column * dilation[1]
                        value = padded[..., channel, *place].to(torch.complex128)
                        product = product * value ** weight[out, i, row, column].item()
            expected = product.real + (layer.bias[out] if bias else 0)
            assert_close(y[..., out, top, left], expected, msg=lambda text: f"{layer}\n{text}")
    height, width = (
        (side + 2 * margin - d * (k - 1) - 1) // s + 1
        for side, margin, d, k, s in zip((7, 6), (high, wide), dilation, kernel, stride, strict=True)
    )
    assert y.shape == (*batch, outputs, height, width)


@pytest.mark.parametrize("settings", [{}, {"bias": False}], ids=["default", "bias=False"])
@every_layer
def test_first_and_second_derivatives(kind, settings):
    convolution = {"groups": 2, "padding": 1, "stride": 2} if kind is pnn.ProductConv2d else {}
    layer = build(kind, 2, 2, dtype=torch.float64, **settings, **convolution)
    names, parameters = zip(*layer.named_parameters(), strict=True)
    x = example(kind, 2, 2, 3, dtype=torch.float64)
    x = (x + 0.3 * x.sign()).requires_grad_()  # away from zero, where the product has no derivative

    def call(x, *values):
        return functional_call(layer, dict(zip(names, values, strict=True)), x)

    assert torch.autograd.gradcheck(call, (x, *parameters))
    assert torch.autograd.gradgradcheck(call, (x, *parameters), fast_mode=True)


# Limit cases


@pytest.mark.parametrize(
    ("exponents", "expected"),
    [
        ((0, 0, 0), lambda a, b, c: torch.ones_like(a)),
        ((1, 0, 0), lambda a, b, c: a),
        ((1, 0, 1), lambda a, b, c: a * c),
        ((1, 1, 1), lambda a, b, c: a * b * c),
        ((0, 2, 0), lambda a, b, c: b**2),
        ((3, 0, 0), lambda a, b, c: a**3),
        ((0, -1, 0), lambda a, b, c: 1 / b),
        ((1, -1, 2), lambda a, b, c: a / b * c**2),
    ],
    ids=["none", "a", "ac", "abc", "b2", "a3", "1/b", "ac2/b"],
)
def test_whole_exponents_give_the_ordinary_product_whatever_the_signs(exponents, expected):
    signs = torch.cartesian_prod(*[torch.tensor([1, -1])] * 3)
    x = (torch.rand(20 * len(signs), 3) + 0.2) * signs.repeat(20, 1)
    assert_close(unit([exponents])(x)[:, 0], expected(*x.unbind(-1)).float(), rtol=1e-5, atol=1e-6)


def test_the_root_of_a_negative_number_has_no_real_part():
    assert_close(unit([[0.5]])(torch.tensor([[4.0], [-4.0]])), torch.tensor([[2.0], [0.0]]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("degree", [2, 3])
def test_whole_exponents_give_a_polynomial_of_their_sum(degree):
    layer, x = unit([[degree - 1.0, 1.0]], dtype=torch.float64), torch.randn(9, 2, dtype=torch.float64)
    assert_close(layer(-3 * x), (-3) ** degree * layer(x))


@every_layer
def test_the_bias_is_added_after_the_product(kind):
    layer = build(kind, 4, 6)
    x = example(kind, 3, 4)
    before = layer(x)
    with torch.no_grad():
        layer.bias += torch.arange(6.0)
    shift = torch.arange(6.0).view(-1, *[1] * (before.dim() - 2))
    assert_close(layer(x), before + shift)


def test_a_place_padded_with_zeros_is_a_factor_of_one():
    layer = pnn.ProductConv2d(1, 1, 3, padding=1, bias=False)
    with torch.no_grad():
        layer.maps.weight.fill_(1)
    x = torch.tensor([[2.0, -3.0], [5.0, 7.0]])
    assert_close(layer(x[None, None]), torch.full((1, 1, 2, 2), -210.0))


# Zero, overflow, NaN


@every_dtype
def test_a_zero_counts_as_the_epsilon_of_the_type(dtype):
    epsilon = torch.finfo(dtype).eps
    layer = unit([[1.0], [0.5], [0.0], [-1.0]], dtype=dtype)
    for zero in (0.0, -0.0, epsilon / 3):
        y = layer(torch.tensor([zero], dtype=dtype)).double()
        assert_close(y, torch.tensor([epsilon, epsilon**0.5, 1, 1 / epsilon]).double(), rtol=0.03, atol=0)
    assert_close(layer(torch.tensor([-epsilon / 3], dtype=dtype))[0].item(), -epsilon, rtol=0.03, atol=0)


@every_layer
def test_epsilon_can_be_set(kind):
    layer = build(kind, 1, 1, bias=False, eps=0.25)
    with torch.no_grad():
        layer.maps.weight.fill_(1)
    x = torch.full_like(example(kind, 1, 1, 3), 0.1)
    assert_close(layer(x).item(), 0.25 if kind is pnn.ProductUnit else 0.25**9)
    assert ", eps=0.25" in layer.extra_repr()


@every_dtype
@every_layer
def test_gradients_at_zero(kind, dtype):
    """None for the zeros, finite for all else, and those of the other inputs are not disturbed."""
    layer = build(kind, 4, 6, dtype=dtype)
    x = example(kind, 3, 4, dtype=dtype)
    zeros = (torch.rand(x.shape) < 0.2) | (x.abs() < torch.finfo(dtype).eps)
    x = torch.where(zeros, 0.0, x).requires_grad_()
    layer(x).sum().backward()
    assert (x.grad[zeros] == 0).all()
    assert (x.grad[~zeros] != 0).all()
    for tensor in (x, *layer.parameters()):
        assert tensor.grad.isfinite().all()


def test_gradients_next_to_zero_are_those_of_the_power():
    layer = unit([[1.0, 1.0]], dtype=torch.float64)
    for small in (1e-15, -1e-15, 1e-3):
        x = torch.tensor([small, 3.0], dtype=torch.float64, requires_grad=True)
        layer(x).backward()
        assert_close(x.grad, torch.tensor([3.0, small], dtype=torch.float64))


@pytest.mark.parametrize("value", [1e30, -1e30])
def test_an_overflow_is_not_hidden(value):
    assert unit([[1.0, 1.0]], bias=[1.0])(torch.tensor([value, 1e30])).item() == math.copysign(math.inf, value)


def test_a_nan_is_not_hidden():
    assert unit([[1.0, 1.0], [0.0, 1.0]])(torch.tensor([math.nan, 1.0])).isnan().all()


# Cost


@pytest.mark.parametrize("bias", [True, False])
def test_linear_costs_what_its_formulas_say(bias):
    cost = pnn.budget(pnn.ProductUnit(5, 7, bias), torch.zeros(1, 5))
    assert (cost.parameters, cost.macs) == (5 * 7 + bias * 7, 2 * 5 * 7)


@pytest.mark.parametrize("groups", [1, 2])
def test_convolution_costs_what_its_formulas_say(groups):
    layer = pnn.ProductConv2d(4, 6, (3, 5), padding=(1, 2), groups=groups)
    cost = pnn.budget(layer, torch.zeros(1, 4, 3, 3))
    assert cost.parameters == 6 * (4 // groups * 15 + 1)
    assert cost.macs == 2 * 6 * 4 // groups * 15 * 9


@every_layer
def test_both_sums_are_one_map(kind):
    program = torch.export.export(build(kind, 4, 6), (example(kind, 3, 4),))
    assert sum("conv" in str(node.target) or "linear" in str(node.target) for node in program.graph.nodes) == 1


# A drop-in for torch's layer


@every_layer
def test_signature_is_torchs_and_eps(kind):
    def arguments(layer):
        return [(p.name, p.kind, p.default) for p in inspect.signature(layer).parameters.values()]

    assert arguments(kind) == [*arguments(TORCH[kind]), ("eps", inspect.Parameter.KEYWORD_ONLY, None)]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (pnn.ProductUnit, {}),
        (pnn.ProductUnit, {"bias": False}),
        (pnn.ProductConv2d, {}),
        (pnn.ProductConv2d, {"stride": 2, "padding": 1, "dilation": 2, "groups": 2, "padding_mode": "reflect"}),
        (pnn.ProductConv2d, {"bias": False, "padding": "same", "padding_mode": "circular"}),
    ],
)
def test_representation_and_attributes_are_torchs(kind, settings):
    layer, torchs = build(kind, 4, 6, **settings), build(TORCH[kind], 4, 6, **settings)
    assert layer.extra_repr() == torchs.extra_repr()
    for name in torchs.__constants__:
        if name != "output_padding":
            assert getattr(layer, name) == getattr(torchs, name)


@pytest.mark.parametrize("again", [False, True], ids=["constructed", "reset"])
@every_layer
def test_initial_exponents(kind, again):
    """Uniform within half of torch's bound."""
    groups = {"groups": 2} if kind is pnn.ProductConv2d else {}
    layer = build(kind, 32, 256, **groups)
    if again:
        for parameter in layer.parameters():
            parameter.detach().fill_(7)
        layer.reset_parameters()
    bound = 0.5 / math.sqrt(32 if kind is pnn.ProductUnit else 32 / 2 * 9)
    weight = layer.maps.weight
    assert 0.99 * bound < weight.abs().max() <= bound
    assert_close(weight.std().item(), bound / math.sqrt(3), rtol=0.02, atol=0)
    assert abs(weight.mean().item()) < 5 * bound / math.sqrt(3 * weight.numel())
    assert not layer.bias.any()


@pytest.mark.parametrize("width", [4, 32, 256, 2048])
def test_outputs_of_normal_inputs_start_near_one(width):
    """The numbers of the docstring."""
    with torch.no_grad():
        y = pnn.ProductUnit(width, 2000)(torch.randn(1000, width))
    assert_close(y.mean().item(), 0.87, rtol=0, atol=0.03)
    assert_close(y.std().item(), 0.4, rtol=0, atol=0.07)
    assert 0.005 < (y < 0).float().mean() < 0.03


@pytest.mark.parametrize("eps", [0, -1e-3, math.inf, math.nan, 1e-40])
@every_layer
def test_refuses_an_epsilon_that_is_no_positive_number(kind, eps):
    with pytest.raises(ValueError, match=f"eps must be None or finite and at least .*got {eps}"):
        build(kind, 4, 6, eps=eps)


@pytest.mark.parametrize("shape", [(5, 5), (1, 1, 1, 5, 5), (2, 5, 5), (3, 2, 5, 5)])
def test_refuses_an_input_of_another_shape(shape):
    with pytest.raises(RuntimeError, match=r"conv2d|channels"):
        pnn.ProductConv2d(1, 6, 3)(torch.randn(shape))


# Memory format


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("weights", [torch.contiguous_format, torch.channels_last])
def test_channels_last_stays_channels_last(weights, groups):
    layer = pnn.ProductConv2d(4, 6, 3, groups=groups)
    x = example(pnn.ProductConv2d, 3, 4)
    expected = layer(x)
    y = layer.to(memory_format=weights)(x.contiguous(memory_format=torch.channels_last))
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert_close(y, expected)
