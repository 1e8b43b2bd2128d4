"""An activation-free network that is to be accurate, not only compared: a polynomial of its input at inference."""

import dataclasses

from ..networks.polynext import PolyNeXt
from ..networks.resnet import ResNet
from ..runs.run import Recipe, Run, RunError
from ..tasks.cifar import CIFAR10, CIFAR100
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs

RECIPE = Recipe(
    epochs=3,
    source="modern",
    optimiser="adamw",
    weight_decay=0.05,
    augment="rand-augment",
    mix="mixup-cutmix",
    label_smoothing=0.1,
    average=0.99,
)
PAPER = dataclasses.replace(RECIPE, epochs=150, precision="bfloat16", average=0.9998)
SETTINGS = {
    task.name: {
        "smoke": Setting(
            task(validation=200, rows="stand-in"), PolyNeXt("bilinear", 4, depth=1), with_epochs(RECIPE, 1), 2, 2
        ),
        "laptop": Setting(task(), PolyNeXt("bilinear", 8, depth=1), RECIPE, 3, 3),
        "paper": Setting(task(), PolyNeXt("bilinear", 66, depth=4), PAPER, 3, 1),
    }
    for task in (CIFAR10, CIFAR100)
}
# These are layers and width of the residual network beside it, of as many parameters; `matching_width` finds it.
RIVALS = {
    "cifar10": {"smoke": (8, 5), "laptop": (8, 9), "paper": (20, 71)},
    "cifar100": {"smoke": (8, 5), "laptop": (8, 9), "paper": (20, 71)},
}
TOLERANCE = 0.1  # The parameters may be off by this share: a narrow residual network grows by much with a channel.


def runs(size: str, *, task: str = "cifar10", seeds: int = 0, epochs: int = 0) -> dict[str, list[Run]]:
    """:class:`pnn.PolyNeXtModule`, with the recipe of networks that compete for accuracy.

    Args:
        size: as for :func:`pnn.experiments.cifar10`; ``"paper"`` has at most 5.5 million parameters.
        task: ``"cifar10"`` or ``"cifar100"``.
        seeds: seeds of both arms; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm: ``"polynext"``, and ``"standard"``, a residual network with ReLU of as many parameters under
        the same recipe.
    """
    if task not in SETTINGS:
        raise RunError(f"task must be one of {', '.join(map(repr, SETTINGS))}, got {task!r}")
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS[task], size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    layers, width = RIVALS[task][size]
    return {
        "polynext": runs_of(setting.task, setting.network, recipe, seeds or setting.seeds, size),
        "standard": runs_of(
            setting.task, ResNet("standard", width, depth=layers), recipe, seeds or setting.other_seeds, size
        ),
    }
