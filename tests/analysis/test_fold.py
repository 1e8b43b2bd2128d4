"""Batch norm folded: the same outputs in float64, whatever stands beside it, and nothing folded that cannot be."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parametrizations

import pnn
from pnn.networks.cnn import GlobalAverage

QUARTIC = pnn.Polynomial(4, 5.0)
NETWORKS = {
    "FunnelMLP": (pnn.FunnelMLP("standard", 32, QUARTIC), (6, 16)),
    "MLP": (pnn.MLP("standard", 16, QUARTIC, order="activation-norm"), (12,)),
    "MLP, norm first": (pnn.MLP("standard", 16, pnn.ReLU()), (12,)),
    "MLP of polynomial neurons": (pnn.MLP("polynomial", 16, order="activation-norm"), (12,)),
    "CNN1d": (pnn.CNN1d("standard", 4, QUARTIC), (6, 32)),
    "CNN": (pnn.CNN("standard", 4, pooling="average"), (3, 16, 16)),
    "ResNet": (pnn.ResNet("standard", 4, QUARTIC, depth=14, order="activation-norm"), (3, 16, 16)),
    "ResNet, norm first": (pnn.ResNet("standard", 4, depth=14), (3, 16, 16)),
    "PolyNeXt": (pnn.PolyNeXt("bilinear", 4, depth=1), (3, 16, 16)),
    "ResNet of quadratic neurons": (pnn.ResNet("quadratic", 4, pnn.Identity(), depth=8), (3, 16, 16)),
}


class Square(nn.Module):
    def forward(self, x):
        return x * x


def settled(model: nn.Module) -> nn.Module:
    """In float64, with numbers of every batch norm that matter."""
    generator = torch.Generator().manual_seed(1)
    for module in model.double().modules():
        if isinstance(module, _BatchNorm):
            for values in (module.weight, module.bias, module.running_mean):
                if values is not None:
                    values.data.normal_(generator=generator)
            if module.running_var is not None:
                module.running_var.uniform_(0.2, 2.0, generator=generator)
    return model.eval()


def agree(model: nn.Module, shape: tuple[int, ...], rows: int = 7) -> nn.Module:
    """The folded model, after its outputs were compared with the model's own."""
    x = torch.randn(rows, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    settled(model)
    before = copy.deepcopy(model.state_dict())
    folded = pnn.fold_batch_norm(model)
    expected = model(x)
    assert (folded(x) - expected).abs().max() <= 1e-10 * expected.abs().max()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(isinstance(module, _BatchNorm) for module in folded.modules())
    return folded


def left(folded: nn.Module) -> list[tuple[bool, bool]]:
    """Of each thing that stays: whether it has a scale, and a shift."""
    stays = [module for module in folded.modules() if isinstance(module, pnn.ChannelAffine)]
    return [(one.scale is not None, one.shift is not None) for one in stays]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_the_same_without_its_batch_norms(name):
    choice, shape = NETWORKS[name]
    torch.manual_seed(0)
    agree(choice.build(pnn.Form(shape, 5)), shape)


@pytest.mark.parametrize("name", ["FunnelMLP", "MLP", "MLP, norm first", "CNN", "ResNet, norm first"])
def test_nothing_stays_where_a_map_can_take_all(name):
    choice, shape = NETWORKS[name]
    torch.manual_seed(0)
    assert not left(agree(choice.build(pnn.Form(shape, 5)), shape))


def test_what_stays_in_a_residual_network_are_shifts_before_padding_and_scales_of_shortcuts():
    choice, shape = NETWORKS["ResNet"]
    torch.manual_seed(0)
    found = left(agree(choice.build(pnn.Form(shape, 5)), shape))
    # Six blocks of two padded convolutions; in four of them the input is added as it is.
    assert sorted(found) == [(False, True)] * 12 + [(True, False)] * 4


def test_the_next_map_is_the_one_of_the_equation():
    torch.manual_seed(0)
    model = settled(nn.Sequential(nn.Linear(3, 4), Square(), nn.BatchNorm1d(4), nn.Linear(4, 2)))
    first, _, norm, last = model
    a = norm.weight / (norm.running_var + norm.eps).sqrt()
    b = norm.bias - a * norm.running_mean
    folded = pnn.fold_batch_norm(model)
    torch.testing.assert_close(folded.get_submodule("0").weight, first.weight, rtol=0, atol=0)
    torch.testing.assert_close(folded.get_submodule("3").weight, last.weight @ a.diag())
    torch.testing.assert_close(folded.get_submodule("3").bias, last.weight @ b + last.bias)


@pytest.mark.parametrize(
    ("convolution", "stays"),
    [
        (nn.Conv2d(4, 6, 3), []),
        (nn.Conv2d(4, 6, 3, padding=1), [(False, True)]),
        (nn.Conv2d(4, 6, 3, padding="same", bias=False), [(False, True)]),
        (nn.Conv2d(4, 6, 3, padding="valid"), []),
        (nn.Conv2d(4, 6, 1, padding="same"), []),
        (nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect", bias=False), []),
        (nn.Conv2d(4, 6, 3, groups=2, stride=2, dilation=2), []),
        (nn.Conv2d(4, 8, 3, groups=4, padding=1), [(False, True)]),
    ],
    ids=str,
)
def test_a_shift_stays_before_a_convolution_that_pads_with_zeros(convolution, stays):
    model = nn.Sequential(nn.Conv2d(3, 4, 1), Square(), nn.BatchNorm2d(4), convolution)
    assert left(agree(model, (3, 9, 9))) == stays


def test_a_channel_of_scale_zero_is_not_divided_by():
    model = settled(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 2, 3, padding=1)))
    model[0].weight.data[1] = 0.0
    x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    folded = pnn.fold_batch_norm(model)
    torch.testing.assert_close(folded(x), model(x), rtol=1e-10, atol=1e-10)
    assert left(folded) == [(True, True)]


