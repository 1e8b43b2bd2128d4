"""What torch's operations do to polynomials: the degree and depth of what they return, or why it is no polynomial."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, fx

STEP = "piecewise constant"
PIECEWISE = "piecewise polynomial"
TRANSCENDENTAL = "transcendental"
RATIONAL = "rational: divides by a value that depends on the input"
STATISTIC = "rational in a root: divides by a standard deviation taken from the input"
ROOT = "algebraic: a root of a value that depends on the input"
NORM = "a norm: a root or piecewise, by its order"
RANDOM = "random: not a function of the input"
UNKNOWN = "not known to be polynomial"


# --- values and how they combine -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """What holds of all elements of a tensor; with obstacles (their places in the list), it may not be a polynomial."""

    degree: int = 0
    depth: int = 0
    obstacles: frozenset[int] = frozenset()
    sure: bool = False  # It tells whether an obstacle that is known stops it, and nothing that may undo that one.
    # Of a root, an absolute value or a norm, the square, which has fewer obstacles than itself.
    square: "Value | None" = None
    # What was it computed of, if a product with another such value of the same may be a polynomial again?
    undone: frozenset[fx.Node] = frozenset()

    @property
    def depends(self) -> bool:
        return self.degree > 0 or bool(self.obstacles)

    @property
    def plain(self) -> "Value":
        """What is left of it in a sum, of which the squares of the terms say nothing."""
        return replace(self, square=None, undone=frozenset())


CONSTANT, VARIABLE = Value(), Value(degree=1)


def total(values: Iterable[Value]) -> Value:
    values = [value for value in values if value.depends]
    if len(values) < 2:
        return values[0] if values else CONSTANT
    obstacles = frozenset().union(*(value.obstacles for value in values))
    sure = any(value.sure for value in values)
    return Value(max(value.degree for value in values), max(value.depth for value in values), obstacles, sure)


def product(factors: Iterable[Value]) -> Value:
    factors = [factor for factor in factors if factor.depends]
    largest = total(factors)
    sources = [source for factor in factors for source in factor.undone]
    sure = largest.sure and len(sources) == len(set(sources))
    return replace(
        largest, degree=sum(f.degree for f in factors), depth=largest.depth + _levels(len(factors)), sure=sure
    )


def power(value: Value, n: int) -> Value:
    if n < 2:
        return value if n else CONSTANT
    if value.square is not None and n % 2 == 0:
        return power(value.square, n // 2)
    sure = value.sure and (n % 2 == 1 or not value.undone)
    return Value(n * value.degree, value.depth + _levels(n), value.obstacles, sure)


def _levels(factors: int) -> int:
    """ceil(log2(factors)): the depth of a balanced tree of products."""
    return max(factors - 1, 0).bit_length()


# --- the rules, by the name of the operation -------------------------------------------------------------------------


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Linear jointly, in all arguments that may depend on the input; these do no more than hand on single elements.
HANDED_ON = words(
    """
    _conj _local_scalar_dense _to_copy alias as_strided clone diagonal expand flip gather index index_select
    masked_select permute repeat select slice split_with_sizes squeeze unfold unsqueeze upsample_nearest2d view
    """
)
# These add up or put together.
LINEAR = HANDED_ON | words(
    """
    _adaptive_avg_pool2d _adaptive_avg_pool3d _fft_c2c _fft_c2r _fft_r2c _upsample_bilinear2d_aa add avg_pool1d
    avg_pool2d avg_pool3d cat col2im complex constant_pad_nd cumsum diagonal_scatter full index_put masked_scatter
    mean nan_to_num neg put reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d
    replication_pad3d scalar_tensor scatter scatter_add select_scatter slice_scatter sub sum upsample_bilinear2d
    view_as_complex view_as_real where
    """
)
# Overloads of linear operations that are not linear themselves.
_NOT_LINEAR = words("aten.view.dtype aten.scatter.reduce aten.scatter.value_reduce")
# The places of the factors; the other arguments are added to their product.
PRODUCTS = {
    "_sparse_addmm": (1, 2),
    "_trilinear": (0, 1, 2),
    "addbmm": (1, 2),
    "addmm": (1, 2),
    "addmv": (1, 2),
    "baddbmm": (1, 2),
    "bmm": (0, 1),
    "conv_tbc": (0, 1),
    "convolution": (0, 1),
    "mm": (0, 1),
    "mul": (0, 1),
}
# These take the shape of their first argument, and no value from it: no number is infinite or undefined.
SHAPE_ONLY = words("empty_like fill full_like isinf isnan")
# These divide the first argument by its own statistics; an affine map follows.
NORMALISATIONS = words(
    """
    _fused_rms_norm _native_batch_norm_legit _native_batch_norm_legit_functional group_norm layer_norm
    native_group_norm native_layer_norm rms_norm
    """
)
OBSTACLES = {
    name: reason
    for reason, names in {
        STEP: """
            all any argmax argmin argsort bitwise_and bitwise_not bitwise_or bitwise_xor bucketize ceil eq floor
            floor_divide ge gt heaviside le logical_and logical_not logical_or logical_xor lt ne nonzero
            round searchsorted sgn sign signbit trunc
            """,
        PIECEWISE: """
            abs adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d amax amin clamp clamp_max clamp_min cummax
            cummin fmax fmin fmod fractional_max_pool2d fractional_max_pool3d hardsigmoid hardswish hardtanh
            kthvalue leaky_relu max max_pool1d max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices
            maximum median min minimum mode nanmedian prelu relu relu6 remainder rnn_relu rrelu
            rrelu_with_noise_functional sort threshold topk
            """,
        TRANSCENDENTAL: """
            _log_softmax _softmax acos acosh angle asin asinh atan atan2 atanh celu cos cosh digamma elu erf erfc erfinv
            exp exp2 expm1 gelu glu gru lgamma log log10 log1p log2 log_sigmoid log_softmax logaddexp logcumsumexp logit
            logsumexp lstm mish polar rnn_tanh selu sigmoid silu sin sinc sinh softmax softplus tan tanh
            """,
        RATIONAL: "linalg_inv_ex reciprocal",
        ROOT: "rsqrt sqrt",
        NORM: "_cdist_forward _pdist_forward cdist cosine_similarity hypot linalg_vector_norm",
    }.items()
    for name in words(names)
}
# A product of two of these, of the same, may be a polynomial again.
UNDONE = words(
    "_cdist_forward _pdist_forward abs cdist hypot linalg_vector_norm reciprocal rsqrt sgn sign signbit sqrt"
)
# What is computed of the other may be a polynomial again.
_PAIRS = (
    "acosh cosh, asin sin, asinh sinh, atan tan, atanh tanh, acos cos, exp log, exp2 log2, expm1 log1p, logit sigmoid"
)
INVERSES = {one: other for pair in _PAIRS.split(", ") for one, other in (pair.split(), pair.split()[::-1])}
COMPARISONS = words("eq ge gt le lt ne")
# The decomposition leaves these whole, so that they keep the names that a user knows.
WHOLE = {*OBSTACLES, *NORMALISATIONS, "lerp", "nan_to_num", "scaled_dot_product_attention"}


def name_of(operation) -> str:
    """``relu`` for torch's ``aten.relu.default``; an operation of another library keeps its whole name."""
    if getattr(operation, "__module__", None) == "_operator":
        return operation.__name__
    library, _, name = str(operation).partition(".")
    return name.partition(".")[0] if library == "aten" and str(operation) not in _NOT_LINEAR else str(operation)


