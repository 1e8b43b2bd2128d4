"""Activations learned as splines, and their rivals: the table of :cite:t:`hryniowski2019`, and its ablations."""

import dataclasses
from typing import NamedTuple

from ..methods import Method
from ..methods.no_decay import NoDecay
from ..methods.spline_constraints import SplineConstraints
from ..methods.watch_activations import WatchActivations
from ..networks.lenet import LeNet
from ..networks.resnet import ResNet
from ..nn.activation import RELU, Activation
from ..nn.apl import APLChoice
from ..nn.polyneuron import PolyNeuronChoice, PolyNeuronRChoice
from ..nn.swish import SwishChoice
from ..runs.run import Recipe, Run, RunError
from ..tasks.cifar import CIFAR10
from ..tasks.mnist import MNIST
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs
from .rates import GRID, Tried, at_rate, tuning

RECIPE = Recipe(epochs=10, source="hryniowski-2019", optimiser="adam", weight_decay=1e-4, schedule="late-steps")
HALF = dataclasses.replace(RECIPE, schedule="half")
SETTINGS = {
    "mnist": {
        "smoke": Setting(MNIST(validation=300, rows="stand-in"), LeNet("standard", 2), with_epochs(RECIPE, 1), 2, 2),
        "laptop": Setting(MNIST(validation=2000, train=12_000), LeNet("standard"), RECIPE, 10, 5),
        "paper": Setting(MNIST(validation=2000), LeNet("standard"), with_epochs(RECIPE, 30), 10, 5),
    },
    "cifar10": {
        "smoke": Setting(
            CIFAR10(validation=200, rows="stand-in", pooled=2),
            ResNet("standard", 4, depth=8),
            with_epochs(HALF, 1),
            2,
            2,
        ),
        "laptop": Setting(
            # A crop by up to 4 of 16 pixels leaves too little to learn in so few steps.
            CIFAR10(validation=2000, pooled=2, train=5000),
            ResNet("standard", 8, depth=20),
            dataclasses.replace(HALF, augment="none"),
            3,
            3,
        ),
        "paper": Setting(CIFAR10(), ResNet("standard", 16, depth=20), with_epochs(HALF, 500), 5, 5),
    },
}
NAMES = ("relu", "swish", "apl", "polyneuron", "polyneuron-r")
CONSTRAINTS = SplineConstraints()  # the source's: the sum of the weights, by 0.01
GRIDS = {"mnist": GRID, "cifar10": GRID[1:]}
TUNING_SEEDS = {"mnist": 2, "cifar10": 1}


class Arm(NamedTuple):
    """One activation, changed in one thing or in none."""

    activation: str  # one of `NAMES`
    change: str = ""  # what an ablation changes, one of `CHANGES`
    rate: str = "best"  # "best": the arm's own learning rate; "published": the source's, the same for all


# What an ablation changes of the activation, or of what holds it.
CHANGES: dict[str, dict[str, int | str] | SplineConstraints | None] = {
    "k = 1": {"k": 1},
    "k = 2": {"k": 2},
    "k = 4": {"k": 4},
    "s = 5": {"points": 5},
    "s = 7": {"points": 7},
    "random start": {"start": "random"},
    "no penalty": None,
    "penalty on sums x 10": SplineConstraints(0.0, 1e-1),
    "both penalties": SplineConstraints(1e-2, 1e-2),
}
OF_SPLINES = ("k = 1", "k = 2", "k = 4", "s = 5", "s = 7", "random start")
OF_PENALTIES = ("no penalty", "penalty on sums x 10", "both penalties")
ABLATIONS = (
    *(Arm("polyneuron", change, "published") for change in ("", *OF_SPLINES)),
    *(Arm("polyneuron-r", change, "published") for change in ("", *OF_PENALTIES, "k = 2", "random start")),
)

# The best learning rate of each activation; `rates.best` finds them in the Records of their tuning. Where there is
# none, an arm has the recipe's, which is the source's.
RATES: dict[tuple[str, str], dict[str, float]] = {
    ("mnist", "laptop"): {"relu": 3e-3, "swish": 1e-2, "apl": 3e-3, "polyneuron": 1e-2, "polyneuron-r": 1e-2},
    # PolyNeuron-R was lost at every rate, of which it has the lowest, the source's.
    ("cifar10", "laptop"): {"relu": 1e-2, "swish": 1e-2, "apl": 1e-2, "polyneuron": 1e-2, "polyneuron-r": 1e-3},
}


