"""What torch's operations do to polynomials: the degree and depth of what they return, or why it is no polynomial."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, fx
from torch.export.graph_signature import InputKind, OutputKind

STEP = "piecewise constant"
PIECEWISE = "piecewise polynomial"
TRANSCENDENTAL = "transcendental"
RATIONAL = "rational: divides by a value that depends on the input"
STATISTIC = "rational in a root: divides by a standard deviation taken from the input"
ROOT = "algebraic: a root of a value that depends on the input"
NORM = "a norm: a root or piecewise, by its order"
RANDOM = "random: not a function of the input"
UNKNOWN = "not known to be polynomial"


# Values and how they combine


@dataclass(frozen=True)
class Value:
    """What holds of all elements of a tensor; with obstacles (their places in the list), it is not a polynomial."""

    degree: int = 0
    depth: int = 0
    obstacles: frozenset[int] = frozenset()

    @property
    def depends(self) -> bool:
        return self.degree > 0 or bool(self.obstacles)


_CONSTANT, _VARIABLE = Value(), Value(degree=1)


def _sum(values: Iterable[Value]) -> Value:
    values = [value for value in values if value.depends]
    if len(values) < 2:
        return values[0] if values else _CONSTANT
    obstacles = frozenset().union(*(value.obstacles for value in values))
    return Value(max(value.degree for value in values), max(value.depth for value in values), obstacles)


def _product(factors: Iterable[Value]) -> Value:
    factors = [factor for factor in factors if factor.depends]
    largest = _sum(factors)
    return replace(largest, degree=sum(f.degree for f in factors), depth=largest.depth + _levels(len(factors)))


def _power(value: Value, n: int) -> Value:
    return replace(value, degree=n * value.degree, depth=value.depth + _levels(n)) if n else _CONSTANT


def _levels(factors: int) -> int:
    """ceil(log2(factors)): the depth of a balanced tree of products."""
    return max(factors - 1, 0).bit_length()


# The rules, by the name of the operation


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LINEAR = _names(  # jointly, in all arguments that may depend on the input
    """
    _adaptive_avg_pool2d _adaptive_avg_pool3d _conj _fft_c2c _fft_c2r _fft_r2c _local_scalar_dense _to_copy
    _upsample_bilinear2d_aa add alias as_strided avg_pool1d avg_pool2d avg_pool3d cat clone col2im complex
    constant_pad_nd cumsum diagonal diagonal_scatter expand flip full gather index index_put index_select
    masked_scatter mean neg permute reflection_pad1d reflection_pad2d reflection_pad3d repeat replication_pad1d
    replication_pad2d replication_pad3d scalar_tensor scatter scatter_add select select_scatter slice slice_scatter
    split_with_sizes squeeze sub sum unfold unsqueeze upsample_bilinear2d upsample_nearest2d view view_as_complex
    view_as_real where
    """
)
_NOT_LINEAR = _names("aten.view.dtype aten.scatter.reduce aten.scatter.value_reduce")  # other overloads of those
_PRODUCTS = {  # the places of the factors; the other arguments are added
    "_trilinear": (0, 1, 2),
    "addbmm": (1, 2),
    "addmm": (1, 2),
    "addmv": (1, 2),
    "baddbmm": (1, 2),
    "bmm": (0, 1),
    "convolution": (0, 1),
    "mm": (0, 1),
    "mul": (0, 1),
}
_SHAPE_ONLY = _names("empty_like fill full_like")  # they take no value from their first argument
_NORMALISATIONS = _names(  # of the first argument by its own statistics, then an affine map
    """
    _fused_rms_norm _native_batch_norm_legit _native_batch_norm_legit_functional group_norm layer_norm
    native_group_norm native_layer_norm rms_norm
    """
)
_OBSTACLES = {
    name: reason
    for reason, names in {
        STEP: """
            all any argmax argmin argsort bitwise_and bitwise_not bitwise_or bitwise_xor bucketize ceil eq floor
            floor_divide ge gt heaviside isinf isnan le logical_and logical_not logical_or logical_xor lt ne nonzero
            round searchsorted sgn sign signbit trunc
            """,
        PIECEWISE: """
            abs adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d amax amin clamp clamp_max clamp_min cummax
            cummin fmax fmin fmod fractional_max_pool2d fractional_max_pool3d hardsigmoid hardswish hardtanh
            kthvalue leaky_relu max max_pool1d max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices
            maximum median min minimum mode nan_to_num nanmedian prelu relu relu6 remainder rnn_relu rrelu
            rrelu_with_noise_functional sort threshold topk
            """,
        TRANSCENDENTAL: """
            _log_softmax _softmax acos acosh angle asin asinh atan atan2 atanh celu cos cosh digamma elu erf erfc erfinv
            exp exp2 expm1 gelu glu gru lgamma log log10 log1p log2 log_sigmoid log_softmax logaddexp logcumsumexp logit
            logsumexp lstm mish rnn_tanh selu sigmoid silu sin sinc sinh softmax softplus tan tanh
            """,
        RATIONAL: "reciprocal",
        ROOT: "rsqrt sqrt",
        NORM: "_cdist_forward _pdist_forward cdist cosine_similarity linalg_vector_norm",
    }.items()
    for name in _names(names)
}
# Left whole by the decomposition, so that they keep the name that a user knows
WHOLE = {*_OBSTACLES, *_NORMALISATIONS, "scaled_dot_product_attention"}


def name_of(operation) -> str:
    """``relu`` for torch's ``aten.relu.default``; an operation of another library keeps its whole name."""
    if getattr(operation, "__module__", None) == "_operator":
        return operation.__name__
    library, _, name = str(operation).partition(".")
    return name.partition(".")[0] if library == "aten" and str(operation) not in _NOT_LINEAR else str(operation)


