"""How often trainings fail with depth, and how well they do against a setting."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ..comparison import proportion
from .arm_style import styles
from .canvas import LABEL_SIZE, new_figure
from .style import log_ticks, say_start

LETTERS = 48  # So many fit under an axis.


def shares_by_depth(
    ways: Mapping[str, Sequence[tuple[int, int, int]]], label: str, over: str = "depth, layers"
) -> Figure:
    """A share against depth, a line a way, with exact 95 % intervals; the ways stand a little apart.

    Args:
        ways: by name, for each depth: the depth, how many runs it happened to, and how many runs there were.
        label: of the share, in percent.
        over: what stands in the place of the depth, as a degree may.
    """
    style = styles(ways)
    depths = sorted({depth for points in ways.values() for depth, *_ in points})
    with new_figure(1, 1, 3.6) as (figure, axis):
        for number, (way, points) in enumerate(ways.items()):
            shares = np.array([proportion(hits, n) for _, hits, n in points])
            x = np.array([depths.index(depth) for depth, *_ in points]) + 0.09 * (number - (len(ways) - 1) / 2)
            spread = np.abs(shares[:, 1:].T - shares[:, 0])
            line = {"linestyle": style[way].dash, "marker": style[way].marker, "color": style[way].colour}
            axis.errorbar(x, shares[:, 0], yerr=spread, **line, markersize=6, capsize=3, label=way)
        axis.set(xlabel=over, ylabel=label, ylim=(-4, 104), xticks=range(len(depths)), xticklabels=depths)
        figure.legend(loc="outside upper center", ncols=2 if len(ways) < 4 else 1, frameon=False)
    return figure


def response(points: Mapping[float, Sequence[float]], lost: Mapping[float, int], label: str, unit: str) -> Figure:
    """A measure against a setting on a logarithmic axis, 0 at its left end: every run, and the mean.

    Args:
        points: the runs' values by setting.
        lost: how many runs of a setting have no value, because they ended badly; written at its top.
        label: of the setting.
        unit: of the measure.
    """
    positive = sorted(setting for setting in points if setting > 0)
    zero = positive[0] / 10  # The value 0 is drawn here.
    place = {setting: setting or zero for setting in points}
    with new_figure(1, 1, 3.4) as (figure, axis):
        for setting, values in points.items():
            axis.plot([place[setting]] * len(values), values, "o", color="0.5", markersize=4, alpha=0.5)
            if lost.get(setting):
                above = {"xycoords": axis.get_xaxis_transform(), "ha": "center", "va": "bottom", "size": LABEL_SIZE}
                text = f"{lost[setting]} of {len(values) + lost[setting]}\nlost"
                axis.annotate(text, (place[setting], 1.0), **above)
        means = [(place[setting], np.mean(values)) for setting, values in sorted(points.items()) if len(values)]
        axis.plot(*zip(*means, strict=True), "-s", color="black", markersize=6)
        axis.set(xscale="log", xlabel=textwrap.fill(label, LETTERS), ylabel=unit)
        say_start(axis)
        log_ticks(axis.xaxis)
        if 0 in points:
            axis.set_xticks([zero, *positive], ["0", *(f"{setting:g}" for setting in positive)])
            axis.set_xticks([], minor=True)
    return figure
