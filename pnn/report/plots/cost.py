"""Accuracy against cost."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ..scaling import ScalingCurve
from .arm_style import styles
from .canvas import LABEL_SIZE, new_panels
from .style import label_ends, log_ticks, say_start


def scaling(
    samples: Mapping[str, Mapping[str, Sequence[tuple[float, Sequence[float]]]]],
    curves: Mapping[str, Mapping[str, ScalingCurve]],
    label: str,
) -> Figure:
    """Accuracy against cost, one axis a cost: every run light, the mean of each width, the law that fits and its band.

    A law that misses its points is not drawn.

    Args:
        samples: by name of the cost, then of the arm (any names): what each width costs, and its seeds' accuracies.
        curves: what :func:`pnn.report.scaling.scaling_curve` gives, by the same names, where there is a law.
        label: of the accuracy.
    """
    ends: dict[str, list] = {cost: [] for cost in samples}
    with new_panels(len(samples), 1, 2.6, sharey=True) as (figure, axes):
        for axis, (cost, arms) in zip(axes, samples.items(), strict=True):
            style = styles(arms)
            for arm, widths in arms.items():
                own = {"color": style[arm].colour, "marker": style[arm].marker, "linestyle": ""}
                means = sorted((x, float(np.mean(values))) for x, values in widths)
                axis.plot(
                    *np.array([(x, value) for x, values in widths for value in values]).reshape(-1, 2).T,
                    **own,
                    ms=4,
                    alpha=0.35,
                )
                axis.plot(*np.array(means).reshape(-1, 2).T, **own, ms=6, label=arm)
                curve = curves.get(cost, {}).get(arm)
                if curve and curve.misses.fits:
                    colour = style[arm].colour
                    axis.plot(curve.x, curve.mean, color=colour, linestyle=style[arm].dash, linewidth=1.8)
                    axis.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)
                    means = [(curve.x[-1], curve.mean[-1])]
                ends[cost] += [(*mean, arm, style[arm]) for mean in means[-1:]]
            axis.set(xscale="log", xlabel=cost, ylabel=label)
            log_ticks(axis.xaxis)
        for axis, own in zip(axes, ends.values(), strict=True):  # All of them have one scale, which is final here.
            say_start(axis)
            right = max((x for x, *_ in own), default=1.0)
            label_ends(axis, [(right, *others) for _, *others in own])
    return figure


def scaling_differences(
    differences: Mapping[str, Sequence[tuple[float, float, float, float]]],
    label: str,
    arms: tuple[str, str] = ("standard", "polynomial"),
) -> Figure:
    """One arm less another at equal cost, one axis a cost, with the interval at each cost by itself.

    Args:
        differences: what :func:`pnn.report.scaling.scaling_difference` gives, by name of the cost; empty where it has
            nothing.
        label: of the difference.
        arms: the names of the two, that which is taken off first.
    """
    below, above = arms
    with new_panels(len(differences), 1, 2.3, sharey=True) as (figure, axes):
        for axis, (cost, points) in zip(axes, differences.items(), strict=True):
            axis.axhline(0, color="0.5", linewidth=1)
            axis.margins(y=0.12)
            axis.set(xlabel=cost, ylabel=label)
            if points:
                x, difference, low, high = zip(*points, strict=True)
                axis.fill_between(x, low, high, color="0.8", linewidth=0)
                axis.plot(x, difference, color="black", linewidth=2)
                axis.set_xscale("log")
                log_ticks(axis.xaxis)
            else:
                axis.text(0.5, 0.85, "no two laws that fit", transform=axis.transAxes, ha="center", size=LABEL_SIZE)
                axis.set_xticks([])
            for arm, offset, va in ((above, 3, "bottom"), (below, -3, "top")):
                place = {"xycoords": axis.get_yaxis_transform(), "xytext": (6, offset), "va": va}
                axis.annotate(f"{arm}\nahead", (1, 0), textcoords="offset points", size=LABEL_SIZE, **place)
        if not any(differences.values()):
            axes[0].set_yticks([])
    return figure
