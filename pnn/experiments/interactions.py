"""What makes a bilinear network's interaction matrices low-rank: weight decay, or noise on its inputs?"""

import dataclasses
from typing import NamedTuple

from ..methods.watch_interactions import WatchInteractions
from ..networks.mlp import MLP
from ..networks.neurons import NeuronName
from ..nn.activation import IDENTITY
from ..runs.run import Recipe, Run
from ..tasks.mnist import MNIST
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs

RECIPE = Recipe(
    epochs=32,
    source="pearce-2025",
    augment="none",
    optimiser="adamw",
    weight_decay=0.5,
    methods=(WatchInteractions(),),
)
NETWORK = MLP("bilinear", 128, IDENTITY, depth=1, norm="none")
SETTINGS = {
    "smoke": Setting(
        MNIST(validation=300, rows="stand-in"), dataclasses.replace(NETWORK, width=4), with_epochs(RECIPE, 1), 2, 2
    ),
    "laptop": Setting(MNIST(validation=2000, train=12_000), NETWORK, RECIPE, 5, 5),
    "paper": Setting(
        MNIST(),
        dataclasses.replace(NETWORK, width=256),
        dataclasses.replace(RECIPE, epochs=100, batch_size=2048),
        5,
        5,
    ),
}
NOISE = 0.5  # in units of the inputs' standard deviation
DECAYS = (0.0, 0.1, 0.5, 2.0)


class Arm(NamedTuple):
    """One neuron, and what may make its matrices low-rank."""

    neuron: NeuronName  # "bilinear", or "polynomial": with a linear map added
    decay: float
    noise: float = 0.0


ARMS = (
    *(Arm("bilinear", decay) for decay in DECAYS),
    *(Arm("bilinear", decay, NOISE) for decay in (0.0, 0.5)),
    *(Arm("polynomial", decay) for decay in (0.0, 0.5)),
)


def runs(size: str, *, seeds: int = 0, epochs: int = 0) -> dict[Arm, list[Run]]:
    """One layer of products on MNIST, without BatchNorm, by weight decay and noise: :cite:t:`pearce2025`.

    A bilinear and a polynomial layer, then a linear one, so that every logit is a polynomial of degree 2. All have the
    source's learning rate, for what is asked is not which is more accurate. At size ``"laptop"`` on 12,000 rows, with
    about as many steps as the source has.

    Fixed before the runs: the measure is the mean participation ratio of the ten matrices' eigenvalues, paired by seed
    with no decay and no noise; 5 seeds.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        seeds: seeds of every arm; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm: neuron, weight decay, noise.

    Raises:
        RunError: an unknown size, a negative number.
    """
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS, size)
    found = {}
    for arm in ARMS:
        recipe = dataclasses.replace(
            setting.recipe, epochs=epochs or setting.recipe.epochs, weight_decay=arm.decay, noise=arm.noise
        )
        network = dataclasses.replace(setting.network, neuron=arm.neuron)
        found[arm] = runs_of(setting.task, network, recipe, seeds or setting.seeds, size)
    return found