def is_real(value) -> bool:
    """Whether a traced value is made of real (or complex) numbers, not of whole numbers or truth values."""
    if isinstance(value, list | tuple):
        return any(map(is_real, value))
    if isinstance(value, Tensor):
        return value.is_floating_point() or value.is_complex()
    return not isinstance(value, int | torch.SymInt | torch.SymBool)


class Walk:
    """The values of an exported program's nodes, in the order of computation."""

    def __init__(self, program: torch.export.ExportedProgram, inputs: tuple[Tensor, ...]) -> None:
        self.program = program
        self.values: dict[fx.Node, Value] = {}
        self.obstacles: list[tuple[fx.Node, str]] = []  # and why it is one
        self.fixed: set[fx.Node] = set()  # inputs of whole numbers, and what is computed from them
        self.variable = False  # whether there is anything to be a polynomial of
        self.constants: dict[fx.Node, Tensor] = {}
        given, stored = iter(inputs), {**program.constants, **program.state_dict}
        specs = program.graph_signature.input_specs
        for node, spec in zip(program.graph.find_nodes(op="placeholder"), specs, strict=True):
            self.values[node] = _CONSTANT
            if spec.kind is not InputKind.USER_INPUT:
                self.constants[node] = stored.get(spec.target)
                continue
            self.constants[node] = next(given)
            if is_real(self.constants[node]):
                self.values[node], self.variable = _VARIABLE, True
            else:
                self.fixed.add(node)

    def output(self) -> Value:
        """The value of all outputs together, once every node has its own."""
        for node in self.program.graph.nodes:
            if node.op in ("call_function", "get_attr"):
                self.values[node] = self.call(node) if node.op == "call_function" else _CONSTANT
        specs, returned = self.program.graph_signature.output_specs, self.program.graph.output_node().args[0]
        kept = [value for spec, value in zip(specs, returned, strict=True) if spec.kind is OutputKind.USER_OUTPUT]
        return self.of(kept)

    def of(self, argument) -> Value:
        if isinstance(argument, list | tuple):
            return _sum(map(self.of, argument))
        return self.values[argument] if isinstance(argument, fx.Node) else _CONSTANT

    def call(self, node: fx.Node) -> Value:
        name, arguments = name_of(node.target), node.all_input_nodes
        if name == "embedding" or name.startswith("_embedding_bag"):
            return self.embedding(node, name)
        if not self.fixed.isdisjoint(arguments):
            self.fixed.add(node)
        if name in _SHAPE_ONLY:
            return self.rounded(node, self.of(node.args[1:]))
        if name == "getitem":
            source, place = node.args
            mean = place == 1 and name_of(source.target) == "var_mean"
            return self.of(source.args[0] if mean else source)
        random = torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
        if random and (name not in WHOLE or (name == "scaled_dot_product_attention" and node.args[4:5] > (0,))):
            return self.stop(node, RANDOM)  # of those in WHOLE, attention alone takes dropout at inference
        depending = [argument for argument in arguments if self.values[argument].depends]
        if name.startswith("sym_") or not any(is_real(argument.meta.get("val")) for argument in depending):
            return self.of(depending)  # a size, whole number or truth value depends by an obstacle that is listed
        if any(argument in node.kwargs.values() for argument in depending):
            return self.stop(node, UNKNOWN)
        return self.rule(node, name, [self.of(argument) for argument in node.args])

    def rule(self, node: fx.Node, name: str, values: list[Value]) -> Value:
        """The value of an operation of which an argument is real and depends on the input."""
        args = node.args
        if name in _OBSTACLES:
            return self.stop(node, _OBSTACLES[name])
        if name in _LINEAR:
            return self.rounded(node, _sum(values))
        if name in _PRODUCTS:
            added = [value for place, value in enumerate(values) if place not in _PRODUCTS[name]]
            return _sum([_product(values[place] for place in _PRODUCTS[name]), *added])
        if name in _NORMALISATIONS:
            return self.stop(node, STATISTIC) if values[0].depends else _sum(values)
        match name:
            case "copy":
                return self.rounded(node, values[1])
            case "div" if node.kwargs.get("rounding_mode") is not None:
                return self.stop(node, STEP)
            case "div" | "truediv":
                return self.stop(node, RATIONAL) if values[1].depends else values[0]
            case "var" | "var_mean":
                return _power(values[0], 2)
            case "cumprod" | "prod":
                shape = args[0].meta["val"].shape
                n = shape[args[1]] if len(args) > 1 else math.prod(shape)
                return _power(values[0], n) if isinstance(n, int) else self.stop(node, UNKNOWN)
            case "pow":
                return self.power(node, *values)
            case "_native_batch_norm_legit_no_training":
                x, weight, bias, mean, variance, *_ = values
                affine = _sum([_product([_sum([x, mean]), weight]), bias])
                return self.stop(node, STATISTIC) if variance.depends else affine
            case "scaled_dot_product_attention":
                query, key, value, *mask = values
                return self.stop(node, TRANSCENDENTAL) if _sum([query, key, *mask]).depends else value
        return self.stop(node, UNKNOWN)

    def rounded(self, node: fx.Node, value: Value) -> Value:
        """The value of a linear operation, which may make whole numbers or truth values of real numbers."""
        return value if is_real(node.meta.get("val")) or not value.depends else self.stop(node, STEP)

    def power(self, node: fx.Node, base: Value, exponent: Value) -> Value:
        if exponent.depends:
            return self.stop(node, TRANSCENDENTAL)
        exponents = self.constant(node.args[1]) if isinstance(node.args[1], fx.Node) else node.args[1]
        if isinstance(exponents, Tensor):
            if exponents.is_meta or exponents.is_complex():
                return self.stop(node, UNKNOWN)
            exponents = exponents.flatten().tolist()
        else:
            exponents = [exponents]
        if any(n % 1 for n in exponents):
            return self.stop(node, ROOT)
        if any(n < 0 for n in exponents):
            return self.stop(node, RATIONAL)
        return _power(base, int(max(exponents, default=0)))

    def constant(self, node: fx.Node):
        """The number that a node has whatever the input."""
        if node not in self.constants:
            args, kwargs = fx.node.map_arg((node.args, dict(node.kwargs)), self.constant)
            self.constants[node] = node.target(*args, **kwargs)
        return self.constants[node]

    def embedding(self, node: fx.Node, name: str) -> Value:
        """Vectors picked by whole numbers: the variable, if the whole numbers are an input."""
        vectors, indices = node.args[:2]
        value = self.of(vectors)
        if indices in self.fixed:
            value, self.variable = _VARIABLE, True
        if name != "embedding":
            mode, weights = (*node.args[4:], 0)[0], node.args[6:7]
            if mode == 2 and value.depends:  # the largest
                return self.stop(node, PIECEWISE)
            value = _product([value, self.of(weights)])
        return _sum([value, self.of(indices)])

    def stop(self, node: fx.Node, reason: str) -> Value:
        """What an obstacle returns: all that stops its arguments, and itself."""
        self.obstacles.append((node, reason))
        before = self.of(node.all_input_nodes)
        return replace(before, obstacles=before.obstacles | {len(self.obstacles) - 1})
