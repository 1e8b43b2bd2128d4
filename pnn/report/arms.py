"""The arms of an experiment as a reader sees them."""

from collections.abc import Mapping
from typing import Any

from ..networks import Baseline
from ..runs.frame import arm_name
from ..runs.record import Record
from ..runs.run import Recipe

Arms = Mapping[Any, list[Record]]  # They stand under their names, as `pnn.study` returns them.

NAMES = {
    "standard": "standard",
    "parameters": "polynomial, equal parameters",
    "macs": "polynomial, equal multiply-accumulates",
    "memory": "polynomial, equal activation memory",
    "time": "polynomial, equal step time",
    "source": "polynomial, the source's width",
    "published-standard": "standard, the source's rate",
    "published-parameters": "polynomial, equal parameters, the source's rate",
    "standard-statistics": "standard, plain statistics",
    "polynext": "PolyNeXt",
    "polynext-light": "PolyNeXt, held lightly",
    "polynext-factors": "PolyNeXt, the factors held",
    "polynext-penalty": "PolyNeXt, the penalty alone",
    "polynext-statistics": "PolyNeXt, plain statistics alone",
    "polynext-unheld": "PolyNeXt, held by nothing",
    "polynext-free": "PolyNeXt, held by nothing, its own rate",
    "polynext-relu": "PolyNeXt, ReLU added",
    "polynext-sum": "PolyNeXt, sums",
    "majority": "majority class",
    "bag-of-words": "bag of words, logistic regression",
    "boosted-trees": "gradient-boosted trees",
}


EQUAL = "polynomial, equal "


def label(arm: Any) -> str:
    """The name that tables and figures give to an arm."""
    name = arm_name(arm)
    return NAMES.get(name, name)


def same_runs(arms: Arms) -> dict[str, list[Record]]:
    """The arms by label; those of which one has the Runs of the other, or their first ones, are one of both names."""
    merged: dict[str, list[Record]] = {}
    for name, arm in arms.items():
        for other, own in merged.items():
            first = min(len(arm), len(own))
            if first and [r.run for r in arm[:first]] == [r.run for r in own[:first]]:
                kept = merged.pop(other)
                merged[f"{other} and {label(name).removeprefix(EQUAL)}"] = max(kept, arm, key=len)
                break
        else:
            merged[label(name)] = arm
    return merged


def by_part(arms: Mapping[Any, Any], part: str, **others: Any) -> dict[Any, Any]:
    """The arms whose names have the given parts, by another part of their names.

    ``by_part(records, "neuron", equal="time", activation="relu")``
    """
    return {
        getattr(arm, part): own
        for arm, own in arms.items()
        if all(getattr(arm, name) == value for name, value in others.items())
    }


def setting(arms: Arms) -> str:
    """Size, rows, epochs, seeds, precision and devices of a study; where they are mixed, threads and torch as well."""
    records = [record for arm in arms.values() for record in arm]
    trained = [record for record in records if not isinstance(record.run.network, Baseline) and record.used]
    runs = [record.run for record in trained or records]
    first = runs[0]
    rows = " and ".join(dict.fromkeys(run.task.title for run in runs))
    epochs = " or ".join(dict.fromkeys(_epochs(run.recipe) for run in runs))
    # A seed counts once, also where the Records of several networks stand together as one arm.
    networks = [arm for arm in arms.values() if not isinstance(arm[0].run.network, Baseline)]
    counts = sorted({len({record.run.seed for record in arm}) for arm in networks}, reverse=True)
    devices = " and ".join(sorted({record.used["device"].replace("(R)", "") for record in trained})) or "no device"
    seeds = " or ".join(map(str, counts))
    precisions = " and ".join(dict.fromkeys(run.recipe.precision for run in runs))
    text = f"size {first.size}, {rows}, {epochs}, {seeds} seeds an arm, {precisions} on {devices}"
    threads = sorted({record.used["threads"] for record in trained if "threads" in record.used})
    if len(threads) > 1:
        text += f", mixed: {' and '.join(map(str, threads))} threads"
    versions = sorted({record.versions["torch"] for record in trained if "torch" in record.versions})
    if len(versions) > 1:
        text += f", mixed: torch {' and '.join(versions)}"
    return f"{text}; this size proves the code, and says nothing about any claim" if first.size == "smoke" else text


def _epochs(recipe: Recipe) -> str:
    epochs = f"{recipe.epochs} epoch" + "s" * (recipe.epochs > 1)
    return f"at most {epochs}" if recipe.patience else epochs
