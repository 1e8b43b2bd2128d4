"""Layers. This package needs torch and nothing else of `pnn`; one neuron family a file."""

from .polynomial import PolyConv1d, PolyConv2d, PolyLinear

__all__ = ["PolyConv1d", "PolyConv2d", "PolyLinear"]
