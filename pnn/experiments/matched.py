"""The four data sets of the first source: standard against polynomial, matched."""

import dataclasses
from collections.abc import Callable

from ..networks.baselines import BagOfWords, BoostedTrees, Majority
from ..networks.cnn import CNN
from ..networks.mlp import MLP
from ..networks.pair_cnn import PairCNN
from ..networks.text_cnn import TextCNN
from ..runs.run import Recipe, Run
from ..tasks.boolq import BoolQ, BoolQWords
from ..tasks.cifar import CIFAR10, CIFAR100
from ..tasks.digits import Digits
from ..tasks.higgs import HIGGS
from .common import (
    TOLERANCE,
    Arms,
    Setting,
    baseline_runs,
    check_numbers,
    matching_width,
    runs_of,
    setting_of,
    with_epochs,
)
from .rates import GRID, HIGGS_GRID, Tried, tuning

PLAIN = Recipe(epochs=1, augment="none")
GLOVE_RECIPE = dataclasses.replace(
    PLAIN, source="book", batch_size=64, embedding_learning_rate=1e-2, schedule="constant", patience=2
)
BOOLQ_RECIPE = dataclasses.replace(PLAIN, learning_rate=1e-4)
HIGGS_RECIPE = dataclasses.replace(PLAIN, epochs=4, batch_size=256)


CIFAR10_SETTINGS = {
    "smoke": Setting(CIFAR10(validation=200, rows="stand-in"), CNN("standard", 19), Recipe(epochs=1), 2, 2),
    "laptop": Setting(CIFAR10(), CNN("standard", 26), Recipe(epochs=10), 6, 5),
    "paper": Setting(CIFAR10(), CNN("standard", 149), Recipe(epochs=20), 5, 3),
}
CIFAR100_SETTINGS = {
    "smoke": Setting(CIFAR100(validation=200, rows="stand-in"), CNN("standard", 20), Recipe(epochs=1), 2, 2),
    "laptop": Setting(CIFAR100(), CNN("standard", 20), Recipe(epochs=5), 5, 5),
    "paper": Setting(CIFAR100(), CNN("standard", 149), Recipe(epochs=20), 10, 10),
}
BOOLQ_SETTINGS = {
    "smoke": Setting(BoolQ(validation=80, rows="stand-in"), TextCNN("standard", 26), PLAIN, 2, 2),
    "laptop": Setting(BoolQ(validation=1000), TextCNN("standard", 26), with_epochs(BOOLQ_RECIPE, 5), 10, 5),
    "paper": Setting(BoolQ(validation=1000), TextCNN("standard", 256), with_epochs(BOOLQ_RECIPE, 20), 4, 4),
}
BOOLQ_GLOVE_SETTINGS = {
    "smoke": Setting(BoolQWords(validation=80, rows="stand-in"), PairCNN("standard", 32), GLOVE_RECIPE, 2, 2),
    "laptop": Setting(BoolQWords(validation=1000), PairCNN("standard", 32), with_epochs(GLOVE_RECIPE, 6), 10, 10),
    "paper": Setting(BoolQWords(validation=1000), PairCNN("standard", 128), with_epochs(GLOVE_RECIPE, 6), 10, 10),
}
HIGGS_SETTINGS = {
    "smoke": Setting(HIGGS(validation=80, rows="stand-in"), MLP("standard", 200), with_epochs(HIGGS_RECIPE, 1), 2, 2),
    "laptop": Setting(HIGGS(rows="35k"), MLP("standard", 200), HIGGS_RECIPE, 20, 20),
    "paper": Setting(HIGGS(), MLP("standard", 200), HIGGS_RECIPE, 10, 10),
}
# A digit that is mirrored or shifted by half its size is another one, so there is no augmentation.
DIGITS_SETTINGS = {
    "laptop": Setting(
        Digits(validation=200), CNN("standard", 19), Recipe(epochs=5, batch_size=32, augment="none"), 2, 2
    )
}
# With these widths the polynomial network has as much of something as the standard one. `matching_width` finds them,
# and benchmarks/match_time.py those of equal time.
WIDTHS = {
    "cifar10": {
        "smoke": {"parameters": 11, "macs": 10, "memory": 9},
        "laptop": {"parameters": 15, "macs": 14, "memory": 12, "time": 14},
        "paper": {"parameters": 86, "macs": 85, "memory": 71},
    },
    "cifar100": {
        "smoke": {"parameters": 12, "macs": 11, "memory": 10},
        "laptop": {"parameters": 12, "macs": 11, "memory": 10, "time": 10},
        "paper": {"parameters": 87, "macs": 85, "memory": 71},
    },
    "boolq": {
        "smoke": {"parameters": 13, "macs": 11, "memory": 15},
        "laptop": {"parameters": 13, "macs": 11, "memory": 15, "time": 13},
        "paper": {"parameters": 145, "macs": 140, "memory": 151},
    },
    "boolq-words": {"smoke": {"parameters": 11}, "laptop": {"parameters": 11}, "paper": {"parameters": 43}},
    "higgs": {
        "smoke": {"parameters": 113, "macs": 113, "memory": 100},
        "laptop": {"parameters": 113, "macs": 113, "memory": 100, "time": 98},
        "paper": {"parameters": 113, "macs": 113, "memory": 100},
    },
    "digits": {"laptop": {"parameters": 11}},
}
# The best learning rate of each neuron, at equal parameters; `rates.best` finds them in the Records of their
# tuning, and every arm of the neuron has it. Where there is none, all arms have the recipe's, which is the source's.
HIGGS_RATES = {"standard": 3e-2, "polynomial": 1e-2}
RATES = {("higgs", "smoke"): HIGGS_RATES, ("higgs", "laptop"): HIGGS_RATES}
PUBLISHED = ("standard", "parameters")  # These arms stand there by the source's own recipe too.
HIGGS_SOURCE_WIDTH = 98  # The source's polynomial network has this width, and the source calls it matched.


