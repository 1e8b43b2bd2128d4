"""What a layer of anyone's can be held to: that it can be used wherever torch's own are."""

from .layer import check_layer
from .outcome import Check, LayerReport

__all__ = ["Check", "LayerReport", "check_layer"]
