"""How large activations and gradients are, layer by layer, on one batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.neurons import NEURONS

LAYERS = tuple(kind for n in NEURONS.values() for kind in (n.linear, n.conv1d, n.conv2d) if kind)


def norms(model: nn.Module, loss_of: Callable[[], Tensor]) -> dict[str, float]:
    """Root mean square of each layer's output and of its parameters' gradient.

    The layers are those with weights, in the order of the model: ``activation_rms.1`` and ``gradient_rms.1`` are of the
    first, and so on; a layer whose weights are all frozen has no gradient. Measured in evaluation mode; weights,
    gradients, statistics and modes are left as they were, and no random number is drawn.

    Args:
        model: any module.
        loss_of: computes the loss on the batch, calling the model once.
    """
    layers = _outermost(model)
    with _evaluating(model), _squares_of_outputs(layers) as squares:
        loss = loss_of()
        weights = [[p for p in layer.parameters() if p.requires_grad] for layer in layers]
        every = [parameter for own in weights for parameter in own]
        gradients = iter(torch.autograd.grad(loss, every) if every else ())
    found = {}
    for number, own in enumerate(squares, 1):
        if own:
            found[f"activation_rms.{number}"] = torch.cat(own).mean().sqrt().item()
    for number, own in enumerate(weights, 1):
        if own:
            flat = torch.cat([next(gradients).double().flatten() for _ in own])
            found[f"gradient_rms.{number}"] = flat.square().mean().sqrt().item()
    return found


def _outermost(model: nn.Module) -> list[nn.Module]:
    """The layers with weights. A polynomial layer has torch's own inside, which is not a layer of its own."""
    layers = [module for module in model.modules() if isinstance(module, LAYERS)]
    inner = {id(child) for layer in layers for child in layer.modules() if child is not layer}
    return [layer for layer in layers if id(layer) not in inner]


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards every module's own mode again."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def _squares_of_outputs(layers: list[nn.Module]) -> Iterator[list[list[Tensor]]]:
    """The squares of each layer's outputs within the context: one tensor for each time that the layer is used."""
    squares: list[list[Tensor]] = [[] for _ in layers]

    def keep(own: list[Tensor]) -> Callable[[nn.Module, Any, Tensor], None]:
        # The precision is double, as a square may overflow in float32.
        return lambda _, __, output: own.append(output.detach().double().square().flatten())

    hooks = [layer.register_forward_hook(keep(own)) for layer, own in zip(layers, squares, strict=True)]
    try:
        yield squares
    finally:
        for hook in hooks:
            hook.remove()
