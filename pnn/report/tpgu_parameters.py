"""What the Taylor polynomial gated units of trained networks have become, block by block: functions and coefficients.

Of each block, Records keep the parameters of some channels, evenly spread, at the start and after every epoch
(:class:`pnn.WatchActivations`).
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ..nn.tpgu import TPGU
from ..runs.record import Record
from ..runs.run import Run
from ..system.extras import needs
from ..training.optimiser import schedule
from .arms import setting
from .table import Table, sentence
from .watched import by_module

with needs("train", "a table"):
    import pandas as pd


def watched(record: Record, epoch: int = -1) -> dict[str, TPGU]:
    """The units of a Record's network by block, as they were after an epoch; each of the channels that were kept.

    Args:
        record: of a training that ended well, with :class:`pnn.WatchActivations`.
        epoch: 0 is the start, -1 the end.
    """
    units = {}
    for number, parameters in enumerate(by_module(record).values(), 1):
        a, b = (parameters[name][epoch] for name in "ab")
        unit = TPGU(b.numel(), len(a) - 1)
        unit.load_state_dict({"a": a, "b": b})
        units[f"block {number}"] = unit
    return units


def moved(records: list[Record]) -> Table:
    """A row a block: where its parameters are at the end, and how far they went, over its channels and the seeds.

    ``a_0`` and ``b`` are means at the end; ``a_0_moved``, ``a_moved`` (of all others) and ``b_moved`` are root mean
    squares of what lies between start and end.
    """
    ended = [record for record in records if record.outcome == "ok"]
    found: dict[str, list[tuple[TPGU, TPGU]]] = {}
    for record in ended:
        start = watched(record, 0)
        for block, unit in watched(record).items():
            found.setdefault(block, []).append((start[block], unit))
    rows = {block: _moved(pairs) for block, pairs in found.items()}
    columns = {
        "a₀ (start: 1)": "{a_0:.3f}",
        "a₀ moved by": "{a_0_moved:.3f}",
        "other aᵢ moved by": "{a_moved:.3f}",
        "b (start: 0)": "{b:+.3f}",
        "b moved by": "{b_moved:.3f}",
    }
    caption = sentence(
        "parameters by block, means and root mean squares over channels and seeds", setting({"": records})
    )
    return Table(pd.DataFrame.from_dict(rows, orient="index"), columns, caption)


def _moved(pairs: list[tuple[TPGU, TPGU]]) -> dict[str, float]:
    before, after = zip(*pairs, strict=True)
    a = torch.stack([unit.a for unit in after]).detach()
    b = torch.stack([unit.b for unit in after]).detach()
    a_change = a - torch.stack([unit.a for unit in before]).detach()
    b_change = b - torch.stack([unit.b for unit in before]).detach()
    return {
        "a_0": a[:, 0].mean().item(),
        "a_0_moved": _root_mean_square(a_change[:, 0]),
        "a_moved": _root_mean_square(a_change[:, 1:]),
        "b": b.mean().item(),
        "b_moved": _root_mean_square(b_change),
    }


def _root_mean_square(x: torch.Tensor) -> float:
    return x.square().mean().sqrt().item()


def first_by_epoch(records: list[Record]) -> dict[str, np.ndarray]:
    """By block, :math:`a_0` from the start on, the mean over its channels: an array (runs, epochs + 1)."""
    found: dict[str, list[Any]] = {}
    for record in records:
        if record.outcome == "ok":
            epochs = [watched(record, epoch) for epoch in range(record.run.recipe.epochs + 1)]
            for block in epochs[0]:
                found.setdefault(block, []).append([units[block].a[0].mean().item() for units in epochs])
    return {block: np.array(runs) for block, runs in found.items()}


def decay_alone(run: Run) -> np.ndarray:
    r"""What weight decay alone makes of a parameter that starts as 1, from the start on: an array (epochs + 1).

    AdamW multiplies it by :math:`1 - \eta \lambda` at every step, by learning rate and decay, whatever its gradient.

    Args:
        run: whose recipe it is; it has AdamW.
    """
    recipe, task = run.recipe, run.task
    steps = math.ceil((task.counts()["train"] - task.validation) / recipe.batch_size)  # type: ignore[union-attr]
    shares = [schedule(recipe, epoch) for epoch in range(recipe.epochs)]
    factors = [(1 - recipe.learning_rate * share * recipe.weight_decay) ** steps for share in shares]
    return np.cumprod([1.0, *factors])


def by_way(records: Mapping[str, list[Record]]) -> Table:
    """A row a block: ``a_0`` at the end, a column a way of training, means over channels and seeds."""
    ends = {
        way: {block: runs[:, -1].mean() for block, runs in first_by_epoch(own).items()} for way, own in records.items()
    }
    caption = sentence("a₀ at the end by block, which starts as 1", setting(records))
    # A heading is free text, which a format cannot name.
    columns = {way: lambda row, way=way: f"{row[way]:.3f}" for way in ends}
    return Table(pd.DataFrame(ends), columns, caption)