@pytest.mark.parametrize(
    ("between", "features", "stays"),
    [
        ([nn.AvgPool2d(2), nn.Flatten()], 64, 0),
        ([nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), nn.Flatten()], 64, 0),
        ([nn.AvgPool2d(3, 2, padding=1), nn.Flatten()], 64, 1),
        ([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5)], 4, 1),
        ([nn.AdaptiveAvgPool2d(1), nn.Dropout(0.5), nn.Flatten()], 4, 0),
        ([GlobalAverage(), nn.Dropout(0.5)], 4, 0),
        ([nn.MaxPool2d(2), nn.Flatten()], 64, 1),
        ([nn.Flatten()], 256, 0),
        ([nn.Flatten(2), nn.AdaptiveAvgPool1d(1), nn.Flatten()], 4, 1),
    ],
    ids=str,
)
def test_it_goes_past_means_and_flattening_and_nothing_else(between, features, stays):
    model = nn.Sequential(nn.Conv2d(3, 4, 1), Square(), nn.BatchNorm2d(4), *between, nn.Linear(features, 2))
    assert len(left(agree(model, (3, 8, 8)))) == stays


class LinearOverTime(nn.Module):
    """The features of its linear layer are moments, as many as there are channels."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.linear = nn.Conv1d(2, 5, 1), nn.BatchNorm1d(5), nn.Linear(5, 3)

    def forward(self, x):
        return self.linear(self.norm(self.conv(x).abs())).sum(1) + self.linear(self.norm(self.conv(x)))[:, 0]


class TwoReaders(nn.Module):
    """What one norm gives is read by a map, added as it is, and changed in place."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.again = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)
        self.left, self.right = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1, bias=False)

    def forward(self, x):
        y = self.again(self.norm(self.first(x).square()))
        z = self.left(y) + y
        y += self.right(y)
        return z * y + self.norm(z)


class Shared(nn.Module):
    """One map is called twice, once with the norm before it and once without."""

    def __init__(self):
        super().__init__()
        self.linear, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        return self.linear(self.norm(self.linear(x).square()))


