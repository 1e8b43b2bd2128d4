"""Networks against the published layers, written out."""

import pytest
import torch
from torch import nn

import pnn


def test_cnn_is_the_sources_network_written_out():
    torch.manual_seed(0)
    model = pnn.CNN(3, 10, 4).eval()
    torch.manual_seed(0)
    blocks = []
    for channels, width in ((3, 4), (4, 8), (8, 16)):
        blocks += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        blocks += [nn.MaxPool2d(2)]
    plain = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)).eval()
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(model(x), plain(x))


def test_neuron_and_activation_are_exchanged_everywhere():
    model = pnn.CNN(1, 10, 4, "polynomial", "identity")
    assert sum(isinstance(m, pnn.PolyConv2d) for m in model) == 3
    assert not any(isinstance(m, nn.Conv2d | nn.ReLU) for m in model)
    assert model(torch.randn(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"neuron": "poly"}, "neuron must be one of 'standard', 'polynomial', got 'poly'"),
        ({"activation": "gelu"}, "relu"),
    ],
)
def test_a_mistyped_name_says_what_is_allowed(names, message):
    with pytest.raises(ValueError, match=message):
        pnn.CNN(3, 10, 4, **names)
