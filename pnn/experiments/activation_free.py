"""A network without activation functions: what keeps it finite, what it reaches, and what its products are worth."""

import dataclasses

from ..methods.boundary_loss import BoundaryLoss
from ..methods.plain_statistics import PlainStatistics
from ..networks.polynext import PolyNeXt
from ..networks.resnet import ResNet
from ..nn.activation import RELU
from ..runs.run import Recipe, Run, RunError
from ..tasks.cifar import CIFAR10, CIFAR100
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs
from .rates import GRID, Tried, at_rate, tuning

RECIPE = Recipe(
    epochs=5,
    source="modern",
    optimiser="adamw",
    weight_decay=0.05,
    augment="rand-augment",
    mix="mixup-cutmix",
    label_smoothing=0.1,
    average=0.95,
)
PAPER = dataclasses.replace(RECIPE, epochs=150, precision="bfloat16", average=0.9998)
SETTINGS = {
    task.name: {
        "smoke": Setting(
            task(validation=200, rows="stand-in", pooled=2),
            PolyNeXt("bilinear", 4, depth=1),
            with_epochs(RECIPE, 1),
            2,
            2,
        ),
        "laptop": Setting(task(validation=2000, pooled=2, train=5000), PolyNeXt("bilinear", 8, depth=1), RECIPE, 10, 5),
        "paper": Setting(task(), PolyNeXt("bilinear", 66, depth=4), PAPER, 3, 1),
    }
    for task in (CIFAR10, CIFAR100)
}
# These are layers and width of the residual network beside it, of as many parameters; `matching_width` finds it.
RIVALS = {"smoke": (8, 5), "laptop": (8, 9), "paper": (20, 71)}
TOLERANCE = 0.1  # The parameters may be off by this share: a narrow residual network grows by much with a channel.

PENALTY = BoundaryLoss(10.0, 10.0, "squared", of="products")
LIGHT = BoundaryLoss(10.0, 1.0, "squared", of="products")  # It held in every tuning, and not in every result.
FACTORS = BoundaryLoss(3.0, 10.0, "squared", of="factors")  # It was tried first.
STATISTICS = PlainStatistics()
BOTH, LIGHTLY = (PENALTY, STATISTICS), (LIGHT, STATISTICS)
RATES_TRIED = (*GRID, 1e-1)  # One arm's best rate lay at 0.03.
# Arms with a learning rate of their own.
TUNED = ("standard", "polynext", "polynext-light", "polynext-free", "polynext-relu", "polynext-sum")
# They differ in what holds them.
REMEDIES = (
    "polynext",
    "polynext-light",
    "polynext-factors",
    "polynext-penalty",
    "polynext-statistics",
    "polynext-unheld",
)
MAIN = (
    "standard",
    "polynext",
    "polynext-light",
    "polynext-unheld",
    "polynext-relu",
    "polynext-sum",
)  # These have more seeds.
# Each tuned arm's best learning rate by size; `rates.best` finds them in the Records of the tuning, on CIFAR-10.
RATES = {
    "laptop": {
        "standard": 3e-3,
        "polynext": 1e-2,
        "polynext-light": 1e-2,
        "polynext-free": 1e-3,  # At every higher one its only training exploded.
        "polynext-relu": 3e-2,
        "polynext-sum": 1e-2,
    },
}


def runs(size: str, *, task: str = "cifar10", seeds: int = 0, epochs: int = 0) -> dict[str, list[Run]]:
    """:class:`pnn.PolyNeXtModule`, with the recipe of networks that compete for accuracy; and what is compared with it.

    Fixed before the runs: the first measure is how a training ended, and whether an evaluation of its network exploded,
    of 10 seeds of the arms that the answers hang on and 5 of the others, with exact intervals; nothing is tested. The
    second is test accuracy, at each arm's own learning rate, which one tuning seed chose on validation rows. At
    ``"laptop"`` images have 16 x 16 pixels and there are 5,000 training rows. At ``"paper"`` there are at most 5.5
    million parameters, and all arms have the rate of the source.

    Changed afterwards: a training held lightly exploded, as none had in the tuning. So there is a penalty ten times as
    strong, which is compared with the residual network; what ReLU added back and sums do is answered beside the light
    penalty, which they were trained with.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        task: ``"cifar10"`` or ``"cifar100"``.
        seeds: seeds of every arm; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm. ``"polynext"``: held by a penalty on its normalised products and by statistics of plain rows,
        ``"polynext-light"`` by a tenth of the penalty. At the same rate ``"polynext-factors"``, by a penalty on the
        factors, ``"polynext-penalty"`` and ``"polynext-statistics"``, by one of the two alone, and
        ``"polynext-unheld"``. ``"polynext-free"``: by nothing, at the rate that is best so. ``"polynext-relu"`` and
        ``"polynext-sum"``: held lightly, with ReLU behind each product, or a sum in its place. ``"standard"``: a
        residual network with ReLU of as many parameters, and ``"standard-statistics"``, with statistics of plain rows,
        at the same rate.
    """
    if task not in SETTINGS:
        raise RunError(f"task must be one of {', '.join(map(repr, SETTINGS))}, got {task!r}")
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS[task], size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    layers, width = RIVALS[size]
    network, rival = setting.network, ResNet("standard", width, depth=layers)
    activated = dataclasses.replace(network, activation=RELU)
    summed = dataclasses.replace(network, merge="sum")
    # By arm: the network, what holds it, and the arm whose learning rate it has.
    arms = {
        "standard": (rival, (), "standard"),
        "standard-statistics": (rival, (STATISTICS,), "standard"),
        "polynext": (network, BOTH, "polynext"),
        "polynext-light": (network, LIGHTLY, "polynext-light"),
        "polynext-factors": (network, (FACTORS, STATISTICS), "polynext-light"),
        "polynext-penalty": (network, (PENALTY,), "polynext-light"),
        "polynext-statistics": (network, (STATISTICS,), "polynext-light"),
        "polynext-unheld": (network, (), "polynext-light"),
        "polynext-free": (network, (), "polynext-free"),
        "polynext-relu": (activated, LIGHTLY, "polynext-relu"),
        "polynext-sum": (summed, LIGHTLY, "polynext-sum"),
    }
    rates = RATES.get(size, {})
    found = {}
    for arm, (own, methods, tuned) in arms.items():
        held = dataclasses.replace(recipe, methods=methods, learning_rate=rates.get(tuned, recipe.learning_rate))
        number = setting.seeds if arm in MAIN else setting.other_seeds
        found[arm] = runs_of(setting.task, own, held, seeds or number, size)
    return found


def tuning_runs(size: str, *, seeds: int = 0) -> dict[Tried, list[Run]]:
    """The trainings that choose the learning rate of each arm that has its own, on CIFAR-10; 0 seeds are one."""
    arms = runs(size, seeds=1)
    first = {arm: at_rate(arms[arm][0], RECIPE.learning_rate) for arm in TUNED}
    return tuning(first, size, RATES_TRIED, seeds=seeds or 1)
