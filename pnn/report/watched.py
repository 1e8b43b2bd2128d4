"""The functions that learned activations were, epoch by epoch, and how far they moved.

They are computed from the parameters that :class:`pnn.WatchActivations` keeps of them in a Record.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..runs.record import Record
from ..system.extras import needs
from ..training.optimiser import schedule
from .arms import Arms, setting
from .cell import NOTHING
from .comparison import compare, shown
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

INTERVAL = torch.linspace(-2, 2, 81)  # How far an activation moved is measured here.
DRAWN = torch.linspace(-3, 3, 49)  # A figure shows it here.
EARLY = 1 / 4  # The first quarter of the epochs is early, as in `pnn.report.measures.early_accuracy`.


@dataclass(frozen=True)
class Layer:
    """The activation of one layer over a training; of E epochs, with the start first.

    Attributes:
        curves: its values at the points that were asked for, shape ``(E + 1, points)``.
        control: the control points x and y of a spline, shape ``(E + 1, points, 2)``; None of other activations.
    """

    curves: Tensor
    control: Tensor | None


def by_module(record: Record) -> dict[str, dict[str, Tensor]]:
    """What a Record keeps of each learned activation, from the input on: by parameter, an array an epoch."""
    kept: dict[str, dict[str, Tensor]] = {}
    for name, values in (record.readings or {}).items():
        module, _, parameter = name.rpartition(".")
        kept.setdefault(module, {})[parameter] = torch.tensor(values)
    return kept


@torch.no_grad()
def layers(record: Record, at: Tensor = DRAWN) -> list[Layer]:
    """The learned activations of a network from its input on; none of a Record that kept nothing of them.

    Of activations with parameters for each channel it is the first channel's.
    """
    return [_layer(record, parameters, at) for parameters in by_module(record).values()]


def _layer(record: Record, parameters: Mapping[str, Tensor], at: Tensor) -> Layer:
    """One activation, from its parameters after every epoch."""
    parameters = {name: values[..., :1] for name, values in parameters.items()}
    activation = record.run.network.activation.build(1)  # type: ignore[union-attr]
    where = parameters.get("c_x", parameters.get("c"))  # A PolyNeuron's control points, or the centres of its kernels.
    curves, control = [], []
    for epoch in range(len(next(iter(parameters.values())))):
        activation.load_state_dict({name: values[epoch] for name, values in parameters.items()})
        curves.append(activation(at))
        if where is not None:
            x = where[epoch, :, 0]
            control.append(torch.stack([x, activation(x)], 1))
    return Layer(torch.stack(curves), torch.stack(control) if control else None)


def steps(record: Record) -> list[float]:
    """How far the activations of a network moved in each epoch.

    It is the root mean square, over points from -2 to 2 and over the layers, of the difference between the functions
    before and after the epoch.
    """
    own = [layer.curves for layer in layers(record, INTERVAL)]
    return torch.stack(own).diff(dim=1).square().mean((0, 2)).sqrt().tolist() if own else []


def distance(record: Record) -> float:
    """How far the functions at the end lie from those at the start, as `steps` measures it."""
    own = torch.stack([layer.curves for layer in layers(record, INTERVAL)])
    return float((own[:, -1] - own[:, 0]).square().mean().sqrt())


def share_early(walked: Sequence[float], part: float = EARLY) -> float:
    """The share in percent of a way that was walked in the first steps: a quarter of them, or another part, rounded up.

    It is nan of a way of length 0.
    """
    whole = math.fsum(walked)
    return 100 * math.fsum(walked[: math.ceil(part * len(walked))]) / whole if whole else math.nan


def at_full_rate(record: Record) -> int:
    """In how many epochs, from the first on, the learning rate was not yet divided."""
    recipe = record.run.recipe
    return sum(schedule(recipe, epoch) == 1 for epoch in range(recipe.epochs))


def with_readings(arms: Arms) -> dict[str, list[Record]]:
    """The runs that ended well and kept their activations, of the arms that have any."""
    found = {name: [r for r in own if r.outcome == "ok" and r.readings] for name, own in arms.items()}
    return {name: own for name, own in found.items() if own}


def moved(arms: Arms) -> Table:
    """A row an arm: how far its activations moved, and which share of their way they went early.

    ``distance`` is from the start to the end. Of the way, the sum of `steps`, ``early_mean`` is
    the share that was walked in the first quarter of the epochs. Of the way at the full learning rate ``half_mean`` is
    that of the first half of these epochs: a schedule that lowers the rate makes the end slow by itself. Both are in
    percent, over the ``n`` runs, with 95 % intervals by Student's t from three runs on.
    """
    found, rows = with_readings(arms), {}
    for name, own in found.items():
        walked = [steps(record) for record in own]
        full = [one[: at_full_rate(record)] for one, record in zip(walked, own, strict=True)]
        rows[name] = {"n": len(own), "distance": sum(map(distance, own)) / len(own)}
        for column, shares in (
            ("early", [share_early(one) for one in walked]),
            ("half", [share_early(one, 1 / 2) for one in full]),
        ):
            rows[name] |= {f"{column}_{part}": value for part, value in _mean(shares).items()}
    columns = {
        "from start to end, RMS": "{distance:.2f}",
        "early, % of the way": lambda row: _shown(row, "early"),
        "first half at the full rate, % of that way": lambda row: _shown(row, "half"),
        "n": "{n}",
    }
    caption = sentence("how far learned activations moved, and when", setting(found) if found else "")
    return Table(pd.DataFrame.from_dict(rows, orient="index"), columns, caption)


def even(record: Record) -> dict[str, float]:
    """The shares in percent of `moved`, ``early`` and ``half``, of activations that move at an even pace."""
    return {
        "early": share_early([1.0] * record.run.recipe.epochs),
        "half": share_early([1.0] * at_full_rate(record), 1 / 2),
    }


def _mean(shares: Sequence[float]) -> dict[str, float | None]:
    known = [share for share in shares if math.isfinite(share)]
    if len(known) < 2:
        return {"mean": known[0] if known else None, "low": None, "high": None}
    found = shown(compare([0.0] * len(known), known))
    return {"mean": found["difference"], "low": found.get("low"), "high": found.get("high")}


def _shown(row: Mapping[str, Any], column: str) -> str:
    mean, low, high = (row[f"{column}_{part}"] for part in ("mean", "low", "high"))
    if pd.isna(mean):
        return NOTHING
    return f"{mean:.0f}" + ("" if pd.isna(low) else f" ({low:.0f} to {high:.0f})")


def replay(record: Record) -> Any:
    """The activations of one training as data of the figure that ``book/assets/scripts/activations.js`` draws.

    A notebook's cell shows it: an element without a place on the page.
    """
    with needs("notebooks", "a figure that moves"):
        from IPython.display import HTML

    found = [
        {"curves": _rounded(layer.curves), "points": [] if layer.control is None else _rounded(layer.control)}
        for layer in layers(record)
    ]
    text = json.dumps({"x": _rounded(DRAWN), "layers": found}, separators=(",", ":"), allow_nan=False)
    return HTML(f'<script type="application/json" id="activations">{text}</script>')


def _rounded(values: Tensor) -> list:
    """As lists of numbers with three decimals, which a figure cannot tell from more."""
    return torch.round(values.double(), decimals=3).tolist()
