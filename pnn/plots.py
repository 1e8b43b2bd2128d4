"""The book's figures, one function each. Every function returns a new matplotlib figure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from torch import nn

from .run import Record
from .scaling import ScalingCurve
from .stats import LEVEL, Comparison, compare, pair_by_seed

# colour-blind safe; also told apart by dash and marker
COLOURS = dict(zip(("standard", "polynomial"), sns.color_palette("colorblind")[:2], strict=True))
DASHES = {"standard": (0, (4, 2)), "polynomial": "-"}
MARKERS = {"standard": "o", "polynomial": "D"}
WIDE = 9.0  # inches, of a figure of several axes
LABEL_SIZE = 10.0  # points, of what is written beside lines


@contextmanager
def _figure(rows: int, columns: int, width: float, height: float, **settings):
    """A new figure of this size, in inches, and its axes; in the book's style, and closed at the end."""
    with sns.axes_style("ticks"), sns.plotting_context("notebook"), plt.rc_context({"figure.dpi": 120}):
        figure, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **settings)
        sns.despine(figure)
        yield figure, axes
        plt.close(figure)


def _ended(sides: Mapping[str, Iterable[Record]]) -> dict[str, list[Record]]:
    """What there is to draw: the runs that ended well, of the sides that have any."""
    ended = {name: [record for record in side if record.outcome == "ok"] for name, side in sides.items()}
    return {name: side for name, side in ended.items() if side}


def _label_ends(axis: Axes, ends: Iterable[tuple[float, float, str, str]]) -> None:
    """Write beside the ends of lines, apart from each other: x, y, text, neuron. The limits must be final."""
    ends = sorted(ends, key=lambda end: end[1])
    if not ends:
        return
    axis.get_xlim(), axis.get_ylim()  # they are computed when they are asked for
    to_axes = axis.transData + axis.transAxes.inverted()
    points = 72 * 0.75 * axis.figure.get_figheight() / axis.get_gridspec().nrows  # about the height of the axis
    rows = 1.3 * LABEL_SIZE / points * np.arange(len(ends))
    wanted = np.array([to_axes.transform(end[:2])[1] for end in ends])
    placed = np.maximum.accumulate(wanted - rows) + rows
    placed -= (placed - wanted).mean()  # pushed apart to both sides
    for (x, _, text, neuron), height in zip(ends, placed, strict=True):
        place = {"xycoords": axis.get_xaxis_transform(), "xytext": (8, 0), "va": "center"}
        axis.annotate(text, (x, height), textcoords="offset points", size=LABEL_SIZE, color=_ink(neuron), **place)


def _ink(neuron: str) -> tuple[float, ...]:
    """A neuron's colour, dark enough for text on white."""
    return tuple(0.65 * part for part in COLOURS[neuron])


def _log_ticks(axis: XAxis | YAxis) -> None:
    """Ticks of a logarithmic axis as plain numbers, as many as its range needs; a range below 4 is made so wide."""
    low, high = sorted(axis.get_view_interval())
    if high < 4 * low:
        low, high = (low * high) ** 0.5 / 2, (low * high) ** 0.5 * 2
        getattr(axis.axes, f"set_{axis.axis_name}lim")(low, high)
    subs = (1, 2, 3, 4, 5, 7) if high < 10 * low else (1, 2, 5) if high < 100 * low else (1,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda x, _: EngFormatter(sep="")(x) if x >= 1000 else f"{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _draw_runs(
    axis: Axes, runs: Sequence[Sequence[float]], neuron: str, label: str, *, geometric: bool = False
) -> tuple[float, float]:
    """Each run as a thin line over 1, 2, ...; as a thick one their mean, as far as all of them go. Where that ends."""
    for run in runs:
        thin = {"linewidth": 0.7, "marker": "." if len(run) == 1 else "", "alpha": 0.35}
        axis.plot(np.arange(1, len(run) + 1), run, color=COLOURS[neuron], **thin)
    steps = min(map(len, runs))
    common = np.array([run[:steps] for run in runs])
    with np.errstate(divide="ignore"):  # of a gradient that is 0
        mean = np.exp(np.log(common).mean(axis=0)) if geometric else common.mean(axis=0)
    style = {"linestyle": DASHES[neuron], "marker": MARKERS[neuron], "markersize": 4, "linewidth": 2}
    axis.plot(np.arange(1, steps + 1), mean, color=COLOURS[neuron], label=label, **style)
    return max(map(len, runs)), mean[-1]


