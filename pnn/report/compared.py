"""Several comparisons at once: an arm each against the standard one, or a measure each of two arms."""

from collections.abc import Callable, Mapping

from ..runs.record import Record
from . import measures
from .arms import Arms, label, same_runs
from .comparison import Comparison, compare, compare_records

Measures = Mapping[str, Callable[[Record], float]]

# The pages of the data sets compare these at equal parameters.
MEASURES: Measures = {
    "test accuracy, %": measures.accuracy,
    "early validation accuracy, %": measures.early_accuracy,
    "gap, points": measures.gap,
}


def by_measure(pair: Arms, compared: Measures = MEASURES) -> dict[str, Comparison]:
    """Two arms, the second less the first, by each measure.

    Raises:
        ValueError: there are not two arms.
    """
    if len(pair) != 2:
        raise ValueError(f"two arms are compared, got {len(pair)}: {', '.join(map(label, pair))}")
    return {name: compare_records(*pair.values(), value) for name, value in compared.items()}


def by_arm(
    arms: Arms, value: Callable[[Record], float] = measures.accuracy, base: str = "standard"
) -> dict[str, Comparison]:
    """Every other arm less one of them, by the name that a reader sees.

    Arms that are the same Runs, as where one width matches two costs, are one row of both names. A seed that only one
    of the two was to have is no pair, and not lost. An arm that was to have one seed, as a baseline, is left out; one
    whose runs ended badly is there, with the pairs that it lost.

    Args:
        arms: Records by arm.
        value: the measure, by default the test accuracy.
        base: the arm that the others are compared with.
    """
    found = {}
    for name, arm in same_runs({name: arm for name, arm in arms.items() if name != base}).items():
        seeds = {record.run.seed for record in arm} & {record.run.seed for record in arms[base]}
        pair = [[record for record in own if record.run.seed in seeds] for own in (arms[base], arm)]
        if len(seeds) > 1:
            found[name] = compare_records(*pair, value)
    return found


def with_level(arms: Arms, level: float, value: Callable[[Record], float] = measures.accuracy) -> dict[str, Comparison]:
    """Every arm less one number without a seed, such as a baseline's; left out are arms of fewer than two values."""
    found = {label(name): [value(record) for record in arm if record.outcome == "ok"] for name, arm in arms.items()}
    return {name: compare([level] * len(own), own) for name, own in found.items() if len(own) > 1}
