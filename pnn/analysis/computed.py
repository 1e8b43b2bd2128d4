"""What torch's operations compute in a finite field, of tensors that depend on the point of a line."""

import math
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx
from torch.nn import functional as F

from .exact import (
    Exact,
    Root,
    Unknown,
    conjugate,
    depends,
    exact,
    imaginary,
    inverse,
    leaves,
    matmul,
    mean,
    plus,
    power,
    spread,
    squared_sizes,
    summed,
    times,
)
from .operations import COMPARISONS, drops_imaginary, is_real, name_of, same, words

# These hand on the elements of their arguments.
MOVES = words(
    """
    alias cat clone detach diagonal diagonal_scatter expand flip gather index index_copy index_select lift_fresh
    masked_scatter masked_select permute reflection_pad1d reflection_pad2d reflection_pad3d repeat
    replication_pad1d replication_pad2d replication_pad3d select select_scatter slice slice_scatter split_with_sizes
    squeeze unfold unsqueeze upsample_nearest1d upsample_nearest2d upsample_nearest3d where
    """
)
# These add elements of their arguments up.
SUMS = words("col2im cumsum index_put put scatter_add sum")
# These act on the last dimensions, of which their names tell the number, by a matrix of constants.
SPATIAL = words(
    """
    _adaptive_avg_pool2d _adaptive_avg_pool3d _upsample_bilinear2d_aa avg_pool1d avg_pool2d avg_pool3d
    upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_trilinear3d
    """
)
LARGEST = 4096  # So many numbers at most are mapped by a matrix of constants.


def compute(node: fx.Node, args: tuple, kwargs: dict[str, Any], matrices: dict[fx.Node, Exact]):
    """The value of an operation of which an argument depends on the point.

    Args:
        node: the operation.
        args: by place, each a constant, or `Exact`, `Root` or `Unknown`.
        kwargs: by name.
        matrices: those of the operations that are maps of constants, which are kept here.
    """
    name, shape = name_of(node.target), getattr(node.meta.get("val"), "shape", None)
    if name == "getitem":
        return args[0] if isinstance(args[0], Unknown) else args[0][args[1]]
    if name in ("empty_like", "full_like") and not any(map(depends, leaves(args[1:]))):
        return node.target(torch.zeros(shape, dtype=node.args[0].meta["val"].dtype), *args[1:], **kwargs)
    if name in ("isnan", "isinf"):
        return torch.zeros(shape, dtype=torch.bool)  # No number is either.
    if name in COMPARISONS and same(*node.args[:2]):
        return torch.full(shape, name in ("eq", "ge", "le"))
    if name == "pow" and not depends(args[1]) and not torch.as_tensor(args[1]).any():
        return torch.ones(shape)
    if any(isinstance(leaf, Unknown) for leaf in leaves((args, kwargs))):
        return Unknown()
    rule = _of_root if any(isinstance(leaf, Root) for leaf in leaves((args, kwargs))) else _of_exact
    try:
        value = rule(node, name, shape, args, kwargs, matrices)
        rounded = isinstance(value, Exact | Root) and not is_real(node.meta["val"])
        return Unknown() if rounded else value
    except Exception:  # The operation has more forms than the rules know, and one may divide by 0.
        return Unknown()


