r"""Polynomials of one variable in a basis: how they are evaluated, differentiated and fitted.

The bases follow from recurrences of three terms, :math:`P_0 = 1` and :math:`P_{k+1} = a_k u P_k - b_k P_{k-1}`:

- ``"chebyshev"``: :math:`T_k`, with :math:`a_0 = 1`, then :math:`a_k = 2` and :math:`b_k = 1`;
- ``"monomial"``: :math:`u^k`, with :math:`a_k = 1` and :math:`b_k = 0`;
- ``"hermite"``: those of the normal distribution, :math:`He_k / \sqrt{k!}`, with :math:`a_k = 1 / \sqrt{k + 1}` and
  :math:`b_k = \sqrt{k / (k + 1)}`.

A sum of them is evaluated by Clenshaw's recurrence (Horner's, of monomials), which needs a few numbers at a time. On a
processor ``polynomial_blocks`` has a faster way.
"""

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor

BASES = ("chebyshev", "monomial", "hermite")
FITS = ("interpolation", "least-squares")
POINTS = 100  # The source's least squares are over so many points of the interval.


def recurrence(basis: str, degree: int) -> tuple[list[float], list[float]]:
    """The numbers a and b of a basis; there are ``degree + 1`` of each."""
    if basis == "chebyshev":
        return [1.0] + [2.0] * degree, [0.0] + [1.0] * degree
    if basis == "monomial":
        return [1.0] * (degree + 1), [0.0] * (degree + 1)
    ks = range(degree + 1)
    return [1 / math.sqrt(k + 1) for k in ks], [math.sqrt(k / (k + 1)) for k in ks]


# Matrices are lists of columns, of Python's numbers: a tensor that is kept would be a tracer's if a tracer made it.


def _times_u(column: list[float], basis: str) -> list[float]:
    """The coefficients of u p(u) from those of p(u), cut off after the degree."""
    (a, b), degree = recurrence(basis, len(column) - 1), len(column) - 1
    above = [column[k - 1] / a[k - 1] if k else 0.0 for k in range(degree + 1)]
    below = [column[k + 1] * b[k + 1] / a[k + 1] if k < degree else 0.0 for k in range(degree + 1)]
    return [x + y for x, y in zip(above, below, strict=True)]


@functools.cache
def derivative(basis: str, degree: int) -> list[list[float]]:
    """The matrix that turns the coefficients of p into those of its derivative."""
    a, b = recurrence(basis, degree)
    columns = [[0.0] * (degree + 1)]
    for k in range(degree):  # This is the recurrence, differentiated.
        before = columns[k - 1] if k else columns[0]
        product = [x + (i == k) for i, x in enumerate(_times_u(columns[k], basis))]
        columns.append([a[k] * x - b[k] * y for x, y in zip(product, before, strict=True)])
    return columns


def conversion(source: str, target: str, degree: int, scale: float = 1.0) -> list[list[float]]:
    """The matrix from the coefficients of p(scale * u) in one basis to those in another, in u."""
    a, b = recurrence(source, degree)
    columns = [[1.0] + [0.0] * degree]
    for k in range(degree):
        before = columns[k - 1] if k else columns[0]
        product = _times_u(columns[k], target)
        columns.append([a[k] * scale * x - b[k] * y for x, y in zip(product, before, strict=True)])
    return columns


def apply_matrix(columns: list[list[float]], coefficients: Tensor, transposed: bool = False) -> Tensor:
    """A matrix times the first dimension of the coefficients."""
    matrix = torch.tensor(columns, device=coefficients.device, dtype=coefficients.dtype)  # Its rows are the columns.
    matrix = matrix if transposed else matrix.T
    # Not as a product of matrices, of which autocast would round the factors.
    return (matrix.reshape(*matrix.shape, *[1] * (coefficients.dim() - 1)) * coefficients).sum(1)


# --- evaluation ------------------------------------------------------------------------------------------------------


def clenshaw(u: Tensor, coefficients: Tensor, basis: str) -> Tensor:
    """The sum of coefficient k times polynomial k at u, by Clenshaw's recurrence.

    Args:
        u: where to evaluate.
        coefficients: ``(degree + 1, ...)``, of which each entry broadcasts against u.
        basis: a name in `BASES`.
    """
    degree = len(coefficients) - 1
    a, b = recurrence(basis, degree)
    after: Tensor | None = None
    value = coefficients[degree]  # It is broadcast by the first step.
    for k in reversed(range(degree)):
        constant = coefficients[k]
        if after is not None and b[k + 1] != 0:
            constant = constant - after if b[k + 1] == 1 else constant - b[k + 1] * after
        value, after = torch.addcmul(constant, u, value, value=a[k]), value
    return value


