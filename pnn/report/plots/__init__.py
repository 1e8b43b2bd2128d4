"""The book's figures, one function each. Every function returns a new matplotlib figure."""

from ...system.extras import needs

with needs("notebooks", "a figure"):
    from .activations import activations_by_epoch, steps_by_epoch
    from .chance import best_of_nothing
    from .cost import scaling, scaling_differences
    from .depth import response, shares_by_depth
    from .escape import layers_by_epoch, logits_by_scale
    from .evaluations import explosions
    from .expressivity import activation_regions, errors_by_parameters
    from .functions import decision_regions, function_slices
    from .interactions import eigenvectors, spectra
    from .learning_rates import rates
    from .pays import advantage_by_share, advantage_by_task
    from .runs import intervals, layer_norms, learning_curves, paired_accuracy
    from .sweeps import response_curves
    from .units import by_block_and_epoch, functions_by_block

__all__ = [
    "activation_regions",
    "activations_by_epoch",
    "advantage_by_share",
    "advantage_by_task",
    "best_of_nothing",
    "by_block_and_epoch",
    "decision_regions",
    "eigenvectors",
    "errors_by_parameters",
    "explosions",
    "function_slices",
    "functions_by_block",
    "intervals",
    "layer_norms",
    "layers_by_epoch",
    "learning_curves",
    "logits_by_scale",
    "paired_accuracy",
    "rates",
    "response",
    "response_curves",
    "scaling",
    "scaling_differences",
    "shares_by_depth",
    "spectra",
    "steps_by_epoch",
]
