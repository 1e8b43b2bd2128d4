"""Layers. This package needs torch and nothing else of `pnn`; one neuron family a file."""

from .gated import BilinearConv1d, BilinearConv2d, BilinearLinear, StarConv2d, StarLinear
from .kan import KANConv2d, KANLinear
from .pi import CCP, NCP, CCPConv2d, NCPConv2d
from .polynext import PolyNeXtBlock
from .polynomial import PolyConv1d, PolyConv2d, PolyLinear
from .product import ProductConv2d, ProductUnit
from .quadratic import QuadraticConv1d, QuadraticConv2d, QuadraticLinear

__all__ = [
    "CCP",
    "NCP",
    "BilinearConv1d",
    "BilinearConv2d",
    "BilinearLinear",
    "CCPConv2d",
    "KANConv2d",
    "KANLinear",
    "NCPConv2d",
    "PolyConv1d",
    "PolyConv2d",
    "PolyLinear",
    "PolyNeXtBlock",
    "ProductConv2d",
    "ProductUnit",
    "QuadraticConv1d",
    "QuadraticConv2d",
    "QuadraticLinear",
    "StarConv2d",
    "StarLinear",
]
