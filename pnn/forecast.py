"""forecast(runs) -> Forecast: how long the trainings that are missing will take, and whether they fit the device."""

import contextlib
import dataclasses
import functools
import math
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .budget import Budget, budget
from .data import Data, Split, draw_epoch, take_batch
from .divergence import Diverged
from .machine import deterministic, device_name, pick_device
from .manifest import SOURCES
from .optimise import STATE
from .run import Recipe, Run, Task
from .study import in_turn, results_folder
from .train import _before, _Training

STEPS = 3  # timed of a network, after one that is not: it sets up what the others find
NETWORK_SECONDS = 2.0  # after which no further step of a network is timed
SECONDS = 5.0  # after which no further network is timed
# on what of a recipe the time or the memory of a step depends
COUNTS = ("batch_size", "augment", "precision", "channels_last", "compile", "optimiser", "mix", "average", "patience")
TORCH_BYTES = 500_000_000  # that torch and its libraries take for themselves on a GPU, about
UNKNOWN = {"train": 79_000, "test": 20_000}  # rows of HIGGS, whose manifest has no numbers, by the names of its parts


@dataclass(frozen=True)
class Forecast:
    """What the trainings that are missing will take; printed, it is one line."""

    runs: int  # distinct ones that were asked for
    missing: int  # of them without a Record
    networks: int  # whose steps take times of their own, among the missing
    timed: int  # of these; the others' times are the nearest timed one's, in proportion to multiply-accumulates
    steps: int  # that were timed, all together
    seconds: float  # of all steps of the missing trainings, one training after another; 0 if nothing was timed
    memory_bytes: int  # of the training that needs most
    device: str
    device_bytes: int  # the GPU's memory that is free; 0: not a GPU
    fits: bool  # does every training fit into that, as counted and as tried?

    def __str__(self) -> str:
        if not self.missing:
            return f"all {self.runs} Records are there"
        begun = f"{self.missing} of {self.runs} trainings {'is' if self.missing == 1 else 'are'} to be done"
        if not self.networks:
            return f"{begun}: scikit-learn's, which are not timed"
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

    If all Records are there, nothing is timed.

    Args:
        runs: a list of Runs, or lists of them by name, as for :func:`pnn.study`.
        device: ``"auto"``, or a torch device.
        results: the Records' folder, as for :func:`pnn.study`.

    Raises:
        ValueError: something else than Runs, or a device that there is not.
    """
    every = [run for side in (runs.values() if isinstance(runs, Mapping) else [runs]) for run in side]
    for run in every:
        if not isinstance(run, Run):
            raise ValueError(f"forecast takes Runs, or lists of them by name, as pnn.study does; got {run!s:.60}")
    device, folder = pick_device(device), results_folder(results)
    runs = list(dict.fromkeys(every))
    missing = [run for run in runs if not (folder / f"{run.name}.json").exists()]
    steps: dict[Run, int] = defaultdict(int)
    for run in missing:
        if not run.network.is_baseline:
            for phase in _phases(run):
                steps[_alike(phase)] += phase.recipe.epochs * _steps_of_an_epoch(phase)
    memory = max(map(memory_bytes, steps), default=0)
    there = _free_bytes(device)
    fits, timed = device.type != "cuda" or memory <= there, {}
    if fits:
        try:
            timed = _time(steps, device)
        except torch.OutOfMemoryError:
            fits = False
    seconds = {run: statistics.median(own) for run, own in timed.items()}
    return Forecast(
        runs=len(runs),
        missing=len(missing),
        networks=len(steps),
        timed=len(timed),
        steps=sum(map(len, timed.values())),
        seconds=sum(count * _seconds(run, seconds) for run, count in steps.items()) if timed else 0.0,
        memory_bytes=memory,
        device=device_name(device),
        device_bytes=there,
        fits=fits,
    )


def _free_bytes(device: torch.device) -> int:
    """Of a GPU's memory what this process may still take, but for torch's own needs; 0 where there is no GPU."""
    if device.type != "cuda":
        return 0
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # by torch, for its next tensors
    return max(1, torch.cuda.mem_get_info(device)[0] + kept - TORCH_BYTES)


def memory_bytes(run: Run) -> int:
    """What a training keeps on its device, as :func:`forecast` counts it."""
    recipe, data = run.recipe, _stand_in(run.task.name)
    model, cost = _on_meta(run)
    trained = sum(p.nbytes for p in model.parameters())
    weights = sum(tensor.nbytes for tensor in model.state_dict().values())
    moments = len(STATE[recipe.optimiser] - {"step"})
    copies = bool(recipe.average) + bool(recipe.patience)
    row = data.train.x[0].nbytes + data.train.y[0].nbytes
    rows = sum(_rows(run.task).values()) * row + (0 if data.vectors is None else data.vectors.nbytes)
    return weights * (1 + copies) + trained * (1 + moments) + cost.activation_bytes * recipe.batch_size + rows


# --- which steps take how long ---------------------------------------------------------------------------------------


def _phases(run: Run) -> list[Run]:
    """The trainings of a Run: two, if it starts as what a standard network has learnt."""
    if not run.recipe.standard_epochs:
        return [run]
    return [_before(run), dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, standard_epochs=0))]


def _alike(run: Run) -> Run:
    """The one Run that stands for all whose steps take the same time and memory."""
    recipe = Recipe(epochs=1, source="book", **{name: getattr(run.recipe, name) for name in COUNTS})
    return dataclasses.replace(run, recipe=recipe, seed=0)


def _time(runs: Iterable[Run], device: torch.device) -> dict[Run, list[float]]:
    """Seconds of some steps of each Run, until `SECONDS` have passed.

    First comes the one that needs most memory, to see whether it fits, then the most expensive of each neuron.
    """
    neurons = defaultdict(list)
    for run in sorted(runs, key=_work, reverse=True):
        neurons[run.network.neuron].append(run)
    started, timed = time.perf_counter(), {}
    hungriest = sorted(runs, key=memory_bytes, reverse=True)[:1]
    for run in dict.fromkeys([*hungriest, *in_turn(neurons)]):
        if timed and time.perf_counter() - started > SECONDS:
            break
        timed[run] = _time_steps(run, device)
    return timed


def _time_steps(run: Run, device: torch.device) -> list[float]:
    """Seconds of steps as :func:`pnn.fit` takes them, on one batch of the task's stand-in."""
    data, size, seconds = _stand_in(run.task.name, device), run.recipe.batch_size, []
    rows = torch.arange(size, device=device) % len(data.train)
    data = dataclasses.replace(data, train=Split(data.train.x[rows], data.train.y[rows]))
    with deterministic(), tempfile.TemporaryDirectory() as home:
        training = _Training(run, data, device, Path(home) / "checkpoint.safetensors", math.inf)
        training.model.train()
        rows = draw_epoch(size, run.seed, 0, run.recipe.augment != "none", device)
        while len(seconds) < 1 + STEPS and (len(seconds) < 2 or sum(seconds) < NETWORK_SECONDS):
            started = time.perf_counter()
            with contextlib.suppress(Diverged):  # its time is that of others
                training._step(*take_batch(data.train, rows, 0, size))
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            seconds.append(time.perf_counter() - started)
    return seconds[1:]


