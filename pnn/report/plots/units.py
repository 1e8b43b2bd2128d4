"""Learned activations, block by block: the functions of their channels, and one of their numbers by epoch."""

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch.nn import functional as F

from ...nn.learned import LearnedActivation
from .arm_style import COLOURS, DASHES, DOTTED, MARKERS, Style
from .canvas import new_panels
from .style import label_ends, panel_height

POINTS = 201
GREY = Style("0.4", DOTTED, "")  # It is no arm.


def functions_by_block(blocks: Mapping[str, LearnedActivation], extent: float = 3.0) -> Figure:
    """The functions of the channels of each block, a panel a block; beside them half the input, and GELU.

    Args:
        blocks: by name, the activation of its channels.
        extent: the inputs go from minus this to this, and so do the outputs that are shown.
    """
    x = torch.linspace(-extent, extent, POINTS)
    with new_panels(len(blocks), 2, 2.2, sharey=True) as (figure, axes):
        shown = {}
        for axis, (name, activation) in zip(axes, blocks.items(), strict=True):
            with torch.no_grad():
                y = activation(x[:, None].expand(-1, activation.num_parameters))
            shown["a channel each"], *_ = axis.plot(x, y, color=COLOURS["orange"], linewidth=1.1)
            (shown["GELU"],) = axis.plot(x, F.gelu(x), "--", color="black", linewidth=1.4)
            (shown["x / 2"],) = axis.plot(x, x / 2, ":", color="0.4", linewidth=1.8)
            axis.set(title=name, xlabel="x", ylim=(-extent, extent))
        figure.legend(shown.values(), shown.keys(), loc="outside upper center", ncols=3, frameon=False)
    return figure


def by_block_and_epoch(
    ways: Mapping[str, Mapping[str, np.ndarray]], levels: Mapping[str, np.ndarray], label: str
) -> Figure:
    """A number of each block by epoch, the start first, the mean over the runs: a panel a way of training.

    Args:
        ways: by way and block, an array (runs, epochs + 1).
        levels: by way, what decay alone would make of the number, an array (epochs + 1): a dotted grey line.
        label: of the number.
    """
    names = list(dict.fromkeys(block for blocks in ways.values() for block in blocks))
    looks = zip(COLOURS.values(), DASHES * len(names), MARKERS * len(names), strict=False)
    style = {name: Style(*look) for name, look in zip(names, looks, strict=False)}
    with new_panels(len(ways), 1, panel_height(len(names) + 1), sharey=True) as (figure, axes):
        for axis, (way, blocks) in zip(axes, ways.items(), strict=True):
            axis.set(title=way, xlabel="epoch, 0 is the start", ylabel=label)
            axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
            for name, runs in blocks.items():
                look = {"color": style[name].colour, "linestyle": style[name].dash, "marker": style[name].marker}
                axis.plot(runs.mean(axis=0), markersize=4, **look)
            if way in levels:
                axis.plot(levels[way], color=GREY.colour, linestyle=GREY.dash, linewidth=1.8)
        for axis, (way, blocks) in zip(axes, ways.items(), strict=True):  # The limits are those of all panels.
            ends = [(len(runs[0]) - 1, runs.mean(axis=0)[-1], name, style[name]) for name, runs in blocks.items()]
            if way in levels:
                ends.append((len(levels[way]) - 1, levels[way][-1], "decay alone", GREY))
            label_ends(axis, ends)
    return figure