class InPlaceLayer(nn.Module):
    """A layer changes in place what a norm has read before it."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        y = self.norm(x) + 0
        h = self.relu(x)
        return self.last(y) + h


class ReadElsewhere(nn.Module):
    """The weight of a map is used by another calculation, too."""

    def __init__(self):
        super().__init__()
        self.map, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        return nn.functional.linear(self.norm(self.map(x)), self.map.weight.t())


class FlattensOthers(nn.Module):
    """Rows and channels are flattened together, and not the positions."""

    def __init__(self):
        super().__init__()
        self.norm, self.linear = nn.BatchNorm2d(3), nn.Linear(6, 2)

    def forward(self, x):
        return self.linear(self.norm(x).flatten(end_dim=1)).sum(0)


class OverPositions(nn.Module):
    """The features of a linear layer are positions, also where there are as many as channels."""

    def __init__(self, length):
        super().__init__()
        self.conv, self.linear, self.norm = nn.Conv1d(2, 5, 1), nn.Linear(length, length), nn.BatchNorm1d(5)

    def forward(self, x):
        return self.norm(self.linear(self.conv(x)))


class Standardised(nn.Conv2d):
    """A convolution that calculates with another weight than it has."""

    def forward(self, x):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(x, weight, self.bias)


SURPRISING = {
    "linear over time": (LinearOverTime(), (2, 5)),
    "two readers": (TwoReaders(), (3, 6, 6)),
    "shared": (Shared(), (4,)),
    "in place": (InPlaceLayer(), (3, 6, 6)),
    "read elsewhere": (ReadElsewhere(), (4,)),
    "flattens others": (FlattensOthers(), (3, 6, 6)),
    "over 5 positions": (OverPositions(5), (2, 5)),
    "over 6 positions": (OverPositions(6), (2, 6)),
    "a subclass before": (nn.Sequential(Standardised(3, 4, 3), nn.BatchNorm2d(4), Square()), (3, 6, 6)),
    "a subclass after": (nn.Sequential(nn.BatchNorm2d(3), Standardised(3, 4, 3)), (3, 6, 6)),
}


@pytest.mark.parametrize(("model", "shape"), SURPRISING.values(), ids=SURPRISING)
def test_what_is_shared_or_another_map_or_no_channel_is_left_alone(model, shape):
    agree(model, shape)


def test_norms_without_numbers_of_their_own_and_layers_that_normalise_inside():
    model = nn.Sequential(nn.Linear(4, 4), Square(), nn.BatchNorm1d(4, affine=False), nn.Linear(4, 2, bias=False))
    agree(model, (4,))
    hermite = settled(nn.Sequential(nn.Linear(4, 4), pnn.HermiteBatchNorm(4), nn.Linear(4, 2)))
    x = torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(pnn.fold_batch_norm(hermite)(x), hermite(x))


def test_float32_moves_by_its_rounding_alone():
    torch.manual_seed(0)
    model = settled(NETWORKS["ResNet"][0].build(pnn.Form((3, 16, 16), 5))).float()
    x = torch.randn(4, 3, 16, 16)
    expected = model(x)
    assert (pnn.fold_batch_norm(model)(x) - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_the_order_is_taken_as_evaluated_even_from_a_model_in_training():
    model = settled(nn.Sequential(nn.Linear(3, 3), Square(), nn.BatchNorm1d(3), nn.Dropout(0.9), nn.Linear(3, 1)))
    x = torch.randn(5, 3, dtype=torch.float64)
    expected = model(x)
    torch.testing.assert_close(pnn.fold_batch_norm(model.train())(x), expected)
    assert model.training


def test_what_cannot_be_folded_is_named():
    block = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False))
    with pytest.raises(ValueError, match=r"batch norm '0\.1' has no running statistics"):
        pnn.fold_batch_norm(nn.Sequential(block))
    normed = nn.Sequential(nn.BatchNorm1d(2), parametrizations.weight_norm(nn.Linear(2, 2)))
    with pytest.raises(ValueError, match=r"layer '1' is parametrised.*remove_parametrizations"):
        pnn.fold_batch_norm(normed)

    with pytest.warns(FutureWarning, match="deprecated"):
        old = nn.utils.weight_norm(nn.Linear(2, 2))
    for hooked in (nn.utils.spectral_norm(nn.Linear(2, 2)), old):
        with pytest.raises(ValueError, match="layer '1' has a hook before it"):
            pnn.fold_batch_norm(nn.Sequential(nn.BatchNorm1d(2), hooked))

    class ChangesInPlace(InPlaceLayer):
        def forward(self, x):
            x = torch.tanh(self.first(x))
            y = self.norm(x)
            return self.last(y) + x.relu_()

    with pytest.raises(ValueError, match="'relu_' changes 'tanh' in place, which is read elsewhere"):
        pnn.fold_batch_norm(ChangesInPlace())

    class Branching(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ValueError, match=r"torch\.fx cannot trace Branching"):
        pnn.fold_batch_norm(Branching())
