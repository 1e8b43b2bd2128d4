"""What the best of several settings shows where there is no difference between them: the luck of having tried many."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SHARE = 0.9  # A band holds so much of what could have been.


@dataclass(frozen=True)
class Luck:
    """The gain of the best of several trainings over one more, where all differ in their seed alone."""

    settings: int  # how many trainings the best one is of
    mean: float
    low: float  # with `high`, the ends of the middle `SHARE` of the choices
    high: float
    least: float
    most: float


def best_of_nothing(values: Sequence[float], settings: int) -> Luck:
    """How far the best of so many trainings lies above one more, of trainings that differ in their seed alone.

    Each training is the baseline once, and each choice of so many of the others is once what was tried. All choices are
    gone through, and count alike; they share their trainings, so that they are not independent, and say nothing of how
    sure the mean is.

    Args:
        values: of the trainings, such as their accuracies.
        settings: how many of them are tried, at least one and fewer than there are.

    Raises:
        ValueError: there are too few trainings for so many settings.
    """
    if not 1 <= settings < len(values):
        raise ValueError(f"of {len(values)} trainings 1 to {len(values) - 1} can be tried beside one, got {settings}")
    # Of n others in order, the largest of a choice is the k-th in C(k - 1, settings - 1) choices.
    others = len(values) - 1
    choices = [math.comb(k, settings - 1) for k in range(others)]
    gains, weights = [], []
    for place, baseline in enumerate(values):
        rest = sorted([*values[:place], *values[place + 1 :]])
        gains += [best - baseline for best, number in zip(rest, choices, strict=True) if number]
        weights += [number for number in choices if number]
    order = np.argsort(gains)
    found, share = np.array(gains)[order], np.cumsum(np.array(weights, dtype=float)[order]) / sum(weights)
    low, high = (float(found[np.searchsorted(share, end)]) for end in ((1 - SHARE) / 2, (1 + SHARE) / 2))
    return Luck(settings, float(np.average(gains, weights=weights)), low, high, float(found[0]), float(found[-1]))


def rising(values: Sequence[float]) -> float:
    """How often values in random order rise at least as steadily as these do, as a share of all orders.

    How steadily is Kendall's count: the pairs of which the later is larger, less those of which it is smaller. This is
    the exact one-sided test of no trend.

    Args:
        values: at most nine, as all orders are gone through.

    Raises:
        ValueError: there are fewer than two values, or more than nine.
    """
    if not 2 <= len(values) <= 9:
        raise ValueError(f"a trend is tested of two to nine values, got {len(values)}")
    orders = np.array(list(itertools.permutations(range(len(values)))))
    ordered = np.asarray(values, dtype=float)[orders]
    count = sum(np.sign(ordered[:, j] - ordered[:, i]) for i, j in itertools.combinations(range(len(values)), 2))
    return float(np.mean(count >= count[0]))  # The first order is the one that was given.