def learning_curves(sides: Mapping[str, Iterable[Record]]) -> Figure:
    """Validation accuracy and training loss by epoch: a thin line a run, a thick one the mean over seeds.

    Where runs were stopped early, the mean ends with the first that was.

    Args:
        sides: Records by name of their side, "standard" and "polynomial".
    """
    with _figure(1, 2, WIDE, 3.6) as (figure, axes):
        for axis, curve, scale, label in (
            (axes[0], "validation_accuracy", 100, "validation accuracy, %"),
            (axes[1], "train_loss", 1, "training loss, nats"),
        ):
            ends = []
            for neuron, records in _ended(sides).items():
                runs = [[scale * value for value in record.curves[curve]] for record in records]
                ends.append((*_draw_runs(axis, runs, neuron, neuron), neuron, neuron))
            axis.set(xlabel="epoch", ylabel=label)
            axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
            _label_ends(axis, ends)
    return figure


def paired_accuracy(
    standard: Iterable[Record], polynomial: Iterable[Record], value: Callable[[Record], float], label: str
) -> Figure:
    """Both sides of every seed, joined, and the mean of their differences with its 95 % interval."""
    seeds, standard, polynomial, lost = pair_by_seed(standard, polynomial, value)
    result = compare(standard, polynomial, lost)
    with _figure(1, 2, 7.5, 3.6, width_ratios=(3, 2)) as (figure, (left, right)):
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
            label=f"mean, {100 * LEVEL:.0f} % interval",
        )
        right.set(xticks=[], xlim=(-0.5, 0.8), ylabel="polynomial − standard")
        right.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.02))
        right.spines["bottom"].set_visible(False)
    return figure


def layer_norms(sides: Mapping[str, Iterable[Record]]) -> Figure:
    """Root mean square of each layer's activation and gradient: above after the last epoch, below by epoch.

    A thin line is a run, a thick one the geometric mean over seeds; below, of the first and of the last layer.

    Args:
        sides: Records by name of their side, "standard" and "polynomial".

    Raises:
        ValueError: a Record has no norms, as those made before they were recorded.
    """
    ended = _ended(sides)
    for record in (record for side in ended.values() for record in side):
        if "activation_rms.1" not in record.curves:
            raise ValueError(f"the Record {record.run.name} has no norms of its layers; train it again to have them")
    with _figure(2, 2, WIDE, 6.4, sharey="col") as (figure, axes):
        for what, (above, below) in zip(("activation", "gradient"), axes.T, strict=True):
            layer_ends, epoch_ends = [], []
            for neuron, records in ended.items():
                layers = sum(name.startswith(f"{what}_rms.") for name in records[0].curves)
                runs = [[r.curves[f"{what}_rms.{layer}"] for layer in range(1, layers + 1)] for r in records]
                last = [[curve[-1] for curve in run] for run in runs]
                layer_ends.append((*_draw_runs(above, last, neuron, neuron, geometric=True), neuron, neuron))
                for layer in sorted({1, layers}):
                    text, curves = f"layer {layer}", [run[layer - 1] for run in runs]
                    end = _draw_runs(below, curves, neuron, f"{neuron}, {text}", geometric=True)
                    epoch_ends.append((*end, text, neuron))
            for axis, over, ends in ((above, "layer", layer_ends), (below, "epoch", epoch_ends)):
                axis.set(xlabel=over, ylabel=f"{what}, RMS", yscale="log")
                axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
                _log_ticks(axis.yaxis)
                _label_ends(axis, ends)
    return figure


