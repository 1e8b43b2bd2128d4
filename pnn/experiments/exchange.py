"""Every neuron in the same two networks."""

import dataclasses
from typing import NamedTuple

from ..neurons import NEURONS
from ..run import Network, Recipe, Run, RunError, Task
from .common import Setting, check_numbers, matching_width, runs_of, setting_of
from .oporture import HIGGS_RECIPE


class Side(NamedTuple):
    """One neuron in one network."""

    neuron: str
    equal: str  # "parameters" or "time": what it has in common with the standard network
    activation: str  # "relu"; "none": no activation function, and average instead of max-pooling


SETTINGS = {
    "cifar10": {
        "smoke": Setting(Task("cifar10", validation=200, rows="stand-in"), "cnn", 21, Recipe(epochs=1), 2, 2),
        "laptop": Setting(Task("cifar10"), "cnn", 21, Recipe(epochs=2), 5, 5),
        "paper": Setting(Task("cifar10"), "cnn", 149, Recipe(epochs=20), 10, 10),
    },
    "higgs": {
        "smoke": Setting(
            Task("higgs", validation=80, rows="stand-in"), "mlp", 80, dataclasses.replace(HIGGS_RECIPE, epochs=1), 2, 2
        ),
        "laptop": Setting(Task("higgs", rows="subset"), "mlp", 80, HIGGS_RECIPE, 5, 5),
        "paper": Setting(Task("higgs"), "mlp", 200, HIGGS_RECIPE, 10, 10),
    },
}
# widths at which a step takes as long as the standard network's, by benchmarks/neuron_time.py; a neuron that is
# not named takes longer at every width that was tried
TIME_WIDTHS: dict[tuple[str, str], dict[str, int]] = {
    ("cifar10", "laptop"): {
        "polynomial": 11,
        "quadratic": 9,
        "bilinear": 13,
        "star": 13,
        "ccp": 7,
        "ncp": 5,
        "product": 9,
        "kan-chebyshev": 11,
    },
    ("higgs", "laptop"): {"polynomial": 26, "bilinear": 24},
}
TOLERANCE = 0.06  # of the parameters: in a narrow network one channel more is a large step; the tables show the rest
BUILT_IN = ("star",)  # neurons with an activation function of their own


def neurons(size: str, *, task: str = "cifar10", seeds: int = 0, epochs: int = 0) -> dict[Side, list[Run]]:
    """Every neuron in the same network: a CNN on CIFAR-10, a multilayer perceptron on HIGGS.

    With ReLU, at as many parameters as the standard network and, where it was timed, at the time of its step. And
    without any activation function at as many parameters, with average- in place of max-pooling: what is a polynomial
    neuron then makes a polynomial network.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        task: ``"cifar10"`` or ``"higgs"``.
        seeds: seeds of every side; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by side: neuron, what is equal, activation.
    """
    if task not in SETTINGS:
        raise RunError(f"task must be one of {', '.join(map(repr, SETTINGS))}, got {task!r}")
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS[task], size)
    recipe = dataclasses.replace(setting.recipe, epochs=epochs or setting.recipe.epochs)
    standard = Network(setting.network, "standard", setting.width)
    pooling = "average" if setting.network == "cnn" else "max"
    networks = {}
    for neuron in NEURONS:
        like = dataclasses.replace(standard, neuron=neuron)
        width = matching_width(setting.task, standard, "parameters", like, TOLERANCE)
        networks[Side(neuron, "parameters", "relu")] = dataclasses.replace(like, width=width)
        if neuron not in BUILT_IN:
            networks[Side(neuron, "parameters", "none")] = dataclasses.replace(
                like, width=width, activation="identity", pooling=pooling
            )
        if width := TIME_WIDTHS.get((task, size), {}).get(neuron):
            networks[Side(neuron, "time", "relu")] = dataclasses.replace(like, width=width)
    return {
        side: runs_of(setting.task, network, recipe, seeds or setting.seeds, size) for side, network in networks.items()
    }
