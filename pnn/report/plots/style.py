"""What several of the book's figures need: lines of runs, names at their ends, axes that say what they are."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import offset_copy

from ...runs.record import Record
from .arm_style import Style
from .canvas import LABEL_SIZE

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MARKS = 8  # A line of many points has its marker at about so many of them.


def ended(arms: Mapping[str, Iterable[Record]]) -> dict[str, list[Record]]:
    """What there is to draw: the runs that ended well, of the arms that have any."""
    ended = {name: [record for record in arm if record.outcome == "ok"] for name, arm in arms.items()}
    return {name: arm for name, arm in ended.items() if arm}


def panel_height(labels: int) -> float:
    """The height in inches of an axis that has so many names beside its lines."""
    return max(2.4, 0.7 + 1.3 * LABEL_SIZE / 72 * labels)


def label_ends(axis: Axes, ends: Iterable[tuple[float, float, str, Style]]) -> None:
    """Write beside the ends of lines, apart from each other: x, y, text, style. The limits must be final.

    A short line in the arm's colour leads from the end to its text.
    """
    ends = sorted(ends, key=lambda end: end[1])
    if not ends:
        return
    axis.get_xlim(), axis.get_ylim()  # The limits are computed when they are asked for.
    to_axes = axis.transData + axis.transAxes.inverted()
    # This is about the height of the axis.
    points = 72 * 0.75 * axis.figure.get_figheight() / axis.get_gridspec().nrows
    rows = 1.3 * LABEL_SIZE / points * np.arange(len(ends))
    wanted = np.clip([to_axes.transform(end[:2])[1] for end in ends], 0, 1)
    placed = np.maximum.accumulate(wanted - rows) + rows
    placed -= (placed - wanted).mean()  # They are pushed apart to both sides, and stay on the axis if they can.
    placed += max(0, -placed[0]) - max(0, placed[-1] - 1)
    across = axis.get_xaxis_transform()
    for (x, _, text, style), start, height in zip(ends, wanted, placed, strict=True):
        axis.annotate(
            text,
            (x, start),
            (x, height),
            xycoords=across,
            textcoords=offset_copy(across, axis.figure, x=18, units="points"),
            va="center",
            size=LABEL_SIZE,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": style.colour, "shrinkA": 0, "shrinkB": 4, "relpos": (0, 0.5)},
        )


def say_start(axis: Axes) -> None:
    """Let a vertical axis start at a tick, and write under its label where, unless that is 0. The limits must be final.

    A difference looks larger than it is on an axis of accuracies that does not start at 0.
    """
    low, high = axis.get_ylim()
    ticks = axis.get_yticks()
    start = max((tick for tick in ticks if tick <= low), default=low)
    axis.set_yticks([tick for tick in ticks if start <= tick <= high])  # Others might be chosen for the new range.
    axis.set_ylim(bottom=start)
    if start:
        axis.set_ylabel(f"{axis.get_ylabel()}\naxis starts at {start:g}")


def log_ticks(axis: XAxis | YAxis) -> None:
    """Ticks of a logarithmic axis as plain numbers, as many as its range needs; a range below 4 is made so wide."""
    low, high = sorted(axis.get_view_interval())
    if high < 4 * low:
        low, high = (low * high) ** 0.5 / 2, (low * high) ** 0.5 * 2
        getattr(axis.axes, f"set_{axis.axis_name}lim")(low, high)
    subs = (1, 2, 3, 4, 5, 7) if high < 10 * low else (1, 2, 5) if high < 100 * low else (1,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(_power if high > 1e9 * low else _number))
    axis.set_minor_formatter(NullFormatter())


def _number(x: float, _: int) -> str:
    return EngFormatter(sep="")(x) if x >= 1000 else f"{x:g}"


def _power(x: float, _: int) -> str:
    """A power of ten in plain letters, as the text of a figure stays text."""
    exponent = str(round(np.log10(x)))
    return f"10{exponent.translate(SUPERSCRIPTS)}"


def draw_runs(
    axis: Axes, runs: Sequence[Sequence[float]], style: Style, label: str, *, geometric: bool = False
) -> tuple[float, float]:
    """Draw each run as a thin line over 1, 2, ..., and as a thick one their mean, as far as all of them go.

    Returns the longest run's length and the last mean, beside which a label stands.
    """
    for run in runs:
        thin = {"linewidth": 0.7, "marker": "." if len(run) == 1 else "", "alpha": 0.35}
        axis.plot(np.arange(1, len(run) + 1), run, color=style.colour, **thin)
    steps = min(map(len, runs))
    common = np.array([run[:steps] for run in runs])
    with np.errstate(divide="ignore"):  # A gradient may be 0.
        mean = np.exp(np.log(common).mean(axis=0)) if geometric else common.mean(axis=0)
    thick = {"linestyle": style.dash, "marker": style.marker, "markersize": 5, "linewidth": 1.8}
    every = -(-steps // MARKS)
    axis.plot(np.arange(1, steps + 1), mean, color=style.colour, label=label, markevery=every, **thick)
    return max(map(len, runs)), mean[-1]
