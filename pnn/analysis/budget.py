"""What a network costs, and the width at which another one costs the same."""

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

BUDGETS = ("parameters", "macs", "activation_bytes")


@dataclass(frozen=True)
class Budget:
    """The cost of one network on one example."""

    parameters: int  # trainable numbers
    macs: int  # multiply-accumulates of one forward pass of one row
    activation_bytes: int  # kept from the forward pass for the backward pass, of one row


def budget(model: nn.Module, example: Tensor) -> Budget:
    """Measure a network's parameters, multiply-accumulates and activation memory.

    Multiply-accumulates are half of what torch's own counter
    (:class:`torch.utils.flop_counter.FlopCounterMode`) counts: matrix products and convolutions. Element-wise
    work, such as a polynomial neuron's one product an output, is not counted by it. Activation memory is the
    size of all distinct storages that autograd saves in training mode, parameters and the input excluded.

    The model is left as it was: the measurement runs on a copy without data (torch's ``meta`` device).

    Args:
        model: any module that takes one tensor.
        example: a batch of at least one row, shape ``(N, ...)``; macs and bytes are per row.

    Raises:
        ValueError: the example has no row.
    """
    if example.dim() == 0 or len(example) == 0:
        raise ValueError(f"budget needs an example with at least one row, got shape {tuple(example.shape)}")
    model, x = _on_meta(model, example)
    return Budget(parameters=_parameters(model), macs=_macs(model, x), activation_bytes=_activation_bytes(model, x))


def _on_meta(model: nn.Module, example: Tensor) -> tuple[nn.Module, Tensor]:
    """Make a copy without data, in training mode, and a batch for it."""
    # BatchNorm in training mode refuses a single value a channel. So at least two rows are measured, then divided by.
    x = torch.empty((max(2, len(example)), *example.shape[1:]), dtype=example.dtype, device="meta")
    return copy.deepcopy(model).to("meta").train(), x


def _parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _macs(model: nn.Module, x: Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x)
    return counter.get_total_flops() // 2 // len(x)


def _activation_bytes(model: nn.Module, x: Tensor) -> int:
    own = {p.untyped_storage()._cdata for p in (*model.parameters(), *model.buffers(), x)}
    saved: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            saved[storage._cdata] = storage  # It is held so that no later storage can take its address.
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(x)
    held = sum(storage.nbytes() for storage in saved.values())
    del output
    return held // len(x)


def match_width(
    build: Callable[[int], nn.Module],
    target: nn.Module | int,
    by: str = "parameters",
    *,
    example: Tensor | None = None,
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

    def cost(model: nn.Module) -> int:
        if by == "parameters":
            return _parameters(model)
        return {"macs": _macs, "activation_bytes": _activation_bytes}[by](*_on_meta(model, example))

    @functools.cache
    def cost_of(width: int) -> int:
        with torch.device("meta"):
            return cost(build(width))

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
    if abs(cost_of(best) - goal) > tolerance * goal:
        raise ValueError(
            f"no width matches {goal:,} {by} within {tolerance:.1%}: width {low} has {cost_of(low):,} "
            f"({cost_of(low) / goal - 1:+.1%}), width {high} has {cost_of(high):,} ({cost_of(high) / goal - 1:+.1%}). "
            "Choose another target width or a larger tolerance."
        )
    return best
