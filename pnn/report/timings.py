"""The timings that scripts in ``benchmarks/`` leave, as tables."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..runs.folders import checkout_folder
from ..system.extras import needs
from ..system.files import read_json
from .cell import NOTHING
from .table import Table, sentence

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
        FileError: one is damaged; the message says which.
    """
    where = Path(folder) if folder else checkout_folder() / "benchmarks" / "results"
    found = [read_json(path) for path in sorted(where.glob(f"{name}-*.json"))]
    if not found:
        raise FileNotFoundError(f"no {name}-*.json in {where}; run python benchmarks/{name}.py")
    return found


def machine(timing: Timing) -> str:
    """The device of a timing, and its threads."""
    threads = timing["threads"]
    return f"{timing['device'].replace('(R)', '')}, {threads} thread" + "s" * (threads > 1)


def steps(timing: Timing) -> Table:
    """A row a size and layout: the step's ratio to the standard network's, and to three convolutions'."""
    rows = [
        {
            "widths of": row["size"],
            "layout": row["layout"].replace("_", " "),
            "compiled": row["compiled"],
            **_ratio("standard", row["over standard"]),
            **_ratio("three", row["over three convolutions"]),
        }
        for row in timing["rows"]
    ]
    columns = {
        "memory layout": "{layout}",
        "compiled": lambda row: "yes" if row["compiled"] else "no",
        "against the standard network": _shown("standard"),
        "against three convolutions": _shown("three"),
    }
    conditions = f"torch {timing['torch']}, {timing['batch']} images a batch, {timing['rounds']} rounds"
    caption = sentence(
        "time of a polynomial network's step over that of a rival, with its range", conditions, _on(timing)
    )
    return Table(pd.DataFrame(rows).set_index("widths of"), columns, caption)


def steps_counted(timing: Timing) -> Table:
    """A row a rival: in how many rows of :func:`steps` the median, or the whole range, lies above 1, or below."""
    rivals = {
        "standard": "the matched standard network",
        "three": "the same network with three convolutions",
    }
    own = steps(timing).frame
    rows = {
        rival: {
            "rows": len(own),
            "slower": int((own[f"{key}_median"] > 1).sum()),
            "above": int((own[f"{key}_low"] > 1).sum()),
            "below": int((own[f"{key}_high"] < 1).sum()),
        }
        for key, rival in rivals.items()
    }
    columns = {
        "rows": "{rows}",
        "median step slower": "{slower}",
        "whole range above 1": "{above}",
        "whole range below 1": "{below}",
    }
    table = pd.DataFrame(list(rows.values()), pd.Index(rows, name="against"))
    return Table(table, columns, sentence("in how many rows of the table above a step is slower", _on(timing)))


def matches(timing: Timing) -> Table:
    """A row a chapter: the widths of equal parameters and of equal time, and the time of each over the standard's."""
    rows = []
    for row in timing["rows"]:
        widest = max(row["over standard"], key=int)
        rows.append(
            {
                "chapter": row["experiment"],
                "standard": row["standard width"],
                "parameters": int(widest),
                **_ratio("parameters", row["over standard"][widest]),
                "time": row["match"],
                **_ratio("time", row["over standard"][str(row["match"])]),
            }
        )
    return Table(pd.DataFrame(rows).set_index("chapter"), _widths(), _matched(timing))


def neurons(timing: Timing) -> Table:
    """As :func:`matches`, but a row a task and neuron; a neuron may have no width of equal time."""
    rows = []
    for row in timing["rows"]:
        match = row["match"]
        rows.append(
            {
                "task": row["task"],
                "neuron": row["neuron"],
                "standard": row["standard width"],
                "parameters": row["equal parameters"],
                **_ratio("parameters", row["over standard"][str(row["equal parameters"])]),
                "time": match,
                **_ratio("time", row["over standard"][str(match)] if match else {}),
            }
        )
    table = pd.DataFrame(rows).astype({"time": "Int64"}).set_index(["task", "neuron"])
    columns = _widths()
    columns["equal time: width"] = lambda row: "none" if pd.isna(row["time"]) else f"{row['time']}"
    return Table(table, columns, _matched(timing))


def layers(timing: Timing) -> Table:
    """A row a network and kind of layer, of KANs: its step over those of rivals, and the memory that it keeps."""
    rivals = {"same": "same widths", "equal": "equal parameters", "efficient": "efficient-kan"}
    rows = []
    for row in timing["rows"]:
        if "over" not in row:
            continue
        cells = {
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
        "time over the same widths": _shown("same"),
        "over equal parameters": _shown("equal"),
        "over efficient-kan": _shown("efficient"),
        "parameters": "{parameters:,}",
        "activations kept for backward, a row": _kept("activation_bytes"),
        "most memory of a step": _kept("peak_bytes"),
    }
    table = pd.DataFrame(rows).set_index(["network", "layers"])
    measured = {"over efficient-kan": "efficient_median", "most memory of a step": "peak_bytes"}
    absent = [heading for heading, column in measured.items() if table[column].isna().all()]
    columns = {heading: cell for heading, cell in columns.items() if heading not in absent}
    caption = sentence("time of a KAN's step over that of a rival, with its range, and what it keeps", _on(timing))
    return Table(table, columns, caption, ("parameters",))


