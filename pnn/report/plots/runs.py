"""Runs over their epochs, runs against each other, and layers."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...runs.record import Record
from .. import measures
from ..arms import label as name_of
from ..comparison import LEVEL, PAIRS, Comparison, compare_records, pair_by_seed
from .arm_style import DOTTED, POLYNOMIAL, Style, styles
from .canvas import LABEL_SIZE, new_figure, new_panels
from .style import draw_runs, ended, label_ends, log_ticks, panel_height, say_start

LEVEL_LINE = Style("0.4", DOTTED, "")  # A grey line is no arm: it takes the ink of the page.


def learning_curves(arms: Mapping[str, Iterable[Record]], trivial: Record | None = None) -> Figure:
    """Validation accuracy (of numbers R2) and training loss by epoch: a thin line a run, a thick one the mean of seeds.

    Where runs were stopped early, the mean ends with the first that was.

    Args:
        arms: Records by name of their arm; any names.
        trivial: of a baseline without epochs, such as the majority class: a level line, named, of its accuracy on the
            validation rows and of its loss on the training rows, which are the rows of the curves.
    """
    drawn, style = ended(arms), styles(arms)
    with new_panels(2, 1, panel_height(len(drawn) + bool(trivial))) as (figure, axes):
        classes = all("validation_accuracy" in record.curves for own in drawn.values() for record in own)
        accuracy = ("validation_accuracy", 100, "validation accuracy, %")
        judged = accuracy if classes else ("validation_r2", 1, "validation R²")
        loss = ("train_loss", 1, f"training loss, {'nats' if classes else 'squared error'}")
        for axis, (curve, scale, label) in zip(axes, (judged, loss), strict=True):
            ends = []
            longest = max((len(r.curves[curve]) for own in drawn.values() for r in own), default=1)
            if trivial:
                split, _, what = curve.partition("_")
                height = scale * getattr(trivial.final[split], what)
                axis.axhline(height, color=LEVEL_LINE.colour, linestyle=LEVEL_LINE.dash, linewidth=1.4, zorder=0)
                ends.append((longest, height, name_of(trivial.run.network.name), LEVEL_LINE))
            for arm, records in drawn.items():
                runs = [[scale * value for value in record.curves[curve]] for record in records]
                ends.append((*draw_runs(axis, runs, style[arm], arm), arm, style[arm]))
            axis.set(xlabel="epoch", ylabel=label)
            axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
            if ends and curve == judged[0]:
                say_start(axis)
            label_ends(axis, ends)
    return figure


def paired_accuracy(
    arms: Mapping[str, Iterable[Record]],
    value: Callable[[Record], float] = measures.accuracy,
    label: str = "test accuracy, %",
) -> Figure:
    """Both arms of every seed, joined, and the mean of their differences with its 95 % interval, from three pairs on.

    Args:
        arms: Records by name of their arm, two of any names; the difference is the second less the first.
        value: the measure, by default the test accuracy.
        label: of the measure.

    Raises:
        ValueError: there are not two arms, or they have no pair.
    """
    if len(arms) != 2:
        raise ValueError(f"a pair is of two arms, got {len(arms)}: {', '.join(arms)}")
    style = styles(arms)
    seeds, *values, lost = pair_by_seed(*arms.values(), value)
    if not seeds:
        raise ValueError(f"no seed ended well in both arms ({lost} lost); train more seeds")
    with new_figure(1, 2, 3.4, width_ratios=(3, 2)) as (figure, (left, right)):
        frame = pd.DataFrame(dict(zip(arms, values, strict=True)))
        left.plot([0, 1], frame.T, color="0.7", linewidth=1, zorder=0)
        for x, arm in enumerate(frame):
            left.scatter([x] * len(seeds), frame[arm], color=style[arm].colour, marker=style[arm].marker, zorder=1)
        left.set(xticks=[0, 1], xticklabels=list(frame), xlim=(-0.4, 1.4), ylabel=label)
        say_start(left)

        first, second = frame
        right.axhline(0, color="0.6", linewidth=1)
        differences = frame[second] - frame[first]
        right.scatter(np.linspace(-0.15, 0.15, len(seeds)), differences, color="0.55", s=22, label="each seed")
        if len(seeds) < PAIRS:
            right.set_title(f"n = {len(seeds)}: no interval")
        else:
            result = compare_records(*arms.values(), value)
            right.errorbar(
                0.4,
                result.difference,
                [[result.difference - result.low], [result.high - result.difference]],
                fmt="s",
                color="black",
                capsize=5,
                label=f"mean, {100 * LEVEL:.0f} % interval",
            )
        right.set(xticks=[], xlim=(-0.5, 0.8), ylabel=f"{second} − {first}")
        right.spines["bottom"].set_visible(False)
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower right", ncols=2, frameon=False)
    return figure


def layer_norms(arms: Mapping[str, Iterable[Record]]) -> Figure:
    """Root mean square of each layer's activation and gradient: above both after the last epoch, below both by epoch.

    A thin line is a run, a thick one the geometric mean over seeds; below, of the first and of the last layer.

    Args:
        arms: Records by name of their arm; any names.

    Raises:
        ValueError: a Record has no norms, as those made before they were recorded.
    """
    drawn, style = ended(arms), styles(arms)
    for record in (record for arm in drawn.values() for record in arm):
        if "activation_rms.1" not in record.curves:
            raise ValueError(f"the Record {record.run.name} has no norms of its layers; train it again to have them")
    with new_panels(4, 1, panel_height(2 * len(drawn))) as (figure, axes):
        for what, above, below in (("activation", axes[0], axes[2]), ("gradient", axes[1], axes[3])):
            above.sharey(below)
            layer_ends, epoch_ends = [], []
            for arm, records in drawn.items():
                layers = sum(name.startswith(f"{what}_rms.") for name in records[0].curves)
                runs = [[r.curves[f"{what}_rms.{layer}"] for layer in range(1, layers + 1)] for r in records]
                last = [[curve[-1] for curve in run] for run in runs]
                layer_ends.append((*draw_runs(above, last, style[arm], arm, geometric=True), arm, style[arm]))
                for layer in sorted({1, layers}):
                    text, curves = f"{arm}, layer {layer}", [run[layer - 1] for run in runs]
                    end = draw_runs(below, curves, style[arm], text, geometric=True)
                    epoch_ends.append((*end, text, style[arm]))
            for axis, over, ends in ((above, "layer", layer_ends), (below, "epoch", epoch_ends)):
                axis.set(xlabel=over, ylabel=f"{what}, RMS", yscale="log")
                axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
                log_ticks(axis.yaxis)
                label_ends(axis, ends)
    return figure


def intervals(rows: Mapping[str, Comparison], label: str, claimed: Mapping[str, float] | None = None) -> Figure:
    """Differences with their intervals, one row a name, from top to bottom; n stands at the right of the name.

    The thick bar is the interval that answers go by, the thin one below it the BCa bootstrap interval over seeds.

    Args:
        rows: comparisons, all in one unit.
        label: of the axis.
        claimed: differences that a source claims, for those of the rows that have one.

    A row of fewer than three pairs has no interval, which stands beside its n, and its mean is hollow.

    Raises:
        ValueError: there is no row, or a claim is not about any.
    """
    claimed = claimed or {}
    if not rows or claimed.keys() - rows.keys():
        raise ValueError(f"a claim must be about one of the rows ({', '.join(rows) or 'none'}), got {list(claimed)}")
    numbers = pd.DataFrame(list(rows.values()))
    bars = numbers.where(numbers["n"] >= PAIRS)
    few = numbers.where(numbers["n"].between(1, PAIRS - 1))
    y = np.arange(len(rows))
    with new_figure(1, 1, 1.4 + 0.5 * len(rows)) as (figure, axis):
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
        shown: dict = {f"mean, {100 * LEVEL:.0f} % interval": mean, "BCa bootstrap": thin}
        hollow = {"linestyle": "", "markersize": 7, "markerfacecolor": "white"}
        if few["n"].any():
            (shown["mean, too few pairs"],) = axis.plot(
                few.difference, y, marker="s", markeredgecolor="black", **hollow
            )
        if claimed:
            (shown["claimed"],) = axis.plot(
                list(claimed.values()),
                [list(rows).index(name) for name in claimed],
                marker="D",
                markeredgecolor=POLYNOMIAL.colour,
                markeredgewidth=1.8,
                **hollow,
            )
        # A name stands above its row: beside it, the longest would leave no room for the intervals.
        above = {"size": LABEL_SIZE, "va": "center", "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.5}}
        for place, c in zip(y - 0.42, rows.values(), strict=True):
            n = f"n = {c.n}" + (f" ({c.lost} lost)" if c.lost else "") + (": no interval" if c.n < PAIRS else "")
            axis.text(1, place, n, transform=axis.get_yaxis_transform(), ha="right", **above)
        axis.set(ylim=(len(rows) - 0.4, -0.8), xlabel=label)
        axis.set_yticks(y - 0.42, list(rows), ha="left", **above)
        axis.tick_params(axis="y", length=0, direction="in", pad=0)
        axis.spines["left"].set_visible(False)
        figure.legend(shown.values(), shown.keys(), loc="outside lower left", ncols=2, frameon=False)
    return figure
