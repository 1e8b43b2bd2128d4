"""Networks, each generic over neuron, activation and width."""

from typing import NamedTuple

from torch import Tensor, nn

from .nn import PolyConv2d, PolyLinear


class Neuron(NamedTuple):
    """The layers that one kind of neuron stands for."""

    linear: type[nn.Module]
    conv2d: type[nn.Module]


NEURONS = {
    "standard": Neuron(nn.Linear, nn.Conv2d),
    "polynomial": Neuron(PolyLinear, PolyConv2d),
}
ACTIVATIONS = {"relu": nn.ReLU, "identity": nn.Identity}


class CNN(nn.Sequential):
    r"""Three blocks of [convolution 3x3, BatchNorm, activation, max-pool 2], global average, linear.

    The blocks have ``width``, ``2 * width`` and ``4 * width`` channels; convolutions have no bias, and the last layer
    is always a plain linear one. With max-pooling (and with ReLU) this is *not* a polynomial of its input.

    - **Parameters** for ``c`` input channels and ``k`` classes, with :math:`m` maps a neuron (1 if standard, 3 if
      polynomial): :math:`m (9 c w + 90 w^2) + 14 w + 4 w k + k`.

    Args:
        in_channels: channels of the image.
        num_classes: size of the output.
        width: channels of the first block.
        neuron: ``"standard"`` or ``"polynomial"``.
        activation: ``"relu"`` or ``"identity"``.

    Shape:
        ``(N, in_channels, H, W)`` to ``(N, num_classes)``, H and W at least 8.

    Source: :cite:t:`oporture2026`, widths 149 (standard) and 86 (polynomial).
    """

    def __init__(
        self, in_channels: int, num_classes: int, width: int, neuron: str = "standard", activation: str = "relu"
    ) -> None:
        for name, value, allowed in (("neuron", neuron, NEURONS), ("activation", activation, ACTIVATIONS)):
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
        layers: list[nn.Module] = []
        channels = in_channels
        for out_channels in (width, 2 * width, 4 * width):
            layers += [
                NEURONS[neuron].conv2d(channels, out_channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(out_channels),
                ACTIVATIONS[activation](),
                nn.MaxPool2d(2),
            ]
            channels = out_channels
        super().__init__(*layers, _GlobalAverage(), nn.Linear(channels, num_classes))


class _GlobalAverage(nn.Module):
    """The mean over positions; unlike torch's adaptive pooling it has a deterministic backward on CUDA."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((-2, -1))
