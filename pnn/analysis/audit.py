"""Is a network a polynomial of its input at inference? Of which degree and depth, or what stops it?"""

import copy
import functools
import math
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

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
class Audit:
    """What :func:`audit` found; printed, it names each kind of obstacle once, with all its places."""

    polynomial: bool
    degree: int | None  # It is None for what is no polynomial.
    multiplicative_depth: int | None  # It is None for what is no polynomial.
    obstacles: tuple[Obstacle, ...]  # They stand in the order of computation; a polynomial has none.

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
    walk = Walk(_program(model, inputs), inputs)
    value = walk.output()
    if not walk.variable:
        raise ValueError(
            "an example of whole numbers needs a network that embeds them (nn.Embedding), "
            f"{type(model).__name__} does not; give quantities as real numbers: example.float()"
        )
    if value.obstacles:
        modules = dict(model.named_modules(remove_duplicate=False))
        found = (walk.obstacles[place] for place in sorted(value.obstacles))
        return Audit(False, None, None, tuple(_obstacle(modules, node, reason) for node, reason in found))
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
    if not any(map(is_real, inputs)):
        raise ValueError("a line needs an example with real numbers, got " + ", ".join(str(t.dtype) for t in inputs))
    model, generator = _copy(model).to("cpu", torch.float64), torch.Generator().manual_seed(seed)
    line = [x.to("cpu", torch.promote_types(x.dtype, torch.float64) if is_real(x) else x.dtype) for x in inputs]
    line = [(x, torch.randn(x.shape, dtype=x.dtype, generator=generator) if is_real(x) else None) for x in line]
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
    except (RuntimeError, TypeError) as error:  # Pruning and the old weight_norm leave a computed tensor behind.
        raise ValueError(
            f"{type(model).__name__} cannot be copied: {error}\nMake computed weights permanent (torch.nn.utils.prune."
            "remove, remove_weight_norm) or use torch.nn.utils.parametrizations."
        ) from error


def _program(model: nn.Module, inputs: tuple[Tensor, ...]) -> torch.export.ExportedProgram:
    """The network in torch's core operations, and those of `WHOLE`."""
    try:
        with warnings.catch_warnings():
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


def _obstacle(modules: dict[str, nn.Module], node: fx.Node, reason: str) -> Obstacle:
    """Where an operation is called, in words that a user knows."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    path, name = stack[-1][0] if stack else "", name_of(node.target)
    kind = type(modules.get(path, modules[""])).__name__
    return Obstacle(path, kind, "batch_norm" if "batch_norm" in name else name, reason)


def _tensors(output) -> Iterator[Tensor]:
    """All tensors of a network's output, in float64."""
    if isinstance(output, Tensor):
        yield (torch.view_as_real(output) if output.is_complex() else output).double()
    elif isinstance(output, dict | list | tuple):
        for part in output.values() if isinstance(output, dict) else output:
            yield from _tensors(part)
