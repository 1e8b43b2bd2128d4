"""TPGU: its Taylor coefficients at any order, its equation, its derivatives, and a memory that no order adds to."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import pnn
from pnn.nn.tpgu import sigmoid_taylor


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def derivatives(b: torch.Tensor, order: int):
    """Those of the sigmoid of 1.702 t, one by one by automatic differentiation."""
    b = b.detach().requires_grad_()
    value = torch.sigmoid(1.702 * b)
    for i in range(order + 1):
        yield value.detach()
        if i < order:
            (value,) = torch.autograd.grad(value.sum(), b, create_graph=True)


def published(b: torch.Tensor):
    """The derivatives as the source's code writes them out, to order 8; f is the sigmoid of 1.702 b."""
    f = torch.sigmoid(1.702 * b)
    p, q = f * (1 - f), 1 - 2 * f
    factors = [
        p,
        p * q,
        p * (1 - 6 * p),
        p * q * (1 - 12 * p),
        p * (1 - 30 * p + 120 * p**2),
        p * q * (1 - 60 * p + 360 * p**2),
        p * (1 - 126 * p + 1680 * p**2 - 5040 * p**3),
        p * q * (1 - 252 * p + 5040 * p**2 - 20160 * p**3),
    ]
    return [f, *(1.702**i * factor for i, factor in enumerate(factors, 1))]


def test_the_recurrence_gives_the_derivatives_of_automatic_differentiation_to_order_10():
    b = torch.linspace(-3, 3, 13, dtype=torch.float64)
    found = sigmoid_taylor(b, 10)
    for i, value in enumerate(derivatives(b, 10)):
        assert_close(found[i] * math.factorial(i), value, rtol=1e-9, atol=1e-9)


def test_the_recurrence_gives_the_derivatives_of_the_source():
    b = torch.linspace(-3, 3, 13, dtype=torch.float64)
    for i, value in enumerate(published(b)):
        assert_close(sigmoid_taylor(b, 8)[i] * math.factorial(i), value)


def test_at_order_30_the_series_is_the_sigmoid_within_its_radius():
    b, t = torch.tensor([0.5], dtype=torch.float64), torch.tensor([0.8, -0.3], dtype=torch.float64)
    series = sum(c * t**i for i, c in enumerate(sigmoid_taylor(b, 30)))
    assert_close(series, torch.sigmoid(1.702 * (b + t)), rtol=1e-6, atol=1e-6)


def scrambled(order: int) -> pnn.TPGU:
    module = pnn.TPGU(3, order).double()
    with torch.no_grad():
        module.a.normal_()
        module.b.normal_()
    return module


@pytest.mark.parametrize("order", [0, 1, 4, 10])
def test_it_is_its_equation(order):
    module, x = scrambled(order), torch.randn(5, 3, 4, dtype=torch.float64)
    b = module.b[:, None]
    terms = zip(module.a, derivatives(module.b, order), strict=True)
    total = sum(a[:, None] / math.factorial(i) * d[:, None] * (x - b) ** i for i, (a, d) in enumerate(terms))
    assert_close(module(x), x * total)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_first_and_second_derivatives_are_those_of_differences(order):
    module, x = scrambled(order), torch.randn(4, 3, 2, dtype=torch.float64, requires_grad=True)

    def function(x, a, b):
        return torch.func.functional_call(module, {"a": a, "b": b}, (x,))

    assert torch.autograd.gradcheck(function, (x, module.a, module.b))
    assert torch.autograd.gradgradcheck(function, (x, module.a, module.b))


def test_it_starts_as_published_near_half_its_input():
    module = pnn.TPGU(1000, 7)
    assert torch.equal(module.b, torch.zeros(1000))
    assert torch.equal(module.a[0], torch.ones(1000))
    assert module.a[1:].abs().max() <= 0.04
    assert 0.016 < module.a[1:].std() < 0.019  # A normal distribution of 0.02 loses that much by the cut at 0.04.
    x = torch.linspace(-1, 1, 21)[:, None].expand(21, 1000)
    assert (module(x) - x / 2).abs().max() < 0.05
    assert_close(pnn.TPGU(2, 0)(x[:, :2]), x[:, :2] / 2)


def test_with_all_a_of_one_it_is_close_to_gelu_near_zero():
    module = pnn.TPGU(1, 9)
    torch.nn.init.ones_(module.a)
    x = torch.linspace(-0.8, 0.8, 17)[:, None]
    assert (module(x) - F.gelu(x)).abs().max() < 0.02


def kept(order: int) -> int:
    """How many numbers of the input's size are kept for the backward pass."""
    x, sizes = torch.randn(8, 3, 16, 16, requires_grad=True), {}

    def keep(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.numel()
        return tensor

    module = pnn.TPGU(3, order)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        module(x)
    return sum(size >= x.numel() for size in sizes.values())


def test_only_the_input_is_kept_at_every_order():
    assert [kept(order) for order in (0, 1, 9)] == [1, 1, 1]


@pytest.mark.parametrize("order", [0, 1, 7])
def test_degree_and_depth_are_those_of_its_documentation(order):
    report = pnn.audit(scrambled(order), torch.randn(1, 3, 2, dtype=torch.float64))
    assert (report.degree, report.multiplicative_depth) == (order + 1, order)


def test_gradients_row_by_row_are_those_of_each_row():
    module, x = scrambled(3), torch.randn(6, 1, 3, dtype=torch.float64)

    def loss(a, row):
        return torch.func.functional_call(module, {"a": a}, (row,)).square().sum()

    rows = torch.func.vmap(torch.func.grad(loss), (None, 0))(module.a.detach(), x)
    assert_close(rows[2], torch.func.grad(loss)(module.a.detach(), x[2]))
