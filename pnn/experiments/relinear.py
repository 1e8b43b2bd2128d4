"""Quadratic networks of growing depth, with and without ReLinear."""

import dataclasses
from typing import NamedTuple

from ..methods.relinear import ReLinear
from ..networks.baselines import Majority
from ..networks.mlp import MLP
from ..networks.resnet import ResNet
from ..runs.run import Recipe, Run, RunError
from ..tasks.cifar import CIFAR10
from ..tasks.higgs import HIGGS
from .common import Setting, baseline_runs, check_numbers, runs_of, setting_of, with_epochs
from .rates import Tried, at_rate, of_seeds

RECIPE = Recipe(
    epochs=4,
    source="fan-2023",
    learning_rate=0.1,
    augment="none",
    schedule="steps",
    optimiser="sgd",
    weight_decay=1e-4,
)
HIGGS_RECIPE = dataclasses.replace(RECIPE, batch_size=256)
CIFAR10_RECIPE = dataclasses.replace(RECIPE, augment="crop-flip")
# All networks have the same width: ReLinear is about how they are trained, not about what they cost.
SETTINGS = {
    "higgs": {
        "smoke": Setting(HIGGS(validation=80, rows="stand-in"), MLP("standard", 8), with_epochs(HIGGS_RECIPE, 1), 2, 2),
        "laptop": Setting(HIGGS(rows="35k"), MLP("standard", 32), HIGGS_RECIPE, 6, 6),
        "paper": Setting(HIGGS(), MLP("standard", 200), HIGGS_RECIPE, 10, 10),
    },
    "cifar10": {
        "smoke": Setting(
            CIFAR10(validation=200, rows="stand-in"), ResNet("standard", 4), with_epochs(CIFAR10_RECIPE, 1), 2, 2
        ),
        "laptop": Setting(CIFAR10(), ResNet("standard", 4), with_epochs(CIFAR10_RECIPE, 2), 5, 5),
        "paper": Setting(CIFAR10(), ResNet("standard", 16), with_epochs(CIFAR10_RECIPE, 200), 5, 5),
    },
}
DEPTHS = {"higgs": (2, 4, 8, 16, 32), "cifar10": (8, 14, 20, 32)}
SWEPT = {"higgs": 8, "cifar10": 20}  # The strategies are compared at this depth.
RATIO = 1e-4  # The source uses this ratio for 20 layers.
RATIOS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
DECAY = 1e-2
# At these depths each way has its best learning rate as well, and ReLinear its best ratio.
TUNED_DEPTHS = {"higgs": (8, 16), "cifar10": (20,)}
TUNED_RATIOS = (1e-4, 1e-2, 1.0)
RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
# The best learning rate and ratio by way and depth; `rates.best` finds them in the Records of their tuning.
BEST = {
    ("higgs", "laptop"): {
        (way, depth): best
        for depth in TUNED_DEPTHS["higgs"]
        # The quadratic network without ReLinear diverges at every rate; of equal ones the lowest is taken.
        for way, best in (("standard", (0.3, 1.0)), ("quadratic", (1e-3, 1.0)), ("relinear", (0.3, 1e-4)))
    },
    ("higgs", "smoke"): {("standard", 2): (0.3, 1.0), ("quadratic", 2): (1e-3, 1.0), ("relinear", 2): (0.3, 1e-4)},
}


class Arm(NamedTuple):
    """One way to train at one depth."""

    # "standard"; "quadratic" is without ReLinear, "relinear" with smaller steps, "shrinking" with shrinking weights;
    # "trained" starts as a trained standard network; "majority" is the baseline.
    way: str
    depth: int
    ratio: float = 1.0  # learning rate of the quadratic parts over that of the rest
    rate: str = "published"  # "published": the source's learning rate, the same for all; "best": the arm's own


def runs(size: str, *, task: str = "higgs", seeds: int = 0, epochs: int = 0) -> dict[Arm, list[Run]]:
    """Quadratic networks by the recipe of :cite:t:`fan2023`: multilayer perceptrons on HIGGS, residual on CIFAR-10.

    At each depth the standard network, the quadratic one as torch initialises it, and with ReLinear at the source's
    ratio of learning rates. At one depth also other ratios, ReLinear by shrinking weights, and a start from a standard
    network that was trained for half the epochs, with the other half left to train.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        task: ``"higgs"`` or ``"cifar10"``.
        seeds: seeds of every arm; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm: way, depth, ratio of the learning rates, whose rate.
    """
    if task not in SETTINGS:
        raise RunError(f"task must be one of {', '.join(map(repr, SETTINGS))}, got {task!r}")
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS[task], size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    depths = DEPTHS[task][: 2 if size == "smoke" else None]
    swept = depths[-1] if size == "smoke" else SWEPT[task]

    def by(method: ReLinear, epochs: int = recipe.epochs) -> tuple[str, Recipe]:
        return "quadratic", dataclasses.replace(recipe, epochs=epochs, methods=(method,))

    ways: dict[Arm, tuple[str, Recipe]] = {}
    for depth in depths:
        ways[Arm("standard", depth)] = "standard", recipe
        ways[Arm("quadratic", depth)] = "quadratic", recipe
        ways[Arm("relinear", depth, RATIO)] = by(ReLinear(RATIO))
    for ratio in RATIOS:
        ways[Arm("relinear", swept, ratio)] = by(ReLinear(ratio))
    ways[Arm("shrinking", swept)] = by(ReLinear(weight_decay=DECAY))
    if recipe.epochs > 1:
        half = recipe.epochs // 2
        ways[Arm("trained", swept, RATIO)] = by(ReLinear(RATIO, standard_epochs=half), recipe.epochs - half)
    for (way, depth), (rate, ratio) in BEST.get((task, size), {}).items():
        neuron, own = by(ReLinear(ratio)) if way == "relinear" else (way, recipe)
        ways[Arm(way, depth, ratio, "best")] = neuron, dataclasses.replace(own, learning_rate=rate)
    arms = {}
    for arm, (neuron, own) in ways.items():
        network = dataclasses.replace(setting.network, neuron=neuron, depth=arm.depth)
        arms[arm] = runs_of(setting.task, network, own, seeds or setting.seeds, size)
    return arms | {Arm("majority", 0): baseline_runs(setting.task, Majority(), size, 1)}


def tuning_runs(size: str, *, task: str = "higgs", seeds: int = 0) -> dict[Tried, list[Run]]:
    """The trainings that choose the learning rate of each way at some depths, and ReLinear's ratio with it.

    Args:
        size: as for :func:`runs`.
        task: as there.
        seeds: how many tuning seeds; 0 is all three.

    Returns:
        The Runs by way and depth, and by learning rate and ratio.
    """
    arms = runs(size, task=task)
    tried = {}
    for depth in TUNED_DEPTHS[task] if size != "smoke" else DEPTHS[task][:1]:
        for way in ("standard", "quadratic", "relinear"):
            first = arms[Arm(way, depth, RATIO if way == "relinear" else 1.0)][0]
            for rate in RATES:
                for ratio in TUNED_RATIOS if way == "relinear" else (1.0,):
                    methods = (ReLinear(ratio),) if way == "relinear" else ()
                    recipe = dataclasses.replace(first.recipe, methods=methods)
                    tried[Tried((way, depth), (rate, ratio))] = at_rate(dataclasses.replace(first, recipe=recipe), rate)
    return of_seeds(tried, size, seeds)
