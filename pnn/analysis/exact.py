"""Tensors over the finite field of `field`, real and complex, and what can be computed with them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from . import field
from .operations import is_real

# Constants in the field, as long as they live: they are met at every point of the line.
_LIFTED = WeakTensorKeyDictionary()


@dataclass(frozen=True)
class Exact:
    """A tensor over the field; a complex one has an imaginary part."""

    real: Tensor
    imaginary: Tensor | None = None


@dataclass(frozen=True)
class Root:
    """What the field has not, but has its square: a root, an absolute value, a norm."""

    square: Exact


class Unknown:
    """What depends on the point and is not computed."""


def leaves(argument) -> Iterator:
    """The single values of nested arguments."""
    if isinstance(argument, dict):
        argument = list(argument.values())
    if isinstance(argument, list | tuple):
        for part in argument:
            yield from leaves(part)
    else:
        yield argument


def depends(value) -> bool:
    """Whether a value depends on the point of the line."""
    return isinstance(value, Exact | Root | Unknown)


def lift(value) -> Exact | Unknown:
    """A constant in the field."""
    tensor = torch.as_tensor(value, dtype=None if isinstance(value, Tensor) else torch.float64)
    if tensor.is_complex():
        parts = field.lifted(tensor.real), field.lifted(tensor.imag)
        return Unknown() if parts[0] is None or parts[1] is None else Exact(*parts)
    real = field.lifted(tensor)
    return Unknown() if real is None else Exact(real)


def exact(value) -> Exact:
    """A value that may be a constant, in the field.

    Raises:
        ValueError: it is not in the field.
    """
    if isinstance(value, Exact):
        return value
    if isinstance(value, Tensor) and value in _LIFTED:
        return _LIFTED[value]
    lifted = Unknown() if isinstance(value, Root | Unknown) else lift(value)
    if isinstance(lifted, Unknown):
        raise ValueError("no number of the field")
    if isinstance(value, Tensor):
        _LIFTED[value] = lifted
    return lifted


def plus(a: Exact, b: Exact) -> Exact:
    """The sum, with broadcasting."""
    if a.imaginary is None and b.imaginary is None:
        return Exact(field.reduced(a.real + b.real))
    return Exact(field.reduced(a.real + b.real), field.reduced(imaginary(a) + imaginary(b)))


def times(a: Exact, b: Exact, f: Callable[[Tensor, Tensor], Tensor] = torch.mul, terms: int = 1) -> Exact:
    """A product, or what ``f`` does that is linear in both and sums so many products."""

    def of(x: Tensor, y: Tensor) -> Tensor:
        return field.reduced(x * y) if f is torch.mul else field.sums_of_products(f, x, y, terms)

    if a.imaginary is None and b.imaginary is None:
        return Exact(of(a.real, b.real))
    re = of(a.real, b.real) - of(imaginary(a), imaginary(b))
    return Exact(field.reduced(re), field.reduced(of(a.real, imaginary(b)) + of(imaginary(a), b.real)))


def imaginary(x: Exact) -> Tensor:
    """The imaginary part, which of a real tensor is 0."""
    return torch.zeros_like(x.real) if x.imaginary is None else x.imaginary


def inverse(x: Exact) -> Exact:
    """The numbers whose product with those of the tensor is 1.

    Raises:
        ValueError: one of its numbers is 0.
    """
    size = field.inverse(squared_sizes(x).real)
    if size is None:
        raise ValueError("a division by 0")
    return times(conjugate(x), Exact(size))


def conjugate(x: Exact) -> Exact:
    """The complex conjugate, which of a real tensor is itself."""
    return x if x.imaginary is None else Exact(x.real, field.reduced(-x.imaginary))


def squared_sizes(x: Exact) -> Exact:
    """The squares of the absolute values, which are real."""
    square = x.real * x.real if x.imaginary is None else field.reduced(x.real**2) + field.reduced(x.imaginary**2)
    return Exact(field.reduced(square))


def power(x: Exact, exponent) -> Exact | Unknown:
    """Whole powers, each element's own where there is a tensor of exponents; of others there are none in the field."""
    if depends(exponent):
        return Unknown()
    exponents = torch.as_tensor(exponent)
    if exponents.is_complex() or (exponents < 0).any() or (exponents % 1 != 0).any():
        return Unknown()
    result: Exact | None = None
    for n in exponents.unique().tolist():
        raised = Exact(torch.ones_like(x.real))
        for bit in bin(int(n))[2:]:
            raised = times(raised, raised)
            raised = times(raised, x) if bit == "1" else raised
        result = raised if result is None else spread(torch.where, (exponents == n, raised, result), {})
    return Unknown() if result is None else result


def matmul(a, b) -> Exact:
    """The product of matrices, or of a matrix and a vector."""
    a, b = exact(a), exact(b)
    return times(a, b, torch.matmul, a.real.shape[-1])


def summed(x: Exact, *dims) -> Exact:
    """The sum over some dimensions, as torch's own; over all where none are given."""
    return spread(torch.sum, (x, *dims), {})


def spread(f: Callable, args: tuple, kwargs: dict) -> Any:
    """What an operation does to the real and the imaginary parts alone; constants among its tensors are lifted."""
    kwargs = {key: value for key, value in kwargs.items() if key not in ("dtype", "layout", "device", "memory_format")}
    whole = any(isinstance(leaf, Exact) and leaf.imaginary is not None for leaf in leaves(args))

    def part(value, second: bool):
        if isinstance(value, list | tuple):
            return type(value)(part(each, second) for each in value)
        if isinstance(value, Tensor) and is_real(value):
            value = exact(value)
        if not isinstance(value, Exact):
            return value
        return imaginary(value) if second else value.real

    parts = [f(*part(args, second), **kwargs) for second in (False, True)[: 1 + whole]]
    if isinstance(parts[0], Tensor):
        return Exact(*map(field.reduced, parts))
    return [Exact(*each) for each in zip(*parts, strict=True)]


def mean(x: Exact, dims=None, keepdim: bool = False) -> Exact:
    """The mean over some dimensions; over all where none are given."""
    total = summed(x) if not dims else summed(x, dims, keepdim)
    return times(total, inverse(exact(x.real.numel() // total.real.numel())))
