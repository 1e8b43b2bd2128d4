"""An activation-free network that is to be accurate, not only compared: a polynomial of its input at inference."""

import dataclasses

from ..run import Network, Recipe, Run, RunError, Task
from .common import Setting, check_numbers, matching_width, runs_of, setting_of

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
SMOKE = dataclasses.replace(RECIPE, epochs=1)
PAPER = dataclasses.replace(RECIPE, epochs=150, precision="bfloat16", average=0.9998)
SETTINGS = {
    task: {
        "smoke": Setting(Task(task, validation=200, rows="stand-in"), "polynext", 4, SMOKE, 2, 2),
        "laptop": Setting(Task(task), "polynext", 8, RECIPE, 3, 3),
        "paper": Setting(Task(task), "polynext", 66, PAPER, 3, 1),
    }
    for task in ("cifar10", "cifar100")
}
# blocks of the first stage, and layers of the residual network with ReLU beside it
DEPTHS = {"smoke": (1, 8), "laptop": (1, 8), "paper": (4, 20)}
TOLERANCE = 0.1  # of the parameters: a narrow residual network grows by much with a channel


def showcase(size: str, *, task: str = "cifar10", seeds: int = 0, epochs: int = 0) -> dict[str, list[Run]]:
    """:class:`pnn.PolyNeXt`, with the recipe of networks that compete for accuracy.

    Args:
        size: as for :func:`pnn.experiments.cifar10`; ``"paper"`` has at most 5.5 million parameters.
        task: ``"cifar10"`` or ``"cifar100"``.
        seeds: seeds of both sides; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by side: ``"polynext"``, and ``"standard"``, a residual network with ReLU of as many parameters under
        the same recipe.
    """
    if task not in SETTINGS:
        raise RunError(f"task must be one of {', '.join(map(repr, SETTINGS))}, got {task!r}")
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS[task], size)
    recipe = dataclasses.replace(setting.recipe, epochs=epochs or setting.recipe.epochs)
    blocks, layers = DEPTHS[size]
    polynext = Network("polynext", "bilinear", setting.width, activation="identity", depth=blocks)
    residual = Network("resnet", "standard", 1, depth=layers)
    residual = dataclasses.replace(
        residual, width=matching_width(setting.task, polynext, "parameters", residual, TOLERANCE)
    )
    return {
        "polynext": runs_of(setting.task, polynext, recipe, seeds or setting.seeds, size),
        "standard": runs_of(setting.task, residual, recipe, seeds or setting.other_seeds, size),
    }
