"""The pieces of small networks with ReLU, and the error that a number of parameters reaches."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import nn

from ...analysis.expressivity import NEURONS, patterns, relu_inputs
from .arm_style import COLOURS, styles
from .canvas import LABEL_SIZE, new_panels
from .style import log_ticks

KINDS = {
    kind: {"color": style.colour, "linestyle": style.dash, "marker": style.marker}
    for kind, style in styles(NEURONS).items()
}
SHADE = ListedColormap([(0.5, 0.5, 0.5, 0.0), (0.5, 0.5, 0.5, 0.35)])  # It is seen on white and on black.


def activation_regions(models: Mapping[str, nn.Sequential], side: int = 400) -> Figure:
    """The square [-1, 1] cut by the ReLUs of each network of two inputs.

    Where a ReLU's input is 0 there is a line: black of the first layer, coloured of all others. Neighbouring regions
    differ in shade: grey where the number of active ReLUs is odd.
    """
    steps = torch.linspace(-1, 1, side, dtype=torch.float64)
    grid = torch.cartesian_prod(steps, steps)
    with new_panels(len(models), 2, 2.8, sharex=True, sharey=True) as (figure, axes):
        for axis, (name, model) in zip(axes, models.items(), strict=True):
            odd = patterns(model, grid).sum(1).view(side, side).T.numpy() % 2
            shade = {"cmap": SHADE, "vmin": 0, "vmax": 1, "origin": "lower", "interpolation": "nearest"}
            axis.imshow(odd, extent=(-1, 1, -1, 1), **shade)
            for number, layer in enumerate(relu_inputs(model, grid)):
                for heights in layer.T.reshape(-1, side, side):
                    if heights.min() < 0 < heights.max():
                        line = {"colors": [COLOURS["orange"] if number else "black"], "linewidths": 1.2}
                        axis.contour(steps, steps, heights.T, levels=[0], **line)
            axis.set(aspect="equal", title=name, xlabel="x₁", ylabel="x₂", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
            axis.label_outer()
            axis.spines[:].set_visible(True)
    return figure


def errors_by_parameters(
    errors: Mapping[str, Mapping[str, Sequence[tuple[int, Sequence[float]]]]],
    bounds: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None = None,
    floor: float = 1e-4,
    columns: int = 2,
) -> Figure:
    """Relative error against parameters, an axis a function: of each kind of network the median, and the range of runs.

    Args:
        errors: by function and kind of network, for each size: its parameters, and the errors of its runs.
        bounds: by function, the error that no conventional network of so many parameters is below; dotted.
        floor: errors below it are drawn at it.
        columns: axes side by side.
    """
    counts = [count for kinds in errors.values() for sizes in kinds.values() for count, _ in sizes]
    with new_panels(len(errors), columns, 2.4, sharex=True, sharey=True) as (figure, axes):
        for number, (axis, (name, kinds)) in enumerate(zip(axes, errors.items(), strict=True)):
            for kind, sizes in kinds.items():
                x, runs = [count for count, _ in sizes], [np.maximum(values, floor) for _, values in sizes]
                axis.fill_between(x, [*map(min, runs)], [*map(max, runs)], color=KINDS[kind]["color"], alpha=0.2, lw=0)
                axis.plot(x, [*map(np.median, runs)], **KINDS[kind], markersize=5, label=kind, clip_on=False)
            if bound := (bounds or {}).get(name):
                x = np.geomspace(min(counts), max(counts), 100)
                axis.plot(x, np.maximum(bound(x), floor), ":", color="black", linewidth=1)
                where = {"xytext": (0, -3), "textcoords": "offset points", "ha": "right", "va": "top"}
                axis.annotate("bound", (x[-1], bound(x[-1])), size=LABEL_SIZE, **where)
            axis.set(title=name, xscale="log", yscale="log", ylim=(floor, 1.5))
            if number % columns == 0:
                axis.set_ylabel("relative error")
            if number + columns >= len(errors):  # No axis is below this one.
                axis.set_xlabel("parameters")
                axis.tick_params(labelbottom=True)
        log_ticks(axes[0].xaxis)
        log_ticks(axes[0].yaxis)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    return figure
