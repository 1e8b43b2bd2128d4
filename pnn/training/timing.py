"""How long a step of a training takes."""

import contextlib
import dataclasses
import math
import tempfile
import time
from pathlib import Path

import torch

from ..runs.run import Run
from ..system.machine import deterministic
from ..tasks.augment import draw_epoch, take_batch
from ..tasks.data import Data, Split
from .divergence import Diverged
from .loop import Training


def time_steps(run: Run, data: Data, device: torch.device, most: int, seconds: float) -> list[float]:
    """Seconds of each of some steps, as :func:`pnn.fit` takes them, on one batch of the rows, repeated to fill it.

    The first step, which sets up what the others find, is not counted.

    Args:
        run: the run whose steps are timed; what its methods train before it is left out.
        data: rows of the task's form.
        device: where the steps are taken.
        most: how many steps to time.
        seconds: the time after which no further step is timed; one always is.
    """
    size, found, data = run.recipe.batch_size, [], data.to(device)
    rows = torch.arange(size, device=device) % len(data.train)
    data = dataclasses.replace(data, train=Split(data.train.x[rows], data.train.y[rows]))
    with deterministic(), tempfile.TemporaryDirectory() as home:
        training = Training(run, data, device, Path(home) / "checkpoint.safetensors", math.inf)
        training.model.train()
        rows = draw_epoch(size, run.seed, 0, run.recipe.augment != "none", device)
        while len(found) < 1 + most and (len(found) < 2 or sum(found) < seconds):
            started = time.perf_counter()
            with contextlib.suppress(Diverged):  # A step that diverges takes as long as others.
                training.take_step(*take_batch(data.train, rows, 0, size))
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            found.append(time.perf_counter() - started)
    return found[1:]
