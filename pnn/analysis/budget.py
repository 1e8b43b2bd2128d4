"""What a network costs, and the width at which another one costs the same."""

import functools
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from .bare import empty, shapes_only, tensors_of, without_data
from .multiplications import counting

BUDGETS = ("parameters", "macs", "activation_bytes")


@dataclass(frozen=True)
class Budget:
    """The cost of one network on one example."""

    parameters: int  # trainable numbers
    macs: int  # multiply-accumulates of one forward pass of one row
    activation_bytes: int  # kept from the forward pass for the backward pass, of one row


def budget(model: nn.Module, example: Tensor | tuple[Tensor, ...]) -> Budget:
    """Measure a network's parameters, multiply-accumulates and activation memory.

    Multiply-accumulates are those of sums of products that depend on the input: matrix products of every kind,
    convolutions, bilinear maps and distances. Element-wise work, such as a polynomial neuron's one product an output,
    is not counted, and neither are statistics, pooling, interpolation, and weights that are computed from others.
    Activation memory is the size of all distinct storages that autograd saves in training mode, parameters and the
    input excluded.

    Neither depends on how many rows the example has. Multiply-accumulates are counted on one row, or, where a network
    takes no single row in training mode, on two, of which a row then has half. Memory is taken on two rows, of which a
    row has half; but what is computed from parameters alone, such as a copy of a weight, is the same for a batch of any
    size and counts once. Where the code of a network fixes the number of rows, both are taken on the example as it is.

    The model is left as it was, with torch's and Python's random numbers. The measurement runs on a copy without data
    and without the caller's hooks.

    Args:
        model: any module that :func:`audit` takes.
        example: a batch of at least one row, shape ``(N, ...)``; a tuple for a network of several inputs. Those with as
            many rows as the first are taken to be batches.

    Warns:
        UserWarning: an operation is known neither as counted nor as free of sums of products. It is named, and adds 0;
            ``torch.utils.flop_counter.register_flop_formula`` tells how to count it.

    Raises:
        ValueError: the example is no tensor and no tuple of tensors, or has no row; Python cannot copy the network; it
            does not run on the example, or branches by what it computes.
    """
    inputs = _batch(example)
    macs, unknown = _macs(model, inputs)
    _warn(unknown)
    return Budget(parameters=_parameters(model), macs=macs, activation_bytes=_activation_bytes(model, inputs))


def kept_bytes(model: nn.Module, example: Tensor | tuple[Tensor, ...]) -> int:
    """Activation memory of a whole batch, as :func:`budget` measures it, and with its errors.

    It grows evenly with the rows, so that it is computed from two and four of them, where the network takes so few: a
    polynomial activation, which goes through its input in blocks, has many times the operations in a large batch.
    """
    inputs = _batch(example)
    few, least = _cost(model, inputs, 2)
    more, most = _cost(model, inputs, 4)
    a_row = (more.kept - few.kept) // (most - least) if most > least else 0
    return few.kept + a_row * (len(inputs[0]) - least) + few.copies


def _batch(example) -> tuple[Tensor, ...]:
    inputs = tensors_of(example)
    if inputs[0].dim() == 0 or len(inputs[0]) == 0:
        raise ValueError(f"budget needs an example with at least one row, got shape {tuple(inputs[0].shape)}")
    return inputs


def _parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@dataclass(frozen=True)
class _Cost:
    """The cost of one forward pass of a batch."""

    macs: int
    kept: int  # bytes that depend on the input
    copies: int  # bytes that do not
    unknown: frozenset[str]  # names of operations that nobody can count


