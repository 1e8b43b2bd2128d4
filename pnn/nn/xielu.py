"""The expanded integral of an exponential linear unit, for language models."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .learned import LearnedActivation, check_flag


class XIELU(LearnedActivation):
    r"""A learned parabola to the right, and a learned exponential less its line to the left.

    .. math::

        y = \begin{cases} \alpha_p x^2 + \beta x & x > 0 \\ \alpha_n (e^x - 1 - x) + \beta x & x \le 0 \end{cases}

    with :math:`\alpha_p = \operatorname{softplus}(p)`, :math:`\alpha_n = \beta + \operatorname{softplus}(n)` and a
    fixed :math:`\beta`. Its slope grows as a line to the right and is negative far to the left.

    - **Degree** and **multiplicative depth** none: it has an exponential.
    - **Parameters** 2, times ``num_parameters``.
    - **Multiply-accumulates** 2 an element, with an exponential.
    - **Initialisation** :math:`\alpha_p = \alpha_n = 0.8`.

    Args:
        num_parameters: 1, or the number of channels (dimension 1 of the input) for parameters of their own.
        beta: :math:`\beta`, the slope at 0, from 0 to less than 0.8.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(*)`` to the same; ``(N, num_parameters, *)`` where channels have their own.

    Raises:
        ValueError: an argument is out of range, or the input has another number of channels.

    When not to use it:
        Without normalisation, as its slope has no bound to the right; see :doc:`the neuron </book/neuron>` on products
        in deep networks.

    Source: :cite:t:`huang2024`.

    Example:
        >>> pnn.XIELU(64)(torch.randn(8, 64, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    def __init__(self, num_parameters: int = 1, *, beta: float = 0.5, device=None, dtype=None) -> None:
        super().__init__(num_parameters)
        if not 0 <= beta < 0.8:
            raise ValueError(f"beta must be from 0 to less than 0.8, where alpha_n starts; got {beta!r}")
        self.beta = beta
        self.p = nn.Parameter(torch.empty(num_parameters, device=device, dtype=dtype))
        self.n = nn.Parameter(torch.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set both coefficients to 0.8."""
        nn.init.constant_(self.p, math.log(math.expm1(0.8)))
        nn.init.constant_(self.n, math.log(math.expm1(0.8 - self.beta)))

    def _function(self, x: Tensor) -> Tensor:
        right = F.softplus(self._spread(self.p, x))
        left = self.beta + F.softplus(self._spread(self.n, x))
        below = x.clamp(max=0)  # The exponential of a large number would make the gradient of the other side nan.
        return torch.where(x > 0, right * x * x, left * (torch.expm1(below) - below)) + self.beta * x

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, beta={self.beta}"


@dataclass(frozen=True)
class XIELUChoice:
    """:class:`pnn.XIELU` as the activation of a network, one a layer or one a channel."""

    per_channel: bool = False
    name: ClassVar[str] = "xielu"

    def __post_init__(self) -> None:
        check_flag("per_channel", self.per_channel)

    def build(self, channels: int) -> nn.Module:
        """See :meth:`pnn.ReLU.build`."""
        return XIELU(channels if self.per_channel else 1)
