"""How large activations and gradients are, layer by layer, on one batch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .neurons import NEURONS

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
    layers = [m for m in model.modules() if isinstance(m, LAYERS)]
    # a polynomial layer has torch's own inside, which is not a layer of its own
    inner = {id(child) for layer in layers for child in layer.modules() if child is not layer}
    layers = [layer for layer in layers if id(layer) not in inner]
    squares: dict[int, list[Tensor]] = {number: [] for number in range(1, len(layers) + 1)}

    def look(number: int):
        def hook(_, __, output: Tensor) -> None:  # more than once, if a layer is used twice
            squares[number].append(output.detach().double().square().flatten())  # a square overflows in float32

        return hook

    hooks = [layer.register_forward_hook(look(number)) for number, layer in enumerate(layers, 1)]
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        loss = loss_of()
        weights = [[p for p in layer.parameters() if p.requires_grad] for layer in layers]
        every = [p for own in weights for p in own]
        gradients = iter(torch.autograd.grad(loss, every) if every else ())
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
    found = {f"activation_rms.{number}": torch.cat(own).mean().sqrt().item() for number, own in squares.items() if own}
    for number, own in ((number, own) for number, own in enumerate(weights, 1) if own):
        flat = torch.cat([next(gradients).double().flatten() for _ in own])
        found[f"gradient_rms.{number}"] = flat.square().mean().sqrt().item()
    return found
