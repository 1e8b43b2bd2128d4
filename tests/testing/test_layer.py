"""check_layer: on layers that are not ours, on broken ones that must fail by name, and what it leaves as it was."""

import copy
import functools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import pnn
from pnn.testing import check_layer
from pnn.testing.layer import QUICK, SLOW


class Splines(nn.Module):
    """A Kolmogorov-Arnold layer as other packages have it: a grid as a buffer, weights of its own, and einsum."""

    def __init__(self, in_features: int, out_features: int, grid: int = 4, device=None, dtype=None) -> None:
        super().__init__()
        own = {"device": device, "dtype": dtype}
        self.register_buffer("centres", torch.linspace(-1, 1, grid, **own))
        self.base_weight = nn.Parameter(torch.randn(out_features, in_features, **own) / in_features)
        self.spline_weight = nn.Parameter(torch.randn(out_features, in_features, grid, **own) / in_features)

    def forward(self, x):
        bumps = torch.exp(-((x.unsqueeze(-1) - self.centres) ** 2))
        return F.linear(F.silu(x), self.base_weight) + torch.einsum("...ig,oig->...o", bumps, self.spline_weight)


class Bypass(nn.Module):
    """It computes with the weights of its children, and never calls them: what a quadratic layer once did."""

    def __init__(self) -> None:
        super().__init__()
        self.r, self.g = nn.Linear(4, 6), nn.Linear(4, 6)

    def forward(self, x):
        weight, bias = torch.cat([self.r.weight, self.g.weight]), torch.cat([self.r.bias, self.g.bias])
        r, g = F.linear(x, weight, bias).chunk(2, -1)
        return r * g


class OneLine(nn.Module):
    """A linear map, and one function on its output."""

    def __init__(self, function) -> None:
        super().__init__()
        self.map, self.function = nn.Linear(4, 6), function

    def forward(self, x):
        return self.function(self.map(x))


def of_the_first_row(y):
    return y + y[0]


def only_if_positive(y):
    return y if y.sum() > 0 else -y


def without_history(y):
    return y.detach() * y


def in_float32(y):
    return y + torch.ones(6)


class Viewing(OneLine):
    def forward(self, x):
        return self.map(x.view(-1)[: x.numel()].view(-1, 4))


class Forgetful(OneLine):
    """Its scale is no parameter and no buffer."""

    def __init__(self) -> None:
        super().__init__(torch.relu)
        self.scale = torch.randn(6)

    def forward(self, x):
        return super().forward(x) * self.scale


class Local(OneLine):
    """It cannot be pickled."""

    def __init__(self) -> None:
        super().__init__(lambda y: y)


BROKEN = {
    "a child is never called": (
        Bypass,
        {
            *("hooks", "older weight norm", "older spectral norm", "pruning"),
            *("adapters", "dynamic quantisation", "counters"),
        },
    ),
    "an empty batch": (lambda: OneLine(of_the_first_row), {"empty batch", "gradients by row"}),
    "a choice by values": (lambda: OneLine(only_if_positive), {"meta", "gradients by row", "trace"}),
    "half of a derivative": (lambda: OneLine(without_history), {"gradients"}),
    "a constant of one type": (lambda: OneLine(in_float32), {"meta", "float16", "bfloat16"}),
    "a view of the input": (lambda: Viewing(torch.relu), {"not contiguous"}),
    "a tensor that is not registered": (Forgetful, {"meta", "float16", "bfloat16"}),
    "a function without a name": (Local, {"pickling"}),
}


@pytest.mark.parametrize(("build", "failing"), BROKEN.values(), ids=BROKEN)
def test_a_broken_layer_fails_by_name(build, failing):
    torch.manual_seed(0)
    report = check_layer(build(), torch.randn(3, 4), quick=True)
    assert {check.name for check in report.failures} == failing
    assert all(check.why for check in report.failures)
    with pytest.raises(AssertionError, match="fails") as raised:
        report.raise_for_failures()
    for name in failing:
        assert f"{name}: failed (" in str(raised.value)


def test_the_reason_names_the_child_that_is_never_called():
    report = check_layer(Bypass(), torch.randn(3, 4), quick=True)
    assert report["hooks"].why == "the forward_pre hook of 'r' never fired"
    assert report["adapters"].why == "no adapter is called"


OTHERS = {
    "torch's bilinear": (functools.partial(nn.Bilinear, 4, 5, 6), (torch.randn(3, 4), torch.randn(3, 5))),
    "another package's KAN layer": (functools.partial(Splines, 4, 6), torch.randn(3, 4)),
    "torch's linear": (functools.partial(nn.Linear, 4, 6), torch.randn(3, 4)),
    "torch's convolution": (functools.partial(nn.Conv2d, 4, 6, 3, groups=2), torch.randn(3, 4, 5, 5)),
    "torch's table of vectors": (functools.partial(nn.Embedding, 9, 6), torch.tensor([1, 8, 1])),
    "torch's activation": (functools.partial(nn.PReLU, 4), torch.randn(3, 4)),
    "a network": (
        lambda **own: nn.Sequential(nn.Linear(4, 8, **own), nn.GELU(), nn.Linear(8, 6, **own)),
        torch.ones(3, 4),
    ),
}