def runs(size: str, *, task: str = "mnist", seeds: int = 0, epochs: int = 0) -> dict[Arm, list[Run]]:
    """Five activations in the source's networks, by its recipe: ReLU, Swish, APL, PolyNeuron and PolyNeuron-R.

    LeNet-5 on MNIST and ResNet-20 on CIFAR-10; at size ``"laptop"`` on fewer rows, of CIFAR-10 narrower and at 16 x 16
    pixels. Every layer has one activation, whose parameters are not decayed; PolyNeuron-R has the source's penalty.
    Each arm has its own best learning rate; and all have the source's, as published, with fewer seeds.

    Fixed before the runs: the measure is the test accuracy, paired by seed with ReLU; 10 seeds on MNIST and 3 on
    CIFAR-10, at the source's rate fewer; Holm's correction over the arms less ReLU.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        task: ``"mnist"`` or ``"cifar10"``.
        seeds: seeds of every arm; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm: activation, change, whose learning rate.

    Raises:
        RunError: an unknown task or size, a negative number.
    """
    arms = [Arm(name) for name in NAMES] + [Arm(name, rate="published") for name in NAMES]
    return {arm: _runs(arm, size, task, seeds, epochs) for arm in arms}


def ablations(size: str, *, task: str = "mnist", seeds: int = 0, epochs: int = 0) -> dict[Arm, list[Run]]:
    """The two splines changed in one thing at a time, all at the source's learning rate.

    The order k of the kernel, the number s of the points, a random start, and the penalties of PolyNeuron-R; 3 seeds of
    each. Arguments and errors are those of :func:`runs`.
    """
    return {arm: _runs(arm, size, task, seeds or (3 if arm.change else 0), epochs) for arm in ABLATIONS}


def tuning_runs(size: str, *, task: str = "mnist", seeds: int = 0) -> dict[Tried, list[Run]]:
    """The trainings that choose the learning rate of each activation, and that say how sensitive it is to it.

    Args:
        size: as for :func:`runs`.
        task: as there.
        seeds: how many tuning seeds; 0 is `TUNING_SEEDS` of the task.

    Returns:
        The Runs by activation and rate.
    """
    first = {name: _runs(Arm(name), size, task, 1, 0)[0] for name in NAMES}
    return tuning(first, size, GRIDS[task], seeds=seeds or (1 if size == "smoke" else TUNING_SEEDS[task]))


def activation_of(arm: Arm) -> Activation:
    """The activation of an arm."""
    change = CHANGES[arm.change] if arm.change in OF_SPLINES else {}
    if arm.activation == "polyneuron":
        return PolyNeuronChoice(**change)  # type: ignore[arg-type]
    if arm.activation == "polyneuron-r":
        return PolyNeuronRChoice(**change)  # type: ignore[arg-type]
    return {"relu": RELU, "swish": SwishChoice(), "apl": APLChoice()}[arm.activation]


def methods_of(arm: Arm) -> tuple[Method, ...]:
    """What an arm is trained with: what holds it, and what keeps its activations for a figure."""
    if arm.activation == "relu":
        return ()
    held: tuple[Method, ...] = ()
    if arm.activation == "polyneuron-r":
        held = (CONSTRAINTS,)
        if arm.change in OF_PENALTIES:
            changed = CHANGES[arm.change]
            held = (changed,) if isinstance(changed, SplineConstraints) else ()
    return (NoDecay(), *held, WatchActivations())


def _runs(arm: Arm, size: str, task: str, seeds: int, epochs: int) -> list[Run]:
    check_numbers(seeds=seeds, epochs=epochs)
    if task not in SETTINGS:
        raise RunError(f"task must be one of {', '.join(map(repr, SETTINGS))}, got {task!r}")
    setting = setting_of(SETTINGS[task], size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    network = dataclasses.replace(setting.network, activation=activation_of(arm))
    number = seeds or (setting.seeds if arm.rate == "best" else setting.other_seeds)
    rate = RATES.get((task, size), {}).get(arm.activation, recipe.learning_rate)
    own = runs_of(setting.task, network, dataclasses.replace(recipe, methods=methods_of(arm)), number, size)
    return [at_rate(run, rate if arm.rate == "best" else recipe.learning_rate) for run in own]
