"""The sheet that a figure is drawn on: its width, its letters, and how it is shown."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# A letter of LABEL_SIZE points in a figure of WIDTH inches has 10 * 342 / (72 * 5) = 9.5 pixels in the column of a
# phone, 342 pixels: nothing is written smaller, and no figure is wider. What does not fit side by side is stacked.
WIDTH = 5.0
LABEL_SIZE = 10.0
DRAWN = {
    "figure.dpi": 120,
    "font.size": LABEL_SIZE,
    "axes.titlesize": LABEL_SIZE,
    "axes.labelsize": LABEL_SIZE,
    "xtick.labelsize": LABEL_SIZE,
    "ytick.labelsize": LABEL_SIZE,
    "legend.fontsize": LABEL_SIZE,
    "axes.facecolor": "none",
}
# Text stays text, in the font of the page around it. The same figure has the same bytes at every build.
WRITTEN = {"svg.fonttype": "none", "svg.hashsalt": "pnn"}


class Sheet(Figure):
    """A figure that notebooks show as SVG, black on white; the book draws it in the ink of its own page instead."""

    def _repr_svg_(self) -> str:
        self.patch.set_gid("background")
        file = io.StringIO()
        with plt.rc_context(WRITTEN):
            self.savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()


@contextmanager
def new_figure(rows: int, columns: int, height: float, **settings: Any) -> Iterator[tuple[Figure, Any]]:
    """A new figure of this height, in inches, and its axes; closed at the end."""
    with plt.rc_context(DRAWN):
        figure, axes = plt.subplots(
            rows, columns, figsize=(WIDTH, height), layout="constrained", FigureClass=Sheet, **settings
        )
        sns.despine(figure)
        yield figure, axes
        plt.close(figure)


@contextmanager
def new_panels(number: int, columns: int, height: float, **settings: Any) -> Iterator[tuple[Figure, list[Axes]]]:
    """A new figure of so many axes, row by row, each row of this height in inches; closed at the end."""
    columns = min(number, columns)
    rows = -(-number // columns)
    with new_figure(rows, columns, height * rows, squeeze=False, **settings) as (figure, axes):
        panels = list(np.ravel(axes))
        for empty in panels[number:]:
            empty.remove()
        yield figure, panels[:number]
