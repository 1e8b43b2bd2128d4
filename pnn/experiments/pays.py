"""When does a product pay? Small networks on tasks whose interactions are known."""

import dataclasses
from typing import NamedTuple

from ..networks.baselines import QuadraticRidge
from ..networks.mlp import MLP
from ..nn.activation import GELU, IDENTITY, RELU
from ..runs.run import Recipe, Run, RunError
from ..tasks.known import Known
from .common import baseline_runs, check_numbers, runs_of
from .rates import GRID, Tried, tuning


class Case(NamedTuple):
    """One arm on one task."""

    task: str  # its title
    rows: int  # to train on
    arm: str  # one of `NETWORKS`, or "ridge"


# All have as many parameters as the first but for `TOLERANCE`; `matching_width` finds the widths.
NETWORKS = {
    "standard": MLP("standard", 64, RELU, depth=2),
    "GELU": MLP("standard", 64, GELU(), depth=2),
    "polynomial-relu": MLP("polynomial", 34, RELU, depth=2),
    "polynomial": MLP("polynomial", 34, IDENTITY, depth=2),
    "bilinear": MLP("bilinear", 43, IDENTITY, depth=2),
    "quadratic": MLP("quadratic", 33, IDENTITY, depth=2),
    "ccp": MLP("ccp", 28, IDENTITY, depth=2),
    "kan": MLP("kan", 17, IDENTITY, depth=2),
}
TOLERANCE = 0.02  # In so narrow a network one feature more is a step of three parts in a hundred.
BASE = "GELU"  # The other arms are compared with it, so that smoothness is not credited to a product.
PAIR = (BASE, "polynomial")
MAIN = ("standard", "GELU", "polynomial")

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
ROWS = (500, 2000, 8000)
NOISE = 0.1  # of the labels of a threshold: without any, what is learnt at all is learnt to the last row
THRESHOLDS = ("parity-2", "parity-3", "parity-4", "sign-product", "sign-sum", "majority")
NUMBERS = ("friedman-1", "friedman-2", "quotient", "root", "additive")
FAMILY = [Known("products", rows=rows, share=share) for rows in ROWS for share in SHARES]
OTHERS = [Known(name) for name in NUMBERS] + [Known(name, noise=NOISE) for name in THRESHOLDS]
# All arms are trained on these, with 2,000 rows; on the other tasks those of `MAIN`.
SHOWN = ("products 1", "additive", "parity-3")

FAMILY_SEEDS = {"laptop": 8, "paper": 20}  # of the arms of `MAIN` on the products
SEEDS = {"laptop": 5, "paper": 20}  # of all others
STEPS, BATCH = 800, 128
RATES_TRIED = (*GRID, 1e-1, 3e-1)  # It is longer, as many a best rate lies at 0.1.
# Each arm's best learning rate, in the order of `arms_of`; `rates.best` finds them in the Records of the tuning.
RATES: dict[tuple[str, int], tuple[float, ...]] = {
    ("products 0", 500): (3e-1, 1e-2, 1e-2),
    ("products 0.25", 500): (1e-1, 1e-2, 3e-2),
    ("products 0.5", 500): (1e-2, 1e-2, 1e-2),
    ("products 0.75", 500): (1e-2, 3e-2, 1e-1),
    ("products 1", 500): (3e-2, 3e-2, 1e-1),
    ("products 0", 2000): (3e-2, 1e-2, 3e-2),
    ("products 0.25", 2000): (3e-2, 3e-2, 1e-2),
    ("products 0.5", 2000): (1e-2, 3e-2, 3e-2),
    ("products 0.75", 2000): (3e-2, 3e-2, 1e-2),
    ("products 1", 2000): (3e-2, 3e-2, 1e-1, 1e-1, 1e-1, 1e-1, 3e-3, 1e-2),
    ("products 0", 8000): (3e-2, 3e-2, 1e-2),
    ("products 0.25", 8000): (3e-2, 3e-2, 1e-2),
    ("products 0.5", 8000): (3e-2, 3e-2, 3e-2),
    ("products 0.75", 8000): (1e-2, 3e-2, 1e-2),
    ("products 1", 8000): (3e-2, 3e-2, 1e-2),
    ("friedman-1", 2000): (3e-2, 3e-2, 3e-2),
    ("friedman-2", 2000): (1e-1, 3e-2, 3e-2),
    ("quotient", 2000): (1e-1, 1e-1, 3e-2),
    ("root", 2000): (3e-2, 3e-2, 1e-1),
    ("additive", 2000): (3e-2, 1e-1, 3e-2, 3e-2, 3e-1, 3e-1, 1e-2, 3e-2),
    ("parity-2", 2000): (3e-2, 3e-2, 1e-2),
    ("parity-3", 2000): (1e-2, 1e-2, 1e-1, 3e-3, 3e-2, 3e-1, 3e-1, 3e-4),
    ("parity-4", 2000): (1e-1, 3e-1, 3e-1),
    ("sign-product", 2000): (3e-1, 1e-1, 1e-1),
    ("sign-sum", 2000): (3e-1, 1e-1, 3e-4),
    ("majority", 2000): (1e-1, 1e-1, 1e-2),
}


