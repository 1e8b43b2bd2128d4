"""The four data sets of the first source, and its network at many widths."""

import dataclasses

from ..run import Network, Recipe, Run, RunError, Task
from .common import Setting, Sides, baseline, check_numbers, matching_width, runs_of, setting_of

PLAIN = Recipe(epochs=1, augment="none")
GLOVE_RECIPE = dataclasses.replace(
    PLAIN, source="book", batch_size=64, embedding_learning_rate=1e-2, schedule="constant", patience=2
)
BOOLQ_RECIPE = dataclasses.replace(PLAIN, learning_rate=1e-4)
HIGGS_RECIPE = dataclasses.replace(PLAIN, epochs=4, batch_size=256)

CIFAR10 = {
    "smoke": Setting(Task("cifar10", validation=200, rows="stand-in"), "cnn", 19, Recipe(epochs=1), 2, 2),
    "laptop": Setting(Task("cifar10"), "cnn", 26, Recipe(epochs=10), 6, 5, time_width=14),
    "paper": Setting(Task("cifar10"), "cnn", 149, Recipe(epochs=20), 10, 10),
}
CIFAR100 = {
    "smoke": Setting(Task("cifar100", validation=200, rows="stand-in"), "cnn", 20, Recipe(epochs=1), 2, 2),
    "laptop": Setting(Task("cifar100"), "cnn", 20, Recipe(epochs=5), 5, 5, time_width=10),
    "paper": Setting(Task("cifar100"), "cnn", 149, Recipe(epochs=20), 10, 10),
}
BOOLQ = {
    "smoke": Setting(Task("boolq", validation=80, rows="stand-in"), "text-cnn", 26, PLAIN, 2, 2),
    "laptop": Setting(
        Task("boolq", validation=1000),
        "text-cnn",
        26,
        dataclasses.replace(BOOLQ_RECIPE, epochs=5),
        10,
        5,
        time_width=13,
    ),
    "paper": Setting(
        Task("boolq", validation=1000), "text-cnn", 256, dataclasses.replace(BOOLQ_RECIPE, epochs=20), 10, 10
    ),
}
HIGGS = {
    "smoke": Setting(
        Task("higgs", validation=80, rows="stand-in"), "mlp", 200, dataclasses.replace(HIGGS_RECIPE, epochs=1), 2, 2
    ),
    "laptop": Setting(Task("higgs", rows="subset"), "mlp", 200, HIGGS_RECIPE, 10, 10, time_width=98),
    "paper": Setting(Task("higgs"), "mlp", 200, HIGGS_RECIPE, 10, 10),
}
HIGGS_SOURCE_WIDTH = 98  # of the source's polynomial network, which it calls matched
BOOLQ_GLOVE = {
    "smoke": Setting(
        Task("boolq-words", validation=80, rows="stand-in"), "pair-cnn", 32, GLOVE_RECIPE, 2, 2, ("parameters",)
    ),
    "laptop": Setting(
        Task("boolq-words", validation=1000),
        "pair-cnn",
        32,
        dataclasses.replace(GLOVE_RECIPE, epochs=6),
        10,
        10,
        ("parameters",),
    ),
    "paper": Setting(
        Task("boolq-words", validation=1000),
        "pair-cnn",
        128,
        dataclasses.replace(GLOVE_RECIPE, epochs=6),
        10,
        10,
        ("parameters",),
    ),
}
# a digit mirrored or shifted by half its size is another one: no augmentation
DIGITS = Setting(
    Task("digits", validation=200), "cnn", 19, Recipe(epochs=5, batch_size=32, augment="none"), 2, 2, ("parameters",)
)


