"""How values leave the interval of a polynomial: layer by layer over the epochs, and of inputs made larger."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ...runs.record import Record
from ...runs.record_check import SCALES
from .arm_style import styles
from .canvas import LABEL_SIZE, new_panels
from .style import label_ends, log_ticks, panel_height

LETTERS = 26  # So many fit above a panel.


def layers_by_epoch(arms: Mapping[str, Sequence[Record]]) -> Figure:
    """The root mean square of each layer's outputs, a line an epoch from light to dark, a panel an arm.

    A line is the geometric mean over the runs that have the epoch, whether they ended well or not.

    Args:
        arms: Records by name of their arm.
    """
    drawn = {name: [r for r in own if "activation_rms.1" in r.curves] for name, own in arms.items()}
    with new_panels(len(drawn), 2, 2.5, sharex=True, sharey=True) as (figure, axes):
        for axis, (name, own) in zip(axes, drawn.items(), strict=True):
            epochs = max((len(record.curves["train_loss"]) for record in own), default=0)
            shades = mpl.colormaps["viridis_r"](np.linspace(0.15, 1, max(epochs, 1)))
            for epoch in range(epochs):
                axis.plot(*_line(own, epoch), color=shades[epoch], linewidth=1.4)
            axis.set(yscale="log", title=fill(name, LETTERS))
        log_ticks(axes[0].yaxis)  # They share it, and all lines are drawn.
        figure.supxlabel("layer", size=LABEL_SIZE)
        figure.supylabel("outputs, RMS", size=LABEL_SIZE)
    return figure


def _line(records: Sequence[Record], epoch: int) -> tuple[range, np.ndarray]:
    """Layers, and the geometric mean of their root mean squares after an epoch."""
    own = [record for record in records if len(record.curves["train_loss"]) > epoch]
    layers = range(1, 1 + sum(name.startswith("activation_rms.") for name in own[0].curves))
    sizes = [[record.curves[f"activation_rms.{layer}"][epoch] for layer in layers] for record in own]
    return layers, np.exp(np.log(np.maximum(sizes, np.finfo(np.float32).tiny)).mean(0))


def logits_by_scale(arms: Mapping[str, Sequence[Record]]) -> Figure:
    """The largest logit of rows whose inputs are multiplied: above of the median row, below of any row.

    Medians over the runs.

    Args:
        arms: Records by name of their arm.
    """
    style = styles(arms)
    found = {name: [r.health for r in own if r.health and r.health.scaled_median] for name, own in arms.items()}
    found = {name: own for name, own in found.items() if own}
    with new_panels(2, 1, max(2.6, panel_height(len(found))), sharex=True) as (figure, axes):
        for axis, measure, what in zip(
            axes, ("scaled_median", "scaled_largest"), ("median row", "any row"), strict=True
        ):
            ends = []
            for name, own in found.items():
                middle = np.median([getattr(health, measure) for health in own], 0)
                line = {"color": style[name].colour, "marker": style[name].marker, "linestyle": style[name].dash}
                axis.plot(SCALES, middle, markersize=5, **line)
                ends.append((SCALES[-1], middle[-1], name, style[name]))
            axis.set(yscale="log", ylabel=f"largest logit, {what}")
            log_ticks(axis.yaxis)
            label_ends(axis, ends)
        axes[-1].set_xlabel("the inputs are multiplied by")
    return figure
