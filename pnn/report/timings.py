"""The timings that scripts in ``benchmarks/`` leave, as tables."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..runs.folders import checkout_folder
from ..system.extras import needs
from .show import NOTHING, formatted

with needs("train", "a table"):
    import pandas as pd

Timing = Mapping[str, Any]
RATIO = ("median", "low", "high")


def read(name: str, folder: str = "") -> list[dict]:
    """What ``benchmarks/NAME.py`` wrote, one a machine.

    Args:
        name: of the script.
        folder: of the timings; empty: the book's own.

    Raises:
        FileNotFoundError: there is none; the message says which script makes it.
    """
    where = Path(folder) if folder else checkout_folder() / "benchmarks" / "results"
    found = [json.loads(path.read_text()) for path in sorted(where.glob(f"{name}-*.json"))]
    if not found:
        raise FileNotFoundError(f"no {name}-*.json in {where}; run python benchmarks/{name}.py")
    return found


def machine(timing: Timing) -> str:
    """The device of a timing, and its threads."""
    threads = timing["threads"]
    return f"{timing['device']}, {threads} thread" + "s" * (threads > 1)


def steps(timings: list[dict]) -> pd.DataFrame:
    """A row a size, layout and machine: the step's ratio to the standard network's, and to three convolutions'."""
    rows = [
        {
            "device": machine(timing),
            "widths of": row["size"],
            "layout": row["layout"].replace("_", " "),
            "compiled": row["compiled"],
            **_ratio("standard", row["over standard"]),
            **_ratio("three", row["over three convolutions"]),
        }
        for timing in timings
        for row in timing["rows"]
    ]
    columns = {
        "memory layout": "{layout}",
        "compiled": lambda row: "yes" if row["compiled"] else "no",
        "against the standard network": _shown("standard"),
        "against three convolutions": _shown("three"),
    }
    return formatted(pd.DataFrame(rows).set_index(["device", "widths of"]), columns)


def steps_counted(timings: list[dict]) -> pd.DataFrame:
    """A row a rival and machine: of how many rows the median, the whole range, lies above 1, or the range below."""
    rivals = {
        "standard": "the matched standard network",
        "three": "the same network with three convolutions",
    }
    table = steps(timings)
    rows = {}
    for device, own in table.groupby(level="device", sort=False):
        for key, rival in rivals.items():
            rows[device, rival] = {
                "rows": len(own),
                "slower": int((own[f"{key}_median"] > 1).sum()),
                "above": int((own[f"{key}_low"] > 1).sum()),
                "below": int((own[f"{key}_high"] < 1).sum()),
            }
    index = pd.MultiIndex.from_tuples(rows, names=["device", "against"])
    columns = {
        "rows": "{rows}",
        "median step slower": "{slower}",
        "whole range above 1": "{above}",
        "whole range below 1": "{below}",
    }
    return formatted(pd.DataFrame(list(rows.values()), index), columns)


def conditions(timings: list[dict]) -> pd.DataFrame:
    """Under what the steps were timed, a column a machine."""
    return pd.DataFrame(
        {
            timing["device"]: {
                "torch": timing["torch"],
                "images a batch": timing["batch"],
                "rounds": timing["rounds"],
            }
            for timing in timings
        }
    )


def matches(timings: list[dict]) -> pd.DataFrame:
    """A row a chapter: the widths of equal parameters and of equal time, and the time of each over the standard's."""
    rows = []
    for timing in timings:
        for row in timing["rows"]:
            widest = max(row["over standard"], key=int)
            rows.append(
                {
                    "device": machine(timing),
                    "chapter": f"{row['experiment']}, size {timing['size']}",
                    "standard": row["standard width"],
                    "parameters": int(widest),
                    **_ratio("parameters", row["over standard"][widest]),
                    "time": row["match"],
                    **_ratio("time", row["over standard"][str(row["match"])]),
                }
            )
    columns = {"device": "{device}", "chapter": "{chapter}"} | _widths()
    return formatted(pd.DataFrame(rows), columns)


def neurons(timings: list[dict]) -> pd.DataFrame:
    """As :func:`matches`, but a row a task and neuron; a neuron may have no width of equal time."""
    rows = []
    for timing in timings:
        for row in timing["rows"]:
            match = row["match"]
            rows.append(
                {
                    "device": machine(timing),
                    "task": f"{row['task']}, size {timing['size']}",
                    "neuron": row["neuron"],
                    "standard": row["standard width"],
                    "parameters": row["equal parameters"],
                    **_ratio("parameters", row["over standard"][str(row["equal parameters"])]),
                    "time": match,
                    **_ratio("time", row["over standard"][str(match)] if match else {}),
                }
            )
    table = pd.DataFrame(rows).astype({"time": "Int64"}).set_index(["device", "task", "neuron"])
    columns = _widths()
    columns["width of equal time"] = lambda row: "none" if pd.isna(row["time"]) else f"{row['time']}"
    return formatted(table, columns)


