"""The Taylor polynomial gated unit: an input times a polynomial of itself, which begins as that of a sigmoid."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .learned import LearnedActivation, check_whole

SLOPE = 1.702  # GELU is about x times the sigmoid of so many x.


def sigmoid_taylor(b: Tensor, order: int) -> Tensor:
    r"""The coefficients of the Taylor polynomial of :math:`s(t) = 1 / (1 + e^{-1.702 t})` at each number of ``b``.

    From :math:`s' = 1.702 \, (s - s^2)` follows a recurrence for any order,

    .. math:: (i + 1) \, \tau_{i+1} = 1.702 \, \Bigl(\tau_i - \sum_{j=0}^{i} \tau_j \tau_{i-j}\Bigr), \qquad
        \tau_i = \frac{s^{(i)}(b)}{i!}.

    Args:
        b: where the derivatives are taken.
        order: of the last one.

    Returns:
        :math:`\tau_0` to :math:`\tau_\mathrm{order}`, shape ``(order + 1, *b.shape)``.
    """
    found = [torch.sigmoid(SLOPE * b)]
    for i in range(order):
        known = torch.stack(found)
        found.append(SLOPE / (i + 1) * (found[i] - (known * known.flip(0)).sum(0)))
    return torch.stack(found)


class TPGU(LearnedActivation):
    r"""Taylor polynomial gated unit, a polynomial of every channel.

    .. math:: y = x \sum_{i=0}^{n} a_i \, \frac{s^{(i)}(b)}{i!} \, (x - b)^i, \qquad s(t) = \frac{1}{1 + e^{-1.702 t}}

    With all :math:`a_i = 1` the sum is the Taylor polynomial of :math:`s` at :math:`b`, and :math:`x \, s(x)` is close
    to GELU. Every channel learns its own :math:`b` and :math:`a_i`. The derivatives come from
    :func:`~pnn.nn.tpgu.sigmoid_taylor`, the sum from Horner's scheme in :math:`x - b`. All of it is in float32 at
    least, under autocast too.

    - **Degree** :math:`n + 1` in the input, **multiplicative depth** :math:`n`.
    - **Parameters** :math:`(n + 2)` a channel.
    - **Multiply-accumulates** :math:`n` an element, and one product.
    - **Memory** for the backward pass: the input, at every order.
    - **Initialisation** :math:`b = 0`, :math:`a_0 = 1`, the other :math:`a_i` normal with deviation 0.02, cut off at
      two deviations. So it starts near :math:`x / 2`, which is linear.

    Weight decay pulls all :math:`a_i` to 0, and so the output; the source's own code does that, and
    :class:`pnn.NoDecay` does not.

    Args:
        num_channels: size of dimension 1 of the input.
        order: :math:`n`, at least 0.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(N, num_channels, *)`` to the same.

    Raises:
        ValueError: an argument is out of range, or the input has another number of channels.

    When not to use it:
        Where inputs are not held back by a normalisation, at a high order: it grows as their power. What the orders
        reach is on :doc:`a page of their own </notebooks/ablations/tpgu>`, and what they cost on :doc:`the page on
        speed </notebooks/analysis/speed>`.

    Source: :cite:t:`zou2025`.

    Example:
        >>> pnn.TPGU(64, order=7)(torch.randn(8, 64, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    def __init__(self, num_channels: int, order: int = 3, device=None, dtype=None) -> None:
        super().__init__(num_channels)
        check_whole("order", order, 0)
        self.order = order
        self.a = nn.Parameter(torch.empty(order + 1, num_channels, device=device, dtype=dtype))
        self.b = nn.Parameter(torch.empty(num_channels, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the coefficients again."""
        nn.init.trunc_normal_(self.a, std=0.02, a=-0.04, b=0.04)
        nn.init.ones_(self.a[0])
        nn.init.zeros_(self.b)

    def coefficients(self) -> Tensor:
        """Of the powers of :math:`x - b`, shape ``(order + 1, num_channels)``."""
        wide = torch.promote_types(self.a.dtype, torch.float32)
        return self.a.to(wide) * sigmoid_taylor(self.b.to(wide), self.order)

    def _function(self, x: Tensor) -> Tensor:
        b, coefficients = self._spread(self.b, x), self._spread(self.coefficients(), x)
        if torch.compiler.is_compiling():  # The compiler decides by itself what to recompute.
            return _gated(x, b, coefficients)
        return _Gated.apply(x, b, coefficients)  # type: ignore[return-value]

    def extra_repr(self) -> str:
        return f"{self.num_parameters}, order={self.order}"


def _gated(x: Tensor, b: Tensor, coefficients: Tensor) -> Tensor:
    return x * _horner(x - b, coefficients)


def _horner(u: Tensor, coefficients: Tensor) -> Tensor:
    value = coefficients[-1]
    for coefficient in coefficients[:-1].flip(0).unbind():
        value = torch.addcmul(coefficient, u, value)
    return value


def _with_derivative(u: Tensor, coefficients: Tensor) -> tuple[Tensor, Tensor]:
    value, derivative = coefficients[-1], torch.zeros_like(coefficients[-1])
    for coefficient in coefficients[:-1].flip(0).unbind():
        derivative = torch.addcmul(value, u, derivative)
        value = torch.addcmul(coefficient, u, value)
    return value, derivative


class _Gated(torch.autograd.Function):
    """y = x p(x - b), of which the input alone is kept; the backward pass can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, b: Tensor, coefficients: Tensor) -> Tensor:
        return _gated(x, b, coefficients)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple:  # type: ignore[override]
        x, b, coefficients = ctx.saved_tensors
        u = x - b
        value, derivative = _with_derivative(u, coefficients)
        weighted = slope * x
        inner = weighted * derivative
        moments, power = [], weighted
        for coefficient in coefficients:
            moments.append(power.sum_to_size(coefficient.shape))
            power = power * u
        return slope * value + inner, -inner.sum_to_size(b.shape), torch.stack(moments)

    @staticmethod
    def jvp(ctx: Any, x_along: Tensor, b_along: Tensor, coefficients_along: Tensor) -> Tensor:  # type: ignore[override]
        x, b, coefficients = ctx.saved_tensors
        u = x - b
        value, derivative = _with_derivative(u, coefficients)
        return x_along * value + x * (derivative * (x_along - b_along) + _horner(u, coefficients_along))


@dataclass(frozen=True)
class TPGUChoice:
    """:class:`pnn.TPGU` as the activation of a network."""

    order: int = 3
    name: ClassVar[str] = "tpgu"

    def __post_init__(self) -> None:
        check_whole("order", self.order, 0)

    def build(self, channels: int) -> nn.Module:
        """See :meth:`pnn.ReLU.build`."""
        return TPGU(channels, self.order)