def _macs(model: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[int, frozenset[str]]:
    """Multiply-accumulates of a row, and the operations that were not counted."""
    cost, rows = _cost(model, inputs, 1, 2)
    return cost.macs // rows, cost.unknown


def _activation_bytes(model: nn.Module, inputs: tuple[Tensor, ...]) -> int:
    cost, rows = _cost(model, inputs, 2)
    return cost.kept // rows + cost.copies


def _cost(model: nn.Module, inputs: tuple[Tensor, ...], *numbers: int) -> tuple[_Cost, int]:
    """The cost of a batch of the first of these numbers of rows that the network takes, or else of the example's."""
    given = len(inputs[0])
    with shapes_only():
        bare = without_data(model)
        for rows in numbers:
            try:
                return _run(bare, tuple(empty(t, rows if t.dim() and len(t) == given else None) for t in inputs)), rows
            except Exception:  # Torch has many words for too few rows, such as BatchNorm's in training mode.
                bare = without_data(model)  # It may have stopped halfway.
        try:
            return _run(bare, tuple(map(empty, inputs))), given
        except Exception as error:
            raise ValueError(
                f"{type(model).__name__} cannot be measured on inputs of shape "
                f"{', '.join(str(tuple(t.shape)) for t in inputs)}: {type(error).__name__}: {error}\nCheck that "
                "model(example) runs in training mode, that the model is not compiled, and that no Python branch "
                "depends on values (if x.sum() > 0)."
            ) from error


def _run(model: nn.Module, inputs: tuple[Tensor, ...]) -> _Cost:
    """One forward pass, in `shapes_only`."""
    own = {t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers(), *inputs)}
    saved: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.layout is torch.strided and (storage := tensor.untyped_storage())._cdata not in own:
            saved[storage._cdata] = storage  # It is held so that no later storage can take its address.
        return tensor

    with torch.enable_grad(), saved_tensors_hooks(keep, lambda tensor: tensor), counting(inputs) as counter:
        output = model(*inputs)
    kept = sum(storage.nbytes() for storage in saved.values() if counter.follows(storage))
    copies = sum(storage.nbytes() for storage in saved.values()) - kept
    del output
    return _Cost(counter.macs, kept, copies, frozenset(counter.unknown))


def _warn(unknown: Iterable[str]) -> None:
    if unknown:
        warnings.warn(
            f"budget counts no multiply-accumulates of {', '.join(sorted(unknown))}, which it does not know. Register "
            "how many it takes with torch.utils.flop_counter.register_flop_formula.",
            stacklevel=3,
        )


def match_width(
    build: Callable[[int], nn.Module],
    target: nn.Module | int,
    by: str = "parameters",
    *,
    example: Tensor | tuple[Tensor, ...] | None = None,
    tolerance: float = 0.01,
    largest: int = 65536,
) -> int:
    """The width whose network costs nearest to the target.

    Args:
        build: makes the network of a width; its cost must grow with the width.
        target: the network to match, or its cost as a number.
        by: ``"parameters"``, ``"macs"`` or ``"activation_bytes"``.
        example: a batch for the last two, as for :func:`budget`.
        tolerance: the relative difference that is still a match.
        largest: the widest network to try.

    Raises:
        ValueError: ``by`` is unknown, the example is missing, or no width is within ``tolerance``; the message
            names the two nearest widths.

    Example:
        >>> standard = pnn.CNN(3, 10, width=149)
        >>> pnn.match_width(lambda w: pnn.CNN(3, 10, w, neuron="polynomial"), standard)
        86
    """
    if by not in BUDGETS:
        raise ValueError(f"by must be one of {', '.join(BUDGETS)}, got {by!r}")
    if example is None and (by != "parameters" or not isinstance(target, nn.Module | int)):
        raise ValueError(f"matching by {by} needs an example batch: match_width(..., example=x)")

    unknown: set[str] = set()

    def cost(model: nn.Module) -> int:
        if by == "parameters":
            return _parameters(model)
        if by == "activation_bytes":
            return _activation_bytes(model, _batch(example))
        macs, found = _macs(model, _batch(example))
        unknown.update(found)
        return macs

    @functools.cache
    def cost_of(width: int) -> int:
        with torch.device("meta"):
            model = build(width)
        return cost(model)

    goal = cost(target) if isinstance(target, nn.Module) else target
    if goal < 1:
        raise ValueError(f"the target must be at least 1, got {goal}")
    low, high = 1, 2
    while cost_of(high) < goal:
        if high >= largest:
            raise ValueError(f"even width {high} has {by} {cost_of(high):,}, fewer than the target {goal:,}")
        low, high = high, min(2 * high, largest)
    while high - low > 1:  # Here cost(low) < goal <= cost(high), or low is 1.
        middle = (low + high) // 2
        low, high = (middle, high) if cost_of(middle) < goal else (low, middle)
    best = min((low, high), key=lambda width: abs(cost_of(width) - goal))
    _warn(unknown)
    if abs(cost_of(best) - goal) > tolerance * goal:
        raise ValueError(
            f"no width matches {goal:,} {by} within {tolerance:.1%}: width {low} has {cost_of(low):,} "
            f"({cost_of(low) / goal - 1:+.1%}), width {high} has {cost_of(high):,} ({cost_of(high) / goal - 1:+.1%}). "
            "Choose another target width or a larger tolerance."
        )
    return best
