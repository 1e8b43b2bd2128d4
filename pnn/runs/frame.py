"""Records as one table: a row a Record, a typed column for everything that is a number, a name or a yes or no."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analysis.health import Health
from ..system.extras import needs
from ..system.files import write_atomically
from .record import Record
from .store import RecordError

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "validation", "test")
BUDGET = ("parameters", "macs", "activation_bytes", "step_seconds")
USED = ("device", "threads", "best_epoch")
HEALTH = tuple(f.name for f in dataclasses.fields(Health) if f.name not in ("scaled_median", "scaled_largest"))
FORMATS = (".csv", ".parquet")


def frame(records: Iterable[Record] | Mapping[Any, Iterable[Record]]) -> "pd.DataFrame":
    """The one table of Records: a row a Record, in their order.

    A choice is a column of its name and one for each of its fields: ``network`` is ``"cnn"``, ``network.width`` 26,
    ``recipe.learning_rate`` 0.001. So the columns follow the choices that the Records hold, and a field that another
    network or method has is missing in the rows of those that do not. Of several methods in one place the names are
    joined by ``" + "``, and their fields stand under their names.

    Numbers are numbers: whole ones ``Int64``, others ``float64``, names ``string``, truth values ``boolean``; what a
    Record lacks is missing (``<NA>`` or ``nan``). Lists are not in the table: curves are in ``Record.curves``, logits
    by scale in ``Record.health``.

    Args:
        records: Records, or lists of them by name of their arm, as :func:`pnn.study` returns them. Arms get a first
            column ``arm``, the parts of a name that has several joined by ``"/"``.
    """
    with needs("train", "a table of Records"):
        import pandas as pd  # The import takes a second, which a user of the layers does not wait for.

    if isinstance(records, Mapping):
        rows = [{"arm": arm_name(arm)} | _row(record) for arm, own in records.items() for record in own]
    else:
        rows = [_row(record) for record in records]
    if not rows:
        return pd.DataFrame(columns=["name", "id", "seed", "size", "outcome", *map(_score_name, _scores())])
    # The columns are the union of the rows' columns; the first row that has one says where it stands.
    names: list[str] = []
    for row in rows:
        before = 0
        for name in row:
            if name not in names:
                names.insert(before, name)
            before = names.index(name) + 1
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pd.DataFrame({name: _typed(values) for name, values in columns.items()})


def export(records: Iterable[Record] | Mapping[Any, Iterable[Record]], path: str | Path) -> Path:
    """Write :func:`pnn.frame` to a file, by its ending: ``.parquet``, which keeps the types, or ``.csv``.

    Raises:
        RecordError: another ending; nothing is written.
    """
    path = Path(path).expanduser()
    if path.suffix not in FORMATS:
        raise RecordError(f"the table must be a file that ends with {' or '.join(FORMATS)}, got {path}")
    table = frame(records)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        write_atomically(path, lambda part: table.to_csv(part, index=False))
    else:
        write_atomically(path, lambda part: table.to_parquet(part, index=False))
    return path


def arm_name(arm: Any) -> str:
    """The name of an arm as text; of one with several parts, such as neuron and activation, joined by ``"/"``."""
    return "/".join(map(str, arm)) if isinstance(arm, tuple) else str(arm)


def _row(record: Record) -> dict[str, Any]:
    """The columns of one Record; None stands for what it lacks."""
    scores = {(split, what): record.final.get(split) for split, what in _scores()}
    return {
        "name": record.run.name,
        "id": record.run.id,
        **_flat(record.run, ""),
        "outcome": record.outcome,
        "message": record.message,
        **{_score_name(key): getattr(score, key[1]) if score else None for key, score in scores.items()},
        **{name: record.budget.get(name) for name in BUDGET},
        "epochs": max(map(len, record.curves.values()), default=0),
        "seconds": record.seconds,
        "sessions": record.sessions,
        **{name: record.used.get(name) for name in USED},
        "torch": record.versions.get("torch"),
        "commit": record.commit or None,
        "origin": record.data.get("origin"),
        "fingerprint": record.data.get("fingerprint"),
        **{name: getattr(record.health, name, None) for name in HEALTH},
    }


def _scores() -> list[tuple[str, str]]:
    return [(split, what) for split in SPLITS for what in ("accuracy", "r2", "loss")]


def _score_name(score: tuple[str, str]) -> str:
    return "_".join(score)


def _flat(value: Any, prefix: str) -> dict[str, Any]:
    """The fields of a dataclass and of those that it holds, by their path; a choice also has a column of its name."""
    row = {}
    for field in dataclasses.fields(value):
        own, where = getattr(value, field.name), f"{prefix}{field.name}"
        if field.name == "name":
            continue  # The name stands in the column of the choice.
        if dataclasses.is_dataclass(own):
            row |= _choice(own, where, where)
        elif isinstance(own, tuple):
            row[where] = " + ".join(str(getattr(one, "name", one)) for one in own)
            for one in own:
                if hasattr(one, "name"):
                    row |= _choice(one, "", f"{where}.{one.name}")
        else:
            row[where] = own
    return row


def _choice(choice: Any, column: str, prefix: str) -> dict[str, Any]:
    named = {column: choice.name} if column and hasattr(choice, "name") else {}
    return named | _flat(choice, f"{prefix}.")


def _typed(values: list[Any]) -> "pd.Series":
    """A typed column; one that holds numbers as well as names becomes text."""
    with needs("train", "a table of Records"):
        import pandas as pd

    known = [value for value in values if value is not None]
    kinds = {type(value) for value in known}
    if not kinds:
        return pd.Series(values, dtype="object")
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean")
    if kinds == {int}:
        return pd.Series(values, dtype="UInt64" if max(known) >= 2**63 else "Int64")  # A seed may need all 64 bits.
    if kinds <= {int, float}:
        return pd.Series(values, dtype="float64")
    return pd.Series([None if value is None else str(value) for value in values], dtype="string")
