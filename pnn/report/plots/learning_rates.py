"""Accuracy against the learning rate."""

from collections.abc import Mapping
from statistics import fmean

import numpy as np
from matplotlib.figure import Figure

from ...runs.record import Record
from ..tuning import accuracies
from .arm_style import styles
from .canvas import new_figure
from .style import label_ends, log_ticks, panel_height, say_start


def rates(tried: Mapping[str, Mapping[float, list[Record]]], published: float) -> Figure:
    """Validation accuracy of each arm against its learning rate: a line through the means, a dot a run.

    Only runs that ended well have a dot, and a rate at which none did has no mean, so that a line has a gap there. The
    upright line is the source's rate.

    Args:
        tried: Records by the arm's name and the rate, as :func:`pnn.report.tuning.by_rate` returns them.
        published: the source's rate.
    """
    style = styles(tried)
    with new_figure(1, 1, max(3.2, panel_height(len(tried)))) as (figure, axis):
        axis.axvline(published, color="0.6", linewidth=1, zorder=0)
        ends = []
        for name, own in tried.items():
            values = {rate: accuracies(records) for rate, records in own.items()}
            means = [fmean(found) if found else np.nan for found in values.values()]
            for rate, found in values.items():
                dots = {"s": 8, "alpha": 0.4, "linewidths": 0}
                axis.scatter([rate] * len(found), found, color=style[name].colour, **dots)
            axis.plot(
                list(values),
                means,
                color=style[name].colour,
                linestyle=style[name].dash,
                marker=style[name].marker,
                markersize=5,
                linewidth=1.6,
            )
            last = [(rate, mean) for rate, mean in zip(values, means, strict=True) if not np.isnan(mean)]
            if last:
                ends.append((max(values), last[-1][1], name, style[name]))
        axis.set(xscale="log", xlabel="learning rate", ylabel="validation accuracy, %")
        log_ticks(axis.xaxis)
        say_start(axis)
        axis.text(published, 1.0, " the source's", transform=axis.get_xaxis_transform(), va="bottom", color="0.35")
        label_ends(axis, ends)
    return figure
