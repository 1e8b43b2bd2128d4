"""Accuracy against cost."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ..scaling import ScalingCurve
from .style import LABEL_SIZE, WIDE, label_ends, log_ticks, new_figure, styles


def scaling(
    samples: Mapping[str, Mapping[str, Sequence[tuple[float, Sequence[float]]]]],
    curves: Mapping[str, Mapping[str, ScalingCurve]],
    label: str,
) -> Figure:
    """Accuracy against cost, one axis a cost: every run light, the mean of each width, the fitted law and its band.

    Args:
        samples: by name of the cost, then of the arm (any names): what each width costs, and its seeds' accuracies.
        curves: what :func:`pnn.report.scaling.scaling_curve` gives, by the same names, where there is a law.
        label: of the accuracy.
    """
    with new_figure(1, len(samples), WIDE, 3.8, sharey=True, squeeze=False) as (figure, axes):
        for axis, (cost, arms) in zip(axes[0], samples.items(), strict=True):
            ends, style = [], styles(arms)
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
                if curve := curves.get(cost, {}).get(arm):
                    colour = style[arm].colour
                    axis.plot(curve.x, curve.mean, color=colour, linestyle=style[arm].dash, linewidth=2)
                    axis.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)
                    means = [(curve.x[-1], curve.mean[-1])]
                ends += [(*mean, arm, style[arm]) for mean in means[-1:]]
            axis.set(xscale="log", xlabel=cost)
            log_ticks(axis.xaxis)
        axes[0, 0].set_ylabel(label)
        right = max((x for x, *_ in ends), default=1.0)
        label_ends(axis, [(right, *others) for _, *others in ends])
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
    style, (below, above) = styles(arms), arms
    with new_figure(1, len(differences), WIDE, 3.4, sharey=True, squeeze=False) as (figure, axes):
        for axis, (cost, points) in zip(axes[0], differences.items(), strict=True):
            axis.axhline(0, color="0.5", linewidth=1)
            axis.margins(y=0.12)
            axis.set_xlabel(cost)
            if points:
                x, difference, low, high = zip(*points, strict=True)
                axis.fill_between(x, low, high, color="0.8", linewidth=0)
                axis.plot(x, difference, color="black", linewidth=2)
                axis.set_xscale("log")
                log_ticks(axis.xaxis)
            else:
                axis.text(0.5, 0.6, "nothing to compare", transform=axis.transAxes, ha="center", size=LABEL_SIZE)
                axis.set_xticks([])
        axes[0, 0].set_ylabel(label)
        if not any(differences.values()):
            axis.set_yticks([])
        for arm, offset, va in ((above, 3, "bottom"), (below, -3, "top")):
            place = {"xycoords": axis.get_yaxis_transform(), "xytext": (6, offset), "va": va}
            axis.annotate(
                f"{arm}\nahead", (1, 0), textcoords="offset points", size=LABEL_SIZE, color=style[arm].ink, **place
            )
    return figure
