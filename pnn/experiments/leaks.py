"""What a split that leaks does to a test accuracy: one network on one table, split in three ways."""

import dataclasses
from typing import NamedTuple

from ..methods import Method
from ..networks.funnel_mlp import FunnelMLP
from ..nn.activation import RELU, Activation
from ..runs.run import Run
from ..tasks.hapt import HAPT
from . import polynomials, stable
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs

RECIPE = with_epochs(stable.RECIPE, 10)
SETTINGS = {
    "smoke": Setting(HAPT(validation=50, rows="stand-in"), FunnelMLP("standard", 32), with_epochs(RECIPE, 1), 2, 2),
    "laptop": Setting(HAPT(), FunnelMLP("standard"), RECIPE, 10, 10),
    "paper": Setting(HAPT(), FunnelMLP("standard"), dataclasses.replace(RECIPE, batch_size=800), 10, 10),
}
# Users are set aside whole, so that the authors' split has some more validation rows than it was told to. The other
# splits have exactly as many; a test counts them.
SET_ASIDE = {"smoke": 72, "laptop": 1835, "paper": 1835}
SPLITS = ("users", "rows", "leaking")
DEGREE = 2  # the source's for activities


class Arm(NamedTuple):
    """One activation on one split."""

    split: str  # "users", "rows" or "leaking", see :class:`pnn.HAPT`
    activation: str  # "relu", or "polynomial": powers of degree 2, never trained, held as the source holds them


def runs(size: str, *, seeds: int = 0, epochs: int = 0) -> dict[Arm, list[Run]]:
    """The perceptron of :cite:t:`alhossain2025` on windows of motion, split by users, by rows, and with its leak.

    The rows for training, validation and testing are as many in each split. The recipe is the source's, at its own
    learning rate; at size ``"laptop"`` in smaller batches, as the table is smaller.

    Fixed before the runs: the measure is the test accuracy, 10 seeds; per activation, each of the other two splits
    less the one by users; per split, the polynomial less ReLU.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        seeds: seeds of every arm; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm: split, activation.
    """
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS, size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    powers = polynomials.Arm("powers", DEGREE)
    activations: dict[str, tuple[Activation, tuple[Method, ...]]] = {
        "relu": (RELU, ()),
        "polynomial": (polynomials.activation_of(powers, "hapt"), polynomials.methods_of(powers, "hapt")),
    }
    found = {}
    for split in SPLITS:
        validation = setting.task.validation if split == "users" else SET_ASIDE[size]
        task = dataclasses.replace(setting.task, split=split, validation=validation)
        for name, (activation, methods) in activations.items():
            network = dataclasses.replace(setting.network, activation=activation)
            own = dataclasses.replace(recipe, methods=methods)
            found[Arm(split, name)] = runs_of(task, network, own, seeds or setting.seeds, size)
    return found
