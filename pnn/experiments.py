"""The book's experiments: which Runs answer which question, in each of the three sizes."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from .budget import match_width
from .run import Network, Recipe, Run, RunError, Task
from .sources import SOURCES

DIGITS_SHAPE = (1, 8, 8)


class Setting(NamedTuple):
    """What a size means for one experiment."""

    task: Task
    width: int  # of the standard network; the polynomial one is matched to it
    recipe: Recipe
    seeds: int


CIFAR10 = {
    "smoke": Setting(Task("cifar10", validation=200, rows="stand-in"), 19, Recipe(epochs=1), seeds=2),
    "laptop": Setting(Task("cifar10"), 26, Recipe(epochs=10), seeds=6),
    "paper": Setting(Task("cifar10"), 149, Recipe(epochs=20), seeds=10),
}
# a digit mirrored or shifted by half its size is another one: no augmentation
DIGITS = Setting(Task("digits", validation=200), 19, Recipe(epochs=5, batch_size=32, augment="none"), seeds=2)


def cifar10(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> list[Run]:
    """Standard against polynomial on CIFAR-10, equal in parameters, by the recipe of :cite:t:`oporture2026`.

    Args:
        size: ``"smoke"``, ``"laptop"`` or ``"paper"`` (the source's own widths and epochs).
        seeds: seeds 0 .. seeds - 1 on both sides; 0 is the size's own number, as with the next two.
        width: width of the standard network; the polynomial one's is matched by parameters.
        epochs: passes over the training rows.

    Returns:
        The Runs, by seed, the standard one first.

    Raises:
        RunError: an unknown size, a negative number.
        ValueError: no polynomial width matches within 1 %.
    """
    if size not in CIFAR10:
        raise RunError(f"size must be one of {', '.join(map(repr, CIFAR10))}, got {size!r}")
    return _matched_pairs(CIFAR10[size], size, SOURCES["cifar10"].shape, seeds, width, epochs)


def digits(*, seeds: int = 0, width: int = 0, epochs: int = 0) -> list[Run]:
    """The same comparison on scikit-learn's real 8x8 digits, in seconds; the quickstart trains it live."""
    return _matched_pairs(DIGITS, "laptop", DIGITS_SHAPE, seeds, width, epochs)


def _matched_pairs(
    setting: Setting, size: str, shape: tuple[int, int, int], seeds: int, width: int, epochs: int
) -> list[Run]:
    for name, value in {"seeds": seeds, "width": width, "epochs": epochs}.items():
        if type(value) is not int or value < 0:
            raise RunError(f"{name} must be a whole number, 0 for the size's own; got {value!r}")
    standard = Network("cnn", "standard", width or setting.width)
    matched = match_width(
        lambda w: Network("cnn", "polynomial", w).build(shape, 10), standard.build(shape, 10), "parameters"
    )
    networks = (standard, Network("cnn", "polynomial", matched))
    recipe = dataclasses.replace(setting.recipe, epochs=epochs) if epochs else setting.recipe
    return [
        Run(setting.task, network, recipe, seed, size) for seed in range(seeds or setting.seeds) for network in networks
    ]


# by priority: `study --missing` trains them in this order
EXPERIMENTS: dict[str, Callable[..., list[Run]]] = {"cifar10": cifar10}
