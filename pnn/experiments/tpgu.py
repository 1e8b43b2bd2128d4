"""The Taylor polynomial gated unit in a small ConvNeXt, order by order, against GELU: :cite:t:`zou2025`."""

import dataclasses
from typing import NamedTuple

from ..methods.no_decay import NoDecay
from ..methods.watch_activations import WatchActivations
from ..networks.convnext import ConvNeXt
from ..nn.activation import GELU, IDENTITY
from ..nn.tpgu import TPGUChoice
from ..runs.run import Recipe, Run, RunError
from ..tasks.cifar import CIFAR10, CIFAR100
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs
from .rates import GRID, Tried, at_rate, tuning

RECIPE = Recipe(
    epochs=10, source="zou-2025", optimiser="adamw", weight_decay=0.05, learning_rate=4e-3, label_smoothing=0.1
)
SETTINGS = {
    task.name: {
        "smoke": Setting(
            task(validation=200, rows="stand-in", pooled=2),
            ConvNeXt("standard", 4, depth=1, start="torch"),
            with_epochs(RECIPE, 1),
            2,
            2,
        ),
        "laptop": Setting(
            # A crop by up to 4 of 16 pixels leaves too little to learn in so few steps.
            task(validation=2000, pooled=2, train=5000),
            ConvNeXt("standard", 16, depth=1, start="torch"),
            dataclasses.replace(RECIPE, augment="none", batch_size=64),
            16,
            4,
        ),
        "paper": Setting(task(), ConvNeXt("standard", 96, depth=3), with_epochs(RECIPE, 300), 16, 3),
    }
    for task in (CIFAR10, CIFAR100)
}
ORDERS = tuple(range(1, 10))
SPARED = 7  # the order that also stands without a decay of its coefficients: the source's best
RATES_TRIED = GRID[1:]  # the source's is 4e-3
TUNING_SEEDS = 1


class Arm(NamedTuple):
    """One activation, at its own best learning rate."""

    # "gelu"; "identity": none; "tpgu": its coefficients are decayed, as published; "tpgu-spared": they are not
    activation: str
    order: int = 0


# Those with a learning rate of their own; another order has that of the next one below among them.
TUNED = (Arm("gelu"), Arm("identity"), *(Arm("tpgu", order) for order in (1, 4, 7)))
# The best learning rate of `TUNED` by task and size; `rates.best` finds them in the Records of the tuning.
RATES: dict[tuple[str, str], tuple[float, ...]] = {("cifar10", "laptop"): (1e-2, 1e-2, 3e-3, 3e-3, 3e-3)}


def runs(size: str, *, task: str = "cifar10", seeds: int = 0, epochs: int = 0) -> dict[Arm, list[Run]]:
    """GELU against the TPGU of orders 1 to 9, whose best is what is published.

    A ConvNeXt of three stages by the source's recipe, without its warm-up, mixing, averaging and stochastic depth; at
    size ``"laptop"`` on 5,000 images of 16 x 16 pixels. GELU has 16 seeds: fifteen of them, taken as if they were
    fifteen settings, show how far the best of fifteen lies above the sixteenth where there is no difference at all. The
    network without activations says what any of them is worth here: an experiment that does not see this sees nothing.
    It is why the small networks start as torch's own layers do: with the published start, so few steps of so few
    channels do not tell GELU from no activation at all.

    Fixed before the runs: the measure is the test accuracy, paired by seed with GELU; 4 seeds; Holm's correction over
    the orders.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        task: ``"cifar10"`` or ``"cifar100"``.
        seeds: seeds of every arm; 0 is the size's own number, of GELU on CIFAR-10 it is 16.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm: activation and order.

    Raises:
        RunError: an unknown task or size, a negative number.
    """
    check_numbers(seeds=seeds, epochs=epochs)
    if task not in SETTINGS:
        raise RunError(f"task must be one of {', '.join(map(repr, SETTINGS))}, got {task!r}")
    setting = setting_of(SETTINGS[task], size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    found = {}
    for arm in arms_of(task):
        plain = {"gelu": GELU(), "identity": IDENTITY}.get(arm.activation)
        methods = () if plain else (WatchActivations(),)
        if arm.activation == "tpgu-spared":
            methods = (NoDecay(), *methods)
        activation = plain or TPGUChoice(arm.order)
        network = dataclasses.replace(setting.network, activation=activation)
        number = setting.seeds if arm.activation == "gelu" and task == "cifar10" else setting.other_seeds
        own = runs_of(setting.task, network, dataclasses.replace(recipe, methods=methods), seeds or number, size)
        found[arm] = [at_rate(run, rate_of(arm, task, size)) for run in own]
    return found


def arms_of(task: str) -> list[Arm]:
    """The arms on a data set; on CIFAR-100 there are fewer orders, and none is spared."""
    plain = [Arm("gelu"), Arm("identity")]
    if task == "cifar100":
        return [*plain, *(Arm("tpgu", order) for order in (1, 3, SPARED))]
    return [*plain, *(Arm("tpgu", order) for order in ORDERS), Arm("tpgu-spared", SPARED)]


def rate_of(arm: Arm, task: str, size: str) -> float:
    """The best learning rate of an arm, on CIFAR-100 that of CIFAR-10: of those in `TUNED` the next one below."""
    rates = dict(zip(TUNED, RATES.get((task, size), RATES.get(("cifar10", size), ())), strict=False))
    below = [one for one in TUNED if one.order and one.order <= arm.order]
    return rates.get(below[-1] if below else arm, RECIPE.learning_rate)


def tuning_runs(size: str, *, task: str = "cifar10", seeds: int = 0) -> dict[Tried, list[Run]]:
    """The trainings that choose the learning rate of `TUNED`.

    Args:
        size: as for :func:`runs`.
        task: as there.
        seeds: how many tuning seeds; 0 is `TUNING_SEEDS`.

    Returns:
        The Runs by arm and rate.
    """
    first = {arm: own[0] for arm, own in runs(size, task=task, seeds=1).items() if arm in TUNED}
    return tuning(first, size, RATES_TRIED, seeds=seeds or TUNING_SEEDS)
