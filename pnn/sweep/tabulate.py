"""A sweep as one table, and the table as files of other programs."""

import json
from pathlib import Path
from typing import Any

from ..system.colab import mount_drive
from ..system.extras import needs
from ..system.files import write_atomically, write_folder_atomically
from .folder import Basis, Folder, Outcome, SweepError

with needs("notebooks", "a sweep's table"):
    import pandas as pd

NOT_DONE = "not done"
# These are empty where there is nothing, not missing.
TEXTS = ("message", "run started", "run host", "run device", "run notebook")
OWN = ("outcome", "message", "run seconds", "run started", "run host", "run device", "run trainings", "run notebook")


def table(folder: str | Path) -> pd.DataFrame:
    """One row a run, by run id, in the order of the parameters.

    Columns: the parameters; ``outcome`` (``"not done"`` if there is none yet) and ``message``; the values that the
    notebook glued, as numbers if they are numbers in every run; and ``run seconds``, ``run started``, ``run host``,
    ``run device``, ``run trainings`` and ``run notebook`` (the output, relative to the folder). A parameter that is a
    list is there as JSON; a value that is named as a parameter or as one of these gets " (value)" behind its name.

    Runs of an earlier state of notebook, pnn or data are left out; ``table(...).attrs["stale"]`` is their number. A
    file that :func:`export` wrote (CSV, parquet) is read; CSV does not say whether ``1`` was a text.

    Raises:
        SweepError: there is no sweep, or a file of it is damaged.
    """
    path = Path(folder)
    mount_drive(path)
    if path.suffix in (".csv", ".parquet") and path.is_file():
        return _read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    own = Folder(path)
    plan = own.plan()
    if plan is None:
        raise SweepError(f"{path} is no sweep's folder: it has no sweep.json. `python -m pnn sweep` makes one")
    return of_basis(own, Basis(**plan["basis"]).digest)


def of_basis(own: Folder, digest: str) -> pd.DataFrame:
    """The table of the runs of one state of notebook, pnn and data."""
    rows, stale = {}, 0
    for key in own.keys():  # noqa: SIM118
        point = own.point(key)
        if point["basis"] != digest:
            stale += 1
            continue
        rows[key] = point["parameters"], own.outcome(key)
    parameters = list(
        dict.fromkeys([*own.plan()["parameters"], *(name for point, _ in rows.values() for name in point)])
    )
    found = [name for _, outcome in rows.values() if outcome for name in outcome.values]
    values = {name: f"{name} (value)" if name in (*parameters, *OWN, "run") else name for name in found}
    frame = pd.DataFrame(
        [_row(own, key, point, outcome, values) for key, (point, outcome) in rows.items()],
        index=list(rows),
        columns=[*parameters, *OWN[:2], *values.values(), *OWN[2:]],
    )
    for name in values.values():
        frame[name] = _numbers(frame[name])
    if parameters and len(frame):
        frame = frame.sort_values(parameters, key=lambda column: column if column.dtype != object else column.map(str))
    frame.index.name, frame.attrs["stale"] = "run", stale
    return frame


def export(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a table: ``.csv``, ``.parquet``, or, without a suffix, a log folder of TensorBoard's HParams.

    Raises:
        SweepError: another suffix, or TensorBoard is not installed.
    """
    path = Path(path)
    if path.suffix not in (".csv", ".parquet", ""):
        raise SweepError(f"a table is written as .csv, .parquet or a folder for TensorBoard (no suffix), got {path}")
    if path.suffix == ".csv":
        write_atomically(path, frame.to_csv)
    elif path.suffix == ".parquet":
        write_atomically(path, frame.to_parquet)
    else:
        _to_tensorboard(frame, path)
    return path


def _to_tensorboard(frame: pd.DataFrame, path: Path) -> None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise SweepError("TensorBoard is not installed: pip install tensorboard, or write .csv or .parquet") from error
    parameters = list(frame.columns[: list(frame.columns).index("outcome")])
    values = [n for n in frame.columns if n not in parameters and pd.api.types.is_numeric_dtype(frame[n])]
    for key, row in frame[frame["outcome"] != NOT_DONE].iterrows():
        settings = {name: _plain(row[name]) for name in [*parameters, "outcome"] if pd.notna(row[name])}
        numbers = {name: float(row[name]) for name in values if pd.notna(row[name])}

        def write(part: Path, settings: dict[str, Any] = settings, numbers: dict[str, float] = numbers) -> None:
            with SummaryWriter(str(part)) as writer:
                writer.add_hparams(settings, numbers, run_name=".")

        write_folder_atomically(path / str(key), write)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _row(
    folder: Folder, key: str, point: dict[str, Any], outcome: Outcome | None, values: dict[str, str]
) -> dict[str, Any]:
    """The cells of a run by column; `values` are the columns of what was glued, by its name."""
    notebook = folder.run(key) / "notebook.ipynb"
    row = {**{name: _cell(value) for name, value in point.items()}, **dict.fromkeys(TEXTS, ""), "outcome": NOT_DONE}
    if notebook.exists():
        row["run notebook"] = notebook.relative_to(folder.path).as_posix()
    if outcome is None:
        return row
    return {
        **row,
        **{values[name]: value for name, value in outcome.values.items()},
        "outcome": outcome.outcome,
        "message": outcome.message,
        "run seconds": outcome.seconds,
        "run started": outcome.started,
        "run host": outcome.host,
        "run device": outcome.device,
        "run trainings": sum(outcome.trainings.values()),
    }


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (list, dict)) else value


def _numbers(column: pd.Series) -> pd.Series:
    """Texts such as "+1.25" as numbers if every one is a number; else all as texts."""
    try:
        return pd.to_numeric(column)
    except (ValueError, TypeError):
        return column.map(str, na_action="ignore")


def _read_csv(path: Path) -> pd.DataFrame:
    """Read a table; an empty cell is a missing value, but for the texts that every run has."""
    frame = pd.read_csv(
        path,
        index_col="run",
        dtype=dict.fromkeys(("run", *TEXTS), str),
        keep_default_na=False,
        na_values=[""],
    )
    return frame.fillna(dict.fromkeys(TEXTS, ""))
