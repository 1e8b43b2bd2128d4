"""The convolutional network of the first source, generic over neuron, activation and width."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn

from ..nn import activation as activations
from ..system.choice import added, check_at_least, check_types
from ..tasks.data import Form
from .neurons import POOLINGS, NeuronName, check_activation, check_names, conv2d


@dataclass(frozen=True)
class CNN:
    """The choice of a :class:`CNNModule`."""

    neuron: NeuronName
    width: int  # channels of the first block
    activation: "activations.Activation" = activations.RELU
    pooling: Literal["max", "average"] = added("max")
    name: ClassVar[str] = "cnn"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "width")

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for images."""
        return len(form.shape) == 3

    def build(self, form: Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's global generator."""
        return CNNModule(form.shape[0], form.outputs, self.width, self.neuron, self.activation, pooling=self.pooling)


class CNNModule(nn.Sequential):
    r"""Three blocks of [convolution 3x3, BatchNorm, activation, max-pool 2], global average, linear.

    The blocks have ``width``, ``2 * width`` and ``4 * width`` channels; convolutions have a bias only where a neuron
    needs it (``pnn.networks.neurons``), and the last layer is always a plain linear one. With max-pooling (and with
    ReLU) this is *not* a polynomial of its input.

    - **Parameters** for ``c`` input channels and ``k`` classes, with :math:`m` maps a neuron (1 if standard, 3 if
      polynomial): :math:`m (9 c w + 90 w^2) + 14 w + 4 w k + k`.

    Args:
        in_channels: channels of the image.
        num_classes: size of the output.
        width: channels of the first block.
        neuron: a name in ``pnn.networks.neurons.NEURONS``.
        activation: a choice such as ``pnn.ReLU()``.
        pooling: ``"max"`` or ``"average"``.

    Shape:
        ``(N, in_channels, H, W)`` to ``(N, num_classes)``, H and W at least 8.

    Source: :cite:t:`oporture2026`, widths 149 (standard) and 86 (polynomial).
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int,
        neuron: str = "standard",
        activation: activations.Activation = activations.RELU,
        *,
        pooling: str = "max",
    ) -> None:
        check_names(neuron=neuron, pooling=pooling)
        check_activation(activation)
        layers: list[nn.Module] = []
        channels = in_channels
        for out_channels in (width, 2 * width, 4 * width):
            layers += [
                conv2d(neuron, channels, out_channels, 3, padding=1),
                nn.BatchNorm2d(out_channels),
                activation.build(out_channels),
                POOLINGS[pooling](2),
            ]
            channels = out_channels
        super().__init__(*layers, GlobalAverage(), nn.Linear(channels, num_classes))


class GlobalAverage(nn.Module):
    """The mean over positions; unlike torch's adaptive pooling it has a deterministic backward on CUDA."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((-2, -1))
