"""The one style of the book's figures, and what several of them need."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

from ..run import Record

# colour-blind safe; also told apart by dash and marker
COLOURS = dict(zip(("standard", "polynomial"), sns.color_palette("colorblind")[:2], strict=True))
DASHES = {"standard": (0, (4, 2)), "polynomial": "-"}
MARKERS = {"standard": "o", "polynomial": "D"}
WIDE = 9.0  # inches, of a figure of several axes
LABEL_SIZE = 10.0  # points, of what is written beside lines


@contextmanager
def new_figure(rows: int, columns: int, width: float, height: float, **settings):
    """A new figure of this size, in inches, and its axes; in the book's style, and closed at the end."""
    with sns.axes_style("ticks"), sns.plotting_context("notebook"), plt.rc_context({"figure.dpi": 120}):
        figure, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **settings)
        sns.despine(figure)
        yield figure, axes
        plt.close(figure)


def ended(sides: Mapping[str, Iterable[Record]]) -> dict[str, list[Record]]:
    """What there is to draw: the runs that ended well, of the sides that have any."""
    ended = {name: [record for record in side if record.outcome == "ok"] for name, side in sides.items()}
    return {name: side for name, side in ended.items() if side}


def label_ends(axis: Axes, ends: Iterable[tuple[float, float, str, str]]) -> None:
    """Write beside the ends of lines, apart from each other: x, y, text, neuron. The limits must be final."""
    ends = sorted(ends, key=lambda end: end[1])
    if not ends:
        return
    axis.get_xlim(), axis.get_ylim()  # they are computed when they are asked for
    to_axes = axis.transData + axis.transAxes.inverted()
    points = 72 * 0.75 * axis.figure.get_figheight() / axis.get_gridspec().nrows  # about the height of the axis
    rows = 1.3 * LABEL_SIZE / points * np.arange(len(ends))
    wanted = np.array([to_axes.transform(end[:2])[1] for end in ends])
    placed = np.maximum.accumulate(wanted - rows) + rows
    placed -= (placed - wanted).mean()  # pushed apart to both sides
    for (x, _, text, neuron), height in zip(ends, placed, strict=True):
        place = {"xycoords": axis.get_xaxis_transform(), "xytext": (8, 0), "va": "center"}
        axis.annotate(text, (x, height), textcoords="offset points", size=LABEL_SIZE, color=ink(neuron), **place)


def ink(neuron: str) -> tuple[float, ...]:
    """A neuron's colour, dark enough for text on white."""
    return tuple(0.65 * part for part in COLOURS[neuron])


def log_ticks(axis: XAxis | YAxis) -> None:
    """Ticks of a logarithmic axis as plain numbers, as many as its range needs; a range below 4 is made so wide."""
    low, high = sorted(axis.get_view_interval())
    if high < 4 * low:
        low, high = (low * high) ** 0.5 / 2, (low * high) ** 0.5 * 2
        getattr(axis.axes, f"set_{axis.axis_name}lim")(low, high)
    subs = (1, 2, 3, 4, 5, 7) if high < 10 * low else (1, 2, 5) if high < 100 * low else (1,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda x, _: EngFormatter(sep="")(x) if x >= 1000 else f"{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def draw_runs(
    axis: Axes, runs: Sequence[Sequence[float]], neuron: str, label: str, *, geometric: bool = False
) -> tuple[float, float]:
    """Each run as a thin line over 1, 2, ...; as a thick one their mean, as far as all of them go. Where that ends."""
    for run in runs:
        thin = {"linewidth": 0.7, "marker": "." if len(run) == 1 else "", "alpha": 0.35}
        axis.plot(np.arange(1, len(run) + 1), run, color=COLOURS[neuron], **thin)
    steps = min(map(len, runs))
    common = np.array([run[:steps] for run in runs])
    with np.errstate(divide="ignore"):  # of a gradient that is 0
        mean = np.exp(np.log(common).mean(axis=0)) if geometric else common.mean(axis=0)
    style = {"linestyle": DASHES[neuron], "marker": MARKERS[neuron], "markersize": 4, "linewidth": 2}
    axis.plot(np.arange(1, steps + 1), mean, color=COLOURS[neuron], label=label, **style)
    return max(map(len, runs)), mean[-1]
