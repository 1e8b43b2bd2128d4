"""An activation function that is a polynomial of any degree, evaluated stably and with a memory of one number."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .polynomial_basis import check_fit, fit_polynomial
from .polynomial_function import evaluate

INITS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "silu": F.silu, "gelu": F.gelu}
INTERVAL_MODES = ("fixed", "learned", "tracked")
TRACKED = 10  # A tracked interval follows the mean of so many batches.


class PolynomialActivation(nn.Module):
    r"""A polynomial of every element, fitted to an activation function on an interval.

    .. math:: y = s \sum_{k=0}^{d} c_k P_k(u), \qquad u = \frac{x - m}{s h}

    on the interval :math:`[m - s h, m + s h]`, with :math:`s = 1` at the start. The :math:`P_k` are the Chebyshev
    polynomials; or powers or normalised Hermite polynomials, and then :math:`u = (x - m) / s`. A polynomial of one
    degree is the same in any basis. What differs is rounding, of which powers have so much that a high degree is lost
    in it, and what a step of an optimiser does to the coefficients.

    It is evaluated in float32 at least, whatever the type of the input is: by Clenshaw's recurrence or, with Chebyshev
    polynomials and powers on a processor, by Newton's form, which needs fewer operations and is as exact. Outside the
    interval nothing is clamped: the polynomial grows there as :math:`|u|^d`, with Chebyshev's :math:`2^{d-1} |c_d|`.
    Hold the inputs inside by a normalisation before it, or by :class:`pnn.BoundaryLoss`.

    - **Degree** :math:`d` in the input and **multiplicative depth** :math:`\lceil \log_2 d \rceil`: what
      :func:`torch.export.export` reads, and :func:`pnn.audit` with it, are the same polynomials by products of equals.
    - **Parameters** :math:`d + 1`, times ``num_parameters``; one more if the interval is learned. A polynomial that is
      not learnable keeps its coefficients as a buffer.
    - **Multiply-accumulates** :math:`d` an element; by Clenshaw's recurrence :math:`d` subtractions, too.
    - **Memory** for the backward pass, at every degree: one number an element, the input, or a copy of it where the
      interval is tracked; three where it is learned.
    - **Initialisation** the fit; nothing is drawn.

    Args:
        degree: at least 1.
        basis: ``"chebyshev"``, ``"monomial"`` or ``"hermite"``.
        interval: where the inputs are expected, lower end first.
        init: the function to start as: ``"relu"``, ``"silu"``, ``"gelu"``, or any from a tensor to one of its shape.
        fit: ``"interpolation"`` or ``"least-squares"``, see :func:`pnn.fit_polynomial`.
        interval_mode: ``"fixed"``; ``"learned"``, where :math:`\log s` is a parameter; or ``"tracked"``, where it is a
            buffer that follows the largest :math:`|x - m|` of the batches in training. The polynomial is stretched with
            its interval in both directions, so that a fit of ReLU stays one.
        num_parameters: 1, or the number of channels (dimension 1 of the input) for coefficients of their own.
        learnable: whether the coefficients are parameters.
        device: device of the coefficients.
        dtype: type of the coefficients.

    Shape:
        ``(*)`` to the same; ``(N, num_parameters, *)`` where channels have their own.

    Raises:
        ValueError: an argument is out of range, or the input has another number of channels.

    When not to use it:
        Where the network need not be a polynomial: a single input that leaves the interval can make the output of a
        deep network infinite. With powers, at high degrees, which their rounding spoils. See
        :doc:`Which of them train? </notebooks/ablations/stable_training>`.

    Source: :cite:t:`alhossain2025`, with powers, coefficients that are never trained, and least squares:
    ``basis="monomial", fit="least-squares", learnable=False``.

    Example:
        >>> pnn.PolynomialActivation(8, interval=(-4, 4), init="silu")(torch.zeros(2, 3)).shape
        torch.Size([2, 3])
    """

    coefficients: Tensor
    log_scale: Tensor
    batches: Tensor

    def __init__(
        self,
        degree: int,
        basis: str = "chebyshev",
        interval: tuple[float, float] = (-5.0, 5.0),
        *,
        init: str | Callable[[Tensor], Tensor] = "relu",
        fit: str = "interpolation",
        interval_mode: str = "fixed",
        num_parameters: int = 1,
        learnable: bool = True,
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        check_arguments(degree, basis, interval, init, fit, interval_mode)
        if not isinstance(num_parameters, int) or num_parameters < 1:
            raise ValueError(f"num_parameters must be a whole number, at least 1, got {num_parameters!r}")
        self.degree, self.basis, self.init, self.fit, self.interval_mode = degree, basis, init, fit, interval_mode
        self.interval = (float(interval[0]), float(interval[1]))
        self.num_parameters, self.learnable = num_parameters, learnable
        shape = (degree + 1,) if num_parameters == 1 else (degree + 1, num_parameters)
        coefficients = torch.empty(shape, device=device, dtype=dtype)
        if learnable:
            self.coefficients = nn.Parameter(coefficients)
        else:
            self.register_buffer("coefficients", coefficients)
        if interval_mode == "learned":
            self.log_scale = nn.Parameter(torch.empty((), device=device, dtype=dtype))
        elif interval_mode == "tracked":
            self.register_buffer("log_scale", torch.empty((), device=device, dtype=dtype))
            self.register_buffer("batches", torch.empty((), device=device, dtype=torch.long))
        self.reset_parameters()

    @property
    def middle(self) -> float:
        """The middle of the interval."""
        return (self.interval[0] + self.interval[1]) / 2

    @property
    def half(self) -> float:
        """Half the width of the interval at the start."""
        return (self.interval[1] - self.interval[0]) / 2

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Fit the coefficients again, and set the interval to its start."""
        function = INITS[self.init] if isinstance(self.init, str) else self.init
        fitted = fit_polynomial(function, self.degree, self.interval, basis=self.basis, fit=self.fit)
        self.coefficients.copy_(fitted if self.num_parameters == 1 else fitted[:, None])
        if self.interval_mode != "fixed":
            self.log_scale.zero_()
        if self.interval_mode == "tracked":
            self.batches.zero_()

    def forward(self, x: Tensor) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        coefficients = self.coefficients.to(wide)
        if self.num_parameters > 1:
            if x.dim() < 2 or x.shape[1] != self.num_parameters:
                raise ValueError(f"expected {self.num_parameters} channels in dimension 1, got shape {tuple(x.shape)}")
            coefficients = coefficients.view(self.degree + 1, -1, *[1] * (x.dim() - 2))
        rate = 1 / self.half if self.basis == "chebyshev" else 1.0
        if self.interval_mode == "fixed":
            return evaluate(x, coefficients, self.basis, self.middle, rate)
        centred = x.to(wide) - self.middle
        if self.interval_mode == "tracked" and self.training:
            self._track(centred.detach())
        scale = self.log_scale.to(wide).exp()
        return (scale * evaluate(centred / scale, coefficients, self.basis, rate=rate)).to(x.dtype)

    @torch.no_grad()
    def _track(self, centred: Tensor) -> None:
        """Move the interval towards this batch's own: first to the mean of the batches, then more slowly."""
        self.batches += 1
        largest = centred.abs().amax().clamp(min=torch.finfo(centred.dtype).tiny)
        self.log_scale += ((largest / self.half).log() - self.log_scale) / self.batches.clamp(max=TRACKED)

    @torch.no_grad()
    def outside(self, x: Tensor) -> Tensor:
        """Which elements of an input lie outside of the interval, a truth value each."""
        half = self.half if self.interval_mode == "fixed" else self.half * self.log_scale.exp()
        return ~((x - self.middle).abs() <= half)  # What is no number is outside, too.

    def extra_repr(self) -> str:
        init = self.init if isinstance(self.init, str) else getattr(self.init, "__name__", type(self.init).__name__)
        text = f"degree={self.degree}, basis={self.basis!r}, interval={self.interval}, init={init!r}"
        for name, default in {
            "fit": "interpolation",
            "interval_mode": "fixed",
            "num_parameters": 1,
            "learnable": True,
        }.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)!r}"
        return text


def check_arguments(
    degree: int, basis: str, interval: tuple[float, float], init: str | Callable, fit: str, interval_mode: str
) -> None:
    """Refuse what no polynomial activation is.

    Raises:
        ValueError: with the argument, what it may be, and what it is.
    """
    check_fit(degree, interval, basis, fit)
    if interval_mode not in INTERVAL_MODES:
        raise ValueError(f"interval_mode must be one of {', '.join(map(repr, INTERVAL_MODES))}, got {interval_mode!r}")
    if not (callable(init) or (isinstance(init, str) and init in INITS)):
        raise ValueError(f"init must be one of {', '.join(map(repr, INITS))} or a function, got {init!r}")
