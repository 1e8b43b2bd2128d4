"""Every neuron in the same two networks."""

import dataclasses
from typing import NamedTuple

from ..networks.cnn import CNN
from ..networks.mlp import MLP
from ..networks.neurons import NEURONS
from ..nn.activation import IDENTITY
from ..runs.run import Recipe, Run, RunError
from ..tasks.cifar import CIFAR10
from ..tasks.higgs import HIGGS
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs
from .matched import HIGGS_RECIPE
from .rates import GRID, HIGGS_GRID, Tried, tuning


class Arm(NamedTuple):
    """One neuron in one network."""

    neuron: str
    equal: str  # "parameters" or "time": what it has in common with the standard network
    activation: str  # "relu"; "none": no activation function, and average instead of max-pooling


CLIP = 3.0  # deviations
SETTINGS = {
    "cifar10": {
        "smoke": Setting(CIFAR10(validation=200, rows="stand-in"), CNN("standard", 21), Recipe(epochs=1), 2, 2),
        "laptop": Setting(CIFAR10(), CNN("standard", 21), Recipe(epochs=2), 5, 5),
        "paper": Setting(CIFAR10(), CNN("standard", 149), Recipe(epochs=20), 10, 10),
    },
    "higgs": {
        "smoke": Setting(
            HIGGS(validation=80, rows="stand-in"), MLP("standard", 80), with_epochs(HIGGS_RECIPE, 1), 2, 2
        ),
        "laptop": Setting(HIGGS(rows="35k"), MLP("standard", 80), HIGGS_RECIPE, 20, 10),
        "paper": Setting(HIGGS(), MLP("standard", 200), HIGGS_RECIPE, 10, 10),
    },
    # Of an input that is far from the others a network of degree 27 makes a number of any size.
    "higgs-clipped": {
        "smoke": Setting(
            HIGGS(validation=80, rows="stand-in", clip=CLIP),
            MLP("standard", 80),
            with_epochs(HIGGS_RECIPE, 1),
            2,
            2,
        ),
        "laptop": Setting(HIGGS(rows="35k", clip=CLIP), MLP("standard", 80), HIGGS_RECIPE, 10, 10),
        "paper": Setting(HIGGS(clip=CLIP), MLP("standard", 200), HIGGS_RECIPE, 10, 10),
    },
}
# At these widths a neuron's network has as many parameters as the standard one; `matching_width` finds them.
WIDTHS: dict[str, dict[int, dict[str, int]]] = {
    "cifar10": {
        21: {
            "standard": 21,
            "polynomial": 12,
            "quadratic": 12,
            "bilinear": 15,
            "star": 15,
            "ccp": 12,
            "ncp": 11,
            "product": 21,
            "kan": 7,
            "kan-chebyshev": 12,
        },
        149: {
            "standard": 149,
            "polynomial": 86,
            "quadratic": 86,
            "bilinear": 105,
            "star": 105,
            "ccp": 83,
            "ncp": 77,
            "product": 149,
            "kan": 50,
            "kan-chebyshev": 86,
        },
    },
    "higgs": {
        80: {
            "standard": 80,
            "polynomial": 44,
            "quadratic": 43,
            "bilinear": 54,
            "star": 54,
            "ccp": 37,
            "ncp": 29,
            "product": 80,
            "kan": 23,
            "kan-chebyshev": 44,
        },
        200: {
            "standard": 200,
            "polynomial": 113,
            "quadratic": 112,
            "bilinear": 139,
            "star": 139,
            "ccp": 93,
            "ncp": 73,
            "product": 200,
            "kan": 63,
            "kan-chebyshev": 113,
        },
    },
}
WIDTHS["higgs-clipped"] = WIDTHS["higgs"]
# At these widths a step takes as long as the standard network's, by benchmarks/neuron_time.py. A neuron that is not
# named takes longer at every width that was tried.
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
# Each neuron's best learning rate, by activation; `rates.best` finds them in the Records of their tuning.
RATES = {
    ("higgs", "laptop"): {
        "relu": {
            "standard": 3e-2,
            "polynomial": 3e-2,
            "quadratic": 3e-2,
            "bilinear": 3e-2,
            "star": 3e-2,
            "ccp": 3e-3,
            "ncp": 1e-2,
            "product": 1e-3,
            "kan": 1e-1,
            "kan-chebyshev": 3e-1,
        },
        "none": {
            "standard": 3e-4,
            "polynomial": 1e-2,
            "quadratic": 1e-1,
            "bilinear": 3e-2,
            "ccp": 1e-3,
            "ncp": 1e-2,
            "product": 3e-3,
            "kan": 1e-1,
            "kan-chebyshev": 3e-2,
        },
    },
    ("higgs-clipped", "laptop"): {
        "relu": {
            "standard": 3e-2,
            "polynomial": 3e-2,
            "quadratic": 3e-2,
            "bilinear": 3e-2,
            "star": 3e-2,
            "ccp": 3e-3,
            "ncp": 3e-3,
            "product": 1e-3,
            "kan": 3e-2,
            "kan-chebyshev": 3e-2,
        },
        "none": {
            "standard": 3e-4,
            "polynomial": 3e-2,
            "quadratic": 3e-2,
            "bilinear": 3e-1,
            "ccp": 3e-3,
            "ncp": 1e-3,
            "product": 3e-3,
            "kan": 1e-1,
            "kan-chebyshev": 3e-3,
        },
    },
}
TOLERANCE = 0.06  # The parameters may be off by this share: in a narrow network one channel more is a large step.
BUILT_IN = ("star",)  # These neurons have an activation function of their own.


