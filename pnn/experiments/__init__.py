"""The book's experiments: which Runs answer which question, in each of the three sizes.

Each is a function of the size that returns lists of Runs by name of their arm, such as ``"standard"`` and
``"parameters"`` (the polynomial network with as many parameters); :func:`pnn.study` turns them into Records by the same
names.
"""

from collections.abc import Callable
from functools import partial

from . import (
    activation_free,
    discovery,
    interactions,
    leaks,
    neurons,
    pays,
    polynomials,
    precision,
    relinear,
    stable,
    stable_axes,
    tpgu,
    width_scaling,
)
from .matched import boolq, boolq_glove, cifar10, cifar100, digits, higgs, tuning_runs

# They are listed by priority: `study --missing` trains them in this order.
EXPERIMENTS: dict[str, Callable[..., dict]] = {
    "cifar10": cifar10,
    "cifar100": cifar100,
    "boolq": boolq,
    "boolq-glove": boolq_glove,
    "rates-higgs": partial(tuning_runs, higgs),
    "higgs": higgs,
    "rates-neurons-higgs": partial(neurons.tuning_runs, task="higgs"),
    "neurons-cifar10": neurons.runs,
    "neurons-higgs": partial(neurons.runs, task="higgs"),
    "rates-neurons-higgs-clipped": partial(neurons.tuning_runs, task="higgs-clipped"),
    "neurons-higgs-clipped": partial(neurons.runs, task="higgs-clipped"),
    "rates-relinear-higgs": relinear.tuning_runs,
    "relinear-higgs": relinear.runs,
    "relinear-cifar10": partial(relinear.runs, task="cifar10"),
    "rates-activation-free-cifar10": activation_free.tuning_runs,
    "activation-free-cifar10": activation_free.runs,
    "activation-free-cifar100": partial(activation_free.runs, task="cifar100"),
    "rates-stable-mnist": stable.tuning_runs,
    "stable-mnist": stable.runs,
    "stable-depth": stable_axes.depths,
    "stable-strength": stable_axes.strengths,
    "rates-polynomials-hapt": partial(polynomials.tuning_runs, task="hapt"),
    "polynomials-hapt": partial(polynomials.runs, task="hapt"),
    "rates-polynomials-fsdd": partial(polynomials.tuning_runs, task="fsdd"),
    "polynomials-fsdd": partial(polynomials.runs, task="fsdd"),
    "rates-polynomials-mnist": partial(polynomials.tuning_runs, task="mnist"),
    "polynomials-mnist": partial(polynomials.runs, task="mnist"),
    "leaks-hapt": leaks.runs,
    "rates-discovery-mnist": discovery.tuning_runs,
    "discovery-mnist": discovery.runs,
    "discovery-ablations-mnist": discovery.ablations,
    "rates-discovery-cifar10": partial(discovery.tuning_runs, task="cifar10"),
    "discovery-cifar10": partial(discovery.runs, task="cifar10"),
    "rates-tpgu-cifar10": tpgu.tuning_runs,
    "tpgu-cifar10": tpgu.runs,
    "tpgu-cifar100": partial(tpgu.runs, task="cifar100"),
    "interactions-mnist": interactions.runs,
    "widths-cifar10": width_scaling.runs,
    "widths-higgs": partial(width_scaling.runs, task="higgs"),
    "rates-when-it-pays": pays.tuning_runs,
    "when-it-pays": pays.runs,
    "precision-higgs": partial(precision.runs, task="higgs"),
    "precision-cifar10": precision.runs,
}

__all__ = [
    "EXPERIMENTS",
    "activation_free",
    "boolq",
    "boolq_glove",
    "cifar10",
    "cifar100",
    "digits",
    "discovery",
    "higgs",
    "interactions",
    "leaks",
    "neurons",
    "pays",
    "polynomials",
    "precision",
    "relinear",
    "stable",
    "stable_axes",
    "tpgu",
    "width_scaling",
]