def balanced(u: Tensor, coefficients: Tensor, basis: str) -> Tensor:
    r"""What `clenshaw` computes, by products of equals: :math:`\lceil \log_2 \rceil` of the degree is their depth.

    For what counts depth and not memory, as the evaluation of encrypted numbers does.
    """
    degree = len(coefficients) - 1
    if basis == "hermite":  # There is no product of two that is one of them, but for a sum.
        coefficients, basis = apply_matrix(conversion(basis, "monomial", degree), coefficients), "monomial"
    values = [u]  # Polynomial k is values[k - 1].
    for k in range(2, degree + 1):
        product = values[k // 2 - 1] * values[k - k // 2 - 1]
        values.append(product if basis == "monomial" else 2 * product - (u if k % 2 else 1.0))
    total = coefficients[0].expand_as(u)
    for k, value in enumerate(values, 1):
        total = total + coefficients[k] * value
    return total


def moments(w: Tensor, u: Tensor, shape: tuple[int, ...], basis: str) -> Tensor:
    """The sums of w times polynomial k at u, over the elements for which coefficients of this shape are the same."""
    a, b = recurrence(basis, shape[0] - 1)
    found, before, value = [], None, w
    for k in range(shape[0]):
        found.append(_sum_to(value, shape[1:]))
        following = a[k] * u * value
        if before is not None and b[k]:
            following = following - b[k] * before
        before, value = value, following
    return torch.stack(found)


def _sum_to(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The sum over all dimensions along which a tensor of this shape would be broadcast."""
    if not shape:
        return x.sum()
    lead = x.dim() - len(shape)
    dims = [*range(lead), *(lead + i for i, size in enumerate(shape) if size == 1)]
    return x.sum(dims, keepdim=True).reshape(shape)


# --- the fit ---------------------------------------------------------------------------------------------------------


def check_fit(degree: int, interval: tuple[float, float], basis: str, fit: str) -> None:
    """Refuse what no fit is, with a ValueError."""
    if type(degree) is not int or degree < 1:
        raise ValueError(f"degree must be a whole number, at least 1, got {degree!r}")
    for name, value, allowed in (("basis", basis, BASES), ("fit", fit, FITS)):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    try:
        low, high = (float(end) for end in interval)
    except (TypeError, ValueError):
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"interval must be two finite numbers, the lower first, got {interval!r}")


def fit_polynomial(
    function: Callable[[Tensor], Tensor],
    degree: int,
    interval: tuple[float, float],
    *,
    basis: str = "chebyshev",
    fit: str = "interpolation",
) -> Tensor:
    r"""Coefficients, in float64, of a polynomial that is near a function on an interval :math:`[m - h, m + h]`.

    They are of :math:`P_k((x - m) / h)` for Chebyshev polynomials, and of :math:`P_k(x - m)` for the other bases.

    Args:
        function: from a tensor to one of the same shape, element by element.
        degree: of the polynomial, at least 1.
        interval: where the two are to be near, lower end first.
        basis: ``"chebyshev"``, ``"monomial"`` or ``"hermite"``.
        fit: ``"interpolation"`` at the ``degree + 1`` Chebyshev nodes, or ``"least-squares"`` over 100 points that
            divide the interval evenly, as in the source.

    Returns:
        The ``degree + 1`` coefficients, that of :math:`P_0` first.

    Raises:
        ValueError: an argument is out of range.

    Source: :cite:t:`alhossain2025`, with monomials and least squares.

    Example:
        >>> pnn.fit_polynomial(torch.abs, 2, (-1, 1), basis="monomial")  # through -0.866, 0 and 0.866
    """
    check_fit(degree, interval, basis, fit)
    # A layer may be made on a device that cannot solve, such as "meta"; these numbers are few.
    with torch.device("cpu"):
        return _fitted(function, degree, interval, basis, fit)


def _fitted(
    function: Callable[[Tensor], Tensor], degree: int, interval: tuple[float, float], basis: str, fit: str
) -> Tensor:
    middle, half = (interval[0] + interval[1]) / 2, (interval[1] - interval[0]) / 2
    if fit == "interpolation":
        u = torch.cos((torch.arange(degree + 1, dtype=torch.float64) + 0.5) * (math.pi / (degree + 1)))
    else:
        u = torch.linspace(-1, 1, POINTS, dtype=torch.float64)
    values = function(middle + half * u)
    table = torch.stack([clenshaw(u, one, "chebyshev") for one in torch.eye(degree + 1, dtype=torch.float64)], 1)
    coefficients = torch.linalg.lstsq(table, values[:, None]).solution[:, 0]
    return (
        coefficients
        if basis == "chebyshev"
        else apply_matrix(conversion("chebyshev", basis, degree, 1 / half), coefficients)
    )