def _of_root(node, name, shape, args, kwargs, matrices):
    """What is computed of a root: its even powers are in the field; a constant multiple or a view is a root again."""
    first, *rest = args
    if drops_imaginary(node):
        return Unknown()
    if name == "mul":
        if same(*node.args):
            return first.square
        root, constant = (first, rest[0]) if isinstance(first, Root) else (rest[0], first)
        factor = exact(constant)  # This refuses another root.
        return Root(times(root.square, times(factor, factor)))
    if any(map(depends, leaves(rest))):
        return Unknown()
    if name == "pow" and rest[0] == 1:
        return first
    if name == "pow" and isinstance(rest[0], int | float) and rest[0] % 2 == 0 and rest[0] > 0:
        return power(first.square, int(rest[0]) // 2)
    if name == "div" and not kwargs:
        divisor = inverse(exact(rest[0]))
        return Root(times(first.square, times(divisor, divisor)))
    if name in words("_to_copy alias clone expand flip permute repeat select slice squeeze unsqueeze view"):
        square = _of_exact(node, name, shape, (first.square, *rest), kwargs, matrices)
        return Root(square) if isinstance(square, Exact) else Unknown()
    return Unknown()


def _of_exact(node, name, shape, args, kwargs, matrices):
    x = args[0]
    if name in MOVES | SUMS:
        return spread(node.target, args, kwargs)
    if name in SPATIAL:
        return _spatial(node, x, args[1:], kwargs, matrices)
    if name in ("_fft_c2c", "_fft_c2r", "_fft_r2c"):
        return _fourier(node, x, args[1:], matrices)
    if name in _SUMS_OF_PRODUCTS:
        return _SUMS_OF_PRODUCTS[name](*args, **kwargs)
    match name:
        case "view":
            return spread(torch.reshape, (x, args[1]), {})
        case "as_strided" if node.args[0].meta["val"].is_contiguous():
            return spread(lambda part: part.contiguous().as_strided(*args[1:]), (x,), {})
        case "_to_copy":
            return _as_type(x, node.meta["val"])
        case "_local_scalar_dense" | "nan_to_num":
            return x
        case "copy":
            return spread(torch.broadcast_to, (args[1], shape), {})
        case "fill":
            return spread(torch.broadcast_to, (exact(args[1]), shape), {})
        case "constant_pad_nd":
            value = exact(args[2] if len(args) > 2 else 0)
            return spread(F.pad, (x, args[1]), {"value": value.real.item()})
        case "scatter":
            source = args[3] if isinstance(args[3], Tensor | Exact) else exact(args[3]).real.item()
            return spread(node.target, (*args[:3], source), {})
        case "scatter_reduce" if args[4] == "sum":
            return spread(node.target, args, kwargs)
        case "segment_reduce" if args[1] == "sum":
            return spread(node.target, args, kwargs)
        case "embedding":
            return spread(F.embedding, (args[1], x), {})
        case "add" | "sub":
            other = times(exact(args[1]), exact(kwargs.get("alpha", 1) * (1 if name == "add" else -1)))
            return plus(exact(x), other)
        case "neg":
            return times(x, exact(-1))
        case "mul":
            return times(exact(x), exact(args[1]))
        case "div" | "truediv":
            if kwargs.get("rounding_mode") is not None:
                return Unknown()
            return times(x, inverse(exact(args[1])))
        case "pow":
            return power(x, args[1])
        case "lerp":
            difference = plus(exact(args[1]), times(exact(x), exact(-1)))
            return plus(exact(x), times(exact(args[2]), difference))
        case "mean":
            return mean(x, *args[1:])
        case "var" | "var_mean":
            dims = args[1] if len(args) > 1 else None
            variance = _variance(x, dims, **kwargs)
            return variance if name == "var" else (variance, mean(x, dims, kwargs.get("keepdim", False)))
        case "prod" | "cumprod":
            return _products(x, name, *args[1:])
        case "_native_batch_norm_legit_no_training":
            return _batch_norm(*args), Unknown(), Unknown()
        case "scaled_dot_product_attention":
            return _attention(*args, **kwargs)
        case "complex":
            return Exact(exact(x).real, exact(args[1]).real)
        case "_conj":
            return conjugate(x)
        case "view_as_real":
            return Exact(torch.stack([x.real, x.imaginary], -1))
        case "view_as_complex":
            return Exact(*x.real.unbind(-1))
        case "abs":
            return Root(squared_sizes(x))
        case "sqrt":
            return Root(x) if x.imaginary is None else Unknown()
        case "linalg_vector_norm":
            return _norm(x, *args[1:])
    return Unknown()


# --- sums and products -----------------------------------------------------------------------------------------------


def _added(to, product: Exact, beta=1, alpha=1) -> Exact:
    return plus(times(exact(to), exact(beta)), times(product, exact(alpha)))


def _trilinear(a, b, c, expand1, expand2, expand3, sumdim, *_) -> Exact:
    factors = []
    for factor, places in ((a, expand1), (b, expand2), (c, expand3)):
        factor = exact(factor)
        for place in sorted(places):
            factor = spread(torch.unsqueeze, (factor, place), {})
        factors.append(factor)
    product = times(times(factors[0], factors[1]), factors[2])
    return summed(product, sumdim) if sumdim else product


def _convolution(x, weight, bias, *settings) -> Exact:
    x, weight = exact(x), exact(weight)

    def convolve(a: Tensor, b: Tensor) -> Tensor:
        return torch.ops.aten.convolution.default(a, b, None, *settings)

    y = times(x, weight, convolve, x.real.shape[1] * math.prod(weight.real.shape[2:]))
    if bias is None:
        return y
    return plus(y, spread(torch.reshape, (exact(bias), (-1, *[1] * (x.real.dim() - 2))), {}))


_SUMS_OF_PRODUCTS: dict[str, Callable[..., Exact]] = {
    "_sparse_addmm": lambda to, a, b, **scales: _added(to, matmul(a, b), **scales),
    "_trilinear": _trilinear,
    "addbmm": lambda to, a, b, **scales: _added(to, summed(matmul(a, b), 0), **scales),
    "addmm": lambda to, a, b, **scales: _added(to, matmul(a, b), **scales),
    "addmv": lambda to, a, b, **scales: _added(to, matmul(a, b), **scales),
    "baddbmm": lambda to, a, b, **scales: _added(to, matmul(a, b), **scales),
    "bmm": matmul,
    "convolution": _convolution,
    "dot": matmul,
    "mm": matmul,
    "mv": matmul,
}


# --- other operations ------------------------------------------------------------------------------------------------


def _as_type(x: Exact, value: Tensor) -> Exact | Unknown:
    """The numbers as they are: rounding is none of the function's own. Made whole numbers, they are not known."""
    if not is_real(value):
        return Unknown()
    return Exact(x.real, imaginary(x) if value.is_complex() else None)


def _variance(x: Exact, dims=None, *, correction=1, keepdim: bool = False) -> Exact:
    correction = 1 if correction is None else correction
    dims = dims or list(range(x.real.dim()))
    centred = plus(x, times(mean(x, dims, True), exact(-1)))
    total = summed(squared_sizes(centred), dims, keepdim)
    return times(total, inverse(exact(x.real.numel() // total.real.numel() - correction)))


def _products(x: Exact, name: str, dim: int | None = None, keepdim: bool = False) -> Exact:
    """The running products along a dimension, or the last of them; of all elements where none is given."""
    x = spread(torch.flatten, (x,), {}) if dim is None else x
    dim = dim or 0
    running = [spread(torch.select, (x, dim, 0), {})]
    for place in range(1, x.real.shape[dim]):
        running.append(times(running[-1], spread(torch.select, (x, dim, place), {})))
    if name == "cumprod":
        return spread(torch.stack, (running, dim), {})
    return spread(torch.unsqueeze, (running[-1], dim), {}) if keepdim else running[-1]


def _batch_norm(x, weight, bias, mean, variance, momentum, eps) -> Exact:
    def of_channels(value) -> Exact:
        return spread(torch.reshape, (exact(value), (-1, *[1] * (x.real.dim() - 2))), {})

    if depends(variance):
        raise ValueError("a root")
    x = plus(exact(x), times(of_channels(mean), exact(-1)))
    x = times(x, of_channels((variance.double() + eps).rsqrt()))
    x = x if weight is None else times(x, of_channels(weight))
    return x if bias is None else plus(x, of_channels(bias))


def _attention(query, key, value, mask=None, dropout=0.0, causal=False, *, scale=None, enable_gqa=False) -> Exact:
    if any(map(depends, (query, key, mask))) or dropout or enable_gqa:
        raise ValueError("a softmax")
    ones = torch.eye(key.shape[-2], dtype=query.dtype).expand(*key.shape[:-1], key.shape[-2])
    return matmul(F.scaled_dot_product_attention(query, key, ones, mask, 0.0, causal, scale=scale), value)


def _norm(x: Exact, order=2, dims=None, keepdim: bool = False) -> Root | Unknown:
    if order != 2:
        return Unknown()
    squares = squared_sizes(x)
    return Root(summed(squares) if dims is None else summed(squares, dims, keepdim))


def _spatial(node: fx.Node, x: Exact, args: tuple, kwargs: dict, matrices: dict[fx.Node, Exact]) -> Exact:
    """A linear map of the last dimensions, alike for all others: by its matrix, from what it does to unit vectors."""
    lead = x.real.dim() - int(re.findall(r"(\d)d", name_of(node.target))[0])
    size = x.real.shape[lead:]
    numbers = math.prod(size)
    if numbers > LARGEST:
        raise ValueError("too many numbers")
    if node not in matrices:
        units = torch.eye(numbers, dtype=torch.float64).view(numbers, 1, *size)
        matrices[node] = exact(node.target(units, *args, **kwargs).reshape(numbers, -1))
    y = matmul(spread(torch.reshape, (x, (-1, numbers)), {}), matrices[node])
    return spread(torch.reshape, (y, node.meta["val"].shape), {})


def _fourier(node: fx.Node, x: Exact, args: tuple, matrices: dict[fx.Node, Exact]) -> Exact:
    """A Fourier transform, by its matrix; a complex tensor is one of twice as many real numbers."""
    shape, numbers = x.real.shape, x.real.numel()
    if numbers > LARGEST:
        raise ValueError("too many numbers")
    if node not in matrices:
        units = torch.eye(numbers, dtype=torch.float64).view(numbers, *shape)
        if x.imaginary is not None:
            units = torch.cat([units + 0j, units * 1j])
        dims = [dim % len(shape) + 1 for dim in args[0]]
        matrices[node] = exact(node.target(units, dims, *args[1:]).reshape(len(units), -1))
    row = x.real.flatten() if x.imaginary is None else torch.cat([x.real.flatten(), x.imaginary.flatten()])
    return spread(torch.reshape, (matmul(Exact(row[None]), matrices[node]), node.meta["val"].shape), {})
