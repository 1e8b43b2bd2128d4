"""What a network costs, against formulas written out here; the width that costs the same, against trying them all."""

import copy
from functools import cache

import pytest
import torch
from torch import nn

import pnn

IMAGE = torch.zeros(1, 3, 32, 32)


def cnn_parameters(channels: int, classes: int, w: int, neuron: str) -> int:
    maps = {"standard": 1, "polynomial": 3}[neuron]
    convolutions = maps * 9 * (channels * w + w * 2 * w + 2 * w * 4 * w)
    batchnorms = 2 * (w + 2 * w + 4 * w)
    return convolutions + batchnorms + (4 * w * classes + classes)


def cnn_macs(channels: int, classes: int, w: int, neuron: str, size: int) -> int:
    maps = {"standard": 1, "polynomial": 3}[neuron]
    return (
        maps * size**2 * 9 * channels * w
        + maps * (size // 2) ** 2 * 9 * w * 2 * w
        + maps * (size // 4) ** 2 * 9 * 2 * w * 4 * w
        + 4 * w * classes
    )


@pytest.mark.parametrize(("neuron", "width"), [("standard", 1), ("standard", 5), ("polynomial", 1), ("polynomial", 5)])
@pytest.mark.parametrize(("channels", "classes", "size"), [(1, 10, 8), (3, 7, 32)])
def test_the_cnns_cost_what_their_formulas_say(channels, classes, size, neuron, width):
    cost = pnn.budget(pnn.CNNModule(channels, classes, width, neuron), torch.zeros(1, channels, size, size))
    assert cost.parameters == cnn_parameters(channels, classes, width, neuron)
    assert cost.macs == cnn_macs(channels, classes, width, neuron, size)


@pytest.mark.parametrize(
    ("neuron", "width", "parameters"), [("standard", 149, 2_010_169), ("polynomial", 86, 2_008_540)]
)
def test_the_published_networks_have_the_published_parameters(neuron, width, parameters):
    with torch.device("meta"):
        assert pnn.budget(pnn.CNNModule(3, 10, width, neuron), IMAGE).parameters == parameters


def convolution(kind, **settings):
    return kind(4, 6, 3, stride=2, padding=1, **settings)  # 8 x 8 -> 4 x 4


@pytest.mark.parametrize(
    ("layer", "example", "parameters", "macs"),
    [
        (nn.Linear(5, 7), (2, 5), 5 * 7 + 7, 5 * 7),
        (nn.Linear(5, 7, bias=False), (2, 11, 5), 5 * 7, 11 * 5 * 7),  # at each of 11 positions
        (pnn.PolyLinear(5, 7), (2, 5), 3 * (5 * 7 + 7), 3 * 5 * 7),
        (convolution(nn.Conv2d), (1, 4, 8, 8), 6 * 4 * 9 + 6, 16 * 6 * 4 * 9),
        (convolution(nn.Conv2d, groups=2), (1, 4, 8, 8), 6 * 2 * 9 + 6, 16 * 6 * 2 * 9),
        (convolution(pnn.PolyConv2d, groups=2, bias=False), (1, 4, 8, 8), 3 * 6 * 2 * 9, 3 * 16 * 6 * 2 * 9),
        (pnn.PolyConv1d(4, 6, 5, groups=2), (1, 4, 12), 3 * (6 * 2 * 5 + 6), 3 * 8 * 6 * 2 * 5),
    ],
    ids=str,
)
def test_a_layer_costs_what_its_formula_says(layer, example, parameters, macs):
    cost = pnn.budget(layer, torch.zeros(example))
    assert (cost.parameters, cost.macs) == (parameters, macs)


def test_only_trainable_numbers_count_and_each_once():
    shared = nn.Linear(3, 3, bias=False)
    frozen = nn.Linear(3, 3).requires_grad_(False)
    assert pnn.budget(nn.Sequential(shared, frozen, shared), torch.zeros(1, 3)).parameters == 9


NETWORKS = [
    # ReLU keeps its output, which is the next layer's input too: 5 float32
    (nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)), (4,), 5 * 4),
    # the neuron keeps its three maps, the next layer its input
    (nn.Sequential(pnn.PolyLinear(4, 6), nn.Linear(6, 2)), (4,), 3 * 6 * 4 + 6 * 4),
    # ReLU's output of 2 x 8 x 8, int64 positions of the 2 x 4 x 4 maxima, and the maxima as input of the last layer
    (
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2 * 4 * 4, 3)),
        (1, 8, 8),
        2 * 8 * 8 * 4 + 2 * 4 * 4 * 8 + 2 * 4 * 4 * 4,
    ),
    # a network that keeps nothing but its input and parameters
    (nn.Linear(4, 5), (4,), 0),
]


