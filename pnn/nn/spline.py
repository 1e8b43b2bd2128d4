"""Polyharmonic splines in one dimension: the system that puts one through points, and its evaluation."""

from typing import Any

import torch
from torch import Tensor

# So much of the identity, times the k-th power of the range of the points, is added to the system: a spline near the
# points, and not through them, exists even where two of them meet.
SMOOTHING = 1e-7


def kernel(r: Tensor, k: int) -> Tensor:
    """The polyharmonic function of a distance: r^k for odd k, r^k log r for even k, and 0 at 0."""
    if k % 2:
        return r**k
    safe = torch.where(r > 0, r, 1)
    return safe**k * safe.log()


def _slope(d: Tensor, r: Tensor, k: int) -> Tensor:
    """The derivative of the kernel of r = abs(d) by d; 0 at 0."""
    if k == 1:
        return d.sign()
    if k % 2:
        return k * d * (r if k == 3 else r ** (k - 2))
    safe = torch.where(r > 0, r, 1)
    return d * safe ** (k - 2) * (k * safe.log() + 1)


def spline_system(c_x: Tensor, k: int) -> Tensor:
    """The matrices of `solve_spline`, shape ``(N, points + 2, points + 2)`` for ``c_x`` of shape ``(points, N)``."""
    x = c_x.T.double()
    sign = (-1) ** ((k + 1) // 2 if k % 2 else k // 2 + 1)  # With it the matrix is positive where the weights may lie.
    added = sign * SMOOTHING * (x.amax(1) - x.amin(1)) ** k
    identity = torch.eye(len(c_x), device=x.device, dtype=x.dtype)
    smoothed = kernel((x[:, :, None] - x[:, None, :]).abs(), k) + added[:, None, None] * identity
    linear = torch.stack([x, torch.ones_like(x)], 2)
    corner = x.new_zeros(len(x), 2, 2)
    return torch.cat([torch.cat([smoothed, linear], 2), torch.cat([linear.transpose(1, 2), corner], 2)], 1)


def solve_spline(c_x: Tensor, c_y: Tensor, k: int) -> tuple[Tensor, Tensor]:
    r"""The polyharmonic splines through control points, all of them by one batched solution in float64.

    .. math::

        \begin{pmatrix} U + \lambda I & C \\ C^\top & 0 \end{pmatrix} \begin{pmatrix} w \\ v \end{pmatrix}
        = \begin{pmatrix} c_y \\ 0 \end{pmatrix}, \qquad U_{ij} = U_k(|c_{x,i} - c_{x,j}|), \quad C = (c_x, 1)

    A small :math:`\lambda` keeps the matrix regular for k up to 3 while at least two points differ in x. With all
    points at one x the solution is not finite.

    Args:
        c_x: where the points lie, shape ``(points, N)`` for N splines.
        c_y: which values they have, of the same shape.
        k: the order of the kernel.

    Returns:
        w, shape ``(points, N)``, and v, shape ``(2, N)``, in the type of ``c_x``.
    """
    right = torch.cat([c_y.T.double(), c_y.new_zeros(c_y.shape[1], 2, dtype=torch.float64)], 1)
    solution = torch.linalg.solve_ex(spline_system(c_x, k), right)[0].T.to(c_x.dtype)
    return solution[: len(c_x)], solution[len(c_x) :]


def spline(x: Tensor, c: Tensor, w: Tensor, v: Tensor, k: int) -> Tensor:
    r"""The values :math:`\sum_i w_i U_k(|x - c_i|) + v_0 x + v_1`; the backward pass keeps the input alone.

    Args:
        x: any shape.
        c: the centres, shape ``(points, *)`` with trailing dimensions that broadcast against x.
        w: the weights, likewise.
        v: slope and constant, ``(2, *)`` likewise.
        k: the order of the kernel.
    """
    if torch.compiler.is_compiling():  # The compiler decides by itself what to recompute.
        return _spline(x, c, w, v, k)
    return _Evaluate.apply(x, c, w, v, k)  # type: ignore[return-value]


def _spline(x: Tensor, c: Tensor, w: Tensor, v: Tensor, k: int) -> Tensor:
    value = torch.addcmul(v[1], v[0], x)
    for centre, weight in zip(c.unbind(), w.unbind(), strict=True):
        value = torch.addcmul(value, weight, kernel((x - centre).abs(), k))
    return value


class _Evaluate(torch.autograd.Function):
    """A spline of which the input alone is kept; the backward pass can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, c: Tensor, w: Tensor, v: Tensor, k: int) -> Tensor:
        return _spline(x, c, w, v, k)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
        *tensors, ctx.k = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple:  # type: ignore[override]
        x, c, w, v = ctx.saved_tensors
        derivative, of_c, of_w = v[0].expand_as(x), [], []
        for centre, weight in zip(c.unbind(), w.unbind(), strict=True):
            d = x - centre
            r = d.abs()
            of_w.append(_summed(slope, kernel(r, ctx.k), weight))
            through = _slope(d, r, ctx.k)
            of_c.append(-weight * _summed(slope, through, weight))
            derivative = torch.addcmul(derivative, weight, through)
        of_v = torch.stack([_summed(slope, x, v[0]), slope.sum_to_size(v[1].shape)])
        return slope * derivative, torch.stack(of_c), torch.stack(of_w), of_v, None

    @staticmethod
    def jvp(ctx: Any, x_along: Tensor, c_along: Tensor, w_along: Tensor, v_along: Tensor, _: None) -> Tensor:  # type: ignore[override]
        x, c, w, v = ctx.saved_tensors
        along = v_along[0] * x + v[0] * x_along + v_along[1]
        for i in range(len(c)):
            d = x - c[i]
            r = d.abs()
            along = along + w_along[i] * kernel(r, ctx.k) + w[i] * _slope(d, r, ctx.k) * (x_along - c_along[i])
        return along


def _summed(x: Tensor, y: Tensor, like: Tensor) -> Tensor:
    """The sum of products over all that share a parameter; over everything without keeping the products."""
    if like.numel() == 1:
        order = sorted(range(x.dim()), key=y.stride, reverse=True)  # as they lie in memory, so that nothing is copied
        return torch.dot(x.permute(order).flatten(), y.permute(order).flatten()).view(like.shape)
    return (x * y).sum_to_size(like.shape)
