r"""A polynomial on a processor: in blocks that its cache holds, and in one pass over a block for every degree.

An element-wise operation takes the time of the way to memory and back, and Clenshaw's recurrence makes two of them a
degree. So the polynomial is turned into Newton's form,

.. math:: p = \sum_k a_k N_k, \qquad N_0 = 1, \quad N_{k+1} = (\lambda u - \zeta_k) N_k,

which needs one, as Horner's rule does. The nodes :math:`\zeta_k` are the roots of a polynomial :math:`P_b` of the
basis, over and over, and :math:`\lambda` is such that :math:`N_{jb} = P_b^j`. That is as well conditioned as powers of
degree :math:`d / b`, with :math:`b` near :math:`\sqrt d`. The roots of a monomial are 0: there it is Horner's rule.
"""

import functools
import math
from array import array
from typing import NamedTuple

import torch
from torch import Tensor

from .polynomial_basis import recurrence

BASES = ("chebyshev", "monomial")  # Of the Hermite polynomials no b is well conditioned at high degrees.
BLOCK = 131_072  # So many numbers take longer than Python takes to start an operation, and a few such fit the cache.


class Newton(NamedTuple):
    """Newton's form of the polynomials of a basis up to a degree."""

    factor: float
    nodes: list[float]  # one a degree; the first is 0
    # From coefficients in the basis to those in Newton's form, row by row. It is no tensor, as one that is made while
    # torch traces must not be kept.
    entries: array

    @property
    def matrix(self) -> Tensor:
        return torch.frombuffer(self.entries, dtype=torch.float64).view(len(self.nodes) + 1, -1)


@functools.cache
def newton(basis: str, degree: int) -> Newton:
    """Newton's form; its matrix has no entry below the diagonal."""
    period = 2 * (math.isqrt(degree) // 2) + 1  # Of an odd number of roots one is 0, which saves an operation.
    factor, roots = 1.0, [0.0] * period
    if basis == "chebyshev":
        factor = 2 ** (1 - 1 / period)
        roots = [factor * math.cos(math.pi * (k + 0.5) / period) for k in range(period)]
    nodes = _spread([round(1024 * root) / 1024 for root in roots])  # These are exact in float32, and near enough.
    nodes = [nodes[k % period] for k in range(degree)]
    a, b = recurrence(basis, degree)
    columns = [[1.0] + [0.0] * degree]
    for k in range(degree):
        # u N_k = (N_{k+1} + node k times N_k) / factor
        shifted = [0.0, *columns[k][:-1]]
        product = [(c * node + s) / factor for c, node, s in zip(columns[k], [*nodes, 0.0], shifted, strict=True)]
        before = columns[k - 1] if k else [0.0] * (degree + 1)
        columns.append([a[k] * p - b[k] * q for p, q in zip(product, before, strict=True)])
    return Newton(factor, nodes, array("d", [column[row] for row in range(degree + 1) for column in columns]))


def _spread(roots: list[float]) -> list[float]:
    """The roots in Leja's order: the one nearest 0, then always the one farthest from those before it."""
    left = sorted(roots, key=abs)
    chosen = [left.pop(0)]
    while left:
        farthest = max(left, key=lambda root: math.prod(abs(root - other) for other in chosen))
        left.remove(farthest)
        chosen.append(farthest)
    return chosen


def weighted(
    w: Tensor | None, x: Tensor, coefficients: Tensor, moments: int, basis: str, middle: float, rate: float
) -> tuple[Tensor, Tensor | None]:
    r"""The values :math:`w p(u)` and the moments, the sums of :math:`w P_k(u)`, with ``u = (x - middle) * rate``.

    Args:
        w: weights, one an element; None: 1.
        x: the input; the values lie in memory as it does, where channels are not outermost.
        coefficients: those of p, ``(degree + 1)``; or ``(degree + 1, C, 1, ...)`` if channels, in dimension 1 of x,
            have their own. All is computed in their type.
        moments: how many, at least ``degree + 1``; or 0, and without them w may be None.
        basis: a name in `BASES`.
        middle: of the interval.
        rate: the inverse of half its width.
    """
    shared, size = coefficients.dim() == 1, len(coefficients)
    form = newton(basis, max(moments, size) - 1)
    turned = _times(form.matrix[:size, :size], coefficients)

    order = sorted(range(x.dim()), key=x.stride, reverse=True)  # the dimensions from the outermost in memory
    if not shared and order[0] == 1:  # A block is to hold every channel.
        order = list(range(x.dim()))
    rows = x.permute(order).contiguous()
    of_memory = rows.shape
    weights = None if w is None else w.permute(order)
    if shared:
        rows = rows.view(-1)
        weights = None if weights is None else weights.reshape(-1)
    else:
        turned = turned.unsqueeze(1).permute(0, *(1 + dim for dim in order))
    sides = [dim for dim in range(rows.dim()) if shared or turned.shape[1 + dim] == 1]  # a moment is a sum over these

    values = torch.empty(rows.shape, device=x.device, dtype=coefficients.dtype)
    step = max(1, BLOCK * len(rows) // max(1, rows.numel()))
    sums = []
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        factors = _factors(rows[block], form, coefficients.dtype, middle, rate)
        weight = None if weights is None else weights[block]
        if moments and weight is not None:
            sums += _accumulate(values[block], weight, factors, turned.unbind(), moments, sides)
        else:
            _horner(values[block], weight, factors, turned.unbind())

    back = [order.index(dim) for dim in range(x.dim())]
    values = values.view(of_memory).permute(back).to(x.dtype)
    if not moments:
        return values, None
    if not sums:  # There is no element.
        return values, coefficients.new_zeros(moments, *coefficients.shape[1:])
    total = torch.stack(sums).unflatten(0, (-1, moments)).sum(0)
    if not shared:
        total = total.permute(0, *(1 + dim for dim in back)).squeeze(1)
    return values, _times(form.matrix.T, total)


def _times(matrix: Tensor, coefficients: Tensor) -> Tensor:
    """A matrix of float64 times the first dimension, in float64."""
    entries = matrix.reshape(*matrix.shape, *[1] * (coefficients.dim() - 1))
    return (entries * coefficients).sum(1).to(coefficients.dtype)


def _factors(x: Tensor, form: Newton, dtype: torch.dtype, middle: float, rate: float) -> list[Tensor]:
    """Factor times u, minus a node: one a degree, of which those with the same node are the same tensor."""
    if middle:
        x = x.to(dtype) - middle
    u = torch.mul(x.to(dtype), form.factor * rate)
    of_node = {0.0: u}
    for node in form.nodes:
        if node not in of_node:
            of_node[node] = u - node
    return [of_node[node] for node in form.nodes]


def _horner(values: Tensor, weight: Tensor | None, factors: list[Tensor], a: tuple[Tensor, ...]) -> None:
    values.copy_(a[-1].expand_as(values))
    for factor, constant in zip(reversed(factors), reversed(a[:-1]), strict=True):
        torch.addcmul(constant, factor, values, out=values)
    if weight is not None:
        values.mul_(weight)


def _accumulate(
    values: Tensor, weight: Tensor, factors: list[Tensor], a: tuple[Tensor, ...], moments: int, sides: list[int]
) -> list[Tensor]:
    """The sum of coefficient k times w N_k; each w N_k is summed for a moment, too, and those after the degree only."""
    term = weight.to(values.dtype, copy=True)
    values.zero_()
    sums = []
    for k in range(moments):
        sums.append(term.sum(sides, keepdim=len(sides) < term.dim()))
        if k < len(a):
            values.addcmul_(term, a[k])
        if k < len(factors):
            term.mul_(factors[k])
    return sums