def intervals(rows: Mapping[str, Comparison], label: str, claimed: Mapping[str, float] | None = None) -> Figure:
    """Differences with their intervals, one row a name, from top to bottom; n stands at the right.

    The thick bar is the interval by Student's t, the thin one below it the BCa bootstrap interval.

    Args:
        rows: comparisons, all in one unit.
        label: of the axis.
        claimed: differences that a source claims, for those of the rows that have one.

    Raises:
        ValueError: there is no row, or a claim is not about any.
    """
    claimed = claimed or {}
    if not rows or claimed.keys() - rows.keys():
        raise ValueError(f"a claim must be about one of the rows ({', '.join(rows) or 'none'}), got {list(claimed)}")
    bars = pd.DataFrame(list(rows.values()))
    y = np.arange(len(rows))
    with _figure(1, 1, WIDE, 1.3 + 0.42 * len(rows)) as (figure, axis):
        axis.axvline(0, color="0.6", linewidth=1, zorder=0)
        mean = axis.errorbar(
            bars.difference,
            y,
            xerr=[bars.difference - bars.low, bars.high - bars.difference],
            fmt="s",
            markersize=7,
            color="black",
            elinewidth=2.5,
        )
        middle, half = (bars.bca_high + bars.bca_low) / 2, (bars.bca_high - bars.bca_low) / 2
        thin = axis.errorbar(middle, y + 0.22, xerr=half, fmt="none", ecolor="0.45", elinewidth=1.2, capsize=3)
        shown = {f"mean difference, {100 * LEVEL:.0f} % interval by t": mean, "by the BCa bootstrap": thin}
        if claimed:
            (shown["claimed"],) = axis.plot(
                list(claimed.values()),
                [list(rows).index(name) for name in claimed],
                linestyle="",
                marker="D",
                markersize=8,
                markerfacecolor="white",
                markeredgecolor=_ink("polynomial"),
                markeredgewidth=1.8,
            )
        for place, c in zip(y, rows.values(), strict=True):
            n = f"n = {c.n}" + (f" ({c.lost} lost)" if c.lost else "")
            right = {"xycoords": axis.get_yaxis_transform(), "xytext": (8, 0), "va": "center"}
            axis.annotate(n, (1, place), textcoords="offset points", size=LABEL_SIZE, **right)
        axis.set(yticks=y, yticklabels=list(rows), ylim=(len(rows) - 0.4, -0.6), xlabel=label)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        below = {"loc": "outside lower center", "ncols": len(shown), "frameon": False}
        figure.legend(shown.values(), shown.keys(), fontsize=LABEL_SIZE, **below)
    return figure


def scaling(
    samples: Mapping[str, Mapping[str, Sequence[tuple[float, Sequence[float]]]]],
    curves: Mapping[str, Mapping[str, ScalingCurve]],
    label: str,
) -> Figure:
    """Accuracy against cost, one axis a cost: every run light, the mean of each width, the fitted law and its band.

    Args:
        samples: by name of the cost, then by neuron: what each width costs, and the accuracies of its seeds.
        curves: what :func:`pnn.scaling.scaling_curve` gives, by the same names, where there is a law.
        label: of the accuracy.
    """
    with _figure(1, len(samples), WIDE, 3.8, sharey=True, squeeze=False) as (figure, axes):
        for axis, (cost, sides) in zip(axes[0], samples.items(), strict=True):
            ends = []
            for neuron, widths in sides.items():
                own = {"color": COLOURS[neuron], "marker": MARKERS[neuron], "linestyle": ""}
                means = sorted((x, float(np.mean(values))) for x, values in widths)
                axis.plot(
                    *np.array([(x, value) for x, values in widths for value in values]).reshape(-1, 2).T,
                    **own,
                    ms=4,
                    alpha=0.35,
                )
                axis.plot(*np.array(means).reshape(-1, 2).T, **own, ms=6, label=neuron)
                if curve := curves.get(cost, {}).get(neuron):
                    axis.plot(curve.x, curve.mean, color=COLOURS[neuron], linestyle=DASHES[neuron], linewidth=2)
                    axis.fill_between(curve.x, curve.low, curve.high, color=COLOURS[neuron], alpha=0.2, linewidth=0)
                    means = [(curve.x[-1], curve.mean[-1])]
                ends += [(*mean, neuron, neuron) for mean in means[-1:]]
            axis.set(xscale="log", xlabel=cost)
            _log_ticks(axis.xaxis)
        axes[0, 0].set_ylabel(label)
        right = max((x for x, *_ in ends), default=1.0)
        _label_ends(axis, [(right, *others) for _, *others in ends])
    return figure


