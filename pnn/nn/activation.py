"""Activations as choices of a network: small dataclasses, each of which builds a module."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn


@dataclass(frozen=True)
class ReLU:
    """:class:`torch.nn.ReLU`."""

    name: ClassVar[str] = "relu"

    def build(self, channels: int) -> nn.Module:
        """A new module.

        Args:
            channels: features or channels that it is applied to, for parameters of their own for each.
        """
        return nn.ReLU()


@dataclass(frozen=True)
class GELU:
    """:class:`torch.nn.GELU`: smooth, so that a network with it tells smoothness from products."""

    name: ClassVar[str] = "gelu"

    def build(self, channels: int) -> nn.Module:
        """See :meth:`ReLU.build`."""
        return nn.GELU()


@dataclass(frozen=True)
class Identity:
    """No activation function; a network of polynomial neurons is then a polynomial."""

    name: ClassVar[str] = "identity"

    def build(self, channels: int) -> nn.Module:
        """See :meth:`ReLU.build`."""
        return nn.Identity()


Activation = ReLU | GELU | Identity
RELU, IDENTITY = ReLU(), Identity()  # for defaults: an instance says the same wherever it is made
