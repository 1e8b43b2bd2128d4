"""The one style of the book's figures, and what several of them need."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

from ...runs.record import Record


@dataclass(frozen=True)
class Style:
    """How an arm is drawn: its colour is safe for the colour-blind, and dash and marker tell it apart without."""

    colour: tuple[float, float, float]
    dash: str | tuple[float, tuple[float, ...]]
    marker: str

    @property
    def ink(self) -> tuple[float, ...]:
        """The colour, dark enough for text on white."""
        return tuple(0.65 * part for part in self.colour)


PALETTE = sns.color_palette("colorblind")
STANDARD, POLYNOMIAL = Style(PALETTE[0], (0, (4, 2)), "o"), Style(PALETTE[1], "-", "D")
# Every other arm gets one of these: the first eight differ in colour, those after them in dash.
OTHERS = [
    Style(colour, dash, marker)
    for dash in ("-", ":", "-.", (0, (4, 2)))
    for colour, marker in zip(PALETTE[2:], "sv^P<X>p", strict=True)
]
WIDE = 9.0  # A figure of several axes has this width in inches.
LABEL_SIZE = 10.0  # What is written beside lines has this size in points.


@contextmanager
def new_figure(rows: int, columns: int, width: float, height: float, **settings):
    """A new figure of this size, in inches, and its axes; in the book's style, and closed at the end."""
    with sns.axes_style("ticks"), sns.plotting_context("notebook"), plt.rc_context({"figure.dpi": 120}):
        figure, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **settings)
        sns.despine(figure)
        yield figure, axes
        plt.close(figure)


def styles(names: Iterable[str]) -> dict[str, Style]:
    """A style for each arm of a figure, all of them different up to 34.

    An arm has the same style in every figure, whichever order it is given in; only where two would have the same does
    the later one by the alphabet take the next that is free.
    """
    names = list(names)
    chosen = {"standard": STANDARD, "polynomial": POLYNOMIAL}
    colours = len(PALETTE) - 2
    free = list(range(len(OTHERS)))
    for name in sorted(set(names) - chosen.keys()):
        wanted = zlib.crc32(name.encode()) % colours
        free = free or list(range(len(OTHERS)))
        slot = min(free, key=lambda slot: (slot // colours, (slot - wanted) % colours))
        free.remove(slot)
        chosen[name] = OTHERS[slot]
    return {name: chosen[name] for name in names}


def ended(arms: Mapping[str, Iterable[Record]]) -> dict[str, list[Record]]:
    """What there is to draw: the runs that ended well, of the arms that have any."""
    ended = {name: [record for record in arm if record.outcome == "ok"] for name, arm in arms.items()}
    return {name: arm for name, arm in ended.items() if arm}


def label_ends(axis: Axes, ends: Iterable[tuple[float, float, str, Style]]) -> None:
    """Write beside the ends of lines, apart from each other: x, y, text, style. The limits must be final."""
    ends = sorted(ends, key=lambda end: end[1])
    if not ends:
        return
    axis.get_xlim(), axis.get_ylim()  # The limits are computed when they are asked for.
    to_axes = axis.transData + axis.transAxes.inverted()
    # This is about the height of the axis.
    points = 72 * 0.75 * axis.figure.get_figheight() / axis.get_gridspec().nrows
    rows = 1.3 * LABEL_SIZE / points * np.arange(len(ends))
    wanted = np.array([to_axes.transform(end[:2])[1] for end in ends])
    placed = np.maximum.accumulate(wanted - rows) + rows
    placed -= (placed - wanted).mean()  # They are pushed apart to both sides.
    for (x, _, text, style), height in zip(ends, placed, strict=True):
        place = {"xycoords": axis.get_xaxis_transform(), "xytext": (8, 0), "va": "center"}
        axis.annotate(text, (x, height), textcoords="offset points", size=LABEL_SIZE, color=style.ink, **place)


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
    thick = {"linestyle": style.dash, "marker": style.marker, "markersize": 4, "linewidth": 2}
    axis.plot(np.arange(1, steps + 1), mean, color=style.colour, label=label, **thick)
    return max(map(len, runs)), mean[-1]
