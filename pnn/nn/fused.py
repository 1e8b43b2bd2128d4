"""What the neurons of several maps share: one fused linear map of the input, drop-ins for torch's own layers.

A neuron computes ``k`` maps of its input and combines them without further parameters. The maps are one linear layer or
convolution (``maps``) with ``k`` times as many outputs, ordered by group, then branch, then channel, so that each group
of the fused convolution computes whole neurons.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn


def fuse(branches: list[Tensor], groups: int) -> Tensor:
    """k tensors (out, ...) -> one tensor (k * out, ...) in the order (group, branch, channel)."""
    return torch.stack([t.unflatten(0, (groups, -1)) for t in branches], dim=1).flatten(0, 2)


def unfuse(fused: Tensor, groups: int, branches: int) -> list[Tensor]:
    """The inverse of `fuse`."""
    return [t.flatten(0, 1) for t in fused.unflatten(0, (groups, branches, -1)).unbind(1)]


class FusedLinear(nn.Module):
    """A neuron of ``_branches`` linear maps; a subclass says in ``_combine`` what becomes of them."""

    _branches: ClassVar[int]

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device=None, dtype=None) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.maps = nn.Linear(in_features, self._branches * out_features, bias, device, dtype)

    def reset_parameters(self) -> None:
        """Draw the weights again, each of the maps as torch's own layer does."""
        self.maps.reset_parameters()

    @staticmethod
    def _combine(*maps: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self._combine(*self.maps(x).chunk(self._branches, -1))

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.maps.bias is not None}"


class FusedConv(nn.Module):
    """A neuron of ``_branches`` convolutions, as torch's ``_conv``, over ``_dims`` dimensions."""

    _branches: ClassVar[int]
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
        maps = self._conv(
            in_channels,
            self._branches * out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )
        if out_channels % groups:  # torch accepts 2 channels in 3 groups here, since the fused map has more
            raise ValueError(f"out_channels must be divisible by groups, got {out_channels} and {groups}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        for name in ("kernel_size", "stride", "padding", "dilation", "groups", "padding_mode"):
            setattr(self, name, getattr(maps, name))
        self.maps = maps

    def reset_parameters(self) -> None:
        """Draw the weights again, each of the maps as torch's own layer does."""
        self.maps.reset_parameters()

    @staticmethod
    def _combine(*maps: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        maps, channels = self.maps(x), -1 - self._dims
        if self.groups == 1:
            return self._combine(*maps.chunk(self._branches, channels))
        maps = maps.unflatten(channels, (self.groups, self._branches, -1)).unbind(channels - 1)
        return self._combine(*maps).flatten(channels - 1, channels)

    def _arguments(self) -> dict:
        return {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
            "bias": self.maps.bias is not None,
            "padding_mode": self.padding_mode,
            "device": self.maps.weight.device,
            "dtype": self.maps.weight.dtype,
        }

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, default in {"padding": (0,) * self._dims, "dilation": (1,) * self._dims, "groups": 1}.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        if self.maps.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"