def arms_of(task: Known) -> tuple[str, ...]:
    """The networks that are trained on a task."""
    return tuple(NETWORKS) if task.title in SHOWN and task.rows == 2000 else MAIN


def recipe_of(task: Known) -> Recipe:
    """Adam with a cosine for about 800 steps, at a batch of 128 (32 of 500 rows, so that an epoch is not four steps).

    The network of the epoch with the lowest validation loss is kept, of every arm alike.
    """
    batch = BATCH if task.rows > 4 * BATCH else BATCH // 4
    epochs = round(STEPS * batch / task.rows)
    return Recipe(epochs=epochs, batch_size=batch, augment="none", patience=epochs)


def runs(size: str, *, seeds: int = 0) -> dict[Case, list[Run]]:
    """Networks of two hidden layers and about 5,700 parameters on each task of :class:`pnn.Known`.

    Before the runs it was fixed what they are to show. The measure is the error on 5,000 test rows without noise, 1
    less R2 of numbers and the share of wrong answers of classes; of it the binary logarithm of an arm's ratio to the
    standard network with GELU of the same seed. The confirmatory part is the products: whether that ratio, polynomial
    to GELU, falls with the share of products. Of each of 8 seeds it is the slope of a line by least squares over the
    five shares; the family are the three exact sign-flip tests of these slopes, at 500, 2,000 and 8,000 rows, Holm over
    the three. Everything else is exploratory, with 5 seeds and without p. Each arm has its own best learning rate of
    each task, chosen on validation rows by one tuning seed.

    Args:
        size: ``"smoke"`` is one task for one epoch; ``"paper"`` has 20 seeds of every arm. No source has this
            experiment.
        seeds: seeds of every arm; 0 is the size's own number.

    Returns:
        The Runs by task, rows and arm; ``"ridge"``, :class:`pnn.QuadraticRidge`, has one seed, as nothing in it is
        random.
    """
    check_numbers(seeds=seeds)
    if size == "smoke":
        task = Known("products", share=0.5)
        recipe = dataclasses.replace(recipe_of(task), epochs=1, patience=1)
        networks = {Case(task.title, task.rows, arm): network for arm, network in NETWORKS.items()}
        arms = {case: runs_of(task, network, recipe, seeds or 2, size) for case, network in networks.items()}
        return arms | {Case(task.title, task.rows, "ridge"): baseline_runs(task, QuadraticRidge(), size, 1)}
    if size not in SEEDS:
        raise RunError(f"size must be one of 'smoke', 'laptop', 'paper', got {size!r}")
    arms = {}
    for task in FAMILY + OTHERS:
        names, recipe = arms_of(task), recipe_of(task)
        rates = RATES.get((task.title, task.rows), (recipe.learning_rate,) * len(names))
        for arm, rate in zip(names, rates, strict=True):
            own = dataclasses.replace(recipe, learning_rate=rate)
            number = seeds or (FAMILY_SEEDS if task in FAMILY and arm in MAIN else SEEDS)[size]
            arms[Case(task.title, task.rows, arm)] = runs_of(task, NETWORKS[arm], own, number, size)
        arms[Case(task.title, task.rows, "ridge")] = baseline_runs(task, QuadraticRidge(), size, 1)
    return arms


def tuning_runs(size: str, *, seeds: int = 0) -> dict[Tried, list[Run]]:
    """The trainings that choose the learning rate of each arm on each task; 0 seeds are one, ``"paper"`` has three."""
    first = {case: own[0] for case, own in runs(size).items() if case.arm in NETWORKS}
    return tuning(first, size, RATES_TRIED, seeds=seeds or (0 if size == "paper" else 1))
