"""What a build of the book stands on: machine, versions, Records, experiments."""

import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from .._version import __version__
from ..experiments import EXPERIMENTS
from ..runs.folders import results_folder
from ..runs.frame import frame
from ..runs.record import OUTCOMES, Record
from ..runs.run import SIZES
from ..runs.store import load_records
from ..studies.study import in_turn
from ..system import machine
from ..system.extras import needs
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd


PROJECT = "polynomial-neurons"
EXTRAS = ("train", "notebooks", "book")  # what a page is built with


def this_build() -> Table:
    """When and where the page is executed, and of which commit."""
    facts = {
        "executed": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "device": machine.device_name(machine.pick_device()),
        "cores": machine.cores(),
        "system": platform.platform(),
        "Python": platform.python_version(),
        "pnn": __version__,
        "commit of pnn": machine.commit() or "unknown, this is no checkout",
    }
    table = pd.DataFrame({"fact": facts})
    return Table(
        table, {"this build": "{fact}"}, sentence("when and where the pages were executed, and of which commit")
    )


def versions() -> Table:
    """The installed versions of what the module needs, and the book beyond it."""
    required = set()
    for requirement in metadata.requires(PROJECT) or []:
        extra = re.search(r'extra == "(\w+)"', requirement)
        if not extra or extra[1] in EXTRAS:
            required.add(re.match(r"[\w.-]+", requirement)[0])
    table = pd.DataFrame({"version": {name: _installed(name) for name in sorted(required - {PROJECT})}})
    return Table(table, {"version": "{version}"}, sentence("the installed versions"))


def all_records(results: str = "") -> list[Record]:
    """Every Record of a folder, by default the book's, by the names of their files."""
    return load_records(results_folder(results or None))


def records_table(records: list[Record]) -> Table:
    """A row a task and size: a column an outcome, ``records``, ``hours`` and ``devices``."""
    runs = frame(records)
    outcomes = [outcome for outcome in OUTCOMES if outcome in set(runs["outcome"])]
    if records:
        if "task.rows" in runs:
            parts = runs["task.rows"].astype("string").fillna("real")
            runs["task"] = runs["task"].where(parts == "real", runs["task"] + ", " + parts)
        runs["device"] = runs["device"].fillna("unknown").str.replace("(R)", "", regex=False)
        groups = runs.groupby(["task", "size"])
        counts = runs.groupby(["task", "size", "outcome"]).size().unstack(fill_value=0)
        table = counts[outcomes].rename_axis(columns=None)
        table["records"], table["hours"] = groups.size(), groups["seconds"].sum() / 3600
        table["devices"] = groups["device"].agg(lambda own: "; ".join(sorted(set(own))))
    else:
        table = pd.DataFrame(columns=["records", "hours", "devices"])

    def ended(row: Mapping[str, Any]) -> str:
        return ", ".join(f"{row[outcome]} {outcome}" for outcome in outcomes if row[outcome])

    columns = {"Records": "{records}", "outcomes": ended, "hours": "{hours:.2f}", "devices": "{devices}"}
    return Table(table, columns, sentence("the Records of the book, by task and size"), ("devices",))


def experiments_table(records: list[Record]) -> Table:
    """A row an experiment: at each size that is evidence, how many runs it has, and how many of them a Record."""
    trained = {record.run for record in records}
    rows = {}
    for name, experiment in EXPERIMENTS.items():
        planned = {size: in_turn(experiment(size)) for size in SIZES[1:]}
        have = {size: len(trained.intersection(runs)) for size, runs in planned.items()}
        rows[name] = {f"{size}_records": have[size] for size in planned}
        rows[name] |= {f"{size}_runs": len(runs) for size, runs in planned.items()}
    columns = {f"size {size}": f"{{{size}_records}} of {{{size}_runs}}" for size in SIZES[1:]}
    caption = sentence("how many of each experiment's runs have a Record")
    return Table(pd.DataFrame.from_dict(rows, "index").rename_axis("experiment"), columns, caption)


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
