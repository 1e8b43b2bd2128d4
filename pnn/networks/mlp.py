"""The multilayer perceptron, generic over neuron, activation and width."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from ..nn import activation as activations
from ..system.choice import added, check_at_least, check_types
from ..tasks.data import Form
from .neurons import NORMS, NeuronName, Order, check_activation, check_names, linear, ordered


@dataclass(frozen=True)
class MLP:
    """The choice of an :class:`MLPModule`."""

    neuron: NeuronName
    width: int  # features of each layer
    activation: "activations.Activation" = activations.RELU
    depth: int = added(3)  # layers before the last one
    order: Order = added("norm-activation")
    norm: Literal["batch", "none"] = added("batch")
    name: ClassVar[str] = "mlp"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "width", "depth")

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for columns, and for the numbers of an image in a row."""
        return not form.vocabulary

    def build(self, form: Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's global generator."""
        own: dict[str, Any] = {"depth": self.depth, "order": self.order, "norm": self.norm}
        mlp = MLPModule(math.prod(form.shape), form.outputs, self.width, self.neuron, self.activation, **own)
        return mlp if len(form.shape) == 1 else nn.Sequential(nn.Flatten(), mlp)


class MLPModule(nn.Sequential):
    r"""So many times [linear, BatchNorm, activation] of one width, by default three, then linear.

    They have a bias only where a neuron needs it (``pnn.networks.neurons``): BatchNorm would cancel that of a standard
    neuron. In the order [linear, activation, BatchNorm] it would not, and all have one. The last layer is always a
    plain linear one, with bias.

    - **Parameters** at depth ``n`` for ``d`` columns and ``k`` outputs, with :math:`m` maps a neuron (1 if standard,
      3 if polynomial): :math:`m (d w + (n - 1) w^2) + 2 n w + w k + k`, and :math:`m n w` more with biases.

    Args:
        in_features: columns of a row.
        num_classes: size of the output.
        width: features of each layer.
        neuron: a name in ``pnn.networks.neurons.NEURONS``.
        activation: a choice such as ``pnn.ReLU()``.
        depth: layers before the last one.
        order: ``"norm-activation"`` or ``"activation-norm"``.
        norm: ``"batch"``, or ``"none"``: nothing is normalised, and all layers have a bias.

    Shape:
        ``(N, in_features)`` to ``(N, num_classes)``.

    Source: :cite:t:`oporture2026`, widths 200 (standard) and 98 (polynomial), one output.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        width: int,
        neuron: str = "standard",
        activation: activations.Activation = activations.RELU,
        *,
        depth: int = 3,
        order: str = "norm-activation",
        norm: str = "batch",
    ) -> None:
        check_names(neuron=neuron, order=order, norm=norm)
        check_activation(activation)
        layers: list[nn.Module] = []
        for features in (in_features, *[width] * (depth - 1)):
            layers += [
                linear(neuron, features, width, bias=order == "activation-norm" or norm == "none"),
                *ordered(order, NORMS[norm](width), activation.build(width)),
            ]
        super().__init__(*layers, nn.Linear(width, num_classes))
