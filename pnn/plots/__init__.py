"""The book's figures, one function each. Every function returns a new matplotlib figure."""

from .depth import response, shares_by_depth
from .expressivity import activation_regions, errors_by_parameters
from .functions import decision_regions, function_slices
from .runs import intervals, layer_norms, learning_curves, paired_accuracy
from .scaling import scaling, scaling_differences
from .sweeps import response_curves

__all__ = [
    "activation_regions",
    "decision_regions",
    "errors_by_parameters",
    "function_slices",
    "intervals",
    "layer_norms",
    "learning_curves",
    "paired_accuracy",
    "response",
    "response_curves",
    "scaling",
    "scaling_differences",
    "shares_by_depth",
]
