"""What networks of one or two inputs compute."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from torch import nn

from .arm_style import COLOURS
from .canvas import new_panels

SIDE = 61  # So many points a side: more are heavier, and look alike.
STEPS = 10  # So many shades each has from 0 to the largest height.


def decision_regions(
    models: dict[str, nn.Module], points: torch.Tensor, labels: torch.Tensor, extent: float = 1.6
) -> Figure:
    """Where each network of two inputs says class 1 (its one output is positive), and the points it was to separate."""
    steps = torch.linspace(-extent, extent, SIDE)
    grid = torch.cartesian_prod(steps, steps)
    # A height of 0 is clear, so that the shades look alike on a white page and on a dark one.
    clear = np.linspace(0.8, 0, STEPS, endpoint=False)[::-1]
    shades = [to_rgba(COLOURS["purple"], alpha) for alpha in clear[::-1]]
    shades += [to_rgba(COLOURS["orange"], alpha) for alpha in clear]
    with new_panels(len(models), 2, 3.1) as (figure, axes):
        for axis, (name, model) in zip(axes, models.items(), strict=True):
            with torch.no_grad():
                height = model(grid).view(SIDE, SIDE).T.numpy()
            reach = np.abs(height).max()
            axis.contourf(steps, steps, height, levels=np.linspace(-reach, reach, 2 * STEPS + 1), colors=shades)
            if height.min() < 0 < height.max():
                axis.contour(steps, steps, height, levels=[0], colors="black", linewidths=1.5)
            for label, marker in ((0, "o"), (1, "s")):
                axis.scatter(
                    *points[labels == label].T,
                    marker=marker,
                    s=45,
                    edgecolors="black",
                    color="white" if label else "0.3",
                )
            axis.set(title=name, aspect="equal", xlabel="x₁", ylabel="x₂", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
            axis.label_outer()
            axis.spines[:].set_visible(True)
    return figure


def function_slices(functions: dict[str, Callable[[torch.Tensor], torch.Tensor]], extent: float = 2.0) -> Figure:
    """One-dimensional functions of t, side by side, each on its own axis with a common scale."""
    t = torch.linspace(-extent, extent, 401)
    with new_panels(len(functions), 3, 2.3, sharey=True) as (figure, axes):
        for axis, (name, function) in zip(axes, functions.items(), strict=True):
            with torch.no_grad():
                axis.plot(t, function(t), color="black")
            axis.axhline(0, color="0.8", linewidth=1, zorder=0)
            axis.set(title=name, xlabel="t")
    return figure
