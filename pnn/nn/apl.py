"""A learned sum of hinges: the adaptive piecewise linear unit."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .learned import LearnedActivation, check_flag, check_whole


class APL(LearnedActivation):
    r"""Adaptive piecewise linear unit: ReLU and a learned sum of hinges.

    .. math:: y = \max(0, x) + \sum_{s=1}^{S} a_s \max(0, -x + b_s)

    To the right of all :math:`b_s` it is ReLU; to the left it has the slope :math:`-\sum_s a_s`.

    - **Degree** and **multiplicative depth** none: it is piecewise linear.
    - **Parameters** :math:`2 S`, times ``num_parameters``.
    - **Multiply-accumulates** :math:`S` an element.
    - **Initialisation** :math:`a_s` uniform within 0.2 and :math:`b_s` normal with deviation 0.5, as in the source's
      code.

    Args:
        num_parameters: 1, or the number of channels (dimension 1 of the input) for hinges of their own.
        hinges: :math:`S`, at least 1; 5 in the source for CIFAR-10.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(*)`` to the same; ``(N, num_parameters, *)`` where channels have their own.

    Raises:
        ValueError: an argument is out of range, or the input has another number of channels.

    When not to use it:
        Where memory counts: two values a hinge are kept of every element for the backward pass. See :doc:`the page on
        learned activations </notebooks/ablations/activation_discovery>`.

    Source: :cite:t:`agostinelli2014`.

    Example:
        >>> pnn.APL(64, hinges=2)(torch.randn(8, 64, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    def __init__(self, num_parameters: int = 1, hinges: int = 5, device=None, dtype=None) -> None:
        super().__init__(num_parameters)
        check_whole("hinges", hinges, 1)
        self.hinges = hinges
        self.a = nn.Parameter(torch.empty(hinges, num_parameters, device=device, dtype=dtype))
        self.b = nn.Parameter(torch.empty(hinges, num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw slopes and places of the hinges again."""
        nn.init.uniform_(self.a, -0.2, 0.2)
        nn.init.normal_(self.b, std=0.5)

    def _function(self, x: Tensor) -> Tensor:
        y = F.relu(x)
        for a, b in zip(self._spread(self.a, x).unbind(), self._spread(self.b, x).unbind(), strict=True):
            y = y + a * F.relu(b - x)
        return y

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, hinges={self.hinges}"


@dataclass(frozen=True)
class APLChoice:
    """:class:`pnn.APL` as the activation of a network, one a layer or one a channel."""

    hinges: int = 5
    per_channel: bool = False
    name: ClassVar[str] = "apl"

    def __post_init__(self) -> None:
        check_whole("hinges", self.hinges, 1)
        check_flag("per_channel", self.per_channel)

    def build(self, channels: int) -> nn.Module:
        """See :meth:`pnn.ReLU.build`."""
        return APL(channels if self.per_channel else 1, self.hinges)
