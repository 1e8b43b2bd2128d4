"""Swish with a learned slope of its sigmoid."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from .learned import LearnedActivation, check_flag


class Swish(LearnedActivation):
    r"""An input times a sigmoid of itself, whose slope is learned.

    .. math:: y = \frac{x}{1 + e^{-\beta x}}

    It is SiLU for :math:`\beta = 1`, close to GELU for 1.702, :math:`x / 2` for 0, and approaches ReLU for large
    :math:`\beta`.

    - **Degree** and **multiplicative depth** none: it is no polynomial.
    - **Parameters** 1, times ``num_parameters``.
    - **Multiply-accumulates** none but two products and an exponential an element.
    - **Initialisation** :math:`\beta = 1`.

    Args:
        num_parameters: 1, or the number of channels (dimension 1 of the input) for one :math:`\beta` each.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(*)`` to the same; ``(N, num_parameters, *)`` where channels have their own.

    Raises:
        ValueError: an argument is out of range, or the input has another number of channels.

    When not to use it:
        Where a network must be a polynomial, or where :class:`torch.nn.SiLU` does: that is one kernel. See :doc:`the
        page on speed </notebooks/analysis/speed>`.

    Source: :cite:t:`ramachandran2017`.

    Example:
        >>> pnn.Swish(64)(torch.randn(8, 64, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    def __init__(self, num_parameters: int = 1, device=None, dtype=None) -> None:
        super().__init__(num_parameters)
        self.beta = nn.Parameter(torch.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Make it SiLU."""
        nn.init.ones_(self.beta)

    def _function(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self._spread(self.beta, x) * x)


@dataclass(frozen=True)
class SwishChoice:
    """:class:`pnn.Swish` as the activation of a network, one a layer or one a channel."""

    per_channel: bool = False
    name: ClassVar[str] = "swish"

    def __post_init__(self) -> None:
        check_flag("per_channel", self.per_channel)

    def build(self, channels: int) -> nn.Module:
        """See :meth:`pnn.ReLU.build`."""
        return Swish(channels if self.per_channel else 1)
