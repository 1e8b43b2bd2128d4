"""Batch norm folded the wrong way round: where it is right nevertheless, and where it is not."""

import pytest
import torch
from torch import nn

from pnn.report import folding


def network(activation: nn.Module, gamma: list[float], beta: list[float]) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), activation, nn.BatchNorm1d(2), nn.Linear(2, 2)).double().eval()
    model[2].running_var.fill_(1.0 - model[2].eps)
    model[2].weight.data = torch.tensor(gamma, dtype=torch.float64)
    model[2].bias.data = torch.tensor(beta, dtype=torch.float64)
    return model


class Half(nn.Module):
    def forward(self, x):
        return x / 2


@pytest.mark.parametrize(
    ("activation", "gamma", "beta", "same"),
    [
        (nn.Identity(), [2.0, -3.0], [0.5, 1.0], True),
        (Half(), [2.0, -3.0], [0.0, 0.0], True),  # c (a x) = a (c x)
        (Half(), [2.0, -3.0], [0.5, 1.0], False),  # c (a x + b) is not a (c x) + b
        (nn.ReLU(), [2.0, 3.0], [0.0, 0.0], True),  # ReLU(a x) = a ReLU(x) for a > 0
        (nn.ReLU(), [2.0, -3.0], [0.0, 0.0], False),
        (nn.ReLU(), [2.0, 3.0], [0.5, 0.0], False),
        (nn.Tanh(), [2.0, 3.0], [0.0, 0.0], False),
    ],
)
def test_it_is_right_only_where_the_activation_passes_the_affine_map(activation, gamma, beta, same):
    model = network(activation, gamma, beta)
    x = torch.randn(50, 3, dtype=torch.float64)
    expected = model(x)
    found = folding.fold_before(model)(x)
    assert torch.allclose(found, expected, rtol=0, atol=1e-10) == same
    assert torch.equal(model(x), expected)  # The model is left as it is.


def test_it_is_f_of_the_affine_map():
    model = network(nn.Tanh(), [2.0, 3.0], [0.5, -1.0])
    x = torch.randn(5, 3, dtype=torch.float64)
    affine = torch.tensor([2.0, 3.0]) * model[0](x) + torch.tensor([0.5, -1.0])
    torch.testing.assert_close(folding.fold_before(model)(x), model[3](torch.tanh(affine)))


def test_a_network_in_another_order_is_refused():
    with pytest.raises(ValueError, match=r"no layers \[map, activation, BatchNorm\] among \['Linear', 'BatchNorm1d'\]"):
        folding.fold_before(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))


def test_the_next_map_moves_nothing_and_the_one_before_does():
    frame = folding.moved(steps=3).frame
    assert list(frame.index) == list(folding.networks())
    assert (frame["next_float64"] < 1e-10).all()
    assert (frame["next"] < 1e-4).all()
    assert (frame["before"] > 1e-3).all()
