"""Layers. This package needs torch and nothing else of `pnn`; one neuron family a file."""

from .apl import APL
from .gated import BilinearConv1d, BilinearConv2d, BilinearLinear, StarConv2d, StarLinear
from .hermite_batch_norm import HermiteBatchNorm
from .kan import KANConv2d, KANLinear
from .pi import CCP, NCP, CCPConv2d, NCPConv2d
from .polycom import PolyNorm, PolyReLU
from .polyneuron import PolyNeuron, PolyNeuronR
from .polynext import PolyNeXtBlock
from .polynomial import PolyConv1d, PolyConv2d, PolyLinear
from .polynomial_activation import PolynomialActivation
from .product import ProductConv2d, ProductUnit
from .quadratic import QuadraticConv1d, QuadraticConv2d, QuadraticLinear
from .rational import Rational
from .swish import Swish
from .tpgu import TPGU
from .xielu import XIELU

__all__ = [
    "APL",
    "CCP",
    "NCP",
    "TPGU",
    "XIELU",
    "BilinearConv1d",
    "BilinearConv2d",
    "BilinearLinear",
    "CCPConv2d",
    "HermiteBatchNorm",
    "KANConv2d",
    "KANLinear",
    "NCPConv2d",
    "PolyConv1d",
    "PolyConv2d",
    "PolyLinear",
    "PolyNeXtBlock",
    "PolyNeuron",
    "PolyNeuronR",
    "PolyNorm",
    "PolyReLU",
    "PolynomialActivation",
    "ProductConv2d",
    "ProductUnit",
    "QuadraticConv1d",
    "QuadraticConv2d",
    "QuadraticLinear",
    "Rational",
    "StarConv2d",
    "StarLinear",
    "Swish",
]
