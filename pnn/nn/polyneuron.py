"""Activations that are polyharmonic splines: through learned control points, or with learned weights."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from .learned import LearnedActivation, check_flag, check_whole
from .spline import solve_spline, spline

STARTS = ("relu-like", "random")


class _Spline(LearnedActivation):
    """What the two activations share: their arguments, their start, and the spline itself."""

    def __init__(self, num_parameters: int, points: int, k: int, start: str) -> None:
        super().__init__(num_parameters)
        _check(points, k, start)
        self.points, self.k, self.start = points, k, start

    def _start_points(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Control points, shape ``(points, num_parameters)``."""
        x = torch.linspace(-1, 1, self.points, device=like.device, dtype=like.dtype)[:, None].expand_as(like)
        return x, torch.randn_like(like) if self.start == "random" else x.clamp(min=0)

    def _spline(self, x: Tensor, c: Tensor, w: Tensor, v: Tensor) -> Tensor:
        c, w, v = (self._spread(parameter, x) for parameter in (c, w, v))
        return spline(x, c, w, v, self.k)

    def extra_repr(self) -> str:
        text = f"{super().extra_repr()}, points={self.points}, k={self.k}"
        return text if self.start == "relu-like" else f"{text}, start={self.start!r}"


class PolyNeuron(_Spline):
    r"""A polyharmonic spline through learned control points.

    .. math::

        y = \sum_{i=1}^{s} w_i \, U_k(|x - c_{x,i}|) + v_0 x + v_1, \qquad
        U_k(r) = \begin{cases} r^k & k \text{ odd} \\ r^k \log r & k \text{ even} \end{cases}

    The parameters are the points :math:`(c_{x,i}, c_{y,i})`. In every forward pass :math:`w` and :math:`v` follow from
    the system that says that the spline goes through the points, :math:`\sum_i w_i = 0` and
    :math:`\sum_i w_i c_{x,i} = 0`; gradients go through its solution. With the constraints a spline of
    k = 1 or 3 is a line beyond its outer points; without them it grows as :math:`|x|^k`.

    The system is close to singular where points meet. It is solved in float64, with a small multiple of the
    identity added, for all splines of the layer at once.

    - **Degree** none: a spline is a piecewise polynomial for odd k, and has logarithms for even k;
      **multiplicative depth** none.
    - **Parameters** :math:`2 s`, times ``num_parameters``.
    - **Multiply-accumulates** :math:`s (k + 1) + 1` an element for odd k, beside the solution of a system of
      :math:`s + 2` unknowns for each of ``num_parameters``.
    - **Memory** for the backward pass: the input, for any number of points.
    - **Initialisation** :math:`c_x` evenly from -1 to 1 and :math:`c_y = \max(0, c_x)`; this is not ReLU, as the spline
      is smooth for k = 3. A random start draws :math:`c_y` from the normal distribution.

    Args:
        num_parameters: 1 for one spline, or the number of channels (dimension 1 of the input) for one each.
        points: :math:`s`, at least 2.
        k: the order of the kernel, at least 1.
        start: ``"relu-like"`` or ``"random"``.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(*)`` to the same; ``(N, num_parameters, *)`` where channels have their own.

    Raises:
        ValueError: an argument is out of range, or the input has another number of channels.

    When not to use it:
        Where a network must be a polynomial, or time counts: every kernel is evaluated for every element. See :doc:`the
        page on learned activations </notebooks/ablations/activation_discovery>` and :doc:`that on speed
        </notebooks/analysis/speed>`.

    Source: :cite:t:`hryniowski2019`.

    Example:
        >>> y = pnn.PolyNeuron()(torch.tensor([-3.0, 2.0]))
        >>> [round(value, 2) for value in y.tolist()]
        [0.5, 2.25]
    """

    def __init__(
        self,
        num_parameters: int = 1,
        points: int = 3,
        k: int = 3,
        *,
        start: str = "relu-like",
        device=None,
        dtype=None,
    ) -> None:
        super().__init__(num_parameters, points, k, start)
        self.c_x = nn.Parameter(torch.empty(points, num_parameters, device=device, dtype=dtype))
        self.c_y = nn.Parameter(torch.empty(points, num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the control points to their start."""
        for parameter, values in zip((self.c_x, self.c_y), self._start_points(self.c_x), strict=True):
            parameter.copy_(values)

    def weights(self) -> tuple[Tensor, Tensor]:
        """w and v of the splines through the points, see :func:`pnn.nn.spline.solve_spline`."""
        wide = torch.promote_types(self.c_x.dtype, torch.float32)
        return solve_spline(self.c_x.to(wide), self.c_y.to(wide), self.k)

    def _function(self, x: Tensor) -> Tensor:
        return self._spline(x, self.c_x, *self.weights())


class PolyNeuronR(_Spline):
    r"""A polyharmonic spline whose weights are learned themselves: the relaxed PolyNeuron.

    .. math:: y = \sum_{i=1}^{s} w_i \, U_k(|x - c_i|) + v_0 x + v_1

    with :math:`w`, :math:`c` and :math:`v` as parameters. There is no system to solve. What the system would enforce,
    :math:`\sum_i w_i = 0` and :math:`\sum_i w_i c_i = 0`, is what :class:`pnn.SplineConstraints` adds to the loss.

    - **Degree** and **multiplicative depth** none, as :class:`PolyNeuron`.
    - **Parameters** :math:`2 s + 2`, times ``num_parameters``.
    - **Multiply-accumulates** :math:`s (k + 1) + 1` an element for odd k.
    - **Memory** for the backward pass: the input, for any number of points.
    - **Initialisation** as the :class:`PolyNeuron` of the same arguments.

    Args, shapes and errors are those of :class:`PolyNeuron`.

    When not to use it:
        At a high learning rate, or where nothing normalises what layers add up: off its constraints it grows as
        :math:`|x|^k`. See :doc:`the page on learned activations </notebooks/ablations/activation_discovery>`.

    Source: :cite:t:`hryniowski2019`.

    Example:
        >>> pnn.PolyNeuronR(64)(torch.randn(8, 64, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    def __init__(
        self,
        num_parameters: int = 1,
        points: int = 3,
        k: int = 3,
        *,
        start: str = "relu-like",
        device=None,
        dtype=None,
    ) -> None:
        super().__init__(num_parameters, points, k, start)
        self.w = nn.Parameter(torch.empty(points, num_parameters, device=device, dtype=dtype))
        self.c = nn.Parameter(torch.empty(points, num_parameters, device=device, dtype=dtype))
        self.v = nn.Parameter(torch.empty(2, num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the weights to those of the spline through the control points of the start."""
        c_x, c_y = self._start_points(self.c)
        w, v = solve_spline(c_x, c_y, self.k)
        for parameter, values in ((self.w, w), (self.c, c_x), (self.v, v)):
            parameter.copy_(values)

    def constraints(self) -> tuple[Tensor, Tensor]:
        """The sums of w c and of w over the points, one of each for every spline; a PolyNeuron has zeros."""
        return (self.w * self.c).sum(0), self.w.sum(0)

    def _function(self, x: Tensor) -> Tensor:
        return self._spline(x, self.c, self.w, self.v)


def _check(points: int, k: int, start: str) -> None:
    check_whole("points", points, 2)
    check_whole("k", k, 1)
    if start not in STARTS:
        raise ValueError(f"start must be one of {', '.join(map(repr, STARTS))}, got {start!r}")


@dataclass(frozen=True)
class PolyNeuronChoice:
    """:class:`pnn.PolyNeuron` as the activation of a network, one a layer or one a channel."""

    points: int = 3
    k: int = 3
    start: Literal["relu-like", "random"] = "relu-like"
    per_channel: bool = False
    name: ClassVar[str] = "polyneuron"

    def __post_init__(self) -> None:
        _check(self.points, self.k, self.start)
        check_flag("per_channel", self.per_channel)

    def build(self, channels: int) -> nn.Module:
        """See :meth:`pnn.ReLU.build`."""
        return PolyNeuron(channels if self.per_channel else 1, self.points, self.k, start=self.start)


@dataclass(frozen=True)
class PolyNeuronRChoice(PolyNeuronChoice):
    """:class:`pnn.PolyNeuronR` as the activation of a network, one a layer or one a channel."""

    name: ClassVar[str] = "polyneuron-r"

    def build(self, channels: int) -> nn.Module:
        """See :meth:`pnn.ReLU.build`."""
        return PolyNeuronR(channels if self.per_channel else 1, self.points, self.k, start=self.start)