def runs(size: str, *, task: str = "cifar10", seeds: int = 0, epochs: int = 0) -> dict[Arm, list[Run]]:
    """Every neuron in the same network: a CNN on CIFAR-10, a multilayer perceptron on HIGGS, clipped or as it is.

    With ReLU, at as many parameters as the standard network and, where it was timed, at the time of its step. And
    without any activation function at as many parameters, with average- in place of max-pooling: what is a polynomial
    neuron then makes a polynomial network.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        task: ``"cifar10"``, ``"higgs"`` or ``"higgs-clipped"``, whose columns are cut off at three deviations.
        seeds: seeds of every arm; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm: neuron, what is equal, activation. Each arm has its own best learning rate where that was
        tuned (``RATES``), otherwise the recipe's.
    """
    if task not in SETTINGS:
        raise RunError(f"task must be one of {', '.join(map(repr, SETTINGS))}, got {task!r}")
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS[task], size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    standard = setting.network
    free = dataclasses.replace(standard, activation=IDENTITY)
    if isinstance(free, CNN):
        free = dataclasses.replace(free, pooling="average")
    networks = {}
    for neuron in NEURONS:
        own = {"neuron": neuron, "width": WIDTHS[task][standard.width][neuron]}
        networks[Arm(neuron, "parameters", "relu")] = dataclasses.replace(standard, **own)
        if neuron not in BUILT_IN:
            networks[Arm(neuron, "parameters", "none")] = dataclasses.replace(free, **own)
        if width := TIME_WIDTHS.get((task, size), {}).get(neuron):
            networks[Arm(neuron, "time", "relu")] = dataclasses.replace(standard, neuron=neuron, width=width)
    rates = RATES.get((task, size), {})
    arms = {}
    for arm, network in networks.items():
        rate = rates.get(arm.activation, {}).get(arm.neuron, recipe.learning_rate)
        own_recipe = dataclasses.replace(recipe, learning_rate=rate)
        own_seeds = setting.seeds if arm.equal == "parameters" else setting.other_seeds
        arms[arm] = runs_of(setting.task, network, own_recipe, seeds or own_seeds, size)
    return arms


def tuning_runs(size: str, *, task: str = "cifar10", seeds: int = 0) -> dict[Tried, list[Run]]:
    """The trainings that choose the learning rate of each neuron with and without ReLU, at equal parameters.

    The arms of equal time take the rate that their neuron has there.
    """
    first = {arm: own[0] for arm, own in runs(size, task=task).items() if arm.equal == "parameters"}
    return tuning(first, size, HIGGS_GRID if task.startswith("higgs") else GRID, seeds=seeds)
