"""What the neurons of several maps share: one fused linear map of the input, drop-ins for torch's own layers.

A neuron computes ``k`` maps of its input and combines them without further parameters. The maps are one linear layer or
convolution (``maps``) with ``k`` times as many outputs, ordered by group, then branch, then channel, so that each group
of the fused convolution computes whole neurons.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .drop_in import DropIn, reset_inside

# These arguments torch's convolutions keep, as attributes of the same names.
SETTINGS = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")


def settings_of(conv: nn.Module) -> dict[str, Any]:
    """Read the settings of a convolution, ours or torch's."""
    return {name: getattr(conv, name) for name in SETTINGS}


def describe(conv: Any, bias: bool) -> str:
    """Describe a convolution in torch's words, which leave out what is as by default."""
    text = f"{conv.in_channels}, {conv.out_channels}, kernel_size={conv.kernel_size}, stride={conv.stride}"
    dims = len(conv.kernel_size)
    for name, default in {"padding": (0,) * dims, "dilation": (1,) * dims, "groups": 1}.items():
        if getattr(conv, name) != default:
            text += f", {name}={getattr(conv, name)}"
    if not bias:
        text += ", bias=False"
    return text if conv.padding_mode == "zeros" else f"{text}, padding_mode={conv.padding_mode}"


def fuse(branches: list[Tensor], groups: int) -> Tensor:
    """Join k tensors (out, ...) to one of (k * out, ...), in the order (group, branch, channel)."""
    return torch.stack([t.unflatten(0, (groups, -1)) for t in branches], dim=1).flatten(0, 2)


def unfuse(fused: Tensor, groups: int, branches: int) -> list[Tensor]:
    """Undo `fuse`."""
    return [t.flatten(0, 1) for t in fused.unflatten(0, (groups, branches, -1)).unbind(1)]


class Fused(DropIn):
    """This is a neuron of ``_branches`` maps; a subclass says in ``_combine`` what becomes of them."""

    _branches: ClassVar[int]
    _combine: Callable[..., Tensor]
    maps: nn.Linear | nn.Conv1d | nn.Conv2d

    def reset_parameters(self) -> None:
        """Draw the weights again, each of the maps as torch's own layer does."""
        reset_inside(self.maps)

    def _chunk(self, maps: Tensor, number: int, channels: int) -> Sequence[Tensor]:
        """Take the maps apart."""
        return maps.chunk(number, channels)


class FusedLinear(Fused):
    """This is a neuron of linear maps."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device=None, dtype=None) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.maps = nn.Linear(in_features, self._branches * out_features, bias, device, dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self._combine(*self._chunk(self.maps(x), self._branches, -1))

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.maps.bias is not None}"


class FusedConv(Fused):
    """This is a neuron of torch's convolutions ``_conv``, over ``_dims`` dimensions."""

    _conv: ClassVar[type[nn.Conv1d] | type[nn.Conv2d]]
    _dims: ClassVar[int]
    in_channels: int  # These hold what torch's convolution is told, under torch's names.
    kernel_size: tuple[int, ...]
    padding: str | tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    padding_mode: str

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
        rest: dict[str, Any] = {"bias": bias, "padding_mode": padding_mode, "device": device, "dtype": dtype}
        self.maps = self._conv(in_channels, channels, kernel_size, stride, padding, dilation, groups, **rest)
        if out_channels % groups:  # Torch would accept 2 channels in 3 groups here, since the fused map has more.
            raise ValueError(f"out_channels must be divisible by groups, got {out_channels} and {groups}")
        vars(self).update(settings_of(self.maps), out_channels=out_channels)

    def forward(self, x: Tensor) -> Tensor:
        maps, channels = self.maps(x), -1 - self._dims
        if self.groups == 1:
            return self._combine(*self._chunk(maps, self._branches, channels))
        maps = self._chunk(maps.unflatten(channels, (self.groups, self._branches, -1)), self._branches, channels - 1)
        return self._combine(*(y.squeeze(channels - 1) for y in maps)).flatten(channels - 1, channels)

    def extra_repr(self) -> str:
        return describe(self, self.maps.bias is not None)
