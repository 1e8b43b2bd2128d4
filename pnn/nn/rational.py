"""A learned quotient of two polynomials that has no pole."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from .learned import LearnedActivation, check_flag

# The best fit of this form to LeakyReLU(0.01) on [-3, 3]. The denominator is even: the function is 0.505 x + 0.495 |x|.
NUMERATOR = (0.02231, 0.505, 1.8889, 2.4608, 1.1896, 0.2)
DENOMINATOR = (0.0, 4.8728, 0.0, 0.396)


class Rational(LearnedActivation):
    r"""A learned quotient of polynomials, whose denominator is at least 1: the safe Padé activation unit.

    .. math:: y = \frac{\sum_{i=0}^{5} a_i x^i}{1 + \bigl| \sum_{i=1}^{4} b_i x^i \bigr|}

    - **Degree** and **multiplicative depth** none: it divides by a value that depends on the input.
    - **Parameters** 10, times ``num_parameters``.
    - **Multiply-accumulates** 9 an element, with a quotient.
    - **Initialisation** close to LeakyReLU with slope 0.01 on the interval from -3 to 3; nothing is drawn.

    Args:
        num_parameters: 1, or the number of channels (dimension 1 of the input) for coefficients of their own.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(*)`` to the same; ``(N, num_parameters, *)`` where channels have their own.

    Raises:
        ValueError: ``num_parameters`` is out of range, or the input has another number of channels.

    When not to use it:
        Where a network must be a polynomial, or memory counts: every step of both sums is kept of every element for the
        backward pass. See :doc:`the page on speed </notebooks/analysis/speed>`.

    Source: :cite:t:`molina2020`.

    Example:
        >>> pnn.Rational(64)(torch.randn(8, 64, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    def __init__(self, num_parameters: int = 1, device=None, dtype=None) -> None:
        super().__init__(num_parameters)
        own = {"device": device, "dtype": dtype}
        self.a = nn.Parameter(torch.empty(len(NUMERATOR), num_parameters, **own))
        self.b = nn.Parameter(torch.empty(len(DENOMINATOR), num_parameters, **own))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Make it close to LeakyReLU."""
        for parameter, values in ((self.a, NUMERATOR), (self.b, DENOMINATOR)):
            parameter.copy_(torch.tensor(values)[:, None])

    def _function(self, x: Tensor) -> Tensor:
        a, b = self._spread(self.a, x), self._spread(self.b, x)
        return _horner(x, a) / (1 + (x * _horner(x, b)).abs())


def _horner(x: Tensor, coefficients: Tensor) -> Tensor:
    value = coefficients[-1]
    for coefficient in coefficients[:-1].flip(0).unbind():
        value = torch.addcmul(coefficient, x, value)
    return value


@dataclass(frozen=True)
class RationalChoice:
    """:class:`pnn.Rational` as the activation of a network, one a layer or one a channel."""

    per_channel: bool = False
    name: ClassVar[str] = "rational"

    def __post_init__(self) -> None:
        check_flag("per_channel", self.per_channel)

    def build(self, channels: int) -> nn.Module:
        """See :meth:`pnn.ReLU.build`."""
        return Rational(channels if self.per_channel else 1)
