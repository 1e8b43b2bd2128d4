"""How learning is changed: one file a training method.

`Method` lists what a recipe may choose; see :class:`pnn.methods.method.MethodBase` for what a method says of itself.
"""

from .boundary_loss import BoundaryLoss
from .clip_norm import ClipNorm
from .method import MethodBase
from .no_decay import NoDecay
from .plain_statistics import PlainStatistics
from .relinear import ReLinear
from .spline_constraints import SplineConstraints
from .watch_activations import WatchActivations
from .watch_interactions import WatchInteractions

Method = (
    ReLinear
    | BoundaryLoss
    | ClipNorm
    | NoDecay
    | SplineConstraints
    | PlainStatistics
    | WatchActivations
    | WatchInteractions
)

__all__ = ["Method", "MethodBase"]
