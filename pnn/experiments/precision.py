"""Both neurons in float32 and in bfloat16: does the precision of a training move the difference between them?

The rule was written before the runs. The difference of the arms moves by its value in bfloat16 less that in float32,
and the tolerance is a tenth of the width of its 95 % interval in float32. bfloat16 is as good if the whole 95 %
interval of that move lies within the tolerance, and not if it lies outside; otherwise nobody can tell.
:class:`pnn.report.precision.Moved` is that rule.
"""

import dataclasses
from typing import NamedTuple

from ..runs.run import Run, RunError
from .common import check_numbers, with_epochs
from .matched import cifar10, higgs


class Arm(NamedTuple):
    """One neuron in one precision."""

    neuron: str  # "standard" or "polynomial", of as many parameters
    precision: str


PRECISIONS = ("float32", "bfloat16")
SEEDS = {
    "smoke": {"cifar10": 2, "higgs": 2},
    "laptop": {"cifar10": 5, "higgs": 10},
    "paper": {"cifar10": 5, "higgs": 10},
}
# At size "laptop" the networks on CIFAR-10 are narrower and train for fewer epochs than elsewhere, to train four arms.
CIFAR10_WIDTHS = {"standard": 14, "polynomial": 8}
CIFAR10_EPOCHS = 2


def runs(size: str, *, task: str = "cifar10", seeds: int = 0) -> dict[Arm, list[Run]]:
    """The standard network and the polynomial one of as many parameters, each in float32 and in bfloat16.

    Arms of one seed have the same start and the same rows in the same order. Each neuron has its own best learning
    rate where that was tuned. The runs in float32 are those of the task's own experiment but for CIFAR-10 at size
    ``"laptop"``.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        task: ``"cifar10"`` or ``"higgs"``.
        seeds: seeds of every arm; 0 is the size's own number.

    Returns:
        The Runs by arm: neuron and precision.

    Raises:
        RunError: an unknown task or size, a negative number.
    """
    experiments = {"cifar10": cifar10, "higgs": higgs}
    if task not in experiments:
        raise RunError(f"task must be one of {', '.join(map(repr, experiments))}, got {task!r}")
    check_numbers(seeds=seeds)
    matched = experiments[task](size, seeds=seeds or SEEDS.get(size, {}).get(task, 0))
    pair = {"standard": matched["standard"], "polynomial": matched["parameters"]}
    if (task, size) == ("cifar10", "laptop"):
        pair = {neuron: [_smaller(run, CIFAR10_WIDTHS[neuron]) for run in own] for neuron, own in pair.items()}
    return {
        Arm(neuron, precision): [
            dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, precision=precision)) for run in own
        ]
        for neuron, own in pair.items()
        for precision in PRECISIONS
    }


def _smaller(run: Run, width: int) -> Run:
    network = dataclasses.replace(run.network, width=width)  # type: ignore[call-arg]
    return dataclasses.replace(run, network=network, recipe=with_epochs(run.recipe, CIFAR10_EPOCHS))
