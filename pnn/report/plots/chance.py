"""What the best of several settings gains where they differ in nothing, beside what was gained."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..chance import Luck
from .arm_style import COLOURS
from .canvas import new_figure


def best_of_nothing(
    luck: Sequence[Luck], ours: Mapping[str, tuple[int, Sequence[float]]], published: Mapping[str, tuple[int, float]]
) -> Figure:
    """The gain of the best of several against their number: the mean and the band of luck, and what was found.

    Args:
        luck: for every number of settings, as :func:`pnn.report.chance.best_of_nothing` finds it; may be empty.
        ours: by name, the number of settings and the gain of the best of them in every case.
        published: by name, the number of settings and the gain of the best of them.
    """
    with new_figure(1, 1, 3.6) as (figure, axis):
        axis.axhline(0, color="0.6", linewidth=1, zorder=0)
        tried = [one.settings for one in luck]
        if luck:
            axis.plot(
                tried, [one.mean for one in luck], "-s", color="black", markersize=4, label="nothing changed: mean"
            )
            ends = [one.low for one in luck], [one.high for one in luck]
            axis.fill_between(tried, *ends, color="0.5", alpha=0.25, linewidth=0, label="nothing changed: nine of ten")
        for (name, (number, gains)), marker in zip(ours.items(), "oD^v", strict=False):
            axis.plot([number] * len(gains), gains, marker, color=COLOURS["orange"], markersize=5, label=name)
        for place, (name, (number, gain)) in enumerate(published.items()):
            apart = 0.2 * (place - (len(published) - 1) / 2)  # Those of as many settings would hide each other.
            axis.plot(
                number + apart, gain, "*Xh"[place % 3], color=COLOURS["blue"], markersize=8, label=name, linestyle=""
            )
        axis.set(xlabel="settings tried", ylabel="gain of the best, points")
        axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
        figure.legend(loc="outside upper left", ncols=2, frameon=False)
    return figure