def cifar10(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> Arms:
    """Standard against polynomial on CIFAR-10, by the recipe of :cite:t:`oporture2026`.

    Args:
        size: ``"smoke"``, ``"laptop"`` or ``"paper"`` (the source's own setting, properly matched).
        seeds: seeds 0 .. seeds - 1 on every arm; 0 is the size's own number, as with the next two.
        width: width of the standard network; the polynomial one's are matched to it.
        epochs: passes over the training rows.

    Returns:
        The Runs by arm: ``"standard"``, and the polynomial network of equal ``"parameters"``, ``"macs"``, ``"memory"``
        (activations) and, where it was timed, ``"time"`` (of a step). Where learning rates were tuned (``RATES``), each
        arm has its neuron's best one, and the first two stand there with the source's as well, as
        ``"published-standard"`` and ``"published-parameters"``.

    Raises:
        RunError: an unknown size, a negative number.
        ValueError: no polynomial width matches: within 1.5 % of the parameters, 10 % of the others.
    """
    return _arms(CIFAR10_SETTINGS, size, seeds, width, epochs)


def cifar100(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> Arms:
    """The same on CIFAR-100, fine labels; see :func:`cifar10`."""
    return _arms(CIFAR100_SETTINGS, size, seeds, width, epochs)


def boolq(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> Arms:
    """The same on BoolQ by the source's recipe, embedding learnt from scratch; see :func:`cifar10`.

    Two more arms: ``"majority"`` and ``"bag-of-words"``, :mod:`pnn.networks.baselines`; nothing in them is random, and
    they have one seed.
    """
    setting = setting_of(BOOLQ_SETTINGS, size)
    arms = _arms(BOOLQ_SETTINGS, size, seeds, width, epochs)
    return arms | {n.name: baseline_runs(setting.task, n, size, 1) for n in (Majority(), BagOfWords())}


def boolq_glove(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> Arms:
    """Standard against polynomial, equal in parameters, on BoolQ by a recipe of this book; see :func:`cifar10`.

    A small network of question and passage (:class:`pnn.PairCNNModule`) that starts from GloVe vectors and is stopped
    early.
    """
    return _arms(BOOLQ_GLOVE_SETTINGS, size, seeds, width, epochs)


def higgs(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> Arms:
    """The same on HIGGS; see :func:`cifar10`. ``"laptop"`` is on 35k of its rows.

    Three more arms: ``"source"``, the polynomial network at the source's own width of 98, which it calls matched, and
    ``"boosted-trees"`` and ``"majority"``, :mod:`pnn.networks.baselines`.
    """
    setting = setting_of(HIGGS_SETTINGS, size)
    arms = _arms(HIGGS_SETTINGS, size, seeds, width, epochs)
    if not width:
        network, recipe = MLP("polynomial", HIGGS_SOURCE_WIDTH), arms["parameters"][0].recipe
        arms["source"] = runs_of(setting.task, network, recipe, seeds or setting.other_seeds, size)
    arms[BoostedTrees.name] = baseline_runs(setting.task, BoostedTrees(), size, seeds or setting.other_seeds)
    return arms | {Majority.name: baseline_runs(setting.task, Majority(), size, 1)}


def digits(*, seeds: int = 0, width: int = 0, epochs: int = 0) -> Arms:
    """Standard against polynomial, equal in parameters, on scikit-learn's real 8x8 digits; the quickstart trains it."""
    return _arms(DIGITS_SETTINGS, "laptop", seeds, width, epochs)


def _arms(settings: dict[str, Setting], size: str, seeds: int, width: int, epochs: int) -> Arms:
    setting = setting_of(settings, size)
    check_numbers(seeds=seeds, width=width, epochs=epochs)
    task, standard = setting.task, setting.network
    widths = WIDTHS[task.name][size]
    if width:  # The other widths are matched to the caller's own, but for time, which nobody has measured.
        standard = dataclasses.replace(standard, width=width)
        like = dataclasses.replace(standard, neuron="polynomial")
        widths = {by: matching_width(task, standard, like, by) for by in widths if by in TOLERANCE}
    recipe = with_epochs(setting.recipe, epochs) if epochs else setting.recipe
    rates = RATES.get((task.name, size), {})
    arms = {}
    for arm, own_width in {"standard": standard.width, **widths}.items():  # type: ignore[union-attr]
        neuron = "standard" if arm == "standard" else "polynomial"
        network = dataclasses.replace(standard, neuron=neuron, width=own_width)  # type: ignore[call-arg]
        own_seeds = setting.seeds if arm in PUBLISHED else setting.other_seeds
        tuned = dataclasses.replace(recipe, learning_rate=rates.get(neuron, recipe.learning_rate))
        arms[arm] = runs_of(task, network, tuned, seeds or own_seeds, size)
        if rates and arm in PUBLISHED:
            arms[f"published-{arm}"] = runs_of(task, network, recipe, seeds or own_seeds, size)
    return arms


def tuning_runs(experiment: Callable[..., Arms], size: str, *, seeds: int = 0) -> dict[Tried, list[Run]]:
    """The trainings that choose the learning rates of an experiment of this file, at equal parameters.

    Args:
        experiment: such as :func:`cifar10`.
        size: as there.
        seeds: how many tuning seeds; 0 is all three.
    """
    arms = experiment(size)
    first = {arms[arm][0].network.neuron: arms[arm][0] for arm in PUBLISHED}
    return tuning(first, size, HIGGS_GRID if experiment is higgs else GRID, seeds=seeds)
