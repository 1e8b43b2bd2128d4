"""What the neurons of several maps share: one fused linear map of the input, drop-ins for torch's own layers.

A neuron computes ``k`` maps of its input and combines them without further parameters. The maps are one linear layer or
convolution (``maps``) with ``k`` times as many outputs, ordered by group, then branch, then channel, so that each group
of the fused convolution computes whole neurons.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

# what torch's convolutions are told, and keep under the same names
SETTINGS = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")


def settings_of(conv: nn.Module) -> dict[str, Any]:
    """The settings of a convolution, ours or torch's."""
    return {name: getattr(conv, name) for name in SETTINGS}


def describe(conv: nn.Module, bias: bool) -> str:
    """The settings of a convolution in torch's words, which leave out what is as by default."""
    text = f"{conv.in_channels}, {conv.out_channels}, kernel_size={conv.kernel_size}, stride={conv.stride}"
    dims = len(conv.kernel_size)
    for name, default in {"padding": (0,) * dims, "dilation": (1,) * dims, "groups": 1}.items():
        if getattr(conv, name) != default:
            text += f", {name}={getattr(conv, name)}"
    if not bias:
        text += ", bias=False"
    return text if conv.padding_mode == "zeros" else f"{text}, padding_mode={conv.padding_mode}"


def fuse(branches: list[Tensor], groups: int) -> Tensor:
    """k tensors (out, ...) -> one tensor (k * out, ...) in the order (group, branch, channel)."""
    return torch.stack([t.unflatten(0, (groups, -1)) for t in branches], dim=1).flatten(0, 2)


def unfuse(fused: Tensor, groups: int, branches: int) -> list[Tensor]:
    """The inverse of `fuse`."""
    return [t.flatten(0, 1) for t in fused.unflatten(0, (groups, branches, -1)).unbind(1)]


class _Fused(nn.Module):
    """A neuron of ``_branches`` maps; a subclass says in ``_combine`` what becomes of them."""

    _branches: ClassVar[int]
    maps: nn.Module

    def reset_parameters(self) -> None:
        """Draw the weights again, each of the maps as torch's own layer does."""
        self.maps.reset_parameters()

    @staticmethod
    def _combine(*maps: Tensor) -> Tensor:
        raise NotImplementedError


class FusedLinear(_Fused):
    """A neuron of linear maps."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device=None, dtype=None) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.maps = nn.Linear(in_features, self._branches * out_features, bias, device, dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self._combine(*self.maps(x).chunk(self._branches, -1))

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.maps.bias is not None}"


class FusedConv(_Fused):
    """A neuron of convolutions, as torch's ``_conv``, over ``_dims`` dimensions."""

    _conv: ClassVar[type[nn.Module]]
    _dims: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        channels = self._branches * out_channels
        self.maps = self._conv(
            in_channels, channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        if out_channels % groups:  # torch accepts 2 channels in 3 groups here, since the fused map has more
            raise ValueError(f"out_channels must be divisible by groups, got {out_channels} and {groups}")
        vars(self).update(settings_of(self.maps), out_channels=out_channels)

    def forward(self, x: Tensor) -> Tensor:
        maps, channels = self.maps(x), -1 - self._dims
        if self.groups == 1:
            return self._combine(*maps.chunk(self._branches, channels))
        maps = maps.unflatten(channels, (self.groups, self._branches, -1)).unbind(channels - 1)
        return self._combine(*maps).flatten(channels - 1, channels)

    def extra_repr(self) -> str:
        return describe(self, self.maps.bias is not None)
