"""Errors as ratios to one arm's: by the share of products, and task by task."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...experiments.pays import BASE, Case
from ...tasks.known import Known
from ..comparison import Comparison
from .arm_style import COLOURS, DASHES, MARKERS, Style
from .canvas import LABEL_SIZE, new_figure
from .style import label_ends, log_ticks

KINDS = {
    kind: Style(COLOURS[colour], DASHES[0], marker)
    for kind, colour, marker in (
        ("product", "orange", "D"),
        ("quotient", "purple", "^"),
        ("additive", "green", "s"),
        ("threshold", "blue", "o"),
    )
}
Tasks = Mapping[tuple[str, int], Known]


def advantage_by_share(found: Mapping[Case, Comparison], tasks: Tasks) -> Figure:
    """The ratio of two errors, on a logarithmic axis, by the share of products: a line a number of rows.

    Args:
        found: differences of binary logarithms, such as :func:`pnn.report.pays.family`.
        tasks: by title and rows, as :func:`pnn.report.pays.tasks_of` returns them.
    """
    sizes = sorted({case.rows for case in found})
    with new_figure(1, 1, 3.4) as (figure, axis):
        axis.axhline(1, color="0.6", linewidth=1)
        ends = []
        for place, rows in enumerate(sizes):
            points = sorted((tasks[case[:2]].share, c) for case, c in found.items() if case.rows == rows)
            x, own = [share for share, _ in points], [c for _, c in points]
            colours = list(COLOURS.values())
            style = Style(colours[place % len(colours)], DASHES[place % len(DASHES)], MARKERS[place % len(MARKERS)])
            _bars(axis, x, own, style, linestyle=style.dash)
            ends.append((x[-1], 2 ** own[-1].difference, f"{rows:,} rows", style))
        axis.set(xlabel="share of the variance in products", ylabel=f"error, polynomial / {BASE}", yscale="log")
        log_ticks(axis.yaxis)
        label_ends(axis, ends)
    return figure


def advantage_by_task(found: Mapping[Case, Comparison], tasks: Tasks) -> Figure:
    """The ratio of two errors with its interval, a row a task, coloured by kind; the best for the first arm at the top.

    Args:
        found: differences of binary logarithms, such as :func:`pnn.report.pays.against`, of one number of rows.
        tasks: as above.
    """
    order = sorted(found, key=lambda case: found[case].difference)
    with new_figure(1, 1, 1.2 + 0.3 * len(order)) as (figure, axis):
        axis.axvline(1, color="0.6", linewidth=1)
        for kind, style in KINDS.items():
            places = [place for place, case in enumerate(order) if tasks[case[:2]].kind == kind]
            if places:
                own = [found[order[place]] for place in places]
                _bars(axis, places, own, style, across=True, linestyle="", label=kind)
        axis.set_yticks(range(len(order)), [case.task for case in order])
        axis.set(ylim=(len(order) - 0.5, -0.5), xlabel=f"error, polynomial / {BASE}", xscale="log")
        log_ticks(axis.xaxis)
        axis.tick_params(axis="y", length=0, labelsize=LABEL_SIZE)
        figure.legend(loc="outside lower right", ncols=4, frameon=False, columnspacing=0.8, handletextpad=0.2)
    return figure


def _bars(axis: Axes, at: list, own: list[Comparison], style: Style, across: bool = False, **settings) -> None:
    """Ratios with their intervals, upright or across."""
    middle, low, high = (2.0 ** np.array([getattr(c, end) for c in own]) for end in ("difference", "low", "high"))
    reach = np.where(np.isfinite(high), [middle - low, high - middle], np.nan)  # One pair has no interval.
    where = {"x": middle, "y": at, "xerr": reach} if across else {"x": at, "y": middle, "yerr": reach}
    axis.errorbar(**where, color=style.colour, marker=style.marker, markersize=5, capsize=3, **settings)
