"""The book's experiments: which Runs answer which question, in each of the three sizes.

Each is a function of the size that returns lists of Runs by name of their side, such as ``"standard"`` and
``"parameters"`` (the polynomial network with as many parameters); :func:`pnn.study` turns them into Records by the same
names.
"""

from collections.abc import Callable
from functools import partial

from .accuracy import showcase
from .depth import relinear
from .exchange import neurons
from .oporture import boolq, boolq_glove, cifar10, cifar100, digits, higgs, width_scaling

# by priority: `study --missing` trains them in this order
EXPERIMENTS: dict[str, Callable[..., dict]] = {
    "cifar10": cifar10,
    "cifar100": cifar100,
    "boolq": boolq,
    "boolq-glove": boolq_glove,
    "higgs": higgs,
    "neurons-cifar10": neurons,
    "neurons-higgs": partial(neurons, task="higgs"),
    "relinear-higgs": relinear,
    "relinear-cifar10": partial(relinear, task="cifar10"),
    "showcase-cifar10": showcase,
    "showcase-cifar100": partial(showcase, task="cifar100"),
    "widths-cifar10": width_scaling,
    "widths-higgs": partial(width_scaling, task="higgs"),
}

__all__ = [
    "EXPERIMENTS",
    "boolq",
    "boolq_glove",
    "cifar10",
    "cifar100",
    "digits",
    "higgs",
    "neurons",
    "relinear",
    "showcase",
    "width_scaling",
]
