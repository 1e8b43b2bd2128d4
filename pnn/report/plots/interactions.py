"""The spectra of interaction matrices, and their eigenvectors as images."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from .arm_style import COLOURS, styles
from .canvas import new_figure, new_panels
from .style import MARKS

GAP = 2  # So many empty pixels stand between two images.
SHADES = 12  # Each sign has so many: more are heavier, and look alike.
FULL = 0.7  # From here on a colour is full, as one entry is often far larger than all others.
SIGNS = ("largest", "smallest")


def spectra(arms: Mapping[str, np.ndarray]) -> Figure:
    """Eigenvalues over the largest, in order of size, on a logarithmic axis: a line an arm.

    Args:
        arms: by name, as :func:`pnn.report.interactions.spectra` has them.
    """
    style = styles(arms)
    with new_figure(1, 1, 2.9 + 0.2 * len(arms)) as (figure, axis):
        for arm, values in arms.items():
            line = {"color": style[arm].colour, "linestyle": style[arm].dash, "marker": style[arm].marker}
            order = np.arange(1, len(values) + 1)
            axis.plot(order, values, **line, markersize=5, markevery=max(1, len(values) // MARKS), label=arm)
        axis.set(yscale="log", xlabel="eigenvalue, by size", ylabel="|eigenvalue|, of the largest")
        axis.set_yticks([1, 0.1, 0.01], ["1", "0.1", "0.01"])
        axis.set_yticks([], minor=True)
        figure.legend(loc="outside upper center", ncols=1, frameon=False)
    return figure


def eigenvectors(arms: Mapping[str, np.ndarray]) -> Figure:
    """Eigenvectors as images, a panel an arm: a column a class; above of the largest eigenvalue, below of the smallest.

    One sign is purple, the other orange, and 0 is clear. Which sign is which means nothing: the square takes it away.

    Args:
        arms: by name, as :func:`pnn.report.interactions.vectors` has them.
    """
    with new_panels(len(arms), 1, 1.55) as (figure, axes):
        for axis, (arm, images) in zip(axes, arms.items(), strict=True):
            _, classes, height, width = images.shape
            # One picture of all of them is smaller than twenty.
            axis.imshow(_coloured(_mosaic(images)), interpolation="none")
            axis.set_xticks(width / 2 - 0.5 + (width + GAP) * np.arange(classes), range(classes))
            axis.set_yticks(height / 2 - 0.5 + (height + GAP) * np.arange(len(SIGNS)), SIGNS)
            axis.set_title(arm)
            axis.tick_params(length=0)
            axis.spines[:].set_visible(False)
    return figure


def _mosaic(images: np.ndarray) -> np.ndarray:
    """Images (rows, columns, height, width) as one, with gaps between that are not a number."""
    rows, columns, height, width = images.shape
    whole = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP), np.nan)
    for row in range(rows):
        for column in range(columns):
            top, left = row * (height + GAP), column * (width + GAP)
            whole[top : top + height, left : left + width] = images[row, column]
    return whole


def _coloured(values: np.ndarray) -> np.ndarray:
    """Values from -1 to 1 as a colour a sign, the clearer the nearer to 0; so it looks alike on any page."""
    sign = np.where(values[..., None] > 0, to_rgb(COLOURS["purple"]), to_rgb(COLOURS["orange"]))
    alpha = np.round(np.clip(np.abs(np.nan_to_num(values)) / FULL, 0, 1) * SHADES) / SHADES
    sign = np.where(alpha[..., None] > 0, sign, 1.0)
    return np.concatenate([sign, alpha[..., None]], axis=-1)
