"""Tensors over a finite field: what is computed with them has no rounding.

Numbers are whole, from 0 to `PRIME` - 1, in float64, for which torch has every operation. A real number that a computer
can hold is a fraction whose denominator is a power of 2, and stands for itself modulo the prime.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

# The largest prime below 2^26: two numbers have a product below 2^52, which float64 holds exactly.
PRIME = 67_108_859
_EXACT = 2**53


def reduced(x: Tensor) -> Tensor:
    """The remainders of whole numbers below 2^53."""
    return torch.remainder(x.to(torch.int64), PRIME).to(torch.float64)


def lifted(x: Tensor) -> Tensor | None:
    """Real numbers modulo the prime, or None where one of them is infinite or none.

    Each is :math:`m 2^e` with whole :math:`m` below :math:`2^{53}` and :math:`e`.
    """
    x = x.detach().to(torch.float64)
    if not x.isfinite().all():
        return None
    mantissa, exponent = torch.frexp(x)
    whole = reduced((mantissa * _EXACT).to(torch.int64))
    values, places = exponent.to(torch.int64).unique(return_inverse=True)
    powers = torch.tensor([pow(2, int(e) - 53, PRIME) for e in values], dtype=torch.float64)
    return reduced(whole * powers[places].view(whole.shape))


def inverse(x: Tensor) -> Tensor | None:
    """The numbers whose product with the given ones is 1, or None where one of these is 0."""
    return None if (x == 0).any() else raised(x, PRIME - 2)


def raised(x: Tensor, n: int) -> Tensor:
    """The n-th power, by squares."""
    result = torch.ones_like(x)
    while n:
        if n % 2:
            result = reduced(result * x)
        x, n = reduced(x * x), n // 2
    return result


def sums_of_products(f: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor, terms: int) -> Tensor:
    """``f(a, b)``, which is linear in both and sums so many products, such as a matrix product.

    The first factor is cut into pieces so short that every sum stays below 2^53.
    """
    bits = max(1, 27 - math.ceil(math.log2(max(terms, 2))))
    result = None
    for place in reversed(range(0, 26, bits)):
        piece = torch.remainder(torch.div(a, 2**place, rounding_mode="floor"), 2**bits)
        part = reduced(f(piece, b))
        result = part if result is None else reduced(result * 2**bits) + part
    return reduced(result)


def uniform(shape, generator: torch.Generator) -> Tensor:
    """Numbers drawn with equal chances."""
    return torch.randint(PRIME, tuple(shape), generator=generator).to(torch.float64)


def degree(values: Tensor) -> int:
    """Of the polynomial of least degree with these values at consecutive points: the last difference that is not 0."""
    found, differences = 0, values
    for order in range(1, len(values)):
        differences = reduced(differences[1:] - differences[:-1])
        if differences.any():
            found = order
    return found
