"""Activations as choices of a network: small dataclasses, each of which builds a module."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from .apl import APLChoice
from .hermite_batch_norm import HermiteBatchNorm
from .polycom import PolyNormChoice, PolyReLUChoice
from .polyneuron import PolyNeuronChoice, PolyNeuronRChoice
from .polynomial_activation import PolynomialActivation, check_arguments
from .rational import RationalChoice
from .swish import SwishChoice
from .tpgu import TPGUChoice
from .xielu import XIELUChoice


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


@dataclass(frozen=True)
class Polynomial:
    """:class:`pnn.PolynomialActivation` on the interval from ``-bound`` to ``bound``.

    The defaults are as it should be: Chebyshev polynomials, learnable. :meth:`published` is as the source has it.
    """

    degree: int
    bound: float
    basis: Literal["chebyshev", "monomial", "hermite"] = "chebyshev"
    init: Literal["relu", "silu", "gelu"] = "relu"
    fit: Literal["interpolation", "least-squares"] = "interpolation"
    interval_mode: Literal["fixed", "learned", "tracked"] = "fixed"
    per_channel: bool = False
    learnable: bool = True
    name: ClassVar[str] = "polynomial"

    def __post_init__(self) -> None:
        if isinstance(self.bound, bool) or not isinstance(self.bound, int | float):
            raise ValueError(f"bound must be a number, got {self.bound!r}")
        if not isinstance(self.init, str):  # A function, which the module takes, has no JSON.
            raise ValueError(f"init must be the name of a function, got {self.init!r}")
        for name in ("per_channel", "learnable"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be true or false, got {getattr(self, name)!r}")
        object.__setattr__(self, "bound", float(self.bound))  # 4 and 4.0 are one choice, with one JSON.
        check_arguments(self.degree, self.basis, (-self.bound, self.bound), self.init, self.fit, self.interval_mode)

    @classmethod
    def published(cls, degree: int, bound: float) -> "Polynomial":
        """As :cite:t:`alhossain2025` has it: powers, fitted to ReLU by least squares, and never trained."""
        return cls(degree, bound, basis="monomial", fit="least-squares", learnable=False)

    def build(self, channels: int) -> nn.Module:
        """See :meth:`ReLU.build`."""
        return PolynomialActivation(
            self.degree,
            self.basis,
            (-self.bound, self.bound),
            init=self.init,
            fit=self.fit,
            interval_mode=self.interval_mode,
            num_parameters=channels if self.per_channel else 1,
            learnable=self.learnable,
        )


@dataclass(frozen=True)
class Hermite:
    """:class:`pnn.HermiteBatchNorm`: ReLU's quadratic, each of its two basis functions normalised over the batch."""

    name: ClassVar[str] = "hermite"

    def build(self, channels: int) -> nn.Module:
        """See :meth:`ReLU.build`."""
        return HermiteBatchNorm(channels)


@dataclass(frozen=True)
class SiLU:
    """:class:`torch.nn.SiLU`."""

    name: ClassVar[str] = "silu"

    def build(self, channels: int) -> nn.Module:
        """See :meth:`ReLU.build`."""
        return nn.SiLU()


class _ReLUSquared(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x).square()


@dataclass(frozen=True)
class ReLUSquared:
    r"""The square of ReLU, :math:`y = \max(0, x)^2`. Source: :cite:t:`so2021`."""

    name: ClassVar[str] = "relu-squared"

    def build(self, channels: int) -> nn.Module:
        """See :meth:`ReLU.build`."""
        return _ReLUSquared()


Learned = (
    SwishChoice
    | APLChoice
    | PolyNeuronChoice
    | PolyNeuronRChoice
    | TPGUChoice
    | PolyReLUChoice
    | PolyNormChoice
    | XIELUChoice
    | RationalChoice
)
Activation = ReLU | GELU | SiLU | ReLUSquared | Identity | Polynomial | Hermite | Learned
RELU, IDENTITY = ReLU(), Identity()  # for defaults: an instance says the same wherever it is made
