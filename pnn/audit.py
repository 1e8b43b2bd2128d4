"""Is a network a polynomial of its input at inference? Of which degree and depth, or what stops it?"""

import copy
import functools
import math
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, fx, nn
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


@dataclass(frozen=True)
class Obstacle:
    """One operation that stops a network from being a polynomial of its input."""

    module: str  # path of the module that calls it; "" is the network itself
    kind: str  # that module's class
    operation: str  # torch's name of it, such as "relu"
    reason: str  # "piecewise polynomial", "transcendental", "rational: ...", ...

    def __str__(self) -> str:
        return f"{self.module} {self.kind}: {self.operation} ({self.reason})".lstrip()


@dataclass(frozen=True)
class Audit:
    """What :func:`audit` found; printed, it names each kind of obstacle once, with all its places."""

    polynomial: bool
    degree: int | None  # None if not a polynomial
    multiplicative_depth: int | None  # None if not a polynomial
    obstacles: tuple[Obstacle, ...]  # in the order of computation; empty if a polynomial

    def __str__(self) -> str:
        if self.polynomial:
            return f"polynomial of degree {self.degree:,}, multiplicative depth {self.multiplicative_depth:,}"
        places: dict[tuple[str, str, str], Counter[str]] = {}
        for one in self.obstacles:
            places.setdefault((one.kind, one.operation, one.reason), Counter())[one.module or "the network itself"] += 1
        lines = [f"not a polynomial; obstacles: {len(self.obstacles)}"]
        for (kind, operation, reason), modules in places.items():
            paths = ", ".join(
                path if n == 1 or len(modules) == 1 else f"{path} ({n} times)" for path, n in modules.items()
            )
            lines.append(f"  {modules.total()} x {kind}: {operation} ({reason}) in {paths}")
        return "\n".join(lines)


def audit(model: nn.Module, example: Tensor | tuple[Tensor, ...]) -> Audit:
    r"""Find out whether a network is a polynomial of its input at inference, and what stops it if not.

    The network is exported (:func:`torch.export.export`) and its graph is read operation by operation: no number is
    sampled. The **degree** is the total degree in all elements of the input; the **multiplicative depth** is the
    largest number of successive products of two values that both depend on the input, where :math:`x^n` counts
    :math:`\lceil \log_2 n \rceil`. Products with weights count in neither. Of several outputs the largest counts.

    - Both are upper bounds. They are attained unless terms cancel: the values of weights are not examined, not even
      zeros, and what holds of one element of a tensor is taken to hold of all of it. :func:`degree_along_line`
      measures the degree.
    - BatchNorm with running statistics is affine; every normalisation by statistics of the input is an obstacle.
    - An operation that is not known, and takes a value that depends on the input, is an obstacle.
    - An obstacle is an operation that would be one whatever came before it. What it hands on, a comparison's truth
      values to :func:`torch.where`, is not listed again.
    - Inputs of whole numbers or truth values (tokens, masks) are held fixed. The vectors that an embedding returns for
      them count as input of degree 1.
    - Floating-point rounding is not counted.

    The audit runs on a copy in evaluation mode, on the CPU or, if the weights have no data, on torch's ``meta`` device.

    Args:
        model: any module that :func:`torch.export.export` can read.
        example: an input of the right shape and type; a tuple for a network of several inputs.

    Raises:
        ValueError: the example holds no real number and no embedding turns it into any, or torch cannot copy or
            export the network.

    Example:
        >>> print(pnn.audit(pnn.MLP(28, 1, 98, "polynomial", "identity"), torch.randn(2, 28)))
        polynomial of degree 8, multiplicative depth 3
        >>> print(pnn.audit(pnn.CNN(3, 10, 86, "polynomial"), torch.randn(2, 3, 32, 32)))
        not a polynomial; obstacles: 6
          3 x ReLU: relu (piecewise polynomial) in 2, 6, 10
          3 x MaxPool2d: max_pool2d (piecewise polynomial) in 3, 7, 11
    """
    inputs, model = _inputs(example), _copy(model)
    device = "meta" if any(t.is_meta for t in (*model.parameters(), *model.buffers())) else "cpu"
    inputs, model = tuple(t.detach().to(device) for t in inputs), model.to(device)
    walk = _Walk(model, _program(model, inputs), inputs)
    value = walk.output()
    if not walk.variable:
        raise ValueError(
            "an example of whole numbers needs a network that embeds them (nn.Embedding), "
            f"{type(model).__name__} does not; give quantities as real numbers: example.float()"
        )
    if value.obstacles:
        return Audit(False, None, None, tuple(walk.obstacles[place] for place in sorted(value.obstacles)))
    return Audit(True, value.degree, value.depth, ())