def scaling_differences(differences: Mapping[str, Sequence[tuple[float, float, float, float]]], label: str) -> Figure:
    """Polynomial less standard at equal cost, one axis a cost, with the interval at each cost by itself.

    Args:
        differences: what :func:`pnn.scaling.scaling_difference` gives, by name of the cost; empty where it has nothing.
        label: of the difference.
    """
    with _figure(1, len(differences), WIDE, 3.4, sharey=True, squeeze=False) as (figure, axes):
        for axis, (cost, points) in zip(axes[0], differences.items(), strict=True):
            axis.axhline(0, color="0.5", linewidth=1)
            axis.margins(y=0.12)
            axis.set_xlabel(cost)
            if points:
                x, difference, low, high = zip(*points, strict=True)
                axis.fill_between(x, low, high, color="0.8", linewidth=0)
                axis.plot(x, difference, color="black", linewidth=2)
                axis.set_xscale("log")
                _log_ticks(axis.xaxis)
            else:
                axis.text(0.5, 0.6, "nothing to compare", transform=axis.transAxes, ha="center", size=LABEL_SIZE)
                axis.set_xticks([])
        axes[0, 0].set_ylabel(label)
        if not any(differences.values()):
            axis.set_yticks([])
        for neuron, offset, va in (("polynomial", 3, "bottom"), ("standard", -3, "top")):
            place = {"xycoords": axis.get_yaxis_transform(), "xytext": (6, offset), "va": va}
            axis.annotate(
                f"{neuron}\nahead", (1, 0), textcoords="offset points", size=LABEL_SIZE, color=_ink(neuron), **place
            )
    return figure


def decision_regions(
    models: dict[str, nn.Module], points: torch.Tensor, labels: torch.Tensor, extent: float = 1.6
) -> Figure:
    """Where each network of two inputs says class 1 (its one output is positive), and the points it was to separate."""
    steps = torch.linspace(-extent, extent, 201)
    grid = torch.cartesian_prod(steps, steps)
    with _figure(1, len(models), 3.1 * len(models), 3.3) as (figure, axes):
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
            axis.spines[:].set_visible(True)
        np.atleast_1d(axes)[0].set_ylabel("$x_2$")
    return figure


def function_slices(functions: dict[str, Callable[[torch.Tensor], torch.Tensor]], extent: float = 2.0) -> Figure:
    """One-dimensional functions of t, side by side, each on its own axis with a common scale."""
    t = torch.linspace(-extent, extent, 401)
    with _figure(1, len(functions), 3.1 * len(functions), 2.8, sharey=True) as (figure, axes):
        for axis, (name, function) in zip(np.atleast_1d(axes), functions.items(), strict=True):
            with torch.no_grad():
                axis.plot(t, function(t), color="black")
            axis.axhline(0, color="0.8", linewidth=1, zorder=0)
            axis.set(title=name, xlabel="$t$")
    return figure
