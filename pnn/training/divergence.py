"""Where a training stopped being finite."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn


class Diverged(Exception):
    """A loss, a gradient or a weight that is not finite; the message names where."""


def bad_weight(weights: dict[str, Tensor]) -> str:
    """The end of a message that names the first weight that is not finite; empty if all are finite."""
    return next((f"; the weight {name!r} is not finite" for name, w in weights.items() if not w.isfinite().all()), "")


@torch.no_grad()
def bad_place(model: nn.Module, x: Tensor, autocast: AbstractContextManager) -> str:
    """The end of a message that names where, in the order of computation, a step on x first is not finite."""
    if not x.isfinite().all():
        return "; the input is not finite"
    if bad := bad_weight(dict(model.named_parameters())):
        return bad
    first: list[str] = []

    def look(name: str, module: nn.Module):
        def hook(_, __, output: Tensor) -> None:
            if not first and not output.isfinite().all():
                first.append(f"; first in the output of layer {name!r} ({type(module).__name__})")

        return hook

    hooks = [module.register_forward_hook(look(name, module)) for name, module in model.named_modules() if name]
    try:
        with autocast:
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    if first:
        return first[0]
    for name, parameter in reversed(list(model.named_parameters())):
        if parameter.grad is not None and not parameter.grad.isfinite().all():
            return f"; first in the gradient of {name!r}"
    return ""