def degree_along_line(
    model: nn.Module, example: Tensor | tuple[Tensor, ...], *, most: int = 32, seed: int = 0
) -> int | None:
    r"""Measure the degree of a network along a random line, in float64, independently of :func:`audit`.

    .. math:: p(t) = f(x_0 + t d), \qquad t \in [-r, r], \quad r = 1, 2^5, \dots, 2^{20}

    with the example as :math:`x_0` and a normally distributed :math:`d`. On each interval :math:`p` is interpolated at
    ``2 * most + 4`` Chebyshev nodes; its degree there is that of the last coefficient above :math:`2^{-36}` of the
    largest. The largest of these degrees is returned: on the long intervals the leading term outgrows the others, and
    what only looks like a polynomial on a short one, such as a sigmoid, stops to.

    Along almost every line a polynomial has its total degree. Measured below the audit's bound, terms cancel;
    measured above it, or None, the audit would be refuted.

    Args:
        model: any module; a copy in float64 and in evaluation mode is measured.
        example: where the line starts; inputs of whole numbers or truth values stay where they are.
        most: the largest degree to look for, at most 32: beyond, rounding hides the leading coefficient.
        seed: of the line's direction.

    Returns:
        The degree, or None if no polynomial of degree ``most`` or less fits.

    Raises:
        ValueError: ``most`` is out of range, the example holds no real number, the network has no data, or it returns
            no tensor.
    """
    if not 0 <= most <= 32:
        raise ValueError(f"most must be from 0 to 32, got {most}")
    inputs = tuple(t.detach() for t in _inputs(example))
    if any(t.is_meta for t in (*inputs, *model.parameters(), *model.buffers())):
        raise ValueError("the probe computes with numbers, which tensors on the meta device do not have")
    if not any(map(_is_real, inputs)):
        raise ValueError("a line needs an example with real numbers, got " + ", ".join(str(t.dtype) for t in inputs))
    model, generator = _copy(model).to("cpu", torch.float64), torch.Generator().manual_seed(seed)
    line = [x.to("cpu", torch.promote_types(x.dtype, torch.float64) if _is_real(x) else x.dtype) for x in inputs]
    line = [(x, torch.randn(x.shape, dtype=x.dtype, generator=generator) if _is_real(x) else None) for x in line]
    angles = (torch.arange(2 * most + 4, dtype=torch.float64) + 0.5) * math.pi / (2 * most + 4)
    transform = torch.cos(torch.arange(len(angles))[:, None] * angles)
    degree = 0
    for radius in (1, 2**5, 2**10, 2**15, 2**20):
        with torch.no_grad():
            points = ([x if step is None else x + radius * t * step for x, step in line] for t in angles.cos())
            outputs = [list(_tensors(model(*point))) for point in points]
        if not outputs[0]:
            raise ValueError(f"{type(model).__name__} returns no tensor, and no tuple, list or dict of tensors")
        for values in zip(*outputs, strict=True):
            values = torch.stack(values).reshape(len(angles), -1)
            if not values.isfinite().all():
                return None
            sizes = (transform @ values).abs().sum(1)
            degree = max([degree, *(sizes > 2**-36 * sizes.max()).nonzero().flatten().tolist()])
        if degree > most:
            return None
    return degree


def _inputs(example) -> tuple[Tensor, ...]:
    inputs = example if isinstance(example, tuple) else (example,)
    if not inputs or not all(isinstance(t, Tensor) for t in inputs):
        given = ", ".join(type(t).__name__ for t in inputs) or "an empty tuple"
        raise ValueError(f"the example must be a tensor or a tuple of tensors, got {given}")
    return inputs


def _copy(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model).eval()
    except (RuntimeError, TypeError) as error:  # pruning and the old weight_norm leave a computed tensor behind
        raise ValueError(
            f"{type(model).__name__} cannot be copied: {error}\nMake computed weights permanent (torch.nn.utils.prune."
            "remove, remove_weight_norm) or use torch.nn.utils.parametrizations."
        ) from error


def _tensors(output) -> Iterator[Tensor]:
    """All tensors of a network's output, in float64."""
    if isinstance(output, Tensor):
        yield (torch.view_as_real(output) if output.is_complex() else output).double()
    elif isinstance(output, dict | list | tuple):
        for part in output.values() if isinstance(output, dict) else output:
            yield from _tensors(part)


