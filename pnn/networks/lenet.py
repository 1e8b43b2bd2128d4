"""LeNet-5, generic over neuron, activation and width."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn

from ..nn import activation as activations
from ..system.choice import check_at_least, check_types
from ..tasks.data import Form
from .neurons import NEURONS, POOLINGS, NeuronName, check_activation, check_names


@dataclass(frozen=True)
class LeNet:
    """The choice of a :class:`LeNetModule`."""

    neuron: NeuronName
    width: int = 6  # channels of the first convolution
    activation: "activations.Activation" = activations.RELU
    pooling: Literal["max", "average"] = "max"
    name: ClassVar[str] = "lenet"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "width")

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for images of at least 12 x 12."""
        return len(form.shape) == 3 and min(form.shape[1:]) >= 12

    def build(self, form: Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's global generator."""
        channels, *size = form.shape
        return LeNetModule(
            channels, form.outputs, self.width, self.neuron, self.activation, pooling=self.pooling, size=tuple(size)
        )


class LeNetModule(nn.Sequential):
    r"""Two blocks of [convolution 5x5, activation, pool 2], then two of [linear, activation], then linear.

    The widths are 6, 16, 120 and 84, or in proportion to them. The first convolution pads by 2, so that an image of
    28 x 28 gives what the source computes of 32 x 32. There is no normalisation, and every layer has a bias. The last
    layer is always a plain linear one.

    - **Parameters** of the standard network of width 6, for one channel of 28 x 28 and 10 classes: 61,706.

    Args:
        in_channels: channels of the image.
        num_classes: size of the output.
        width: channels of the first convolution; 6 in the source.
        neuron: a name in ``pnn.networks.neurons.NEURONS``.
        activation: a choice such as ``pnn.ReLU()``.
        pooling: ``"max"`` or ``"average"``.
        size: height and width of the image, at least 12 each.

    Shape:
        ``(N, in_channels, *size)`` to ``(N, num_classes)``.

    Raises:
        ValueError: a name is unknown, or the image is too small.

    Source: :cite:t:`lecun1998`, with a plain output layer, maps that see all channels, and max-pooling, as it is used
    today.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int = 6,
        neuron: str = "standard",
        activation: activations.Activation = activations.RELU,
        *,
        pooling: str = "max",
        size: tuple[int, ...] = (28, 28),
    ) -> None:
        check_names(neuron=neuron, pooling=pooling)
        check_activation(activation)
        if min(size) < 12:
            raise ValueError(f"an image must have at least 12 x 12 pixels, got {size[0]} x {size[1]}")
        kind = NEURONS[neuron]
        second, third, fourth = (round(width * own / 6) for own in (16, 120, 84))
        pixels = (size[0] // 2 - 4) // 2 * ((size[1] // 2 - 4) // 2)
        layers: list[nn.Module] = []
        for channels, out_channels, padding in ((in_channels, width, 2), (width, second, 0)):
            layers += [
                kind.conv2d(channels, out_channels, 5, padding=padding, bias=True, **kind.options),
                activation.build(out_channels),
                POOLINGS[pooling](2),
            ]
        layers.append(nn.Flatten())
        for features, out_features in ((second * pixels, third), (third, fourth)):
            layers += [
                kind.linear(features, out_features, bias=True, **kind.options),
                activation.build(out_features),
            ]
        super().__init__(*layers, nn.Linear(fourth, num_classes))
