"""What evaluations find that the training loss hides: losses and largest logits by epoch, on logarithmic axes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...runs.record import Record
from ...runs.record_check import limit_of
from .arm_style import styles
from .canvas import new_panels
from .style import log_ticks


def explosions(arms: Mapping[str, Sequence[Record]]) -> Figure:
    """Training loss, validation loss and the largest logit of the validation rows by epoch, on logarithmic axes.

    A thin line is a run, a thick one the median of those of its arm that have the epoch, whether they ended well or
    not. A network explodes above the grey line.

    Args:
        arms: Records by name of their arm.
    """
    style = styles(arms)
    panels = {
        "train_loss": "training loss, nats",
        "validation_loss": "validation loss, nats",
        "validation_logit": "largest logit,\nvalidation rows",
    }
    with new_panels(len(panels), 1, 2.3, sharex=True) as (figure, axes):
        for axis, (curve, text) in zip(axes, panels.items(), strict=True):
            for name, own in arms.items():
                runs = [record.curves[curve] for record in own if record.curves.get(curve)]
                for run in runs:
                    axis.plot(range(1, len(run) + 1), run, color=style[name].colour, linewidth=0.7, alpha=0.4)
                longest = max(map(len, runs), default=0)
                middle = [float(np.median([run[i] for run in runs if len(run) > i])) for i in range(longest)]
                line = {"linestyle": style[name].dash, "marker": style[name].marker, "markersize": 5, "label": name}
                axis.plot(range(1, longest + 1), middle, color=style[name].colour, linewidth=1.8, **line)
            if curve == "validation_loss":
                limit = limit_of(next(record.run for own in arms.values() for record in own))
                axis.axhline(limit, color="0.4", linestyle=":", linewidth=1.4, zorder=0)
            axis.set(yscale="log", ylabel=text)
            axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
            log_ticks(axis.yaxis)
        axes[-1].set_xlabel("epoch")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", frameon=False)
    return figure
