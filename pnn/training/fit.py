"""fit(run) -> Record: one training, exact in its continuation."""

import dataclasses
import platform
import statistics
import time
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from .._version import __version__
from ..analysis.health import health_of, nonfinite_entries
from ..methods import Method
from ..networks import Baseline, label
from ..runs.record import Record, explosion
from ..runs.record_check import ENDED
from ..runs.run import Run
from ..runs.score import Hits
from ..system.choice import RunError
from ..system.machine import commit, deterministic, device_name, pick_device
from ..system.signals import held_signals
from ..tasks.data import Data
from . import checkpoint
from .baselines import fit_baseline
from .divergence import Diverged
from .evaluate import Evaluation
from .faults import FAULTS, ends_the_device, fault
from .loop import Training


def fit(
    run: Run,
    *,
    data: str | Path | Data | None = None,
    device: str = "auto",
    folder: str | Path = "runs",
    checkpoint_seconds: float = 30.0,
    progress: bool = True,
) -> Record:
    """Train one Run to its end, or on from its checkpoint.

    A run that was stopped by whatever cause, SIGKILL included, and is started again ends with the same bits as one
    left alone: same device, same version of torch. SIGTERM, SIGHUP and Ctrl-C finish the step, save, and then act.

    Args:
        run: what to train.
        data: the task's rows, or the folder to load them from (by default ``PNN_DATA``, then the hub).
        device: ``"auto"``, or a torch device.
        folder: where the run keeps ``<run.name>/checkpoint.safetensors`` and, at the end, ``weights.safetensors``.
        checkpoint_seconds: least time between two checkpoints; a killed run loses no more than this, a step and the
            evaluations that follow it.
        progress: show a progress bar.

    Returns:
        The Record, with outcome ``ok``, ``diverged``, ``exploded``, ``oom``, or ``failed`` if the network cannot be
        built or a step cannot be taken. It is not written to disk: :func:`pnn.study` does.

    Raises:
        RunError: a method is not for this network.
        DataError: there is no data to train on, or it is damaged.
        CheckpointError: the checkpoint is damaged, from another machine, or cannot be written.
        KeyboardInterrupt, SystemExit: Ctrl-C or SIGTERM (exit status 143), after saving.
    """
    where, home = pick_device(device), Path(folder) / run.name
    training: Training | None = None
    found: dict[str, Any] = {}
    with deterministic():
        try:
            rows = data if isinstance(data, Data) else run.task.load(data, str(where))
            if isinstance(run.network, Baseline):
                return _fit_baseline(run, rows)
            before: dict[Method, list[Record]] = {method: [] for method in run.recipe.methods}
            options: dict[str, Any] = {"checkpoint_seconds": checkpoint_seconds, "progress": progress}
            for method, records in before.items():
                for phase in method.phases(run):
                    record = fit(phase, data=rows, device=str(where), folder=home, **options)
                    if record.outcome not in ENDED:  # The curves are not this network's.
                        message = f"before, in {label(phase.network)} of the method {method.name}: {record.message}"
                        return dataclasses.replace(record, run=run, message=message, curves={})
                    records.append(record)
            training = Training(run, rows, where, home / "checkpoint.safetensors", checkpoint_seconds, before)
            with held_signals() as signals:
                found = _ending(training, training.run_to_the_end(progress, signals))
            message = explosion(run, found["final"], found["health"])
            outcome = "exploded" if message else "ok"
        except Diverged as error:
            outcome, message = "diverged", str(error)
        except FAULTS as error:
            if isinstance(error, RunError) or ends_the_device(error):
                raise
            outcome, message = fault(error)
            if outcome == "failed":  # The Record says what; where is for whoever looks into it.
                traceback.print_exception(error)
        if training is None:
            return Record.of_failure(run, outcome, message)
        if outcome in ENDED:
            checkpoint.save(home / "weights.safetensors", training.weights(), {"run": run.to_dict()})
        return _record(training, outcome, message, found)


def _ending(training: Training, found: dict[str, Evaluation]) -> dict[str, Any]:
    """What the Record says of the network as it ended: the fields final, health, hits and readings."""
    classes, scaled = training.data.form.classes, training.scaled_logits()
    return {
        "final": {split: evaluation.score for split, evaluation in found.items()},
        "health": health_of(
            training.evaluated,
            train_logit=found["train"].logit,
            test_logit=found["test"].logit,
            train_outside=found["train"].outside,
            test_outside=found["test"].outside,
            train_exploded=found["train"].exploded if classes else None,
            test_exploded=found["test"].exploded if classes else None,
            test_median=found["test"].median,
            scaled_median=[median for median, _ in scaled] if scaled else None,
            scaled_largest=[largest for _, largest in scaled] if scaled else None,
            nonfinite_optimiser=nonfinite_entries(training.moments()),
        ),
        "hits": Hits.of(found["test"].hits.numpy()) if classes else None,
        "readings": training.all_readings(),
    }


def _record(training: Training, outcome: Any, message: str, found: dict[str, Any]) -> Record:
    steps = training.step_seconds[3:] or training.step_seconds
    surroundings = _surroundings(training.run, training.data, training.device)
    if training.run.recipe.patience:
        surroundings["used"]["best_epoch"] = training.best_epoch
    return Record(
        run=training.run,
        outcome=outcome,
        message=message,
        curves=training.curves,
        final=found.get("final", {}),
        health=found.get("health"),
        hits=found.get("hits"),
        readings=found.get("readings", training.readings) or None,
        budget={
            "parameters": training.budget.parameters,
            "macs": training.budget.macs,
            "activation_bytes": training.budget.activation_bytes,
            "step_seconds": statistics.median(steps) if steps else 0.0,
        },
        seconds=training.seconds,
        sessions=training.sessions,
        **surroundings,
    )


def _fit_baseline(run: Run, data: Data) -> Record:
    started = time.perf_counter()
    final, hits = fit_baseline(run, data)
    seconds = time.perf_counter() - started
    found = {"curves": {}, "final": final, "hits": hits, "budget": {}, "seconds": seconds, "sessions": 1}
    return Record(run=run, outcome="ok", message="", **found, **_surroundings(run, data, torch.device("cpu")))


def _surroundings(run: Run, data: Data, device: torch.device) -> dict[str, Any]:
    """What a Record says of the machine, the software and the rows."""
    return {
        "used": {
            "device": device_name(device),
            "precision": run.recipe.precision,
            "channels_last": run.recipe.channels_last,
            "compile": run.recipe.compile,
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            "threads": torch.get_num_threads(),
        },
        "versions": {
            "python": platform.python_version(),
            "pnn": __version__,
            "torch": torch.__version__,
            **({"scikit-learn": version("scikit-learn")} if isinstance(run.network, Baseline) else {}),
            **({"cuda": torch.version.cuda} if device.type == "cuda" else {}),
        },
        "commit": commit(),
        "data": {"origin": data.origin, "fingerprint": data.fingerprint},
    }
