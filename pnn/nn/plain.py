"""Whether a parent may compute what a child would, without calling it."""

from torch import nn
from torch.nn.modules import module as torchs

_TORCHS = (nn.Linear, nn.Conv1d, nn.Conv2d)
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def owns_its_weight(layer: nn.Module) -> bool:
    """Whether weight and bias are parameters of the layer, so that what is written into them stays.

    By a parametrisation, a norm or a mask they are computed from others; an adapter has none at all.
    """
    return "weight" in layer._parameters and "bias" in layer._parameters


def is_plain(layer: nn.Module) -> bool:
    """Whether a call of this layer is torch's own linear map or convolution of its own parameters, and nothing else.

    What others do to a layer shows in one of four places: parametrisations, quantisation, sharding and adapters give it
    another class; masks and the older norms take the parameter's place; counters and loggers hook it; some libraries
    give it a ``forward`` of its own. Then it has to be called. Not seen are a weight of another class of tensor, and a
    method that is exchanged for all layers of a class.
    """
    return (
        type(layer) in _TORCHS
        and owns_its_weight(layer)
        and not any(layer.__dict__[hooks] for hooks in _HOOKS)
        and "forward" not in layer.__dict__
        and not torchs._has_any_global_hook()
    )