@pytest.mark.parametrize(("network", "shape", "expected"), NETWORKS, ids=["relu", "polynomial", "pool", "linear"])
@pytest.mark.parametrize("rows", [1, 5])
def test_activation_bytes_are_those_counted_by_hand(network, shape, expected, rows):
    assert pnn.budget(network, torch.zeros(rows, *shape)).activation_bytes == expected


@pytest.mark.parametrize("training", [True, False])
def test_the_model_and_the_generator_are_left_as_they_were(training):
    model = nn.Sequential(pnn.CNNModule(3, 10, 2, "polynomial"), nn.Dropout()).train(training)
    model[1].train(not training)
    before, modes = copy.deepcopy(model.state_dict()), [module.training for module in model.modules()]
    state = torch.get_rng_state()
    pnn.budget(model, torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("example", [torch.zeros(0, 3, 32, 32), torch.tensor(1.0)])
def test_an_example_without_a_row_is_an_error(example):
    with pytest.raises(ValueError, match="at least one row, got shape"):
        pnn.budget(pnn.CNNModule(3, 10, 2), example)


# --- the width that costs the same -----------------------------------------------------------------------------------


def polynomial(width: int) -> nn.Module:
    return pnn.CNNModule(3, 10, width, "polynomial")


def test_the_published_pair_matches():
    assert pnn.match_width(polynomial, pnn.CNNModule(3, 10, 149)) == 86
    assert pnn.match_width(polynomial, 2_010_169) == 86


@cache
def activation_bytes(width: int) -> int:
    return pnn.budget(polynomial(width), IMAGE).activation_bytes


@pytest.mark.parametrize("by", ["parameters", "macs", "activation_bytes"])
@pytest.mark.parametrize("width", [1, 4, 9, 17])
def test_the_width_is_the_nearest_of_all(by, width):
    costs = {
        "parameters": lambda w: cnn_parameters(3, 10, w, "polynomial"),
        "macs": lambda w: cnn_macs(3, 10, w, "polynomial", 32),
        "activation_bytes": activation_bytes,
    }
    target = pnn.CNNModule(3, 10, width)
    goal = getattr(pnn.budget(target, IMAGE), by)
    nearest = min(range(1, 19), key=lambda w: abs(costs[by](w) - goal))
    assert pnn.match_width(polynomial, target, by, example=IMAGE, tolerance=2.0) == nearest


@pytest.mark.parametrize("width", [1, 2, 3, 8, 31])
def test_a_network_matches_itself(width):
    assert pnn.match_width(polynomial, polynomial(width), tolerance=0) == width


def test_no_match_names_the_two_nearest_widths():
    two, three = (cnn_parameters(3, 10, w, "polynomial") for w in (2, 3))
    with pytest.raises(ValueError, match=rf"within 1\.0%: width 2 has {two:,} .*, width 3 has {three:,} "):
        pnn.match_width(polynomial, (two + three) // 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 1000, "by": "flops"}, "parameters, macs, activation_bytes, got 'flops'"),
        ({"target": 1000, "by": "macs"}, "needs an example"),
        ({"target": pnn.CNNModule(3, 10, 2), "by": "activation_bytes"}, "needs an example"),
        ({"target": 10**9, "largest": 10}, "even width 10 has parameters .* fewer than the target 1,000,000,000"),
        ({"target": 0}, "target"),
    ],
)
def test_what_cannot_be_matched_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        pnn.match_width(polynomial, **arguments)
