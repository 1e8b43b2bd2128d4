"""What experiments share: what a size means, and which width matches."""

import dataclasses
from functools import cache
from typing import NamedTuple

import torch

from ..budget import match_width
from ..run import SIZES, Network, Recipe, Run, RunError, Task

MATCHED = ("parameters", "macs", "memory", "time")  # what a polynomial network has in common with the standard one
# how far a match may be off, relatively: of macs and memory one channel more is a large step; tables show the rest
TOLERANCE = {"parameters": 0.015, "macs": 0.1, "memory": 0.1}
VECTORS = 50  # dimensions of the words' vectors


class Setting(NamedTuple):
    """What a size means for one experiment."""

    task: Task
    network: str  # name of the architecture
    width: int  # of the standard network
    recipe: Recipe
    seeds: int  # of the standard network and of the one matched by parameters
    other_seeds: int  # of every other side
    matched: tuple[str, ...] = MATCHED  # which polynomial networks there are
    time_width: int = 0  # of the polynomial network whose step takes as long, by benchmarks/match_time.py; 0: not timed


Sides = dict[str, list[Run]]


def setting_of(settings: dict[str, Setting], size: str) -> Setting:
    if size not in settings:
        raise RunError(f"size must be one of {', '.join(map(repr, SIZES))}, got {size!r}")
    return settings[size]


def check_numbers(**numbers: int) -> None:
    for name, value in numbers.items():
        if type(value) is not int or value < 0:
            raise RunError(f"{name} must be a whole number, 0 for the size's own; got {value!r}")


@cache  # it takes a second for a large network
def matching_width(
    task: Task, standard: Network, by: str, like: Network | None = None, tolerance: float | None = None
) -> int:
    """The width at which a network has as many ``parameters`` or ``macs``, or keeps as much ``memory``, as another one.

    Args:
        task: whose rows both take.
        standard: the network to match.
        by: one of `TOLERANCE`.
        like: the network but for its width; by default, the standard one with polynomial neurons.
        tolerance: how far it may be off, relatively; by default as in `TOLERANCE`.
    """
    form = task.form
    like = like or dataclasses.replace(standard, neuron="polynomial")
    # only the number of the vectors matters
    vectors = torch.empty(form.vocabulary, VECTORS, device="meta") if form.vocabulary else None
    return match_width(
        lambda width: dataclasses.replace(like, width=width).build(form, vectors),
        standard.build(form, vectors),
        {"memory": "activation_bytes"}.get(by, by),
        example=torch.zeros(1, *form.shape, dtype=torch.int32 if form.vocabulary else torch.float32, device="meta"),
        tolerance=tolerance or TOLERANCE[by],
    )


def runs_of(task: Task, network: Network, recipe: Recipe, seeds: int, size: str) -> list[Run]:
    return [Run(task, network, recipe, seed, size) for seed in range(seeds)]


def baseline(task: Task, name: str, size: str, seeds: int) -> list[Run]:
    """The Runs of one of :mod:`pnn.baselines`."""
    return runs_of(task, Network(name, "none", 0), Recipe(1, source="scikit-learn", augment="none"), seeds, size)
