"""Health of a trained network: statistics that are not finite or dead, how large its logits are, what lies outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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


def health_of(
    model: nn.Module,
    train_logit: float,
    test_logit: float,
    train_outside: float | None = None,
    test_outside: float | None = None,
) -> Health:
    """The health of a network whose logits have been seen.

    Args:
        model: the network that was evaluated.
        train_logit: its largest absolute logit on training rows.
        test_logit: its largest absolute logit on test rows.
        train_outside: share of the inputs of its polynomial activations outside of their interval, on training rows.
        test_outside: the same on test rows.
    """
    buffers = [buffer for buffer in model.buffers() if buffer.is_floating_point() or buffer.is_complex()]
    normalisations = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    variances = [module.running_var for module in normalisations if module.running_var is not None]
    return Health(
        nonfinite=sum(int((~buffer.isfinite()).sum()) for buffer in buffers),
        dead=sum(int((variance == 0).sum()) for variance in variances),
        train_logit=train_logit,
        test_logit=test_logit,
        train_outside=train_outside,
        test_outside=test_outside,
    )
