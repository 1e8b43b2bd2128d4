"""The kinds of neuron that a network may be built from, by name."""

from typing import Any, Literal, NamedTuple, get_args

from torch import nn

from .. import nn as layers


class Neuron(NamedTuple):
    """The layers that one kind of neuron stands for, drop-ins for torch's."""

    linear: type[nn.Module]
    conv1d: type[nn.Module] | None
    conv2d: type[nn.Module]
    # Has a layer before a BatchNorm a bias? It needs one only inside a product: BatchNorm cancels any other.
    bias: bool = False
    options: dict[str, Any] = {}  # noqa: RUF012 -- It is never written to.


NEURONS = {
    "standard": Neuron(nn.Linear, nn.Conv1d, nn.Conv2d),
    "polynomial": Neuron(layers.PolyLinear, layers.PolyConv1d, layers.PolyConv2d),
    "quadratic": Neuron(layers.QuadraticLinear, layers.QuadraticConv1d, layers.QuadraticConv2d, bias=True),
    "bilinear": Neuron(layers.BilinearLinear, layers.BilinearConv1d, layers.BilinearConv2d, bias=True),
    "star": Neuron(layers.StarLinear, None, layers.StarConv2d, bias=True),
    "ccp": Neuron(layers.CCP, None, layers.CCPConv2d, options={"degree": 3}),
    "ncp": Neuron(layers.NCP, None, layers.NCPConv2d, options={"degree": 3}),
    "product": Neuron(layers.ProductUnit, None, layers.ProductConv2d),
    # What comes in is normalised: hardly anything is outside of 3 standard deviations.
    "kan": Neuron(layers.KANLinear, None, layers.KANConv2d, options={"interval": (-3.0, 3.0)}),
    "kan-chebyshev": Neuron(
        layers.KANLinear, None, layers.KANConv2d, options={"basis": "chebyshev", "interval": (-3.0, 3.0)}
    ),
}
NeuronName = Literal[*NEURONS]  # The annotations of choices use it.
# What comes between two maps, in which order. The second one is for inference on encrypted numbers: BatchNorm can then
# be folded into the next map.
Order = Literal["norm-activation", "activation-norm"]
NORMS = {"batch": nn.BatchNorm1d, "none": nn.Identity}
POOLINGS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


def check_names(**names: str) -> None:
    for name, value in names.items():
        allowed = {"neuron": NEURONS, "pooling": POOLINGS, "order": get_args(Order), "norm": NORMS}[name]
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")


def check_activation(activation: Any) -> None:
    """Refuse what cannot build an activation, such as a name in the place of a choice."""
    if not hasattr(activation, "build"):
        raise ValueError(f"activation must be a choice such as pnn.ReLU() or pnn.Identity(), got {activation!r}")


def conv1d(neuron: str, *arguments: int, **settings: Any) -> nn.Module:
    """A convolution of this neuron over a sequence, to stand before a BatchNorm; the arguments are torch's."""
    kind = NEURONS[neuron]
    if kind.conv1d is None:
        able = ", ".join(repr(name) for name, other in NEURONS.items() if other.conv1d)
        raise ValueError(f"this network needs a neuron with a Conv1d: {able}; got {neuron!r}")
    return kind.conv1d(*arguments, bias=kind.bias, **settings, **kind.options)


def conv2d(neuron: str, *arguments: int, **settings: Any) -> nn.Module:
    """A convolution of this neuron over an image, to stand before a BatchNorm; the arguments are torch's."""
    kind = NEURONS[neuron]
    return kind.conv2d(*arguments, bias=kind.bias, **settings, **kind.options)


def linear(neuron: str, in_features: int, out_features: int, bias: bool = False) -> nn.Module:
    """A linear layer of this neuron, to stand before a BatchNorm; with a bias if it needs or is told to have one."""
    kind = NEURONS[neuron]
    return kind.linear(in_features, out_features, bias=kind.bias or bias, **kind.options)


def ordered(order: str, norm: nn.Module, activation: nn.Module) -> tuple[nn.Module, nn.Module]:
    """What follows a map, in its order."""
    return (norm, activation) if order == "norm-activation" else (activation, norm)
