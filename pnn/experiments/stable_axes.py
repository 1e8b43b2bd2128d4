"""Polynomial activations along two axes: how deep the network is, and how the boundary loss is set."""

import dataclasses
from typing import NamedTuple

from ..methods.boundary_loss import BoundaryLoss
from ..networks.mlp import MLP
from ..nn.activation import RELU, Hermite, Polynomial
from ..runs.run import Run
from ..tasks.mnist import MNIST
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs
from .stable import ORDER, RECIPE, SETTINGS, TIGHT, Arm, methods_of, polynomial

# Fewer training rows and more epochs, so that the layers' values are seen to grow.
DEPTH_SETTINGS = {
    "smoke": SETTINGS["smoke"],
    "laptop": Setting(
        MNIST(validation=48_000), MLP("standard", 64, depth=6, order=ORDER), with_epochs(RECIPE, 6), 5, 5
    ),
    "paper": SETTINGS["paper"],
}
DEPTHS = {"smoke": (2, 3), "laptop": (3, 6, 20), "paper": (18, 34)}
DEPTH_ARMS = (
    Arm("relu"),
    Arm("hermite", 2),
    Arm("chebyshev", 2, "tight"),
    Arm("chebyshev", 8, "published"),
    Arm("chebyshev", 8, "tight"),
    Arm("chebyshev", 8, "tight", "both"),
)
STRENGTHS = (1.0, 10.0, 100.0)
RATIOS = (0.5, 0.75)  # of the limit B_p to the end B of the interval
STRENGTH_DEGREE = 22  # At the limit of the contest its strength is not enough here.


class Deep(NamedTuple):
    """One arm of the contest, in a network of so many layers."""

    arm: Arm
    depth: int


class Held(NamedTuple):
    """A polynomial of degree 22 on the tight interval, held by a boundary loss."""

    strength: float  # lambda
    ratio: float  # of the limit to the end of the interval


def depths(size: str, *, seeds: int = 0, epochs: int = 0) -> dict[Deep, list[Run]]:
    """Some arms of :func:`pnn.experiments.stable.runs` in networks of growing depth, at the source's learning rate.

    At size ``"laptop"`` with 12,000 training rows and six epochs, and so with 48,000 validation rows: a run is lost as
    soon as one of them is far enough, so that the counts are not those of the contest.

    Fixed before the runs: as for the contest, and how large the outputs of each layer are, epoch by epoch.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        seeds: seeds of every arm; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm and depth.
    """
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(DEPTH_SETTINGS, size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    found = {}
    for depth in DEPTHS[size]:
        for arm in DEPTH_ARMS:
            activation = {"relu": RELU, "hermite": Hermite()}.get(arm.activation) or polynomial(arm)
            network = dataclasses.replace(setting.network, depth=depth, activation=activation)
            own = dataclasses.replace(recipe, methods=methods_of(arm))
            found[Deep(arm, depth)] = runs_of(setting.task, network, own, seeds or setting.seeds, size)
    return found


def strengths(size: str, *, seeds: int = 0, epochs: int = 0) -> dict[Held, list[Run]]:
    """How strong the boundary loss must be, and how far inside of the interval it must begin.

    Chebyshev polynomials of degree 22, trained, on the tight interval, held by the boundary loss alone; the network and
    recipe of :func:`pnn.experiments.stable.runs`. Fixed before the runs: as there.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        seeds: seeds of every arm; 0 is 5, at size ``"smoke"`` 1.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by strength and ratio.
    """
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS, size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    bound, _ = TIGHT
    network = dataclasses.replace(setting.network, activation=Polynomial(STRENGTH_DEGREE, bound))
    found = {}
    for strength in STRENGTHS if size != "smoke" else STRENGTHS[-2:]:
        for ratio in RATIOS if size != "smoke" else RATIOS[:1]:
            own = dataclasses.replace(recipe, methods=(BoundaryLoss(ratio * bound, strength),))
            number = seeds or (1 if size == "smoke" else setting.other_seeds)
            found[Held(strength, ratio)] = runs_of(setting.task, network, own, number, size)
    return found
