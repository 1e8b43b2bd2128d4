"""What the weights of networks of degree 2 say: the rank of their interaction matrices, and how few eigenvectors do."""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from ..experiments.interactions import Arm
from ..methods.watch_interactions import RANKS, participation_ratio
from ..nn.quadratic_form import quadratic_form
from ..runs.record import Record
from ..system.extras import needs
from .arms import setting
from .comparison import Comparison, compare_records, shown
from .endings import lost
from .measures import accuracy, interaction_rank
from .table import Table, interval, sentence

with needs("train", "a table"):
    import pandas as pd

Interactions = Mapping[Arm, list[Record]]


def name(arm: Arm) -> str:
    """An arm as a reader sees it: layer, weight decay, and noise where there is any."""
    return f"{arm.neuron}, decay {arm.decay:g}" + (f", noise {arm.noise:g}" if arm.noise else "")


def named(records: Interactions) -> dict[str, list[Record]]:
    """The arms under the names that a reader sees."""
    return {name(arm): own for arm, own in records.items()}


def plain(arm: Arm) -> Arm:
    """The arm of the same layer that is trained without weight decay and without noise."""
    return arm._replace(decay=0.0, noise=0.0)


def against_plain(records: Interactions, value: Callable[[Record], float] = interaction_rank) -> dict[str, Comparison]:
    """Every arm with decay or noise less the one of the same layer with neither, of the same seeds.

    Args:
        records: Records by arm.
        value: the measure, by default the mean participation ratio of the interaction matrices.
    """
    return {
        name(arm): compare_records(records[plain(arm)], own, value) for arm, own in records.items() if arm != plain(arm)
    }


def ranks(records: Interactions) -> Table:
    """A row an arm: the ``rank``, mean of its runs and their classes, and its ``difference`` from no decay, no noise.

    ``low`` and ``high`` are the ends of the difference's 95 % interval; ``test`` and ``train`` are accuracies in
    percent, ``n`` the pairs and ``lost`` those that are missing. The rank is the participation ratio.
    """
    compared, rows = against_plain(records), {}
    for arm, own in records.items():
        good = [record for record in own if not lost(record)]
        row = shown(compared[name(arm)]) if name(arm) in compared else {"n": len(good), "lost": len(own) - len(good)}
        rows[arm.neuron, f"{arm.decay:g}", f"{arm.noise:g}"] = row | {
            "rank": _mean(map(interaction_rank, good)),
            "test": _mean(map(accuracy, good)),
            "train": _mean(100 * record.final["train"].accuracy for record in good),
        }
    index = pd.MultiIndex.from_tuples(rows, names=["layer", "weight decay", "noise"])
    fields = ["rank", "difference", "low", "high", "n", "lost", "test", "train"]
    columns = {
        "rank": "{rank:.1f}",
        "less that of neither (95 %)": interval,
        "n": lambda row: f"{row['n']}" + (f" ({row['lost']} lost)" if row["lost"] else ""),
        "test accuracy, %": "{test:.2f}",
        "training rows, %": "{train:.2f}",
    }
    what = "participation ratio of the interaction matrices, mean of the classes and runs, and the difference by seed"
    caption = sentence(what, setting(named(records)))
    return Table(pd.DataFrame(list(rows.values()), index, fields), columns, caption)


def _mean(values) -> float:
    return float(np.mean(found)) if (found := list(values)) else float("nan")


def start_rank(record: Record) -> float:
    """The mean participation ratio of the network of a Record before its first step, as its seed draws it."""
    run = record.run
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        model = run.network.build(run.task.form)
    values, _ = quadratic_form(model, torch.zeros(1, *run.task.form.shape)).eigenvectors()
    return participation_ratio(values).mean().item()


def spectra(records: Interactions) -> dict[str, np.ndarray]:
    """By name of the arm: the mean over runs and classes of |eigenvalue| over the largest, largest first.

    For :func:`pnn.report.plots.spectra`; arms without a run that ended well are left out.
    """
    found = {}
    for arm, own in records.items():
        values = [np.abs(record.readings["interactions.eigenvalues"]) for record in own if not lost(record)]
        if values:
            found[name(arm)] = np.mean([value / value[:, :1] for value in values], axis=(0, 1))
    return found


def vectors(records: Interactions, *arms: Arm) -> dict[str, np.ndarray]:
    """By name of some arms: eigenvectors of the largest and the smallest eigenvalue as images, (2, classes, 28, 28).

    For :func:`pnn.report.plots.eigenvectors`; those of the arm's first seed that ended well.
    """
    found = {}
    for arm in arms:
        good = [record for record in records[arm] if not lost(record)]
        if good:
            first = min(good, key=lambda record: record.run.seed)
            _, *shape = first.run.task.form.shape
            values = np.array(first.readings["interactions.vectors"])
            found[name(arm)] = values.swapaxes(0, 1).reshape(2, len(values), *shape)
    return found


def kept(rank: int) -> Callable[[Record], float]:
    """The measure: the share of decisions, in percent, that stay where each matrix keeps so many eigenvectors.

    Raises:
        ValueError: Records do not have this number.
    """
    if rank not in RANKS:
        raise ValueError(f"rank must be one of {', '.join(map(str, RANKS))}, got {rank!r}")
    return lambda record: 100 * record.readings["interactions.agreement"][RANKS.index(rank)]


def decisions(records: Interactions) -> Table:
    """A row an arm: the share of decisions, in percent, that stay with 1, 2, 4, ... eigenvectors of each matrix.

    The columns are these numbers; means of the runs that ended well.
    """
    rows = {
        name(arm): {rank: _mean(map(kept(rank), (r for r in own if not lost(r)))) for rank in RANKS}
        for arm, own in records.items()
    }
    columns = {f"{rank}": lambda row, rank=rank: f"{row[rank]:.1f}" for rank in RANKS}
    what = "decisions on training rows that stay, in percent, by how many eigenvectors of each matrix are kept"
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("eigenvectors kept")
    return Table(frame, columns, sentence(what, setting(named(records))))
