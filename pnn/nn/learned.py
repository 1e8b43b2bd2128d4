"""What learned activations share: one set of parameters, or one a channel, and float32 at least."""

from typing import Any

import torch
from torch import Tensor, nn


def check_whole(name: str, value: Any, least: int) -> None:
    """Refuse what is not a whole number of at least ``least``."""
    if type(value) is not int or value < least:
        raise ValueError(f"{name} must be a whole number, at least {least}, got {value!r}")


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither true nor false, such as 1, which would be another choice in JSON."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, got {value!r}")


class LearnedActivation(nn.Module):
    """An element-wise function with parameters; a subclass computes it in ``_function``.

    A parameter has the shape ``(*, num_parameters)``, where the last dimension is 1 or the number of channels. Channels
    are dimension 1 of the input, as in :class:`torch.nn.PReLU`; see :class:`ChannelsLast` where they are the last.
    """

    def __init__(self, num_parameters: int) -> None:
        super().__init__()
        check_whole("num_parameters", num_parameters, 1)
        self.num_parameters = num_parameters

    def reset_parameters(self) -> None:
        """Set the parameters to their start."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        # Powers and sums of large terms lose all digits in the half-precision types.
        return self._function(x.to(torch.promote_types(x.dtype, torch.float32))).to(x.dtype)

    def _function(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _spread(self, parameter: Tensor, x: Tensor) -> Tensor:
        """A parameter ``(*, num_parameters)`` in the type of x, with trailing dimensions that broadcast against x."""
        if self.num_parameters == 1:
            shape = [1] * x.dim()
        elif x.dim() >= 2 and x.shape[1] == self.num_parameters:
            shape = [self.num_parameters] + [1] * (x.dim() - 2)
        else:
            raise ValueError(
                f"{type(self).__name__} has {self.num_parameters} channels, but the input of shape {tuple(x.shape)} "
                "has not so many in dimension 1; wrap it in pnn.ChannelsLast if its channels are the last dimension"
            )
        return parameter.to(x.dtype).reshape(*parameter.shape[:-1], *shape)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class ChannelsLast(nn.Module):
    """An activation with parameters of its own for every channel, where the channels are the last dimension.

    Transformers and torchvision's ConvNeXt have them there; PReLU and the activations here expect them in dimension 1.

    Args:
        activation: any module that works element by element.

    Shape:
        ``(N, *, channels)`` to the same.

    Example:
        >>> pnn.ChannelsLast(pnn.TPGU(384, 3))(torch.randn(8, 14, 14, 384)).shape
        torch.Size([8, 14, 14, 384])
    """

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x.movedim(-1, 1)).movedim(1, -1)
