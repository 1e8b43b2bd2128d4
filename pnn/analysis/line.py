"""The degree of an exported program along a random line, computed without rounding."""

import torch
from torch import Tensor, fx
from torch.export.graph_signature import InputKind, OutputKind

from . import field
from .computed import compute
from .exact import Exact, Root, Unknown, depends, leaves, lift, plus, times
from .operations import is_real, name_of

SPARE = 3  # So many differences beyond the degree must be 0, which by chance they are once in 10^23 lines.


def degrees(
    program: torch.export.ExportedProgram, inputs: tuple[Tensor, ...], most: int, seed: int
) -> list[int | None]:
    """The degree of each output, or None where an operation is not computed, or the degree is above ``most``.

    Twice as many points are taken until the degrees found are too small for their number.
    """
    line, rows, points = Line(program, inputs, seed), [], 2 * SPARE
    first = int(field.uniform((1,), line.generator))
    while True:
        points = min(2 * points, most + 1 + SPARE)
        while len(rows) < points:
            rows.append(line.at(first + len(rows)))
            if all(value is None for value in rows[0]):
                return rows[0]
        found = [
            None if column[0] is None else field.degree(torch.tensor(column, dtype=torch.float64))
            for column in zip(*rows, strict=True)
        ]
        if all(degree is None or degree + SPARE < points for degree in found):
            return found
        if points > most + SPARE:
            return [None if degree is None or degree > most else degree for degree in found]


class Line:
    """A program's outputs on the points of a random line through its inputs, in a finite field.

    Args:
        program: of :func:`torch.export.export`.
        inputs: where the line starts; those of whole numbers or truth values stay where they are.
        seed: of the direction, and of how the elements of an output are added up.
    """

    def __init__(self, program: torch.export.ExportedProgram, inputs: tuple[Tensor, ...], seed: int) -> None:
        self.program = program
        self.generator = torch.Generator().manual_seed(seed)
        self.constants: dict[fx.Node, object] = {}  # What does not depend on the point is computed once.
        self.moving: dict[fx.Node, tuple[Exact, Exact]] = {}  # These inputs are start + t * direction.
        given, stored = iter(inputs), {**program.constants, **program.state_dict}
        specs = program.graph_signature.input_specs
        for node, spec in zip(program.graph.find_nodes(op="placeholder"), specs, strict=True):
            self.constants[node] = next(given) if spec.kind is InputKind.USER_INPUT else stored.get(spec.target)
            if spec.kind is InputKind.USER_INPUT and is_real(self.constants[node]):
                start = lift(self.constants.pop(node))
                if isinstance(start, Unknown):
                    raise ValueError("the example has infinite or undefined numbers: no line goes through it")
                self.moving[node] = start, self._drawn(start)
        kept = zip(program.graph_signature.output_specs, program.graph.output_node().args[0], strict=True)
        self.outputs = [node for spec, node in kept if spec.kind is OutputKind.USER_OUTPUT]
        self.nodes = self._needed()
        self.factors: dict[int, Exact] = {}
        self.matrices: dict[fx.Node, Exact] = {}

    def _drawn(self, like: Exact) -> Exact:
        real = field.uniform(like.real.shape, self.generator)
        return Exact(real, None if like.imaginary is None else field.uniform(real.shape, self.generator))

    def _needed(self) -> list[fx.Node]:
        """The nodes that an output is computed from, in the order of computation."""
        needed, left = set(), [node for node in self.outputs if isinstance(node, fx.Node)]
        while left:
            if (node := left.pop()) not in needed:
                needed.add(node)
                left += node.all_input_nodes
        return [node for node in self.program.graph.nodes if node in needed]

    def at(self, t: int) -> list[int | None]:
        """A number for each output: its elements times random numbers, added up; None where it is not known."""
        values = dict(self.constants)
        point = lift(t % field.PRIME)
        for node in self.nodes:
            if node in self.moving:
                start, direction = self.moving[node]
                values[node] = plus(start, times(direction, point))
            elif node.op == "get_attr":
                values[node] = self.constants[node] = getattr(self.program.graph_module, str(node.target))
            elif node not in values:
                values[node] = self._call(node, values)
        return [
            self._number(place, values[node]) for place, node in enumerate(self.outputs) if isinstance(node, fx.Node)
        ]

    def _call(self, node: fx.Node, values: dict):
        args, kwargs = fx.node.map_arg((node.args, dict(node.kwargs)), values.__getitem__)
        if any(map(depends, leaves((args, kwargs)))):
            return compute(node, args, kwargs, self.matrices)
        if _draws(node):
            return Unknown()
        self.constants[node] = node.target(*args, **kwargs)
        return self.constants[node]

    def _number(self, place: int, value) -> int | None:
        if isinstance(value, Root | Unknown):
            return None
        if not isinstance(value, Exact):
            return 0  # A constant, which has degree 0 whatever its value.
        factors = self.factors.setdefault(place, self._drawn(value))
        total = field.reduced(value.real * factors.real).sum()
        if value.imaginary is not None and factors.imaginary is not None:
            total = total + field.reduced(value.imaginary * factors.imaginary).sum()
        return int(total) % field.PRIME


def _draws(node: fx.Node) -> bool:
    """Whether an operation draws random numbers, which at inference attention does not."""
    random = torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
    return random and name_of(node.target) != "scaled_dot_product_attention"
