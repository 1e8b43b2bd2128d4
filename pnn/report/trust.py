"""What ``benchmarks/torture.py`` did to the software, and what broke, as tables."""

from collections.abc import Mapping
from typing import Any

from ..system.extras import needs
from .table import Table, sentence
from .timings import machine

with needs("train", "a table"):
    import pandas as pd

KINDS = {
    "kills": "a training, a study or a sweep is killed",
    "disk": "the disk fails, or a writer is killed",
    "bits": "a bit of a file is flipped",
    "inputs": "an input is wrong",
    "drop-in": "a layer stands where torch's stood",
}


def kinds(found: Mapping[str, Any]) -> Table:
    """A row a kind of trial: how many cases there were, and how many did not end as promised.

    Args:
        found: what the script wrote, as ``pnn.report.timings.read("torture")`` gives it.
    """
    rows = _rows(found).groupby("kind", sort=False)[["cases", "broken"]].sum()
    rows.index = pd.Index([KINDS[kind] for kind in rows.index], name="what happens")
    return Table(rows, _COUNTED, sentence("what was tried and what did not end as promised", _on(found)))


def trials(found: Mapping[str, Any], kind: str) -> Table:
    """A row a trial of one kind; arguments as of :func:`kinds`, and ``kind``, the name of one."""
    rows = _rows(found)
    own = rows[rows["kind"] == kind].drop(columns="kind").set_index("what")
    own.index.name = "what was done"
    return Table(own, _COUNTED, sentence(KINDS[kind], _on(found)))


def faults(found: Mapping[str, Any]) -> Table:
    """A row a case that did not end as promised, up to five a trial, in words."""
    rows = [
        {"what was done": row["what"], "what came of it": fault} for row in found["rows"] for fault in row["faults"][:5]
    ]
    table = pd.DataFrame(rows, columns=["what was done", "what came of it"]).set_index("what was done")
    return Table(table, {"what came of it": "{what came of it}"}, sentence("what did not end as promised", _on(found)))


_COUNTED = {"cases": "{cases:,}", "not as promised": "{broken:,}"}


def _rows(found: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"kind": row["kind"], "what": row["what"], "cases": row["tried"], "broken": len(row["faults"])}
            for row in found["rows"]
        ]
    )


def _on(found: Mapping[str, Any]) -> str:
    return f"on {machine(found)}, torch {found['torch']}"