def layers_ranged(timing: Timing) -> Table:
    """A row a kind of layer: the least and the largest of the medians of time over each rival's."""
    rivals = {"same": "the same widths", "equal": "equal parameters", "efficient": "efficient-kan"}
    groups = layers(timing).frame.groupby(level="layers", sort=False)
    ends = {f"{key}_{end}": groups[f"{key}_median"].agg(end) for key in rivals for end in ("min", "max")}
    columns = {f"time over {rival}": f"{{{key}_min:.2g}} to {{{key}_max:.2g}}" for key, rival in rivals.items()}
    caption = sentence("the least and the largest of the medians of time over the networks", _on(timing))
    return Table(pd.DataFrame(ends), columns, caption)


def activations(timing: Timing, of: str) -> Table:
    """A row an activation: the time forward and backward over SiLU's, eager and compiled, and what it keeps.

    Args:
        timing: of ``benchmarks/activations.py``.
        of: the name of an input there, ``"maps"`` or ``"rows"``.
    """
    found: dict[tuple[str, int | None], dict] = {}
    of_input = [row for row in timing["rows"] if row["input"] == of]
    for row in of_input:
        cells = found.setdefault((row["activation"], row["degree"]), {})
        cells |= _ratio("compiled" if row["compiled"] else "eager", row["over SiLU"])
        if not row["compiled"]:
            cells["kept"] = row["kept"]
    index = pd.Index([activation for activation, _ in found], name="activation")
    table = pd.DataFrame(list(found.values()), index)
    table["degree"] = pd.array([degree for _, degree in found], dtype="Int64")
    columns = {
        "degree or order": lambda row: NOTHING if pd.isna(row["degree"]) else f"{row['degree']}",
        "time over SiLU's": _shown("eager"),
        "compiled, over SiLU's": _shown("compiled"),
        "kept, inputs": "{kept:.2f}",
    }
    shape = " × ".join(map(str, of_input[0]["shape"]))
    silu = ", ".join(
        f"{row['milliseconds']:.2g} ms{' compiled' if row['compiled'] else ''}"
        for row in of_input
        if row["activation"] == "SiLU"
    )
    conditions = f"{of} of {shape}, SiLU {silu}, torch {timing['torch']}, {timing['rounds']} rounds"
    what = "time forward and backward over SiLU's, with its range, and what is kept for the way back"
    return Table(table, columns, sentence(what, conditions, _on(timing)))


def side_by_side(timing: Timing) -> Table:
    """A row a number of runs at once: how many end in a minute, and how many times those of one at a time that is."""
    rows = [
        {
            "by": row["way"],
            "jobs": row["jobs"],
            "a_minute": row["runs a minute"],
            "over_one": row["over one at once"],
            "rounds": len(row["seconds"]),
        }
        for row in timing["rows"]
    ]
    columns = {
        "at once": "{jobs}",
        "runs a minute": "{a_minute:.1f}",
        "over one at once": "{over_one:.2f}",
        "rounds": "{rounds}",
    }
    runs = f"{timing['runs']} runs of {timing['experiment']}, size {timing['size']}"
    caption = sentence(
        "how many runs end in a minute", f"{runs}, on {timing['device'].replace('(R)', '')}, {timing['cores']} cores"
    )
    return Table(pd.DataFrame(rows).set_index("by"), columns, caption)


def overhead(timing: Timing) -> Table:
    """A row a sweep of a notebook of one line: what a run takes, what the sweeping process does, and going on."""
    rows = [
        {
            "engine": row["engine"],
            "runs": row["runs"],
            "jobs": row["jobs"],
            "a_run": row["seconds a run"],
            "driver": 1e3 * row["driver"],
            "nothing": row["nothing to do"],
        }
        for row in sorted(timing["rows"], key=lambda row: row["engine"], reverse=True)
    ]
    columns = {
        "runs": "{runs:,}",
        "at once": "{jobs}",
        "a run, seconds": "{a_run:.2f}",
        "of it the sweeping process's, ms": "{driver:.0f}",
        "the same again, nothing to do, seconds": "{nothing:.2f}",
    }
    caption = sentence("what a sweep adds to runs of a notebook of one line", _on(timing))
    return Table(pd.DataFrame(rows).set_index("engine"), columns, caption)


def _on(timing: Timing) -> str:
    return f"on {machine(timing)}"


def _matched(timing: Timing) -> str:
    what = "widths of equal parameters and of equal time; time is a step's over the standard network's, with its range"
    return sentence(what, f"size {timing['size']}, {_on(timing)}")


def _ratio(key: str, ratio: Mapping[str, float]) -> dict[str, float | None]:
    return {f"{key}_{part}": ratio.get(part) for part in RATIO}


def _shown(key: str) -> str:
    return f"{{{key}_median:.2f}} ({{{key}_low:.2f}} to {{{key}_high:.2f}})"


def _widths() -> dict[str, Any]:
    return {
        "standard width": "{standard}",
        "equal parameters: width": "{parameters}",
        "equal parameters: time": _shown("parameters"),
        "equal time: width": "{time}",
        "equal time: time": _shown("time"),
    }


def _kept(what: str) -> Callable[[Mapping[str, Any]], str]:
    """The cell of a row's own memory, with its ratios to the two perceptrons' in brackets."""

    def cell(row: Mapping[str, Any]) -> str:
        if pd.isna(row[what]):
            return NOTHING
        return f"{row[what] / 1024:,.1f} KiB ({row[f'same_{what}']:.0f}×, {row[f'equal_{what}']:.1f}×)"

    return cell
