"""Learned activations: each is its equation, in plain torch; its limits, its derivatives, its parameters by channel."""

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import pnn
from pnn.nn import activation as activations
from pnn.system.choice import from_plain, to_plain


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def rms(u: torch.Tensor) -> torch.Tensor:
    return (u.square().mean(1, keepdim=True) + 1e-6).sqrt()


# Each is a function of x and of the parameters of one channel, in the order of the module.
EQUATIONS = {
    pnn.Swish: lambda x, beta: x / (1 + (-beta * x).exp()),
    pnn.APL: lambda x, a, b: x.clamp(min=0) + sum(a[s] * (b[s] - x).clamp(min=0) for s in range(len(a))),
    pnn.PolyReLU: lambda x, a: a[0] + sum(a[i] * x.clamp(min=0) ** i for i in range(1, len(a))),
    pnn.XIELU: lambda x, p, n: (
        torch.where(
            x > 0,
            (1 + p.exp()).log() * x**2,
            (0.5 + (1 + n.exp()).log()) * (x.exp() - 1 - x),
        )
        + 0.5 * x
    ),
    pnn.Rational: lambda x, a, b: (
        sum(a[i] * x**i for i in range(6)) / (1 + sum(b[i] * x ** (i + 1) for i in range(4)).abs())
    ),
}
every_equation = pytest.mark.parametrize("kind", EQUATIONS)


def scrambled(module: nn.Module) -> nn.Module:
    """The module in float64 with parameters that are not those of its start."""
    module = module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


@every_equation
def test_it_is_its_equation_for_all_channels_or_for_each(kind):
    x = 2 * torch.randn(5, 3, 4, dtype=torch.float64)
    shared, own = scrambled(kind()), scrambled(kind(3))
    one = [p[..., 0] for p in shared.parameters()]
    assert_close(shared(x), EQUATIONS[kind](x, *one))
    for channel in range(3):
        mine = [p[..., channel] for p in own.parameters()]
        assert_close(own(x)[:, channel], EQUATIONS[kind](x[:, channel], *mine))


@pytest.mark.parametrize("kind", [*EQUATIONS, pnn.PolyNorm])
def test_first_and_second_derivatives_are_those_of_differences(kind):
    module = scrambled(kind(3))
    x = torch.randn(4, 3, 2, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in module.named_parameters()]

    def function(x, *parameters):
        return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (x,))

    inputs = (x, *module.parameters())
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


def test_polynorm_is_its_equation_and_unlike_a_polynomial_hardly_sees_the_scale():
    x = 3 * torch.randn(5, 4, 3, dtype=torch.float64)
    module = scrambled(pnn.PolyNorm(4))
    a = module.a[:, :, None]
    assert_close(module(x), a[0] + sum(a[i] * x**i / rms(x**i) for i in range(1, 4)))
    assert_close(module(1000 * x), module(100 * x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (pnn.Swish(), F.silu),
        (pnn.PolyReLU(order=1), F.relu),
        (activations.ReLUSquared().build(3), lambda x: F.relu(x) ** 2),
        (activations.GELU().build(3), F.gelu),
        (activations.SiLU().build(3), F.silu),
    ],
)
def test_at_the_start_some_are_functions_that_torch_has(module, function):
    x = torch.randn(5, 3)
    assert_close(module(x), function(x))


def test_other_starts_are_those_of_the_sources():
    x = torch.linspace(-3, 3, 601, dtype=torch.float64)
    assert (pnn.Rational().double()(x) - F.leaky_relu(x, 0.01)).abs().max() < 0.023
    assert_close(pnn.PolyReLU()(torch.tensor([2.0])), torch.tensor([(2 + 4 + 8) / 3]))
    assert_close(pnn.XIELU()(torch.tensor([1.0, -1.0])), torch.tensor([1.3, 0.8 / math.e - 0.5]))
    with torch.no_grad():
        ends = pnn.Swish(2)
        ends.beta.copy_(torch.tensor([0.0, 1e4]))
    assert_close(ends(torch.tensor([[1.0, 1.0], [-1.0, -1.0]])), torch.tensor([[0.5, 1.0], [-0.5, 0.0]]))
    hinges = pnn.APL(1000)
    assert hinges.a.abs().max() <= 0.2
    assert 0.45 < hinges.b.std() < 0.55


