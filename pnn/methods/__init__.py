"""How learning is changed: one file a training method.

`Method` lists what a recipe may choose; see :class:`pnn.methods.method.MethodBase` for what a method says of itself.
"""

from .method import MethodBase
from .relinear import ReLinear

Method = ReLinear

__all__ = ["Method", "MethodBase"]
