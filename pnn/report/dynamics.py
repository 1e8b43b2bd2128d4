"""How two networks learn: measures over the epochs, and the sizes of activations and gradients layer by layer."""

import math
from collections.abc import Callable

from ..runs.record import Record
from ..system.extras import needs
from . import measures
from .arms import Arms, label, setting
from .compared import Measures
from .comparison import Comparison, compare_records
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

SIZES = ("activation", "gradient")


def common_accuracy(arms: Arms) -> float:
    """The highest validation accuracy that every run reaches, in percent and rounded down to a tenth of a point."""
    highest = [max(r.curves["validation_accuracy"]) for arm in arms.values() for r in arm if r.outcome == "ok"]
    return max(math.floor(1000 * min(highest, default=0.0)), 1) / 10


def over_the_epochs(arms: Arms) -> Measures:
    """What tells how fast networks learn and how far they overfit, by name."""
    threshold = common_accuracy(arms)
    return {
        "mean accuracy, %": measures.area_under_curve,
        "early accuracy, %": measures.early_accuracy,
        f"epochs to {threshold:.1f} %": measures.epochs_to(threshold),
        "gap to validation": measures.validation_gap,
        "gap to test": measures.gap,
        "test loss × 100": lambda record: 100 * measures.final_loss(record),
    }


def has_norms(arms: Arms) -> bool:
    """Whether all Records have the sizes of activations and gradients, which those of early versions lack."""
    return all("activation_rms.1" in r.curves for arm in arms.values() for r in arm if r.outcome == "ok")


def norm_ratios(pair: Arms) -> dict[tuple[int, str], Comparison]:
    """By layer and what is measured, after the last epoch: the second arm's size less the first one's, as logarithms.

    Empty if a Record lacks them.
    """
    ended = [record for arm in pair.values() for record in arm if record.outcome == "ok"]
    if not has_norms(pair) or not ended:
        return {}
    layers = sum(name.startswith("activation_rms.") for name in ended[0].curves)
    return {
        (layer, what): compare_records(*pair.values(), _log_of(f"{what}_rms.{layer}"))
        for layer in range(1, layers + 1)
        for what in SIZES
    }


def norm_table(pair: Arms) -> Table:
    """A row a layer, and for activation and gradient the first arm's ``size``, the second's ``ratio`` with interval.

    There is no row if a Record lacks them.
    """
    a, b = map(label, pair)
    rows: dict[int, dict[str, float]] = {}
    for (layer, what), c in norm_ratios(pair).items():
        numbers = {"size": c.mean_a, "ratio": c.difference, "low": c.low, "high": c.high}
        rows.setdefault(layer, {}).update({f"{what}_{name}": math.exp(value) for name, value in numbers.items()})
    names = [f"layer {layer}" + " (output)" * (layer == max(rows)) for layer in rows]
    columns = {}
    for what in SIZES:
        columns[f"{what}, {a}"] = f"{{{what}_size:#.2g}}"
        columns[f"{what}, {b} / {a}"] = f"{{{what}_ratio:.2f}} ({{{what}_low:.2f}} to {{{what}_high:.2f}})"
    caption = sentence("root mean square of activations and gradients after the last epoch, by layer", setting(pair))
    return Table(pd.DataFrame(list(rows.values()), names), columns, caption)


def _log_of(curve: str) -> Callable[[Record], float]:
    """The measure that is the logarithm of the last value of a curve."""

    def value(record: Record) -> float:
        last = record.curves[curve][-1]
        return math.log(last) if last > 0 else -math.inf

    return value
