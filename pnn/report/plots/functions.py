"""What networks of one or two inputs compute."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from .style import new_figure


def decision_regions(
    models: dict[str, nn.Module], points: torch.Tensor, labels: torch.Tensor, extent: float = 1.6
) -> Figure:
    """Where each network of two inputs says class 1 (its one output is positive), and the points it was to separate."""
    steps = torch.linspace(-extent, extent, 201)
    grid = torch.cartesian_prod(steps, steps)
    with new_figure(1, len(models), 3.1 * len(models), 3.3) as (figure, axes):
        for axis, (name, model) in zip(np.atleast_1d(axes), models.items(), strict=True):
            with torch.no_grad():
                height = model(grid).view(201, 201).T.numpy()
            reach = np.abs(height).max()
            axis.contourf(steps, steps, height, levels=np.linspace(-reach, reach, 21), cmap="PuOr", alpha=0.7)
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
            axis.set(title=name, aspect="equal", xlabel="$x_1$", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
            axis.spines[:].set_visible(True)
        np.atleast_1d(axes)[0].set_ylabel("$x_2$")
    return figure


def function_slices(functions: dict[str, Callable[[torch.Tensor], torch.Tensor]], extent: float = 2.0) -> Figure:
    """One-dimensional functions of t, side by side, each on its own axis with a common scale."""
    t = torch.linspace(-extent, extent, 401)
    with new_figure(1, len(functions), 3.1 * len(functions), 2.8, sharey=True) as (figure, axes):
        for axis, (name, function) in zip(np.atleast_1d(axes), functions.items(), strict=True):
            with torch.no_grad():
                axis.plot(t, function(t), color="black")
            axis.axhline(0, color="0.8", linewidth=1, zorder=0)
            axis.set(title=name, xlabel="$t$")
    return figure
