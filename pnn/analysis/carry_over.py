"""New layers and activations that start as near to the old ones as they can."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..methods.relinear import relinear_
from ..networks.neurons import NEURONS
from ..nn.fused import fuse, settings_of
from ..nn.plain import owns_its_weight

POINTS = 192  # An activation is fitted at so many quantiles of its inputs,
MARGIN = 64  # and at so many points spread evenly over twice their range: what it is given later may lie there.
STEPS = 50
DAMPING = 1e-3  # of the first step, relative to the squares of the slopes
LARGEST = 100.0  # No parameter is fitted beyond this: with such a slope a Swish is ReLU, and learns no more.


# --- layers ----------------------------------------------------------------------------------------------------------


def started_as(layer: nn.Linear | nn.Conv1d | nn.Conv2d, neuron: str) -> tuple[nn.Module, str]:
    """A layer of a neuron with the settings of torch's layer, and in words what it keeps of it.

    A polynomial layer A x + (B x)(C x) starts with the old weights as A, with C = 0, and with a B of the size of A,
    drawn branch by branch: an initialisation that reads the number of outputs off the fused map would see three times
    as many. So the product is zero, and C has a gradient. Quadratic and bilinear layers start with the old map times a
    constant 1. The other neurons have no conventional start.

    Raises:
        ValueError: the neuron has no layer of this kind, or the weights of the old one are computed from others.
    """
    kind = NEURONS[neuron]
    if type(layer) not in (nn.Linear, nn.Conv1d, nn.Conv2d):
        raise ValueError(f"{type(layer).__name__} is a subclass, which may compute something else")
    if not owns_its_weight(layer):
        raise ValueError("its weight is computed from others, by a normalisation or a mask, which it would lose")
    target = {nn.Linear: kind.linear, nn.Conv1d: kind.conv1d, nn.Conv2d: kind.conv2d}[type(layer)]
    if target is None:
        raise ValueError(f"the neuron {neuron!r} has no layer for {type(layer).__name__}")
    weight: Tensor = layer.weight
    if isinstance(layer, nn.Linear):
        settings: dict[str, Any] = {"in_features": layer.in_features, "out_features": layer.out_features}
    else:
        settings = settings_of(layer)
    settings |= {"device": weight.device, "dtype": weight.dtype}
    if neuron == "polynomial":
        b, c = (type(layer)(**settings, bias=layer.bias is not None) for _ in range(2))
        with torch.no_grad():
            nn.init.normal_(b.weight, std=1).mul_(weight.square().mean().sqrt())
            for zero in (b.bias, c.weight, c.bias):
                if zero is not None:
                    zero.zero_()
        return target.from_branches(layer, b, c), "the old map, the product starts at 0"
    if neuron == "quadratic":
        return relinear_(target(**settings, bias=True), layer), "the old map, times a gate that starts at 1"
    new = target(**settings, bias=layer.bias is not None or neuron == "bilinear", **kind.options)
    if neuron != "bilinear":
        return new, "nothing: this neuron has no conventional start"
    with torch.no_grad():
        groups = getattr(layer, "groups", 1)
        bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias
        new.maps.weight.copy_(fuse([weight, torch.zeros_like(weight)], groups))
        new.maps.bias.copy_(fuse([bias, torch.ones_like(bias)], groups))
    return new, "the old map, times a gate that starts at 1"


# --- activations -----------------------------------------------------------------------------------------------------


def quantiles(x: Tensor) -> Tensor:
    """What represents many numbers, in float64: the quantiles of at most 100,000 of them, and points beyond them."""
    x = x.detach().flatten()
    step = max(1, math.ceil(x.numel() / 100_000))
    shares = torch.linspace(0, 1, POINTS, dtype=torch.float64, device=x.device)
    found = torch.quantile(x[::step].double(), shares)
    low, high = found[0], found[-1]
    return torch.cat([found, low - (high - low) / 2 + 2 * (high - low) * shares[:: POINTS // MARGIN]])


def fitted(
    build: Callable[[int], nn.Module], channels: int, old: Callable[[Tensor], Tensor], x: Tensor
) -> tuple[nn.Module, float | None]:
    """An activation for so many channels whose parameters are fitted to another one, and how near it comes.

    The fit is by least squares over the points x (Levenberg's method, one step where the parameters are factors of
    sums). All channels start with the same parameters then.

    Args:
        build: makes the activation for a number of channels.
        channels: their number.
        old: the function to fit.
        x: the points, in float64.

    Returns:
        The activation, and the root mean square of the difference over that of the old one's values; None if it is not
        a function of each element by itself, so that it cannot be fitted.
    """
    new = build(channels)
    if not is_element_wise(build):
        return new, None
    one, y = build(1).to(x).eval(), old(x.clone())  # It may work in place.
    names = [name for name, parameter in one.named_parameters() if parameter.requires_grad]
    start = [dict(one.named_parameters())[name].detach() for name in names]

    def difference(flat: Tensor) -> Tensor:
        parts = flat.split([p.numel() for p in start])
        named = {name: part.view_as(p) for name, part, p in zip(names, parts, start, strict=True)}
        return torch.func.functional_call(one, named, (x[:, None].to(flat.dtype),))[:, 0].double() - y

    flat = torch.cat([p.flatten() for p in start]) if start else x.new_zeros(0)
    with torch.no_grad():
        if len(flat):  # The start may be a saddle: TPGU's is one, where half of its coefficients have no effect.
            ends = [_least_squares(difference, begin) for begin in (flat, flat + 0.1)]
            flat = min(ends, key=lambda end: difference(end.float()).square().sum().item())
        for name, part in zip(names, flat.split([p.numel() for p in start]), strict=True):
            single, own = dict(one.named_parameters())[name], dict(new.named_parameters())[name]
            part = part.view_as(single)
            own.copy_(part.unsqueeze(-1) if part.dim() < own.dim() else part)  # The last dimension is the channels'.
        size = y.square().mean().sqrt().clamp(min=torch.finfo(y.dtype).tiny)
        return new, (difference(flat.float()).square().mean().sqrt() / size).item()


def is_element_wise(build: Callable[[int], nn.Module]) -> bool:
    """Whether the output of a channel depends on this channel alone."""
    x = torch.linspace(-2, 2, 9)
    module = build(2).eval()
    with torch.no_grad():
        one, other = (module(torch.stack([x, second], 1))[:, 0] for second in (x, 2 * x + 1))
    return torch.equal(one, other)


def _least_squares(difference: Callable[[Tensor], Tensor], flat: Tensor) -> Tensor:
    """The steps are computed in float64, and taken if they help in float32: huge terms that cancel do not."""
    best, loss, damping = flat, difference(flat.float()).square().sum(), DAMPING
    slopes = torch.func.jacrev(difference)
    for _ in range(STEPS):
        matrix, rest = slopes(best), difference(best)
        scale = matrix.norm(dim=0)  # The powers of a large number differ much; a parameter may have no effect here.
        scale = torch.where(scale > 0, scale, 1)
        improved = False
        for _ in range(10):  # The damping grows until a step helps.
            system = torch.cat([matrix / scale, damping**0.5 * torch.eye(len(best)).to(best)])
            right = torch.cat([-rest, rest.new_zeros(len(best))])
            step = torch.linalg.lstsq(system, right[:, None]).solution[:, 0] / scale
            trial = (best + step).clamp(-LARGEST, LARGEST)
            found = difference(trial.float()).square().sum()
            if found < loss:
                improved = found < loss * (1 - 1e-6)
                best, loss, damping = trial, found, damping / 10
                break
            damping *= 10
        if not improved:
            break
    return best
