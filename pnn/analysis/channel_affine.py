"""A scale and a shift of each channel: a batch normalisation in evaluation, and how a map beside it takes it."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class ChannelAffine(nn.Module):
    r"""A scale and a shift of each channel, what :func:`pnn.fold_batch_norm` leaves of a batch normalisation.

    .. math:: y_c = a_c x_c + b_c

    Args:
        scale: :math:`a`, one a channel (dimension 1 of the input); None is 1.
        shift: :math:`b`; None is 0.

    Shape:
        ``(N, C, *)`` to the same.
    """

    scale: Tensor | None
    shift: Tensor | None

    def __init__(self, scale: Tensor | None, shift: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) + (1,) * (x.dim() - 2)
        if self.scale is not None:
            x = x * self.scale.view(shape)
        return x if self.shift is None else x + self.shift.view(shape)

    def extra_repr(self) -> str:
        own = {"scale": self.scale, "shift": self.shift}
        return ", ".join(f"{name} of {len(value)} channels" for name, value in own.items() if value is not None)


@dataclass(frozen=True)
class Affine:
    """What a value still lacks: ``scale * value + shift`` for each channel, float64."""

    scale: Tensor
    shift: Tensor

    def after(self, earlier: "Affine | None") -> "Affine":
        """This one on top of another."""
        if earlier is None:
            return self
        return Affine(self.scale * earlier.scale, self.scale * earlier.shift + self.shift)

    @classmethod
    def of(cls, norm: _BatchNorm) -> "Affine":
        """The map of a batch normalisation in evaluation."""
        mean, variance = norm.running_mean.double(), norm.running_var.double()
        scale = (variance + norm.eps).rsqrt()
        if norm.weight is not None:
            scale = scale * norm.weight.detach().double()
        shift = -scale * mean
        return cls(scale, shift if norm.bias is None else shift + norm.bias.detach().double())


def pads_with_zeros(layer: Any) -> bool:
    if isinstance(layer, nn.Linear) or layer.padding_mode != "zeros" or layer.padding == "valid":
        return False
    return any(size > 1 for size in layer.kernel_size) if layer.padding == "same" else any(layer.padding)


@torch.no_grad()
def scale_outputs(layer: Any, affine: Affine) -> None:
    """The affine map after the layer becomes part of it."""
    weight, like = layer.weight.double(), layer.weight
    bias = 0 if layer.bias is None else layer.bias.double()
    scale = affine.scale.view(-1, *[1] * (weight.dim() - 1))
    layer.weight = nn.Parameter((weight * scale).to(like.dtype), requires_grad=like.requires_grad)
    layer.bias = nn.Parameter((bias * affine.scale + affine.shift).to(like.dtype), requires_grad=like.requires_grad)


@torch.no_grad()
def scale_inputs(layer: Any, affine: Affine) -> None:
    """The affine map before the layer becomes part of it. A flattened channel is so many features side by side."""
    weight, like = layer.weight.double(), layer.weight
    inputs = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
    groups = getattr(layer, "groups", 1)
    repeats = inputs // len(affine.scale)
    scale, shift = (part.repeat_interleave(repeats).view(groups, 1, -1, 1) for part in (affine.scale, affine.shift))
    grouped = weight.reshape(groups, weight.shape[0] // groups, inputs // groups, -1)
    more = (grouped * shift).sum((2, 3)).flatten()
    layer.weight = nn.Parameter((grouped * scale).view_as(weight).to(like.dtype), requires_grad=like.requires_grad)
    if layer.bias is not None or affine.shift.any():
        bias = more if layer.bias is None else layer.bias.double() + more
        layer.bias = nn.Parameter(bias.to(like.dtype), requires_grad=like.requires_grad)
