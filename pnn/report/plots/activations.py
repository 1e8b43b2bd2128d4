"""How learned activations move in training."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...runs.record import Record
from ..watched import DRAWN, layers, steps, with_readings
from .arm_style import styles
from .canvas import LABEL_SIZE, new_figure, new_panels
from .style import draw_runs, label_ends, log_ticks, panel_height


def activations_by_epoch(record: Record) -> Figure:
    """The activation of each layer of one training, a panel a layer: a line an epoch from light to dark.

    The start is dotted. Control points of splines are hollow at the start and full at the end.
    """
    own = layers(record)
    with new_panels(len(own), 2, 2.3, sharex=True) as (figure, axes):
        for place, (axis, layer) in enumerate(zip(axes, own, strict=True), 1):
            shades = mpl.colormaps["viridis_r"](np.linspace(0.15, 1, max(len(layer.curves) - 1, 1)))
            axis.plot(DRAWN, layer.curves[0], linestyle=":", color="black", linewidth=1.6)
            for curve, shade in zip(layer.curves[1:], shades, strict=False):
                axis.plot(DRAWN, curve, color=shade, linewidth=1.4)
            if layer.control is not None:
                for points, filled in ((layer.control[0], "white"), (layer.control[-1], "black")):
                    axis.plot(*points.T, "o", markersize=6, markeredgecolor="black", markerfacecolor=filled)
            axis.set_title(f"layer {place}")
        figure.supxlabel("input", size=LABEL_SIZE)
        figure.supylabel("activation", size=LABEL_SIZE)
    return figure


def steps_by_epoch(arms: Mapping[str, Sequence[Record]]) -> Figure:
    """How far the activations moved in each epoch: a thin line a run, a thick one the geometric mean over seeds.

    Args:
        arms: Records by name of their arm; those that keep no activations are left out.
    """
    drawn, style = with_readings(arms), styles(arms)
    with new_figure(1, 1, max(3.2, panel_height(len(drawn)))) as (figure, axis):
        ends = []
        for name, own in drawn.items():
            end = draw_runs(axis, [steps(record) for record in own], style[name], name, geometric=True)
            ends.append((*end, name, style[name]))
        axis.set(yscale="log", xlabel="epoch", ylabel="moved in the epoch, RMS")
        axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
        log_ticks(axis.yaxis)
        label_ends(axis, ends)
    return figure
