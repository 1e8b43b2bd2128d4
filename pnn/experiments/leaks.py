"""What a split that leaks does to a test accuracy: one network on one table, split in three ways."""

import dataclasses
from typing import NamedTuple

from ..methods import Method
from ..methods.boundary_loss import BoundaryLoss
from ..methods.clip_norm import ClipNorm
from ..networks.funnel_mlp import FunnelMLP
from ..nn.activation import RELU, Activation, Polynomial
from ..runs.run import Recipe, Run
from ..tasks.hapt import HAPT
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs

RECIPE = Recipe(
    epochs=10, source="al-hossain-2025", augment="none", schedule="plateau", optimiser="adamw", weight_decay=0.01
)
SETTINGS = {
    "smoke": Setting(HAPT(validation=50, rows="stand-in"), FunnelMLP("standard", 32), with_epochs(RECIPE, 1), 2, 2),
    "laptop": Setting(HAPT(), FunnelMLP("standard"), RECIPE, 10, 10),
    "paper": Setting(HAPT(), FunnelMLP("standard"), dataclasses.replace(RECIPE, batch_size=800), 10, 10),
}
# Users are set aside whole, so that the authors' split has some more validation rows than it was told to. The other
# splits have exactly as many; a test counts them.
SET_ASIDE = {"smoke": 72, "laptop": 1835, "paper": 1835}
SPLITS = ("users", "rows", "leaking")
DEGREE, BOUND, STRENGTH = 2, 13.0, 10.0  # the source's for activities


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
    held: tuple[Method, ...] = (BoundaryLoss(BOUND, STRENGTH), ClipNorm(selective=True))
    activations: dict[str, tuple[Activation, tuple[Method, ...]]] = {
        "relu": (RELU, ()),
        "polynomial": (Polynomial.published(DEGREE, BOUND), held),
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
