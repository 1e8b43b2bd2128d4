"""Each arm at its best: which learning rate it has, chosen on validation rows by seeds that no result uses.

The trainings that choose are experiments of their own, with Records like all others. What they chose is kept in the
tables of the experiments that use it, so that these are known before anything is trained; a test finds it again by
:func:`best`.
"""

import dataclasses
import statistics
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..runs.record import Record
from ..runs.run import Run
from .common import check_numbers

GRID = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
HIGGS_GRID = (*GRID, 1e-1, 3e-1)  # It is longer, as one arm's best rate lies at 0.1.
SEEDS = (1000, 1001, 1002)  # Results have seeds from 0.


class Tried(NamedTuple):
    """One arm at one value of what is tuned: a learning rate, or several numbers at once."""

    arm: Any
    value: Any


def tuning(first: Mapping[Any, Run], size: str, grid: Iterable[float] = GRID, *, seeds: int = 0) -> dict[Tried, list]:
    """The Runs that choose the learning rate of some arms.

    Args:
        first: a Run of each arm.
        size: of the experiment; at ``"smoke"`` the two lowest rates and one seed prove the code.
        grid: the rates, the same for every arm; it is extended for all of them while one's best is at an edge.
        seeds: how many of `SEEDS`; 0 is all of them.

    Returns:
        The Runs by arm and rate.
    """
    tried = {Tried(arm, rate): at_rate(run, rate) for rate in sorted(grid) for arm, run in first.items()}
    return of_seeds(tried, size, seeds)


def of_seeds(tried: Mapping[Tried, Run], size: str, seeds: int = 0) -> dict[Tried, list[Run]]:
    """The Runs of all that is tried by the tuning seeds; see :func:`tuning`."""
    if size == "smoke":
        own: dict[Any, list[Tried]] = {}
        for one in tried:
            own.setdefault(one.arm, []).append(one)
        tried = {one: tried[one] for values in own.values() for one in values[:2]}
        seeds = seeds or 1
    check_numbers(seeds=seeds)
    chosen = range(SEEDS[0], SEEDS[0] + (seeds or len(SEEDS)))
    return {one: [dataclasses.replace(run, seed=seed) for seed in chosen] for one, run in tried.items()}


def at_rate(run: Run, rate: float) -> Run:
    """The same Run at another learning rate."""
    return dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, learning_rate=rate))


def score(record: Record) -> float:
    """What the choice goes by: accuracy, of numbers R2, on the validation rows; 0 of a training that ended badly."""
    return record.final["validation"].share if record.outcome == "ok" else 0.0


def best(records: Mapping[Tried, list[Record]]) -> dict[Any, Any]:
    """The value of each arm with the highest mean :func:`score`; of equal ones the lowest."""
    means: dict[Any, dict[Any, float]] = {}
    for (arm, value), own in records.items():
        if own:
            means.setdefault(arm, {})[value] = statistics.fmean(map(score, own))
    return {arm: max(sorted(own), key=own.__getitem__) for arm, own in means.items()}