def layers(timings: list[dict]) -> pd.DataFrame:
    """A row a network and kind of layer, of KANs: its step over those of rivals, and the memory that it keeps."""
    rivals = {"same": "same widths", "equal": "equal parameters", "efficient": "efficient-kan"}
    rows = []
    for timing in timings:
        for row in timing["rows"]:
            if "over" not in row:
                continue
            cells = {
                "device": machine(timing),
                "network": f"{row['network']}, batch {row['batch']}",
                "layers": row["layers"],
                "parameters": row["parameters"],
            }
            for key, rival in rivals.items():
                over = row["over"].get(rival, {})
                cells |= _ratio(key, over.get("time", {}))
                for what in ("activation_bytes", "peak_bytes"):
                    cells[f"{key}_{what}"] = over.get(what)
            rows.append(cells | {what: row[what] for what in ("activation_bytes", "peak_bytes")})
    columns = {
        "parameters": "{parameters:,}",
        "time over the same widths": _shown("same"),
        "over equal parameters": _shown("equal"),
        "over efficient-kan": _shown("efficient"),
        "activations kept for backward, a row": _kept("activation_bytes"),
        "most memory of a step": _kept("peak_bytes"),
    }
    table = pd.DataFrame(rows).set_index(["device", "network", "layers"])
    measured = {"over efficient-kan": "efficient_median", "most memory of a step": "peak_bytes"}
    absent = [heading for heading, column in measured.items() if table[column].isna().all()]
    return formatted(table, {heading: cell for heading, cell in columns.items() if heading not in absent})


def layers_ranged(timings: list[dict]) -> pd.DataFrame:
    """A row a kind of layer and machine: the least and the largest of the medians of time over each rival's."""
    table = layers(timings)
    rivals = {"same": "the same widths", "equal": "equal parameters", "efficient": "efficient-kan"}
    groups = table.groupby(level=["layers", "device"], sort=False)
    ends = {f"{key}_{end}": groups[f"{key}_median"].agg(end) for key in rivals for end in ("min", "max")}
    columns = {f"time over {rival}": f"{{{key}_min:.2g}} to {{{key}_max:.2g}}" for key, rival in rivals.items()}
    return formatted(pd.DataFrame(ends), columns)


def side_by_side(timings: list[dict]) -> pd.DataFrame:
    """A row a number of runs at once: how many end in a minute, and how many times those of one at a time that is."""
    rows = [
        {
            "device": f"{timing['device']}, {timing['cores']} cores",
            "runs": f"{timing['runs']} of {timing['experiment']}, size {timing['size']}",
            "by": row["way"],
            "jobs": row["jobs"],
            "a_minute": row["runs a minute"],
            "over_one": row["over one at once"],
            "rounds": len(row["seconds"]),
        }
        for timing in timings
        for row in timing["rows"]
    ]
    columns = {
        "at once": "{jobs}",
        "runs a minute": "{a_minute:.1f}",
        "over one at once": "{over_one:.2f}",
        "rounds": "{rounds}",
    }
    return formatted(pd.DataFrame(rows).set_index(["device", "runs", "by"]), columns)


def overhead(timings: list[dict]) -> pd.DataFrame:
    """A row a sweep of a notebook of one line: what a run takes, what the sweeping process does, and going on."""
    rows = [
        {
            "device": machine(timing),
            "engine": row["engine"],
            "runs": row["runs"],
            "jobs": row["jobs"],
            "a_run": row["seconds a run"],
            "driver": 1e3 * row["driver"],
            "nothing": row["nothing to do"],
        }
        for timing in timings
        for row in sorted(timing["rows"], key=lambda row: row["engine"], reverse=True)
    ]
    columns = {
        "runs": "{runs:,}",
        "at once": "{jobs}",
        "a run, seconds": "{a_run:.2f}",
        "of it the sweeping process's, ms": "{driver:.0f}",
        "the same again, nothing to do, seconds": "{nothing:.2f}",
    }
    return formatted(pd.DataFrame(rows).set_index(["device", "engine"]), columns)


def _ratio(key: str, ratio: Mapping[str, float]) -> dict[str, float | None]:
    return {f"{key}_{part}": ratio.get(part) for part in RATIO}


def _shown(key: str) -> str:
    return f"{{{key}_median:.2f}} ({{{key}_low:.2f}}–{{{key}_high:.2f}})"


def _widths() -> dict[str, Any]:
    return {
        "standard width": "{standard}",
        "width of equal parameters": "{parameters}",
        "its time": _shown("parameters"),
        "width of equal time": "{time}",
        "its time ": _shown("time"),  # The space makes it another heading.
    }


def _kept(what: str) -> Callable[[Mapping[str, Any]], str]:
    """The cell of a row's own memory, with its ratios to the two perceptrons' in brackets."""

    def cell(row: Mapping[str, Any]) -> str:
        if pd.isna(row[what]):
            return NOTHING
        return f"{row[what] / 1024:,.1f} KiB ({row[f'same_{what}']:.0f}×, {row[f'equal_{what}']:.1f}×)"

    return cell