def test_xielu_of_large_numbers_has_finite_gradients():
    x = torch.tensor([-1e4, 1e4], requires_grad=True)
    (module := pnn.XIELU())(x).sum().backward()
    assert all(t.grad.isfinite().all() for t in (x, *module.parameters()))


def test_half_precision_is_rounded_once():
    x = torch.randn(50, 4).bfloat16()
    module = pnn.TPGU(4, 7)
    assert torch.equal(module(x), module(x.float()).bfloat16())
    assert torch.equal(module.bfloat16()(x), module.float()(x.float()).bfloat16())


def test_channels_may_be_the_last_dimension():
    x, module = torch.randn(2, 5, 6, 4), pnn.TPGU(4)
    assert_close(pnn.ChannelsLast(module)(x), module(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
    assert_close(pnn.ChannelsLast(module)(x[0, 0]), module(x[0, 0]))


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 3, 4), ()])
def test_another_number_of_channels_is_refused_with_the_way_out(shape):
    with pytest.raises(ValueError, match=r"TPGU has 4 channels, but the input of shape .* wrap it in pnn.ChannelsLast"):
        pnn.TPGU(4)(torch.zeros(shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pnn.Swish(0), "num_parameters must be a whole number, at least 1, got 0"),
        (lambda: pnn.APL(hinges=0), "hinges must be a whole number, at least 1, got 0"),
        (lambda: pnn.TPGU(4, -1), "order must be a whole number, at least 0, got -1"),
        (lambda: pnn.TPGU(4, 2.0), "order must be a whole number, at least 0, got 2.0"),
        (lambda: pnn.PolyNeuron(points=1), "points must be a whole number, at least 2, got 1"),
        (lambda: pnn.PolyNeuron(start="relu"), "start must be one of 'relu-like', 'random', got 'relu'"),
        (lambda: pnn.PolyNorm(eps=0.0), "eps must be a positive number, got 0.0"),
        (lambda: pnn.XIELU(beta=0.8), "beta must be from 0 to less than 0.8, .* got 0.8"),
        (lambda: pnn.PolyNorm()(torch.zeros(3)), "PolyNorm needs an input with channels in dimension 1"),
        (lambda: pnn.SwishChoice(1), "per_channel must be true or false, got 1"),
        (lambda: pnn.PolyNeuronChoice(k=0), "k must be a whole number, at least 1, got 0"),
        (lambda: pnn.TPGUChoice(True), "order must be a whole number, at least 0, got True"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_allowed(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# --- as choices ------------------------------------------------------------------------------------------------------

CHOICES = [
    pnn.SwishChoice(),
    pnn.APLChoice(3),
    pnn.PolyNeuronChoice(4, 2, "random"),
    pnn.PolyNeuronRChoice(),
    pnn.PolyReLUChoice(2),
    pnn.PolyNormChoice(),
    pnn.XIELUChoice(),
    pnn.RationalChoice(),
]


@pytest.mark.parametrize("choice", [*CHOICES, pnn.TPGUChoice(7), pnn.GELU(), pnn.SiLU(), pnn.ReLUSquared()])
def test_a_choice_comes_back_from_its_json_and_stands_in_a_network(choice):
    assert from_plain(activations.Activation, to_plain(choice), "activation") == choice
    model = pnn.CNN("standard", 4, choice).build(pnn.CIFAR10().form)
    y = model(torch.randn(2, 3, 8, 8))
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_is_shared_by_the_channels_or_not_as_told(choice):
    shared, own = choice.build(6), dataclasses.replace(choice, per_channel=True).build(6)
    count = sum(p.numel() for p in shared.parameters())
    assert sum(p.numel() for p in own.parameters()) == 6 * count
    assert type(own) is type(shared)
