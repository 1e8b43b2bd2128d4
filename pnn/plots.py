"""The book's figures, one function each. Every function returns a new matplotlib figure."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from matplotlib.figure import Figure
from torch import nn

from .run import Record
from .stats import LEVEL, compare, pair_by_seed

# colour-blind safe; also told apart by dash and marker
COLOURS = dict(zip(("standard", "polynomial"), sns.color_palette("colorblind")[:2], strict=True))
DASHES = {"standard": (0, (4, 2)), "polynomial": "-"}
MARKERS = {"standard": "o", "polynomial": "D"}


@contextmanager
def _style():
    with sns.axes_style("ticks"), sns.plotting_context("notebook"), plt.rc_context({"figure.dpi": 120}):
        yield


def learning_curves(sides: Mapping[str, Iterable[Record]]) -> Figure:
    """Validation accuracy and training loss by epoch: a thin line a run, a thick one the mean over seeds.

    Args:
        sides: Records by name of their side, "standard" and "polynomial".
    """
    ended = {name: [record for record in side if record.outcome == "ok"] for name, side in sides.items()}
    with _style():
        figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        for axis, curve, scale, label in (
            (axes[0], "validation_accuracy", 100, "validation accuracy, %"),
            (axes[1], "train_loss", 1, "training loss, nats"),
        ):
            for neuron, records in ended.items():
                colour = COLOURS[neuron]
                runs = np.array([r.curves[curve] for r in records]) * scale
                epochs = np.arange(1, runs.shape[1] + 1)
                axis.plot(epochs, runs.T, color=colour, linewidth=0.7, alpha=0.35)
                style = {"linestyle": DASHES[neuron], "marker": MARKERS[neuron], "markersize": 4, "linewidth": 2}
                axis.plot(epochs, runs.mean(0), color=colour, label=neuron, **style)
            axis.set(xlabel="epoch", ylabel=label)
            axis.xaxis.get_major_locator().set_params(integer=True)
        axes[0].legend(frameon=False, title="mean of the seeds")
        sns.despine(figure)
    plt.close(figure)
    return figure


def paired_accuracy(
    standard: Iterable[Record], polynomial: Iterable[Record], value: Callable[[Record], float], label: str
) -> Figure:
    """Both sides of every seed, joined, and the mean of their differences with its 95 % interval."""
    seeds, standard, polynomial, lost = pair_by_seed(standard, polynomial, value)
    result = compare(standard, polynomial, lost)
    with _style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3.6), layout="constrained", width_ratios=(3, 2))
        frame = pd.DataFrame({"standard": standard, "polynomial": polynomial})
        left.plot([0, 1], frame.T, color="0.7", linewidth=1, zorder=0)
        for x, neuron in enumerate(frame):
            left.scatter([x] * len(seeds), frame[neuron], color=COLOURS[neuron], marker=MARKERS[neuron], zorder=1)
        left.set(xticks=[0, 1], xticklabels=list(frame), xlim=(-0.4, 1.4), ylabel=label)

        differences = frame["polynomial"] - frame["standard"]
        right.axhline(0, color="0.6", linewidth=1)
        right.scatter(np.linspace(-0.15, 0.15, len(seeds)), differences, color="0.55", s=22, label="each seed")
        right.errorbar(
            0.4,
            result.difference,
            [[result.difference - result.low], [result.high - result.difference]],
            fmt="s",
            color="black",
            capsize=5,
            label=f"mean, {LEVEL:.0%} interval",
        )
        right.set(xticks=[], xlim=(-0.5, 0.8), ylabel="polynomial − standard")
        right.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.02))
        sns.despine(figure)
        right.spines["bottom"].set_visible(False)
    plt.close(figure)
    return figure


def decision_regions(
    models: dict[str, nn.Module], points: torch.Tensor, labels: torch.Tensor, extent: float = 1.6
) -> Figure:
    """Where each network of two inputs says class 1 (its one output is positive), and the points it was to separate."""
    steps = torch.linspace(-extent, extent, 201)
    grid = torch.cartesian_prod(steps, steps)
    with _style():
        figure, axes = plt.subplots(1, len(models), figsize=(3.1 * len(models), 3.3), layout="constrained")
        for axis, (name, model) in zip(np.atleast_1d(axes), models.items(), strict=True):
            with torch.no_grad():
                height = model(grid).view(201, 201).T.numpy()
            reach = np.abs(height).max()
            axis.contourf(steps, steps, height, levels=np.linspace(-reach, reach, 21), cmap="PuOr", alpha=0.7)
            if height.min() < 0 < height.max():
                axis.contour(steps, steps, height, levels=[0], colors="black", linewidths=1.5)
            for label, marker in ((0, "o"), (1, "s")):
                axis.scatter(
                    *points[labels == label].T,
                    marker=marker,
                    s=45,
                    edgecolors="black",
                    color="white" if label else "0.3",
                )
            axis.set(title=name, aspect="equal", xlabel="$x_1$", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        np.atleast_1d(axes)[0].set_ylabel("$x_2$")
    plt.close(figure)
    return figure


def function_slices(functions: dict[str, Callable[[torch.Tensor], torch.Tensor]], extent: float = 2.0) -> Figure:
    """One-dimensional functions of t, side by side, each on its own axis with a common scale."""
    t = torch.linspace(-extent, extent, 401)
    with _style():
        figure, axes = plt.subplots(
            1, len(functions), figsize=(3.1 * len(functions), 2.8), sharey=True, layout="constrained"
        )
        for axis, (name, function) in zip(np.atleast_1d(axes), functions.items(), strict=True):
            with torch.no_grad():
                axis.plot(t, function(t), color="black")
            axis.axhline(0, color="0.8", linewidth=1, zorder=0)
            axis.set(title=name, xlabel="$t$")
        sns.despine(figure)
    plt.close(figure)
    return figure
