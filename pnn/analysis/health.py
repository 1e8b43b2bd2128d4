"""Health of a trained network: statistics that are not finite or dead, how large its logits are, what lies outside."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..nn import PolynomialActivation


@dataclass(frozen=True)
class Health:
    """What may be wrong with a network although its loss is finite."""

    nonfinite: int  # entries of buffers, such as running statistics, that are infinite or no number
    dead: int  # channels of batch normalisations whose running variance is 0
    train_logit: float  # the largest absolute logit on training rows, unaugmented, in evaluation mode
    test_logit: float  # the same on test rows
    # The share of all inputs of polynomial activations that lie outside of their interval, on training and on test
    # rows; None if there are no such activations, and in older Records.
    train_outside: float | None = None
    test_outside: float | None = None
    # Rows whose own loss is above the limit beyond which a network has exploded, or whose logits are not finite; None
    # of numbers, which have no such limit, and in older Records.
    train_exploded: int | None = None
    test_exploded: int | None = None
    test_median: float | None = None  # of the test rows' losses; None in older Records
    # Of 256 validation rows whose standardised inputs are multiplied by 1, 1.5, 2, 2.5 and 3: the largest absolute
    # logit of the median row, and of all; None for token numbers, and in older Records.
    scaled_median: list[float] | None = None
    scaled_largest: list[float] | None = None
    # Entries of what the optimiser keeps of the gradients that are infinite or no number: their parameters no longer
    # learn, though nothing of it shows in the loss. None in older Records.
    nonfinite_optimiser: int | None = None


@dataclass
class Outside:
    """How many inputs of a network's polynomial activations were seen, and lay outside of their interval."""

    seen: int = 0
    counts: list[Tensor] = field(default_factory=list)

    @property
    def share(self) -> float | None:
        """The share of those outside; None if none were seen."""
        return torch.stack(self.counts).sum().item() / self.seen if self.seen else None


@contextmanager
def inputs_outside(model: nn.Module) -> Iterator[Outside]:
    """Count, within the context, the inputs of polynomial activations that lie outside of their interval."""
    found = Outside()

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found.seen += inputs[0].numel()
        found.counts.append(module.outside(inputs[0]).sum())  # type: ignore[operator]

    activations = [module for module in model.modules() if isinstance(module, PolynomialActivation)]
    hooks = [module.register_forward_pre_hook(look) for module in activations]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def nonfinite_entries(tensors: Iterable[Tensor]) -> int:
    """How many entries of tensors, all on one device, are infinite or no number.

    The usual case, that none is, costs one transfer from the device.
    """
    tensors = [tensor for tensor in tensors if tensor.is_floating_point() or tensor.is_complex()]
    if not tensors or torch.stack([tensor.isfinite().all() for tensor in tensors]).all():
        return 0
    return sum(int((~tensor.isfinite()).sum()) for tensor in tensors)


def health_of(model: nn.Module, **seen: Any) -> Health:
    """The health of a network that has been evaluated.

    Args:
        model: the network that was evaluated.
        **seen: what the evaluations found, by the names of :class:`Health`.
    """
    normalisations = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    variances = [module.running_var for module in normalisations if module.running_var is not None]
    return Health(
        nonfinite=nonfinite_entries(model.buffers()),
        dead=sum(int((variance == 0).sum()) for variance in variances),
        **seen,
    )
