"""A sweep's response to each of its parameters."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .canvas import new_panels
from .style import log_ticks, say_start

ACROSS = 2  # So many axes stand in a row.
WIDE_RANGE = 10.0  # An axis is logarithmic if its positive values span at least this ratio.


def response_curves(frame: pd.DataFrame, response: str, by: Sequence[str]) -> Figure:
    """An axis a parameter: every run that ended well, and the mean of the runs of each value.

    There are no means if each value of a parameter was tried at one setting of the others only, as with random draws:
    they would be means of one.

    Args:
        frame: a table of :func:`pnn.sweep.table`.
        response: one of its columns of numbers.
        by: parameters.

    Raises:
        ValueError: no run ended well with such a number.
    """
    runs = frame[(frame["outcome"] == "ok") & np.isfinite(frame[response].astype(float))]
    if runs.empty:
        raise ValueError(f"no run ended well with a number called {response!r}")
    with new_panels(len(by), ACROSS, 2.6, sharey=True) as (figure, axes):
        for axis, name in zip(axes, by, strict=True):
            is_number = pd.api.types.is_numeric_dtype(runs[name]) and runs[name].dtype != bool
            values = sorted(runs[name].unique(), key=None if is_number else str)
            place = {value: value if is_number else number for number, value in enumerate(values)}
            axis.plot(runs[name].map(place), runs[response], "o", color="0.5", markersize=4, alpha=0.5)
            if len(by) == 1 or len(runs.drop_duplicates(by)) > len(values):
                means = [runs.loc[runs[name] == value, response].mean() for value in values]
                line = "-s" if is_number else "s"
                axis.plot([place[value] for value in values], means, line, color="black", markersize=6)
            axis.set(xlabel=name)
            if not is_number:
                axis.set_xticks(range(len(values)), [str(value) for value in values])
                axis.margins(x=0.2)
            elif min(values) > 0 and max(values) >= WIDE_RANGE * min(values):
                axis.set(xscale="log")
                log_ticks(axis.xaxis)
        for axis in axes[::ACROSS]:
            axis.set(ylabel=response)
            say_start(axis)
    return figure
