"""forecast(runs) -> Forecast: how long the trainings that are missing will take, and whether they fit the device."""

import dataclasses
import functools
import math
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..analysis.budget import budget, kept_bytes
from ..networks import Baseline
from ..runs.folders import results_folder
from ..runs.run import Recipe, Run
from ..runs.store import has_record
from ..system.machine import device_name, pick_device
from ..tasks import Task
from ..tasks.data import Data
from ..training.faults import FAULTS, ends_the_device, fault
from ..training.optimiser import STATE
from ..training.timing import time_steps
from .study import in_turn

STEPS = 3  # So many steps of a network are timed, after one that is not, as it sets up what the others find.
NETWORK_SECONDS = 2.0  # After this time no further step of a network is timed.
SECONDS = 5.0  # After this time no further network is timed.
# The time or the memory of a step depends on these fields of a recipe.
COUNTS = (
    "batch_size",
    "weight_decay",  # No time depends on it, but some methods are for recipes with one alone.
    "augment",
    "precision",
    "channels_last",
    "compile",
    "optimiser",
    "mix",
    "average",
    "patience",
    "methods",
)
TORCH_BYTES = 500_000_000  # Torch and its libraries take about so much for themselves on a GPU.


@dataclass(frozen=True)
class Forecast:
    """What the trainings that are missing will take; printed, it is one line."""

    runs: int  # how many distinct runs were asked for
    missing: int  # how many of them have no Record
    networks: int  # how many networks among the missing have steps of another time
    timed: int  # how many of these were timed; other times follow from the nearest one's multiply-accumulates
    steps: int  # how many steps were timed, all together
    seconds: float  # of all steps of the missing trainings, one after another; 0 if nothing was timed
    memory_bytes: int  # what the training takes that needs most
    device: str
    device_bytes: int  # free memory of the GPU; 0 if it is none
    fits: bool  # whether every training fits into that, as counted and as tried
    broken: int = 0  # how many of the missing have a network that cannot be built, or a step that cannot be taken
    reason: str = ""  # of the first of them

    def __str__(self) -> str:
        broken = f". Of them {self.broken} cannot be trained, the first as of {self.reason}" if self.broken else ""
        return self._of_the_others() + broken

    def _of_the_others(self) -> str:
        if not self.missing:
            return f"all {self.runs} Records are there"
        begun = f"{self.missing} of {self.runs} trainings {'is' if self.missing == 1 else 'are'} to be done"
        if not self.networks:
            return begun if self.broken else f"{begun}: scikit-learn's, which are not timed"
        needed, there = (f"{size / 1e9:.1f}" for size in (self.memory_bytes, self.device_bytes))
        if not self.fits:
            return (
                f"{begun}, but they do not fit {self.device}: counted are {needed} GB, free are {there} GB. "
                "Choose a smaller size, or a smaller batch_size in the recipe"
            )
        which = f"{self.networks} network" + "s" * (self.networks > 1)
        if self.timed < self.networks:
            which = f"{self.timed} of {which}"
        memory = f"{needed} of {there} GB of free" if self.device_bytes else f"{needed} GB of"
        return (
            f"{begun}: about {_duration(self.seconds)} on {self.device} (measured: {self.steps} steps of {which}); "
            f"up to {memory} memory"
        )


def forecast(
    runs: Iterable[Run] | Mapping[Any, Iterable[Run]],
    *,
    device: str = "auto",
    results: str | Path | None = None,
) -> Forecast:
    """How many of the runs have no Record, how long their trainings will take here, and how much memory.

    Time: a few steps of each distinct network are timed on the device, on the task's stand-in, times the steps of all
    epochs. Not counted are reading the data, evaluations, checkpoints, compilation and scikit-learn's baselines; that
    a training may stop early, diverge or go on from a checkpoint is not foreseen. Timing ends after some seconds, with
    the most expensive networks of each neuron done; the others' times follow from their multiply-accumulates.

    Memory: weights, gradients, the optimiser's state, averaged or best weights, the task's rows, and the activations
    kept for the backward pass, in float32. Not counted is what lives for one operation only. On a GPU it must fit into
    what other processes leave free, less half a gigabyte for torch itself; the network that needs most is tried.

    If all Records are there, nothing is timed. Runs that cannot be trained are counted apart, and stop nothing.

    Args:
        runs: a list of Runs, or lists of them by name, as for :func:`pnn.study`.
        device: ``"auto"``, or a torch device.
        results: the Records' folder, as for :func:`pnn.study`.

    Raises:
        ValueError: something else than Runs, or a device that there is not.
    """
    every = [run for arm in (runs.values() if isinstance(runs, Mapping) else [runs]) for run in arm]
    for run in every:
        if not isinstance(run, Run):
            raise ValueError(f"forecast takes Runs, or lists of them by name, as pnn.study does; got {run!s:.60}")
    device, folder = pick_device(device), results_folder(results)
    runs = list(dict.fromkeys(every))
    missing = [run for run in runs if not has_record(run, folder)]
    trained = [run for run in missing if not isinstance(run.network, Baseline)]
    steps_of, broken = _count_steps(trained)
    steps: dict[Run, int] = defaultdict(int)
    for counts in steps_of.values():
        for run, count in counts.items():
            steps[run] += count
    memory = max(map(memory_bytes, steps), default=0)
    there = _free_bytes(device)
    fits, timed, failed = device.type != "cuda" or memory <= there, {}, {}
    if fits:
        try:
            timed, failed = _time(steps, device)
        except torch.OutOfMemoryError:
            fits = False
    broken |= {run: failed[own] for run, counts in steps_of.items() for own in counts if own in failed}
    steps = {run: count for run, count in steps.items() if run not in failed}
    seconds = {run: statistics.median(own) for run, own in timed.items()}
    return Forecast(
        runs=len(runs),
        missing=len(missing),
        networks=len(steps),
        timed=len(timed),
        steps=sum(map(len, timed.values())),
        seconds=sum(count * _seconds_of_a_step(run, seconds) for run, count in steps.items()) if timed else 0.0,
        memory_bytes=memory,
        device=device_name(device),
        device_bytes=there,
        fits=fits,
        broken=len(broken),
        reason=next(iter(broken.values()), ""),
    )