def drops_imaginary(node: fx.Node) -> bool:
    """Whether an operation makes real numbers of complex ones: of the square of a root that is not the real part."""
    first = node.args[0] if node.args else None
    before = first.meta.get("val") if isinstance(first, fx.Node) else None
    after = node.meta.get("val")
    pair = isinstance(before, Tensor) and isinstance(after, Tensor)
    return pair and before.is_complex() and not after.is_complex()


def is_real(value) -> bool:
    """Whether a traced value is made of real (or complex) numbers, not of whole numbers or truth values."""
    if isinstance(value, list | tuple):
        return any(map(is_real, value))
    if isinstance(value, Tensor):
        return value.is_floating_point() or value.is_complex()
    return not isinstance(value, int | torch.SymInt | torch.SymBool)


def origin(node: fx.Node, values: Mapping[fx.Node, Value]) -> fx.Node:
    """What a node is a constant multiple or a view of."""
    while node.op == "call_function" and name_of(node.target) in HANDED_ON | {"mul", "div", "neg"}:
        depending = [argument for argument in node.all_input_nodes if values[argument].depends]
        if (
            len(depending) != 1
            or node.args.count(depending[0]) != 1
            or (depending[0] is not node.args[0] and name_of(node.target) != "mul")
        ):
            break
        node = depending[0]
    return node


def same(a, b) -> bool:
    """Whether two arguments are one value: one node, or two that compute the same in the same way."""
    if (
        not isinstance(a, fx.Node)
        or not isinstance(b, fx.Node)
        or torch.Tag.nondeterministic_seeded in getattr(a.target, "tags", ())
    ):
        return False
    return a is b or (a.op == b.op == "call_function" and (a.target, a.args, a.kwargs) == (b.target, b.args, b.kwargs))
