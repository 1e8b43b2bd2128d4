"""What experiments share: what a size means, and which width matches."""

import dataclasses
from dataclasses import dataclass
from functools import cache

import torch

from ..analysis.budget import match_width
from ..networks import Network
from ..runs.run import SIZES, Recipe, Run, RunError
from ..tasks import Task

# A match may be off by this share: one channel more is a large step of macs and memory. Tables show the rest.
TOLERANCE = {"parameters": 0.015, "macs": 0.1, "memory": 0.1}
VECTORS = 50  # The words' vectors have so many dimensions.


@dataclass(frozen=True)
class Setting:
    """What a size means for one experiment."""

    task: Task
    network: Network  # the standard network
    recipe: Recipe
    seeds: int  # how many the standard network and the one matched by parameters have
    other_seeds: int  # how many every other arm has


Arms = dict[str, list[Run]]


def setting_of(settings: dict[str, Setting], size: str) -> Setting:
    """A size's setting.

    Raises:
        RunError: there is no such size.
    """
    if size not in settings:
        raise RunError(f"size must be one of {', '.join(map(repr, SIZES))}, got {size!r}")
    return settings[size]


MOST_SEEDS = 10_000


def check_numbers(**numbers: int) -> None:
    """Refuse what is no whole number of at least 0, and more seeds than there is memory for their Runs."""
    for name, value in numbers.items():
        if type(value) is not int or value < 0:
            raise RunError(f"{name} must be a whole number, 0 for the size's own; got {value!r}")
        if name == "seeds" and value > MOST_SEEDS:
            raise RunError(f"seeds must be at most {MOST_SEEDS}, got {value}")


@cache  # Matching takes a second for a large network.
def matching_width(task: Task, to: Network, like: Network, by: str, tolerance: float | None = None) -> int:
    """The width at which a network has as many ``parameters`` or ``macs``, or keeps as much ``memory``, as another one.

    Experiments keep the widths of their own settings, so that nobody waits for them; a test finds them again by this.

    Args:
        task: both networks take its rows.
        to: the network to match.
        like: the other network, but for its width.
        by: one of `TOLERANCE`.
        tolerance: the share by which the match may be off; by default as in `TOLERANCE`.
    """
    form = task.form
    # Only the number of the vectors matters.
    vectors = torch.empty(form.vocabulary, VECTORS, device="meta") if form.vocabulary else None
    return match_width(
        lambda width: dataclasses.replace(like, width=width).build(form, vectors),  # type: ignore[call-arg]
        to.build(form, vectors),
        {"memory": "activation_bytes"}.get(by, by),
        example=torch.zeros(1, *form.shape, dtype=torch.int32 if form.vocabulary else torch.float32, device="meta"),
        tolerance=tolerance or TOLERANCE[by],
    )


def runs_of(task: Task, network: Network, recipe: Recipe, seeds: int, size: str) -> list[Run]:
    """One Run a seed, from 0."""
    return [Run(task, network, recipe, seed, size) for seed in range(seeds)]


def baseline_runs(task: Task, network: Network, size: str, seeds: int) -> list[Run]:
    """The Runs of one of :mod:`pnn.networks.baselines`."""
    return runs_of(task, network, Recipe(1, source="scikit-learn", augment="none"), seeds, size)


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe with another number of epochs."""
    return dataclasses.replace(recipe, epochs=epochs)
