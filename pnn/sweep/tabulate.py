"""A sweep as one table, and the table as files of other programs."""

from pathlib import Path
from typing import Any

import pandas as pd

from .folder import Basis, Folder, SweepError

NOT_DONE = "not done"
OWN = ("outcome", "message", "run seconds", "run started", "run host", "run device", "run trainings", "run notebook")


def table(folder: str | Path) -> pd.DataFrame:
    """One row a run, by run id, in the order of the parameters.

    Columns: the parameters; ``outcome`` (``"not done"`` if there is none yet) and ``message``; the values that the
    notebook glued, numbers as numbers; and ``run seconds``, ``run started``, ``run host``, ``run device``,
    ``run trainings`` and ``run notebook`` (the output, relative to the folder). A value that is named as a parameter or
    as one of these gets " (value)" behind its name. Runs of an earlier state of notebook, pnn or data are left out;
    ``table(...).attrs["stale"]`` is their number. A file that :func:`export` wrote (CSV, parquet) is read as it is.

    Raises:
        SweepError: there is no sweep, or a file of it is damaged.
    """
    path = Path(folder)
    if path.suffix in (".csv", ".parquet") and path.is_file():
        frame = pd.read_csv(path, index_col="run") if path.suffix == ".csv" else pd.read_parquet(path)
        return frame.assign(message=frame["message"].fillna(""))  # CSV knows no empty text
    own = Folder(path)
    plan = own.plan()
    if plan is None:
        raise SweepError(f"{path} is no sweep's folder: it has no sweep.json. `python -m pnn sweep` makes one")
    digest = Basis(**plan["basis"]).digest
    rows, stale = {}, 0
    for key in own.keys():  # noqa: SIM118
        point = own.point(key)
        if point["basis"] != digest:
            stale += 1
            continue
        rows[key] = _row(own, key, point["parameters"])
    parameters = list(dict.fromkeys([*plan["parameters"], *(name for row in rows.values() for name in row["point"])]))
    values = list(dict.fromkeys(name for row in rows.values() for name in row["values"]))
    taken = {*parameters, *OWN}
    frame = pd.DataFrame(
        {
            key: {
                **{name: row["point"].get(name) for name in parameters},
                "outcome": row["outcome"],
                "message": row["message"],
                **{f"{name} (value)" if name in taken else name: row["values"].get(name) for name in values},
                **row["run"],
            }
            for key, row in rows.items()
        }
    ).T.infer_objects()
    for name in values:
        name = f"{name} (value)" if name in taken else name
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
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        frame.to_csv(path)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
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
        with SummaryWriter(str(path / str(key))) as writer:
            writer.add_hparams(
                {name: _plain(row[name]) for name in [*parameters, "outcome"] if pd.notna(row[name])},
                {name: float(row[name]) for name in values if pd.notna(row[name])},
                run_name=".",
            )


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _row(folder: Folder, key: str, point: dict[str, Any]) -> dict[str, Any]:
    outcome = folder.outcome(key)
    notebook = folder.run(key) / "notebook.ipynb"
    row = {"point": point, "outcome": NOT_DONE, "message": "", "values": {}, "run": {}}
    if outcome:
        row |= {"outcome": outcome.outcome, "message": outcome.message, "values": outcome.values}
        row["run"] = {
            "run seconds": outcome.seconds,
            "run started": outcome.started,
            "run host": outcome.host,
            "run device": outcome.device,
            "run trainings": sum(outcome.trainings.values()),
        }
    row["run"]["run notebook"] = notebook.relative_to(folder.path).as_posix() if notebook.exists() else ""
    return row


def _numbers(column: pd.Series) -> pd.Series:
    """Of texts such as "+1.25" the numbers, if every one is a number."""
    try:
        return pd.to_numeric(column)
    except (ValueError, TypeError):
        return column