def _count_steps(runs: Iterable[Run]) -> tuple[dict[Run, dict[Run, int]], dict[Run, str]]:
    """The steps of each Run, by the Runs that stand for its trainings; and why the others cannot be tried."""
    steps, broken = {}, {}
    for run in runs:
        try:
            own = {_alike(phase): phase.recipe.epochs * _steps_of_an_epoch(phase) for phase in _phases(run)}
            for phase in own:
                memory_bytes(phase), _macs(phase)  # Whoever cannot be measured cannot be trained.
        except FAULTS as error:
            broken[run] = fault(error)[1]
        else:
            steps[run] = own
    return steps, broken


def _free_bytes(device: torch.device) -> int:
    """How much of a GPU's memory this process may still take, less torch's own needs; 0 where there is no GPU."""
    if device.type != "cuda":
        return 0
    # Torch keeps it for its next tensors.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(1, torch.cuda.mem_get_info(device)[0] + kept - TORCH_BYTES)


@functools.cache  # It is asked for again and again, to order the runs.
def memory_bytes(run: Run) -> int:
    """What a training keeps on its device, as :func:`forecast` counts it."""
    recipe, data = run.recipe, _stand_in(run.task)
    model, batch = _on_meta(run)
    trained = sum(p.nbytes for p in model.parameters())
    weights = sum(tensor.nbytes for tensor in model.state_dict().values())
    moments = len(STATE[recipe.optimiser] - {"step"})
    copies = bool(recipe.average) + bool(recipe.patience)
    row = data.train.x[0].nbytes + data.train.y[0].nbytes
    rows = sum(_counts(run.task).values()) * row + (0 if data.vectors is None else data.vectors.nbytes)
    return weights * (1 + copies) + trained * (1 + moments) + kept_bytes(model, batch) + rows


# --- which steps take how long ---------------------------------------------------------------------------------------


def _phases(run: Run) -> list[Run]:
    """The trainings of a Run: those that its methods ask for before it, and its own."""
    return [*(phase for method in run.recipe.methods for phase in method.phases(run)), run]


def _alike(run: Run) -> Run:
    """The one Run that stands for all whose steps take the same time and memory."""
    recipe = Recipe(epochs=1, source="book", **{name: getattr(run.recipe, name) for name in COUNTS})
    return dataclasses.replace(run, recipe=recipe, seed=0)


def _time(runs: Iterable[Run], device: torch.device) -> tuple[dict[Run, list[float]], dict[Run, str]]:
    """Time some steps of each Run, in seconds, until `SECONDS` have passed; and say why some cannot be taken.

    First comes the one that needs most memory, to see whether it fits, then the most expensive of each neuron.
    """
    neurons = defaultdict(list)
    for run in sorted(runs, key=_work, reverse=True):
        neurons[_neuron(run)].append(run)
    started, timed, failed = time.perf_counter(), {}, {}
    hungriest = sorted(runs, key=memory_bytes, reverse=True)[:1]
    for run in dict.fromkeys([*hungriest, *in_turn(neurons)]):
        if timed and time.perf_counter() - started > SECONDS:
            break
        try:
            timed[run] = time_steps(run, _stand_in(run.task), device, STEPS, NETWORK_SECONDS)
        except torch.OutOfMemoryError:  # This is the GPU's, which the caller weighs.
            raise
        except FAULTS as error:
            if ends_the_device(error):
                raise
            failed[run] = fault(error)[1]
    return timed, failed


def _seconds_of_a_step(run: Run, timed: Mapping[Run, float]) -> float:
    """As timed, or else from the timed Run with the most similar work, of the same neuron if there is one."""
    if run in timed:
        return timed[run]
    same = [other for other in timed if _neuron(other) == _neuron(run)]
    near = min(same or timed, key=lambda other: abs(math.log(_work(run) / _work(other))))
    return timed[near] * _work(run) / _work(near)


def _neuron(run: Run) -> str:
    """The neuron of a Run's network, or the name of an architecture that knows no neurons."""
    return getattr(run.network, "neuron", run.network.name)


def _work(run: Run) -> int:
    """Multiply-accumulates of a batch's forward pass."""
    return _macs(run) * run.recipe.batch_size


@functools.cache  # A deep network takes a second.
def _macs(run: Run) -> int:
    """Multiply-accumulates of one row's forward pass."""
    return budget(*_on_meta(run)).macs


@functools.cache
def _on_meta(run: Run) -> tuple[nn.Module, Tensor]:
    """The network without data, and a batch of the recipe's size."""
    form, vectors = run.task.form, _stand_in(run.task).vectors
    with torch.device("meta"):
        model = run.network.build(form, vectors)
        batch = torch.empty(run.recipe.batch_size, *form.shape, dtype=torch.int32 if form.vocabulary else torch.float32)
    return model, batch


# --- rows ------------------------------------------------------------------------------------------------------------


@functools.cache
def _stand_in(task: Task) -> Data:
    """Rows in the task's own shape; that they are other ones matters neither to time nor to memory."""
    return task.stand_in().load()


_counts = functools.cache(lambda task: task.counts())  # The training rows include those for validation.


def _steps_of_an_epoch(run: Run) -> int:
    return math.ceil((_counts(run.task)["train"] - run.task.validation) / run.recipe.batch_size)


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(1.0, seconds):.0f} s"
