"""A walk over an exported program: the value of every node, by the rules of `operations`."""

import math
from dataclasses import replace

import torch
from torch import Tensor, fx
from torch.export.graph_signature import InputKind, OutputKind

from .operations import (
    COMPARISONS,
    CONSTANT,
    HANDED_ON,
    INVERSES,
    LINEAR,
    NORMALISATIONS,
    OBSTACLES,
    PIECEWISE,
    PRODUCTS,
    RANDOM,
    RATIONAL,
    ROOT,
    SHAPE_ONLY,
    STATISTIC,
    STEP,
    TRANSCENDENTAL,
    UNDONE,
    UNKNOWN,
    VARIABLE,
    WHOLE,
    Value,
    drops_imaginary,
    is_real,
    name_of,
    origin,
    power,
    product,
    same,
    total,
)


class Walk:
    """The values of an exported program's nodes, in the order of computation."""

    def __init__(self, program: torch.export.ExportedProgram, inputs: tuple[Tensor, ...]) -> None:
        self.program = program
        self.values: dict[fx.Node, Value] = {}
        self.obstacles: list[tuple[fx.Node, str]] = []  # Each stands with the reason why it is one.
        self.fixed: set[fx.Node] = set()  # These are inputs of whole numbers, and what is computed from them.
        self.variable = False  # It tells whether there is anything to be a polynomial of.
        self.constants: dict[fx.Node, Tensor] = {}
        given, stored = iter(inputs), {**program.constants, **program.state_dict}
        specs = program.graph_signature.input_specs
        for node, spec in zip(program.graph.find_nodes(op="placeholder"), specs, strict=True):
            self.values[node] = CONSTANT
            if spec.kind is not InputKind.USER_INPUT:
                self.constants[node] = stored.get(spec.target)
                continue
            self.constants[node] = next(given)
            if is_real(self.constants[node]):
                self.values[node], self.variable = VARIABLE, True
            else:
                self.fixed.add(node)

    def output(self) -> Value:
        """The value of all outputs together, once every node has its own."""
        for node in self.program.graph.nodes:
            if node.op in ("call_function", "get_attr"):
                self.values[node] = self.call(node) if node.op == "call_function" else CONSTANT
        return self.of(self.returned)

    @property
    def returned(self) -> list:
        """The network's outputs; what it writes to buffers is none of them."""
        specs, returned = self.program.graph_signature.output_specs, self.program.graph.output_node().args[0]
        return [value for spec, value in zip(specs, returned, strict=True) if spec.kind is OutputKind.USER_OUTPUT]

    def path(self) -> list[fx.Node]:
        """The operations that raise the degree, on the way from the input to an output of the largest."""
        found, nodes = [], [node for node in self.returned if isinstance(node, fx.Node)]
        while nodes:
            node = max(nodes, key=lambda one: self.values[one].degree)
            nodes = [argument for argument in node.all_input_nodes if self.values[argument].degree]
            if nodes and self.values[node].degree > max(self.values[one].degree for one in nodes):
                found.append(node)
        return found[::-1]

    def of(self, argument) -> Value:
        if isinstance(argument, list | tuple):
            return total(map(self.of, argument))
        return self.values[argument] if isinstance(argument, fx.Node) else CONSTANT

    def call(self, node: fx.Node) -> Value:
        """The value of an operation: of those first that need no rule, since they pass on what they were given."""
        name = name_of(node.target)
        if name in COMPARISONS and same(*node.args[:2]):
            return CONSTANT  # This is how some ask whether a number is undefined.
        if name == "embedding" or name.startswith("_embedding_bag"):
            return self.embedding(node, name)
        if not self.fixed.isdisjoint(node.all_input_nodes):
            self.fixed.add(node)
        if name in SHAPE_ONLY:
            return self.rounded(node, self.of(node.args[1:]))
        if name == "getitem":
            return self.item(node)
        if self.is_random(node, name):
            return self.stop(node, RANDOM)
        depending = [argument for argument in node.all_input_nodes if self.values[argument].depends]
        if name.startswith("sym_") or not any(is_real(argument.meta.get("val")) for argument in depending):
            # A size, whole number or truth value depends on the input only by an obstacle, which is listed already.
            return self.of(depending).plain
        if any(argument in node.kwargs.values() for argument in depending):
            return self.stop(node, UNKNOWN)  # The rules know arguments by their places.
        return self.rule(node, name)

    def rule(self, node: fx.Node, name: str) -> Value:
        """The value of an operation that takes a real number which depends on the input."""
        values = [self.of(argument) for argument in node.args]
        if name == "relu" and values[0].square is not None:
            return values[0]  # A root is not negative; with a factor, the square of 0 is a polynomial, too.
        if name in OBSTACLES:
            value = self.stop(node, OBSTACLES[name])
            sure = value.sure and not self.may_be_undone(node, name)
            undone = self.sources(node) if name in UNDONE else frozenset()
            return replace(value, square=self.square(node, name), undone=undone, sure=sure)
        if name in LINEAR:
            value = total(values)
            handed_on = name in HANDED_ON and not drops_imaginary(node)
            return self.rounded(node, value if handed_on else value.plain)
        if name == "mul":
            return power(values[0], 2) if same(*node.args) else self.product(node, values)
        if name in PRODUCTS:
            factors = [values[place] for place in PRODUCTS[name]]
            added = [value for place, value in enumerate(values) if place not in PRODUCTS[name]]
            return total([product(factors).plain, *added]).plain
        if name in NORMALISATIONS:
            return self.stop(node, STATISTIC) if values[0].depends else total(values)
        match name:
            case "copy":
                return self.rounded(node, values[1])
            case "div" | "truediv":
                return self.quotient(node, *values)
            case "var" | "var_mean":
                return power(values[0].plain, 2)
            case "_linalg_det":
                return power(values[0].plain, node.args[0].meta["val"].shape[-1])
            case "_linalg_solve_ex" | "linalg_solve_triangular":
                return self.stop(node, RATIONAL) if values[0].depends else values[1].plain
            case "grid_sampler_2d" | "grid_sampler_3d":
                return self.stop(node, PIECEWISE) if values[1].depends else values[0].plain
            case "aten.scatter.reduce" | "aten.scatter.value_reduce" | "scatter_reduce" | "index_reduce":
                return self.gathered(node, *values)
            case "segment_reduce":
                return values[0].plain if node.args[1] in ("sum", "mean") else self.stop(node, UNKNOWN)
            case "cumprod" | "prod":
                return self.running_product(node, values[0])
            case "lerp":
                ends, weight = total(values[:2]).plain, values[2]
                return total([ends, product([ends, weight])]).plain if weight.depends else ends
            case "pow":
                return self.power(node, *values)
            case "_native_batch_norm_legit_no_training":
                return self.batch_norm(node, *values)
            case "scaled_dot_product_attention":
                return self.attention(node, *values)
        return self.stop(node, UNKNOWN)

    def item(self, node: fx.Node) -> Value:
        """One of several results, which have one value together; but a mean has the degree of what it is taken of."""
        source, place = node.args
        name = name_of(source.target)
        if place == 1 and name == "var_mean":
            return self.of(source.args[0]).plain
        if place > 0 and name in ("_linalg_det", "_linalg_solve_ex") and self.of(source.args[0]).depends:
            return self.stop(node, RATIONAL)  # These are the factors of the matrix.
        return self.of(source)

    def square(self, node: fx.Node, name: str) -> Value | None:
        """The square of a root, an absolute value or a norm, if that is what an obstacle returns."""
        values = [self.of(argument) for argument in node.args]
        order = {"linalg_vector_norm": 1, "_cdist_forward": 2, "cdist": 2, "_pdist_forward": 1}.get(name)
        if order is not None:
            if (node.args[order] if len(node.args) > order else 2) != 2:
                return None
            return power(total(values), 2)
        if name in ("abs", "hypot"):
            return power(total(values), 2)
        return values[0] if name == "sqrt" else None

    def may_be_undone(self, node: fx.Node, name: str) -> bool:
        """Whether an obstacle may hand on a polynomial: it undoes another, or never meets a sign at which it bends."""
        before = origin(node.all_input_nodes[0], self.values)
        if before.op != "call_function":
            return False
        made_by = name_of(before.target)
        squared = (made_by == "mul" and same(*before.args)) or (
            made_by == "pow" and isinstance(before.args[1], int | float) and before.args[1] % 2 == 0
        )
        return INVERSES.get(name) == made_by or (squared and OBSTACLES[name] in (PIECEWISE, STEP, ROOT))

    def sources(self, node: fx.Node) -> frozenset[fx.Node]:
        """What an operation is computed of, but for constant factors."""
        return frozenset(origin(one, self.values) for one in node.all_input_nodes if self.values[one].depends)

    def gathered(self, node: fx.Node, value: Value, *rest: Value) -> Value:
        """What is scattered to the places of a tensor: added up, multiplied, or compared."""
        dim, index = node.args[1:3]
        source = rest[2] if len(rest) > 2 else CONSTANT
        reduction = node.kwargs.get("reduce") or (node.args[4] if len(node.args) > 4 else None)
        if reduction in ("sum", "mean", "add"):
            return total([value, source]).plain
        if reduction in ("prod", "multiply"):
            shape = index.meta["val"].shape  # At worst, all elements along the dimension go to one place.
            return product([value.plain, power(source.plain, shape[dim] if shape else 1)])
        return self.stop(node, PIECEWISE if reduction in ("amax", "amin") else UNKNOWN)

    def is_random(self, node: fx.Node, name: str) -> bool:
        """Whether an operation draws numbers; of those in `WHOLE` attention alone does so at inference, as dropout."""
        if torch.Tag.nondeterministic_seeded not in getattr(node.target, "tags", ()):
            return False
        if name == "scaled_dot_product_attention":
            return node.args[4:5] > (0,)
        return name not in WHOLE

    def product(self, node: fx.Node, factors: list[Value]) -> Value:
        """The product of two, of which one may be a quotient by the other."""
        value = product(factors)
        for divided, other in zip(factors, reversed(node.args), strict=True):
            if isinstance(other, fx.Node) and origin(other, self.values) in divided.undone:
                value = replace(value, sure=False)
        return value

    def quotient(self, node: fx.Node, dividend: Value, divisor: Value) -> Value:
        if node.kwargs.get("rounding_mode") is not None:
            return self.stop(node, STEP)
        if divisor.depends:
            undone = divisor.undone | {origin(node.args[1], self.values)}
            value = replace(self.stop(node, RATIONAL), undone=undone)
            last = len(self.obstacles) - 1
            # One polynomial may be a multiple of another.
            return replace(value, sure=False) if dividend.depends and not value.obstacles - {last} else value
        return dividend

    def running_product(self, node: fx.Node, value: Value) -> Value:
        """The product along a dimension, or of all elements where none is given."""
        shape = node.args[0].meta["val"].shape
        factors = shape[node.args[1]] if len(node.args) > 1 else math.prod(shape)
        return power(value.plain, factors) if isinstance(factors, int) else self.stop(node, UNKNOWN)

    def batch_norm(self, node: fx.Node, x: Value, weight: Value, bias: Value, *statistics: Value) -> Value:
        mean, variance, *_ = statistics
        if variance.depends:
            return self.stop(node, STATISTIC)
        return total([product([total([x, mean]).plain, weight]), bias]).plain

    def attention(self, node: fx.Node, query: Value, key: Value, value: Value, *mask: Value) -> Value:
        """The softmax of what depends on the input is no polynomial; constant weights average the values."""
        return self.stop(node, TRANSCENDENTAL) if total([query, key, *mask]).depends else value.plain

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
            square = base if exponents == [0.5] else None
            return replace(self.stop(node, ROOT), square=square, undone=self.sources(node))
        if any(n < 0 for n in exponents):
            return replace(self.stop(node, RATIONAL), undone=self.sources(node))
        return power(base, int(max(exponents, default=0)))

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
            value, self.variable = VARIABLE, True
        if name != "embedding":
            mode, weights = (*node.args[4:], 0)[0], node.args[6:7]
            if mode == 2 and value.depends:  # This mode takes the largest of the vectors, number by number.
                return self.stop(node, PIECEWISE)
            value = product([value, self.of(weights)])
        return total([value, self.of(indices)])

    def stop(self, node: fx.Node, reason: str) -> Value:
        """What an obstacle returns: all that stops its arguments, and itself."""
        self.obstacles.append((node, reason))
        before = self.of(node.all_input_nodes).plain
        sure = reason is not UNKNOWN and (before.sure or not before.obstacles)
        return replace(before, obstacles=before.obstacles | {len(self.obstacles) - 1}, sure=sure)
