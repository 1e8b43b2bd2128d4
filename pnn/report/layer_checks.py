"""Where layers can be used, as tables: what ``benchmarks/layer_checks.py`` leaves."""

import inspect
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..system.extras import needs
from ..testing.layer import QUICK, SLOW
from .cell import NOTHING, Cell
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

_HEADINGS = {
    "copies": "copies",
    "inputs": "inputs",
    "derivatives": "derivatives",
    "changes": "changes inside",
    "programs": "programs",
    "distributed": "two processes",
}
# A check lies in the file of its kind, and has the name that a report says without the underscores.
_KINDS = {check.__name__.replace("_", " "): check.__module__.rpartition(".")[2] for check in (*QUICK, *SLOW)}
_TEXTS = {check.__name__.replace("_", " "): inspect.getdoc(check) or "" for check in (*QUICK, *SLOW)}


def by_layer(found: Mapping[str, Any]) -> Table:
    """A row a layer: of each kind of check, how many hold of those that apply; and those that do not, by name.

    Args:
        found: of ``benchmarks/layer_checks.py``.
    """
    rows = {}
    for row in found["rows"]:
        counts: Counter[str] = Counter()
        missing = []
        for name, check in row["checks"].items():
            if check["outcome"] == "does not apply":
                continue
            counts[f"{_KINDS[name]} all"] += 1
            counts[f"{_KINDS[name]} held"] += check["outcome"] == "held"
            if check["outcome"] != "held":
                missing.append(name if check["outcome"] == "failed" else f"{name} ({check['outcome']})")
        numbers = {f"{kind} {what}": counts[f"{kind} {what}"] for kind in _HEADINGS for what in ("held", "all")}
        rows[row["layer"]] = numbers | {"fails": ", ".join(missing)}
    columns: dict[str, Cell] = {heading: _held(kind) for kind, heading in _HEADINGS.items()}
    columns["fails"] = lambda row: row["fails"] or NOTHING
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("layer")
    return Table(frame, columns, sentence("checks that hold, of those that apply to the layer", _made_by(found)))


def by_check(found: Mapping[str, Any]) -> Table:
    """A row a check: what it is, for how many layers it holds, to how many it does not apply, and for which it fails.

    Args:
        found: of ``benchmarks/layer_checks.py``.
    """
    rows = {}
    for name, text in _TEXTS.items():
        outcomes = {row["layer"]: row["checks"][name]["outcome"] for row in found["rows"]}
        counts = Counter(outcomes.values())
        rows[name] = {
            "what": " ".join(text.partition("\n\n")[0].split()),
            "held": counts["held"],
            "other": counts["does not apply"],
            "fails": ", ".join(layer for layer, outcome in outcomes.items() if outcome in ("failed", "not run")),
        }
    columns: dict[str, Cell] = {
        "what is checked": "{what}",
        "layers that hold it": "{held}",
        "does not apply to": "{other}",
        "fails": lambda row: row["fails"] or NOTHING,
    }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("check")
    return Table(frame, columns, sentence(f"the checks, over {len(found['rows'])} layers", _made_by(found)))


def reasons(found: Mapping[str, Any]) -> dict[str, str]:
    """Why a check fails, by layer and check; empty if all hold.

    Args:
        found: of ``benchmarks/layer_checks.py``.
    """
    return {
        f"{row['layer']}, {name}": check["why"]
        for row in found["rows"]
        for name, check in row["checks"].items()
        if check["outcome"] in ("failed", "not run")
    }


def _held(kind: str) -> Cell:
    def cell(row: Mapping[str, Any]) -> str:
        held, every = row[f"{kind} held"], row[f"{kind} all"]
        return NOTHING if not every else f"{held}" if held == every else f"{held} of {every}"

    return cell


def _made_by(found: Mapping[str, Any]) -> str:
    return f"with torch {found['torch'].partition('+')[0]} and onnx {found['onnx']}, on a processor"