def _program(model: nn.Module, inputs: tuple[Tensor, ...]) -> torch.export.ExportedProgram:
    """The network in torch's core operations, and those of `_WHOLE`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are about deploying the copy
            return torch.export.export(model, inputs, strict=False).run_decompositions(_decompositions())
    except Exception as error:
        raise ValueError(
            f"torch cannot export {type(model).__name__}, so that its operations cannot be read: "
            f"{type(error).__name__}: {error}\nCheck that model(example) runs, that the model is not compiled, and "
            "that no Python branch depends on values (if x.sum() > 0); torch.where can be exported."
        ) from error


@functools.cache
def _decompositions() -> dict:
    return {op: rule for op, rule in torch.export.default_decompositions().items() if _name(op) not in _WHOLE}


# Values and how they combine


@dataclass(frozen=True)
class _Value:
    """What holds of all elements of a tensor; with obstacles (their places in the list), it is not a polynomial."""

    degree: int = 0
    depth: int = 0
    obstacles: frozenset[int] = frozenset()

    @property
    def depends(self) -> bool:
        return self.degree > 0 or bool(self.obstacles)


_CONSTANT, _VARIABLE = _Value(), _Value(degree=1)


def _sum(values: Iterable[_Value]) -> _Value:
    values = [value for value in values if value.depends]
    if len(values) < 2:
        return values[0] if values else _CONSTANT
    obstacles = frozenset().union(*(value.obstacles for value in values))
    return _Value(max(value.degree for value in values), max(value.depth for value in values), obstacles)


def _product(factors: Iterable[_Value]) -> _Value:
    factors = [factor for factor in factors if factor.depends]
    largest = _sum(factors)
    return replace(largest, degree=sum(f.degree for f in factors), depth=largest.depth + _levels(len(factors)))


def _power(value: _Value, n: int) -> _Value:
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
            rrelu_with_noise_functional  sort threshold topk
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
_WHOLE = {*_OBSTACLES, *_NORMALISATIONS, "scaled_dot_product_attention"}


def _name(operation) -> str:
    """``relu`` for torch's ``aten.relu.default``; an operation of another library keeps its whole name."""
    if getattr(operation, "__module__", None) == "_operator":
        return operation.__name__
    library, _, name = str(operation).partition(".")
    return name.partition(".")[0] if library == "aten" and str(operation) not in _NOT_LINEAR else str(operation)


def _is_real(value) -> bool:
    """Whether a traced value is made of real (or complex) numbers, not of whole numbers or truth values."""
    if isinstance(value, list | tuple):
        return any(map(_is_real, value))
    if isinstance(value, Tensor):
        return value.is_floating_point() or value.is_complex()
    return not isinstance(value, int | torch.SymInt | torch.SymBool)


class _Walk:
    """The value of every node of an exported program, in order."""

    def __init__(self, model: nn.Module, program: torch.export.ExportedProgram, inputs: tuple[Tensor, ...]) -> None:
        self.modules = dict(model.named_modules(remove_duplicate=False))
        self.program = program
        self.values: dict[fx.Node, _Value] = {}
        self.obstacles: list[Obstacle] = []
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
            if _is_real(self.constants[node]):
                self.values[node], self.variable = _VARIABLE, True
            else:
                self.fixed.add(node)

    def output(self) -> _Value:
        for node in self.program.graph.nodes:
            if node.op in ("call_function", "get_attr"):
                self.values[node] = self.call(node) if node.op == "call_function" else _CONSTANT
        specs, returned = self.program.graph_signature.output_specs, self.program.graph.output_node().args[0]
        kept = [value for spec, value in zip(specs, returned, strict=True) if spec.kind is OutputKind.USER_OUTPUT]
        return self.of(kept)

    def of(self, argument) -> _Value:
        if isinstance(argument, list | tuple):
            return _sum(map(self.of, argument))
        return self.values[argument] if isinstance(argument, fx.Node) else _CONSTANT

    def call(self, node: fx.Node) -> _Value:
        name, arguments = _name(node.target), node.all_input_nodes
        if name == "embedding" or name.startswith("_embedding_bag"):
            return self.embedding(node, name)
        if not self.fixed.isdisjoint(arguments):
            self.fixed.add(node)
        if name in _SHAPE_ONLY:
            return self.rounded(node, self.of(node.args[1:]))
        if name == "getitem":
            source, place = node.args
            mean = place == 1 and _name(source.target) == "var_mean"
            return self.of(source.args[0] if mean else source)
        random = torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
        if random and (name not in _WHOLE or (name == "scaled_dot_product_attention" and node.args[4:5] > (0,))):
            return self.stop(node, RANDOM)  # of those in _WHOLE, attention alone takes dropout at inference
        depending = [argument for argument in arguments if self.values[argument].depends]
        if name.startswith("sym_") or not any(_is_real(argument.meta.get("val")) for argument in depending):
            return self.of(depending)  # a size, whole number or truth value depends by an obstacle that is listed
        if any(argument in node.kwargs.values() for argument in depending):
            return self.stop(node, UNKNOWN)
        return self.rule(node, name, [self.of(argument) for argument in node.args])

    def rule(self, node: fx.Node, name: str, values: list[_Value]) -> _Value:
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

    def rounded(self, node: fx.Node, value: _Value) -> _Value:
        """The value of a linear operation, which may make whole numbers or truth values of real numbers."""
        return value if _is_real(node.meta.get("val")) or not value.depends else self.stop(node, STEP)

    def power(self, node: fx.Node, base: _Value, exponent: _Value) -> _Value:
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

    def embedding(self, node: fx.Node, name: str) -> _Value:
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

    def stop(self, node: fx.Node, reason: str) -> _Value:
        """What an obstacle returns: all that stops its arguments, and itself."""
        stack = list(node.meta.get("nn_module_stack", {}).values())
        path = stack[-1][0] if stack else ""
        kind = type(self.modules.get(path, self.modules[""])).__name__
        name = "batch_norm" if "batch_norm" in _name(node.target) else _name(node.target)
        self.obstacles.append(Obstacle(path, kind, name, reason))
        before = self.of(node.all_input_nodes)
        return replace(before, obstacles=before.obstacles | {len(self.obstacles) - 1})