def cifar10(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> Sides:
    """Standard against polynomial on CIFAR-10, by the recipe of :cite:t:`oporture2026`.

    Args:
        size: ``"smoke"``, ``"laptop"`` or ``"paper"`` (the source's own setting, properly matched).
        seeds: seeds 0 .. seeds - 1 on every side; 0 is the size's own number, as with the next two.
        width: width of the standard network; the polynomial one's are matched to it.
        epochs: passes over the training rows.

    Returns:
        The Runs by side: ``"standard"``, and the polynomial network of equal ``"parameters"``, ``"macs"``, ``"memory"``
        (activations) and, where it was timed, ``"time"`` (of a step).

    Raises:
        RunError: an unknown size, a negative number.
        ValueError: no polynomial width matches: within 1.5 % of the parameters, 10 % of the others.
    """
    return _sides(CIFAR10, size, seeds, width, epochs)


def cifar100(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> Sides:
    """The same on CIFAR-100, fine labels; see :func:`cifar10`."""
    return _sides(CIFAR100, size, seeds, width, epochs)


def boolq(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> Sides:
    """The same on BoolQ by the source's recipe, embedding learnt from scratch; see :func:`cifar10`.

    Two more sides: ``"majority"`` and ``"bag-of-words"``, :mod:`pnn.baselines`; nothing in them is random, and they
    have one seed.
    """
    setting = setting_of(BOOLQ, size)
    sides = _sides(BOOLQ, size, seeds, width, epochs)
    return sides | {name: baseline(setting.task, name, size, 1) for name in ("majority", "bag-of-words")}


def boolq_glove(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> Sides:
    """Standard against polynomial, equal in parameters, on BoolQ by a recipe of this book; see :func:`cifar10`.

    A small network of question and passage (:class:`pnn.PairCNN`) that starts from GloVe vectors and is stopped early.
    """
    return _sides(BOOLQ_GLOVE, size, seeds, width, epochs)


def higgs(size: str, *, seeds: int = 0, width: int = 0, epochs: int = 0) -> Sides:
    """The same on HIGGS; see :func:`cifar10`. ``"laptop"`` is on the HIGGS subset (51k rows).

    Two more sides: ``"source"``, the polynomial network at the source's own width of 98, which it calls matched, and
    ``"boosted-trees"``, :mod:`pnn.baselines`.
    """
    setting = setting_of(HIGGS, size)
    sides = _sides(HIGGS, size, seeds, width, epochs)
    recipe = sides["standard"][0].recipe
    if not width:
        network = Network(setting.network, "polynomial", HIGGS_SOURCE_WIDTH)
        sides["source"] = runs_of(setting.task, network, recipe, seeds or setting.other_seeds, size)
    return sides | {"boosted-trees": baseline(setting.task, "boosted-trees", size, seeds or setting.other_seeds)}


def digits(*, seeds: int = 0, width: int = 0, epochs: int = 0) -> Sides:
    """Standard against polynomial, equal in parameters, on scikit-learn's real 8x8 digits; the quickstart trains it."""
    return _sides({"laptop": DIGITS}, "laptop", seeds, width, epochs)


def _sides(
    settings: dict[str, Setting],
    size: str,
    seeds: int,
    width: int,
    epochs: int,
) -> Sides:
    setting = setting_of(settings, size)
    check_numbers(seeds=seeds, width=width, epochs=epochs)
    standard = Network(setting.network, "standard", width or setting.width)
    recipe = dataclasses.replace(setting.recipe, epochs=epochs) if epochs else setting.recipe
    sides = {"standard": runs_of(setting.task, standard, recipe, seeds or setting.seeds, size)}
    for by in setting.matched:
        own = setting.seeds if by == "parameters" else setting.other_seeds
        if by != "time":
            own_width = matching_width(setting.task, standard, by)
        elif setting.time_width and not width:
            own_width = setting.time_width
        else:
            continue
        polynomial = dataclasses.replace(standard, neuron="polynomial", width=own_width)
        sides[by] = runs_of(setting.task, polynomial, recipe, seeds or own, size)
    return sides


# --- width scaling ---------------------------------------------------------------------------------------------------

WIDTHS = {  # of the standard and of the polynomial network: six each, over about the same range of parameters
    "cifar10": {
        "smoke": ((19,), (11,)),
        "laptop": ((5, 7, 10, 14, 20, 28), (3, 4, 6, 8, 12, 16)),
        "paper": ((19, 26, 45, 74, 105, 149), (11, 15, 26, 43, 61, 86)),
    },
    "higgs": {
        "smoke": ((20,), (11,)),
        "laptop": ((12, 25, 50, 100, 200, 400), (7, 14, 28, 56, 113, 228)),
        "paper": ((12, 25, 50, 100, 200, 400), (7, 14, 28, 56, 113, 228)),
    },
}
WIDTHS_EPOCHS = {"cifar10": {"smoke": 1, "laptop": 3, "paper": 20}, "higgs": {"smoke": 1, "laptop": 4, "paper": 4}}
WIDTHS_SEEDS = {"smoke": 2, "laptop": 3, "paper": 5}
WIDTHS_TOLERANCE = 0.1  # of the parameters: in the narrowest networks one channel more is a large step


def width_scaling(
    size: str, *, task: str = "cifar10", width: float = 0.0, seeds: int = 0, seed: int = -1, epochs: int = 0
) -> dict[Network, list[Run]]:
    """Both neurons at six widths each, everything else as in the task's own experiment.

    Args:
        size: as for :func:`cifar10`.
        task: ``"cifar10"`` or ``"higgs"``.
        width: of the standard network, over that of the widest one; the polynomial one is matched by parameters. 0 is
            all six widths.
        seeds: seeds at each width; 0 is the size's own number.
        seed: this seed alone; -1 is all of them.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by network.

    Raises:
        RunError: an unknown task or size, a number out of range, both ``seeds`` and ``seed``.
        ValueError: no polynomial width matches, as with :func:`cifar10`.
    """
    if task not in WIDTHS:
        raise RunError(f"task must be one of {', '.join(map(repr, WIDTHS))}, got {task!r}")
    check_numbers(seeds=seeds, epochs=epochs)
    if type(seed) is not int or seed < -1:
        raise RunError(f"seed must be a whole number, -1 for all of them; got {seed!r}")
    if seeds and seed >= 0:
        raise RunError(f"seeds says how many and seed says which; give one of them, got {seeds} and {seed}")
    if not 0 <= width <= 1:
        raise RunError(f"width must be a share of the widest, above 0 to 1, or 0 for all widths; got {width!r}")
    setting = setting_of({"cifar10": CIFAR10, "higgs": HIGGS}[task], size)
    recipe = dataclasses.replace(setting.recipe, epochs=epochs or WIDTHS_EPOCHS[task][size])
    standard, polynomial = WIDTHS[task][size]
    if width:
        standard = (max(1, round(width * standard[-1])),)
        alike = Network(setting.network, "standard", standard[0])
        polynomial = (matching_width(setting.task, alike, "parameters", tolerance=WIDTHS_TOLERANCE),)
    networks = [Network(setting.network, "standard", width) for width in standard]
    networks += [Network(setting.network, "polynomial", width) for width in polynomial]
    chosen = [seed] if seed >= 0 else range(seeds or WIDTHS_SEEDS[size])
    return {n: [Run(setting.task, n, recipe, seed, size) for seed in chosen] for n in networks}
