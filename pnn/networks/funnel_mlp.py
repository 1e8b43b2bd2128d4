"""The multilayer perceptron whose layers become narrower, in the order that encrypted inference wants."""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from ..nn import activation as activations
from ..system.choice import RunError, check_types
from ..tasks.data import Form
from .neurons import NeuronName, check_activation, check_names, linear

HALVINGS = 4  # The first layer's features are halved so many times.


@dataclass(frozen=True)
class FunnelMLP:
    """The choice of a :class:`FunnelMLPModule`."""

    neuron: NeuronName
    width: int = 256  # features of the first layer, a multiple of 16
    activation: "activations.Activation" = activations.RELU
    dropout: float = 0.0  # before the last layer
    name: ClassVar[str] = "funnel-mlp"

    def __post_init__(self) -> None:
        check_types(self)
        if self.width < 1 or self.width % 2**HALVINGS:
            raise RunError(f"FunnelMLP.width must be a multiple of {2**HALVINGS}, got {self.width}")
        if not 0 <= self.dropout < 1:
            raise RunError(f"FunnelMLP.dropout must be at least 0 and less than 1, got {self.dropout!r}")

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for columns, and for the numbers of an image in a row."""
        return not form.vocabulary

    def build(self, form: Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's global generator."""
        columns = math.prod(form.shape)
        return FunnelMLPModule(columns, form.outputs, self.width, self.neuron, self.activation, dropout=self.dropout)


class FunnelMLPModule(nn.Sequential):
    r"""Five times [linear, activation, BatchNorm], each half as wide as the one before, then a wider layer, the last.

    The layers have ``width`` :math:`w`, :math:`w / 2`, ..., :math:`w / 16` features; then come [linear to
    :math:`w / 4`, activation, dropout] and a plain linear layer. All have a bias. With polynomial activations it is a
    polynomial of its input.

    - **Parameters** with the source's width and 6 classes of 561 columns 190,102.

    Args:
        in_features: numbers of a row, which may have any shape.
        num_classes: size of the output.
        width: features of the first layer, a multiple of 16.
        neuron: a name in ``pnn.networks.neurons.NEURONS``.
        activation: a choice such as ``pnn.Polynomial(4, 20)``.
        dropout: the share of the last hidden features that is dropped in training.

    Shape:
        ``(N, *)`` to ``(N, num_classes)``.

    Source: :cite:t:`alhossain2025`, width 256.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        width: int = 256,
        neuron: str = "standard",
        activation: activations.Activation = activations.RELU,
        *,
        dropout: float = 0.0,
    ) -> None:
        check_names(neuron=neuron)
        check_activation(activation)
        if width < 1 or width % 2**HALVINGS:
            raise ValueError(f"width must be a multiple of {2**HALVINGS}, got {width}")
        layers: list[nn.Module] = [nn.Flatten()]
        features = in_features
        for out_features in (width // 2**i for i in range(HALVINGS + 1)):
            layers += [
                linear(neuron, features, out_features, bias=True),
                activation.build(out_features),
                nn.BatchNorm1d(out_features),
            ]
            features = out_features
        last = width // 4
        layers += [linear(neuron, features, last, bias=True), activation.build(last), nn.Dropout(dropout)]
        super().__init__(*layers, nn.Linear(last, num_classes))
