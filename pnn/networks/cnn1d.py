"""The convolutional network of recordings: several channels over time."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from ..nn import activation as activations
from ..system.choice import check_at_least, check_types
from ..tasks.data import Form
from .neurons import NeuronName, check_activation, check_names, conv1d


@dataclass(frozen=True)
class CNN1d:
    """The choice of a :class:`CNN1dModule`."""

    neuron: NeuronName
    width: int  # channels of the first block
    activation: "activations.Activation" = activations.RELU
    name: ClassVar[str] = "cnn-1d"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "width")

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for channels over time."""
        return len(form.shape) == 2 and not form.vocabulary

    def build(self, form: Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's global generator."""
        return CNN1dModule(form.shape[0], form.outputs, self.width, self.neuron, self.activation)


class CNN1dModule(nn.Sequential):
    r"""Three blocks of [convolution 5, activation, BatchNorm, average-pool 2], global average, linear.

    The blocks have ``width``, ``2 * width`` and ``4 * width`` channels; convolutions have a bias only where a neuron
    needs it (``pnn.networks.neurons``), and the last layer is always a plain linear one. With polynomial activations it
    is a polynomial of its input, whose every BatchNorm can be folded into the map that follows it.

    - **Parameters** for ``c`` input channels and ``k`` classes, with :math:`m` maps a neuron (1 if standard, 3 if
      polynomial): :math:`m (5 c w + 50 w^2) + 14 w + 4 w k + k`.

    Args:
        in_channels: channels of the recording.
        num_classes: size of the output.
        width: channels of the first block.
        neuron: a name in ``pnn.networks.neurons.NEURONS``.
        activation: a choice such as ``pnn.Polynomial(4, 20)``.

    Shape:
        ``(N, in_channels, L)`` to ``(N, num_classes)``, L at least 8.

    Source: this book; the order of a block is that of :cite:t:`alhossain2025`.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int,
        neuron: str = "standard",
        activation: activations.Activation = activations.RELU,
    ) -> None:
        check_names(neuron=neuron)
        check_activation(activation)
        layers: list[nn.Module] = []
        channels = in_channels
        for out_channels in (width, 2 * width, 4 * width):
            layers += [
                conv1d(neuron, channels, out_channels, 5, padding=2),
                activation.build(out_channels),
                nn.BatchNorm1d(out_channels),
                nn.AvgPool1d(2),
            ]
            channels = out_channels
        super().__init__(*layers, _MeanOverTime(), nn.Linear(channels, num_classes))


class _MeanOverTime(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(-1)