def _seconds(run: Run, timed: Mapping[Run, float]) -> float:
    """Of a step: as timed, or from the timed Run of most similar work, of the same neuron if there is one."""
    if run in timed:
        return timed[run]
    same = [other for other in timed if other.network.neuron == run.network.neuron]
    near = min(same or timed, key=lambda other: abs(math.log(_work(run) / _work(other))))
    return timed[near] * _work(run) / _work(near)


def _work(run: Run) -> int:
    """Multiply-accumulates of a batch's forward pass."""
    return _on_meta(run)[1].macs * run.recipe.batch_size


@functools.cache  # a deep network takes a second
def _on_meta(run: Run) -> tuple[nn.Module, Budget]:
    """The network without data, and what it costs in batches of the recipe's size."""
    form = run.task.form
    with torch.device("meta"):
        model = run.network.build(form, _stand_in(run.task.name).vectors)
        batch = torch.empty(run.recipe.batch_size, *form.shape, dtype=torch.int32 if form.vocabulary else torch.float32)
    return model, budget(model, batch)


# --- rows ------------------------------------------------------------------------------------------------------------


@functools.cache
def _stand_in(name: str, device: torch.device | str = "cpu") -> Data:
    """Rows in the task's own shape; that they are other ones matters neither to time nor to memory."""
    return Task(name, validation=1, rows="stand-in").load(device=device)


def _rows(task: Task) -> dict[str, int]:
    """How many rows the task has, those for validation still among the training rows."""
    if task.rows == "stand-in" or task.name == "digits":
        data = _stand_in(task.name)
        return {"train": len(data.train) + len(data.validation), "test": len(data.test)}
    return SOURCES[f"{task.name}-subset" if task.rows == "subset" else task.name].rows or UNKNOWN


def _steps_of_an_epoch(run: Run) -> int:
    return math.ceil((_rows(run.task)["train"] - run.task.validation) / run.recipe.batch_size)


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(1.0, seconds):.0f} s"