@pytest.mark.parametrize(("make", "x"), OTHERS.values(), ids=OTHERS)
def test_layers_of_others_hold(make, x):
    torch.manual_seed(0)
    report = check_layer(make, x, quick=True)
    report.raise_for_failures()
    assert report["factories"].outcome == "held"
    whole = isinstance(x, torch.Tensor) and not x.is_floating_point()
    assert report["gradients"].outcome == ("does not apply" if whole else "held")


def test_what_does_not_apply_and_what_is_not_run_say_why():
    report = check_layer(nn.ReLU(), torch.randn(3, 4), quick=True)
    assert [str(report[name]) for name in ("adapters", "channels last", "export")] == [
        "adapters: does not apply (there is no linear map or convolution of torch's inside)",
        "channels last: does not apply (no input has four dimensions)",
        "export: not run (it takes seconds)",
    ]
    assert len(report.checks) == len(QUICK) + len(SLOW)
    assert str(report).splitlines()[:2] == ["ReLU()", "  deep copy: held"]
    with pytest.raises(KeyError, match="there is no check 'exports'; there are deep copy, pickling"):
        report["exports"]


def test_the_layer_and_the_random_numbers_stay_as_they_were():
    layer = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout())
    layer(torch.randn(3, 4)).sum().backward()
    before, numbers = copy.deepcopy(layer.state_dict()), torch.get_rng_state()
    gradient = layer[0].weight.grad.clone()
    check_layer(layer, torch.randn(3, 4, generator=torch.Generator().manual_seed(0)), quick=True).raise_for_failures()
    assert torch.equal(torch.get_rng_state(), numbers)
    assert torch.equal(layer[0].weight.grad, gradient)
    assert layer.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in layer.modules())
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_layer_that_raises_fails_every_check_it_is_called_in_and_nothing_is_raised():
    report = check_layer(nn.Linear(5, 6), torch.randn(3, 4), quick=True)
    assert len(report.failures) > 10
    assert "RuntimeError: mat1 and mat2 shapes cannot be multiplied" in report["empty batch"].why


@pytest.mark.parametrize("x", [torch.randn(1, 4), torch.tensor(1.0), (), [1.0, 2.0]])
def test_an_input_without_two_rows_is_refused(x):
    with pytest.raises(ValueError, match="x must be a tensor of two rows or more"):
        check_layer(nn.Linear(4, 6), x)


def test_a_layer_that_gives_several_tensors_is_refused():
    with pytest.raises(ValueError, match="GRU must give one tensor, got tuple"):
        check_layer(nn.GRU(4, 6), torch.randn(3, 5, 4))


def test_torchs_attention_fails_by_the_name_of_the_map_that_it_never_calls():
    report = check_layer(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), torch.randn(3, 5, 8), quick=True)
    assert report["hooks"].why == "the forward_pre hook of 'self_attn.out_proj' never fired"
    assert report["older spectral norm"].why == "'self_attn.out_proj.weight' has no gradient in the first step"


@pytest.mark.slow
@pytest.mark.parametrize(("make", "x"), OTHERS.values(), ids=OTHERS)
def test_layers_of_others_hold_all_checks(make, x):
    torch.manual_seed(0)
    check_layer(make, x).raise_for_failures()


@pytest.mark.slow
def test_a_child_that_is_never_called_fails_when_it_is_sharded():
    report = check_layer(Bypass(), torch.randn(3, 4))
    assert report["data parallel"].outcome == "held"
    assert report["fully sharded"].outcome == "failed"


def test_it_is_public():
    assert pnn.testing.check_layer is check_layer is pnn.check_layer


class Hidden(nn.Module):
    """A number of its own that no state holds."""

    count = 0

    def __init__(self, device=None, dtype=None):
        super().__init__()
        Hidden.count += 1
        self.a, self.scale = nn.Linear(4, 4, device=device, dtype=dtype), Hidden.count

    def forward(self, x):
        return self.a(x) * self.scale


def test_what_no_state_holds_is_found():
    names = {check.name for check in check_layer(Hidden, torch.randn(3, 4), quick=True).failures}
    assert {"state dict", "state dict assigned"} <= names


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(torch.randn(4, 4))])

    def forward(self, x):
        return x @ self.weights[0]


@pytest.mark.parametrize("layer", [nn.Linear(4, 4).requires_grad_(False), Listed()], ids=["frozen", "listed"])
def test_frozen_and_listed_parameters_are_no_fault(layer):
    assert check_layer(layer, torch.randn(3, 4), quick=True).failures == ()
