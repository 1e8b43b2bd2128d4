"""What a layer has in the place of a weight, and when a parent may compute what its child would."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.testing import assert_close

import pnn
from pnn.nn.plain import is_plain


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("layer", "instead"),
    [
        (pnn.PolyLinear(8, 8), "read maps.weight, or call the layer"),
        (pnn.QuadraticConv2d(4, 6, 3), "read r.weight, g.weight, b.weight, or call the layer"),
        (pnn.NCP(4, 6, degree=2), "read maps.weight, steps.0.weight, readout.weight, or call the layer"),
        (pnn.ProductUnit(4, 6), "read maps.weight, or call the layer"),
        (pnn.KANLinear(4, 6), "read maps.weight, or call the layer"),
    ],
)
def test_a_missing_weight_says_what_to_read(layer, instead):
    assert not hasattr(layer, "weight")
    with pytest.raises(AttributeError, match=f"{type(layer).__name__} has no 'weight'.*{instead}"):
        _ = layer.weight
    with pytest.raises(AttributeError, match="has no attribute 'wait'"):
        _ = layer.wait


def test_a_missing_bias_does_too_and_a_bias_that_is_there_is_found():
    with pytest.raises(AttributeError, match=r"no 'bias'.*read maps.bias, or call"):
        _ = pnn.PolyLinear(8, 8).bias
    assert pnn.ProductUnit(8, 8, bias=False).bias is None


def test_torchs_transformer_layer_works_in_evaluation_once_it_is_told_not_to_read_weights():
    layer, x = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(), torch.randn(2, 3, 8)
    layer.linear1 = pnn.PolyLinear(8, 16)
    with pytest.raises(AttributeError, match=r"torch\.backends\.mha\.set_fastpath_enabled\(False\)"), torch.no_grad():
        layer(x)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            assert layer(x).shape == x.shape
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


class Twin(nn.Linear):
    pass


def with_a_forward_of_its_own(layer):
    layer.forward = lambda x: x


def masked(layer):
    prune.random_unstructured(layer, "weight", amount=0.5)


DONE = {
    "forward hook": lambda layer: layer.register_forward_hook(lambda *_: None),
    "hook before": lambda layer: layer.register_forward_pre_hook(lambda *_: None),
    "backward hook": lambda layer: layer.register_full_backward_hook(lambda *_: None),
    "hook before backward": lambda layer: layer.register_full_backward_pre_hook(lambda *_: None),
    "weight norm": parametrizations.weight_norm,
    "norm of the bias": lambda layer: parametrizations.weight_norm(layer, "bias"),
    "older spectral norm": nn.utils.spectral_norm,
    "mask": masked,
    "forward": with_a_forward_of_its_own,
}


@pytest.mark.parametrize("do", DONE.values(), ids=DONE)
def test_a_layer_to_which_something_was_done_is_not_plain(do):
    layer = nn.Linear(4, 6)
    assert is_plain(layer)
    do(layer)
    assert not is_plain(layer)


def test_nor_is_a_subclass_nor_any_layer_while_all_modules_are_hooked():
    assert not is_plain(Twin(4, 6))
    assert not is_plain(nn.Identity())
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        assert not is_plain(nn.Linear(4, 6))
    finally:
        handle.remove()
    assert is_plain(nn.Linear(4, 6))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("form", ["full", "compact"])
def test_called_one_by_one_or_joined_the_maps_are_the_same_numbers(form, groups):
    layer, x = pnn.QuadraticConv2d(4, 6, 3, groups=groups, form=form), torch.randn(3, 4, 8, 8)
    joined = layer(x)
    fired = []
    layer.g.register_forward_hook(lambda *_: fired.append("g"))
    assert_close(layer(x), joined)
    assert fired == ["g"]


def test_maps_of_other_settings_or_without_a_bias_are_not_joined():
    layer, x = pnn.QuadraticConv2d(4, 6, 3, padding=1, form="compact"), torch.randn(3, 4, 8, 8)
    layer.g.padding_mode = "circular"
    layer.g._reversed_padding_repeated_twice = [1, 1, 1, 1]
    assert_close(layer(x), layer.r(x) * layer.g(x))
    layer.g.bias = None
    assert_close(layer(x), layer.r(x) * layer.g(x))
