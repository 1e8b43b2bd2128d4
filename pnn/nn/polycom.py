"""Polynomials composed with ReLU or with a normalisation, for language models."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .learned import LearnedActivation, check_flag, check_whole


class PolyReLU(LearnedActivation):
    r"""A learned polynomial of ReLU.

    .. math:: y = a_0 + \sum_{i=1}^{r} a_i \max(0, x)^i

    - **Degree** and **multiplicative depth** none: it is a piecewise polynomial.
    - **Parameters** :math:`r + 1`, times ``num_parameters``.
    - **Multiply-accumulates** :math:`r` an element.
    - **Initialisation** :math:`a_0 = 0`, the others :math:`1 / r`.

    Args:
        num_parameters: 1, or the number of channels (dimension 1 of the input) for coefficients of their own.
        order: :math:`r`, at least 1.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(*)`` to the same; ``(N, num_parameters, *)`` where channels have their own.

    Raises:
        ValueError: an argument is out of range, or the input has another number of channels.

    When not to use it:
        In a deep network without normalisation, where powers of powers overflow; see :doc:`the neuron </book/neuron>`
        on the degrees of deep networks.

    Source: :cite:t:`zhuo2025`.

    Example:
        >>> pnn.PolyReLU(64)(torch.randn(8, 64, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    def __init__(self, num_parameters: int = 1, order: int = 3, device=None, dtype=None) -> None:
        super().__init__(num_parameters)
        check_whole("order", order, 1)
        self.order = order
        self.a = nn.Parameter(torch.empty(order + 1, num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the coefficients to their start."""
        nn.init.constant_(self.a, 1 / self.order)
        nn.init.zeros_(self.a[0])

    def _function(self, x: Tensor) -> Tensor:
        x, a = F.relu(x), self._spread(self.a, x)
        value = a[-1]
        for coefficient in a[:-1].flip(0).unbind():
            value = torch.addcmul(coefficient, x, value)
        return value

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, order={self.order}"


class PolyNorm(LearnedActivation):
    r"""A learned sum of powers, each normalised over the channels.

    .. math::

        y = a_0 + \sum_{i=1}^{r} a_i \frac{x^i}{\operatorname{rms}(x^i)}, \qquad
        \operatorname{rms}(u) = \sqrt{\tfrac{1}{C} \textstyle\sum_{c=1}^{C} u_c^2 + \varepsilon}

    The root of the mean square is taken at every position over the channels, dimension 1 of the input; they are the
    last dimension in a language model, where :class:`ChannelsLast` goes around it.

    - **Degree** and **multiplicative depth** none: it divides by a value that depends on the input.
    - **Parameters** :math:`r + 1`, times ``num_parameters``.
    - **Multiply-accumulates** :math:`4 r` an element, with a root and a quotient a position.
    - **Initialisation** :math:`a_0 = 0`, the others :math:`1 / r`.

    Args:
        num_parameters: 1, or the number of channels for coefficients of their own.
        order: :math:`r`, at least 1.
        eps: :math:`\varepsilon`.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(N, C, *)`` to the same, where C is ``num_parameters`` if that is not 1.

    Raises:
        ValueError: an argument is out of range, or the input has no channels or another number of them.

    When not to use it:
        Where a network must be a polynomial: in spite of its name it is none. :doc:`The neuron </book/neuron>` says
        which layers are.

    Source: :cite:t:`zhuo2025`.

    Example:
        >>> pnn.ChannelsLast(pnn.PolyNorm())(torch.randn(2, 128, 768)).shape
        torch.Size([2, 128, 768])
    """

    def __init__(self, num_parameters: int = 1, order: int = 3, *, eps: float = 1e-6, device=None, dtype=None) -> None:
        super().__init__(num_parameters)
        check_whole("order", order, 1)
        if not 0 < eps < math.inf:
            raise ValueError(f"eps must be a positive number, got {eps!r}")
        self.order, self.eps = order, eps
        self.a = nn.Parameter(torch.empty(order + 1, num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the coefficients to their start."""
        nn.init.constant_(self.a, 1 / self.order)
        nn.init.zeros_(self.a[0])

    def _function(self, x: Tensor) -> Tensor:
        if x.dim() < 2:
            raise ValueError(f"PolyNorm needs an input with channels in dimension 1, got shape {tuple(x.shape)}")
        y, *coefficients = self._spread(self.a, x).unbind()
        power = torch.ones_like(x)
        for coefficient in coefficients:
            power = power * x
            y = y + coefficient * power * torch.rsqrt(power.square().mean(1, keepdim=True) + self.eps)
        return y

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, order={self.order}, eps={self.eps}"


@dataclass(frozen=True)
class PolyReLUChoice:
    """:class:`pnn.PolyReLU` as the activation of a network, one a layer or one a channel."""

    order: int = 3
    per_channel: bool = False
    name: ClassVar[str] = "polyrelu"

    def __post_init__(self) -> None:
        check_whole("order", self.order, 1)
        check_flag("per_channel", self.per_channel)

    def build(self, channels: int) -> nn.Module:
        """See :meth:`pnn.ReLU.build`."""
        return PolyReLU(channels if self.per_channel else 1, self.order)


@dataclass(frozen=True)
class PolyNormChoice:
    """:class:`pnn.PolyNorm` as the activation of a network, one a layer or one a channel."""

    order: int = 3
    per_channel: bool = False
    name: ClassVar[str] = "polynorm"

    def __post_init__(self) -> None:
        check_whole("order", self.order, 1)
        check_flag("per_channel", self.per_channel)

    def build(self, channels: int) -> nn.Module:
        """See :meth:`pnn.ReLU.build`."""
        return PolyNorm(channels if self.per_channel else 1, self.order)
