"""Is a network a polynomial of its input at inference? Of which degree and depth, or what stops it or is not known?"""

import functools
import warnings
from collections import Counter
from dataclasses import dataclass, field

import torch
from torch import Tensor, fx, nn

from .bare import copied, quiet, tensors_of
from .line import degrees
from .operations import WHOLE, is_real, name_of
from .walk import Walk


@dataclass(frozen=True)
class Obstacle:
    """One operation that stops a network from being a polynomial of its input."""

    module: str  # The path of the module that calls it; "" is the network itself.
    kind: str  # The class of that module.
    operation: str  # The name that torch has for it, such as "relu".
    reason: str  # One of "piecewise polynomial", "transcendental", "rational: ...", and others.

    def __str__(self) -> str:
        return f"{self.module} {self.kind}: {self.operation} ({self.reason})".lstrip()


@dataclass(frozen=True)
class DegreeStep:
    """One operation that raises the degree."""

    module: str  # The path of the module that calls it; "" is the network itself.
    kind: str  # The class of that module.
    operation: str  # The name that torch has for it, such as "mul".
    degree: int  # of what it returns

    def __str__(self) -> str:
        return f"{self.module} {self.kind}: {self.operation}, degree {self.degree:,}".lstrip()


@dataclass(frozen=True)
class Audit:
    """What :func:`audit` found; printed, it names each kind of obstacle once, with all its places."""

    polynomial: bool | None  # It is None where that is not decided.
    degree: int | None  # It is None for what is no polynomial, or not decided.
    multiplicative_depth: int | None  # It is None for what is no polynomial, or not decided.
    obstacles: tuple[Obstacle, ...]  # They stand in the order of computation; a polynomial has none.
    # Of a polynomial, the operations that raise the degree, on a way from the input to an output that attains it.
    path: tuple[DegreeStep, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        if self.polynomial:
            return f"polynomial of degree {self.degree:,}, multiplicative depth {self.multiplicative_depth:,}"
        places: dict[tuple[str, str, str], Counter[str]] = {}
        for one in self.obstacles:
            places.setdefault((one.kind, one.operation, one.reason), Counter())[one.module or "the network itself"] += 1
        verdict = "undecided" if self.polynomial is None else "not a polynomial"
        lines = [f"{verdict}; obstacles: {len(self.obstacles)}"]
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
    - It is **not a polynomial** if an obstacle is known to be one and reaches an output. That, too, holds unless terms
      cancel: ``relu(x) - relu(-x)`` is x, and the audit does not see it. A root, an absolute value or a norm that is
      squared is none.
    - It is **undecided** if all that stops it is an operation that is not known, and takes a value that depends on the
      input; what comes before and after such an operation decides nothing. It is undecided, too, where one operation
      may undo another: two roots, absolute values, signs, norms or quotients of the same that are multiplied, an even
      power of one of them, a logarithm of an exponential.
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
    inputs, model = tensors_of(example), copied(model).eval()
    device = "meta" if any(t.is_meta for t in (*model.parameters(), *model.buffers())) else "cpu"
    inputs, model = tuple(t.detach().to(device) for t in inputs), model.to(device)
    walk = Walk(_program(model, inputs), inputs)
    value = walk.output()
    if not walk.variable:
        raise ValueError(
            "an example of whole numbers needs a network that embeds them (nn.Embedding), "
            f"{type(model).__name__} does not; give quantities as real numbers: example.float()"
        )
    modules = dict(model.named_modules(remove_duplicate=False))
    if value.obstacles:
        found = (walk.obstacles[place] for place in sorted(value.obstacles))
        obstacles = tuple(Obstacle(*_place(modules, node), reason) for node, reason in found)
        return Audit(False if value.sure else None, None, None, obstacles)
    path = (DegreeStep(*_place(modules, node), walk.values[node].degree) for node in walk.path())
    return Audit(True, value.degree, value.depth, (), tuple(path))


def degree_along_line(
    model: nn.Module, example: Tensor | tuple[Tensor, ...], *, most: int = 128, seed: int = 0
) -> int | None:
    r"""Measure the degree of a network along a random line, without rounding and without the rules of :func:`audit`.

    .. math:: p(t) = f(x_0 + t d)

    with the example as :math:`x_0`. The exported network is computed at consecutive whole :math:`t` in the field of
    whole numbers modulo a prime near :math:`2^{26}`, from which :math:`d` is drawn. Every number that a computer can
    hold is a fraction, and stands for itself there. The degree is the order of the last difference that is not 0; so
    many points are taken that three further ones are.

    Along almost every line a polynomial has its total degree. Measured below the audit's bound, terms cancel; measured
    above it, the audit would be refuted. What depends on the weights alone is computed as the network does, in floating
    point, before it is taken to the field: terms that would cancel but for this rounding do not cancel here. Casts
    change no number. What is written to a buffer is not seen at the next point.

    Args:
        model: any module that :func:`torch.export.export` can read; a copy in evaluation mode is measured.
        example: where the line starts; inputs of whole numbers or truth values stay where they are.
        most: the largest degree to look for, which takes 4 points more.
        seed: of the line's direction.

    Returns:
        The degree, or None: no verdict, since the degree is above ``most``, or an operation on what depends on the
        input has no value in the field. Most obstacles of :func:`audit` have none.

    Raises:
        ValueError: ``most`` is negative, the example holds no real number or one that is not finite, the network has no
            data, it returns no tensor, or torch cannot copy or export it.
    """
    if most < 0:
        raise ValueError(f"most must be at least 0, got {most}")
    inputs = tuple(t.detach().cpu() for t in tensors_of(example))
    if any(t.is_meta for t in (*inputs, *model.parameters(), *model.buffers())):
        raise ValueError("the probe computes with numbers, which tensors on the meta device do not have")
    if not any(map(is_real, inputs)):
        raise ValueError("a line needs an example with real numbers, got " + ", ".join(str(t.dtype) for t in inputs))
    with torch.no_grad():
        found = degrees(_program(copied(model).eval().cpu(), inputs), inputs, most, seed)
    if not found:
        raise ValueError(f"{type(model).__name__} returns no tensor, and no tuple, list or dict of tensors")
    return None if None in found else max(found)


def _program(model: nn.Module, inputs: tuple[Tensor, ...]) -> torch.export.ExportedProgram:
    """The network in torch's core operations, and those of `WHOLE`."""
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # They are about deploying the copy.
            return torch.export.export(model, inputs, strict=False).run_decompositions(_decompositions())
    except Exception as error:
        raise ValueError(
            f"torch cannot export {type(model).__name__}, so that its operations cannot be read: "
            f"{type(error).__name__}: {error}\nCheck that model(example) runs, that the model is not compiled, and "
            "that no Python branch depends on values (if x.sum() > 0); torch.where can be exported."
        ) from error


@functools.cache
def _decompositions() -> dict:
    return {op: rule for op, rule in torch.export.default_decompositions().items() if name_of(op) not in WHOLE}


def _place(modules: dict[str, nn.Module], node: fx.Node) -> tuple[str, str, str]:
    """The path and the class of the module that calls an operation, and its name, in words that a user knows."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    path, name = stack[-1][0] if stack else "", name_of(node.target)
    kind = type(modules.get(path, modules[""])).__name__
    return path, kind, "batch_norm" if "batch_norm" in name else name
