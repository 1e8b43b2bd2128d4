"""A polynomial of every element as an operation of autograd, that keeps nothing but its input."""

from typing import Any

import torch
from torch import Tensor

from . import polynomial_blocks
from .polynomial_basis import apply_matrix, balanced, clenshaw, derivative, moments


def evaluate(x: Tensor, coefficients: Tensor, basis: str, middle: float = 0.0, rate: float = 1.0) -> Tensor:
    """The sum of coefficient k times polynomial k at ``u = (x - middle) * rate``, of the type of x.

    Args:
        x: the input, of any type; all is computed in that of the coefficients.
        coefficients: ``(degree + 1)``; or ``(degree + 1, C, 1, ...)`` if channels, in dimension 1 of x, have their own.
        basis: ``"chebyshev"``, ``"monomial"`` or ``"hermite"``.
        middle: what is taken from x,
        rate: and what the rest is multiplied by.
    """
    if torch.compiler.is_exporting():
        return balanced(_variable(x, coefficients, middle, rate), coefficients, basis).to(x.dtype)
    if torch.compiler.is_compiling():  # The compiler fuses all of it, and recomputes by itself what is cheap.
        return clenshaw(_variable(x, coefficients, middle, rate), coefficients, basis).to(x.dtype)
    return _Weighted.apply(None, x, coefficients, 0, basis, middle, rate)[0]  # type: ignore[index]


def _variable(x: Tensor, coefficients: Tensor, middle: float, rate: float) -> Tensor:
    u = x.to(coefficients.dtype)
    u = u - middle if middle else u
    return u * rate if rate != 1 else u


class _Weighted(torch.autograd.Function):
    r"""The values :math:`w p(u)`, and the moments :math:`\sum w P_k(u)` if there are to be any.

    All derivatives are of this form again: of the values, :math:`p(u)` with respect to w, :math:`w p'(u)` to u, and the
    moments to the coefficients of p. Those of a sum of moments are :math:`q(u)` and :math:`w q'(u)`, where the
    coefficients of q are the weights of that sum.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(
        w: Tensor | None, x: Tensor, coefficients: Tensor, count: int, basis: str, middle: float, rate: float
    ) -> tuple[Tensor, Tensor | None]:
        if basis in polynomial_blocks.BASES and _in_memory(w, x, coefficients):
            return polynomial_blocks.weighted(w, x, coefficients, count, basis, middle, rate)
        return _plainly(w, x, coefficients, count, basis, middle, rate)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: tuple) -> None:
        w, x, coefficients, ctx.count, *ctx.family = inputs
        ctx.save_for_backward(w, x, coefficients)
        ctx.save_for_forward(w, x, coefficients)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, of_values: Tensor | None, of_moments: Tensor | None) -> tuple:  # type: ignore[override]
        w, x, coefficients = ctx.saved_tensors
        needs_w, needs_x, needs_coefficients = ctx.needs_input_grad[:3]
        of_w: list[Tensor] = []
        of_x: list[Tensor] = []
        of_coefficients = None
        if of_values is not None:
            slope = of_values if w is None else of_values * w
            if needs_w:
                of_w.append(_apply(of_values, x, coefficients, 0, ctx.family)[0])
            if needs_x or needs_coefficients:
                count = len(coefficients) if needs_coefficients else 0
                value, of_coefficients = _apply(slope, x, _derived(coefficients, *ctx.family), count, ctx.family)
                of_x.append(value)
        if of_moments is not None:
            if needs_w:
                of_w.append(_apply(None, x, of_moments, 0, ctx.family)[0])
            if needs_x:
                of_x.append(_apply(w, x, _derived(of_moments, *ctx.family), 0, ctx.family)[0])
        return _sum(of_w), _sum(of_x) if needs_x else None, of_coefficients, None, None, None, None

    @staticmethod
    def jvp(  # type: ignore[override]
        ctx: Any, w_along: Tensor | None, x_along: Tensor | None, coefficients_along: Tensor | None, *_: None
    ) -> tuple[Tensor | None, Tensor | None]:
        w, x, coefficients = ctx.saved_tensors
        values: list[Tensor] = []
        sums: list[Tensor] = []
        if w_along is not None:
            value, moment = _apply(w_along, x, coefficients, ctx.count, ctx.family)
            values.append(value)
            sums += [] if moment is None else [moment]
        if x_along is not None:
            slope = x_along if w is None else w * x_along
            value, moment = _apply(slope, x, _derived(coefficients, *ctx.family), ctx.count, ctx.family)
            values.append(value)
            sums += [] if moment is None else [_derived(moment, *ctx.family, transposed=True)]
        if coefficients_along is not None:
            values.append(_apply(w, x, coefficients_along, 0, ctx.family)[0])
        return _sum(values), _sum(sums)


def _apply(w: Tensor | None, x: Tensor, coefficients: Tensor, count: int, family: list) -> tuple[Any, Any]:
    return _Weighted.apply(w, x, coefficients, count, *family)  # type: ignore[return-value]


def _in_memory(*tensors: Tensor | None) -> bool:
    """Whether a processor can walk over them: what vmap makes of a batch, and a stand-in, have no memory of theirs."""
    try:
        return all(tensor is None or (tensor.is_cpu and tensor.data_ptr() >= 0) for tensor in tensors)
    except RuntimeError:
        return False


def _plainly(
    w: Tensor | None, x: Tensor, coefficients: Tensor, count: int, basis: str, middle: float, rate: float
) -> tuple[Tensor, Tensor | None]:
    """What `polynomial_blocks.weighted` computes, by the recurrences, of the whole input at a time."""
    u = _variable(x, coefficients, middle, rate)
    values = clenshaw(u, coefficients, basis).expand_as(u)
    if w is None:
        return values.to(x.dtype), None
    sums = moments(w.to(u.dtype), u, (count, *coefficients.shape[1:]), basis) if count else None
    return (w * values).to(x.dtype), sums


def _derived(coefficients: Tensor, basis: str, middle: float, rate: float, *, transposed: bool = False) -> Tensor:
    """The coefficients of the derivative with respect to x; or the moments of the derivatives, from the moments."""
    derived = rate * apply_matrix(derivative(basis, len(coefficients) - 1), coefficients, transposed)
    return derived if transposed or len(derived) == 1 else derived[:-1]  # The last one is 0.


def _sum(terms: list[Tensor]) -> Tensor | None:
    return sum(terms[1:], terms[0]) if terms else None
