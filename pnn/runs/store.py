"""Where Records live on the disk: read, written, packed, and held against other processes.

A Record is the file ``<task>/<size>/<run.name>.json`` of the results' folder, or a row of ``<task>/<size>.parquet``,
into which :func:`pack` puts the files of a task and size once there are hundreds. Trainings write files.

A file ends with a digest of all it holds, and so does a parquet. Older ones, which have none, are compared with
SHA256SUMS of the results' folder.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ..system.files import (
    FileError,
    LockError,
    NoRoomError,
    digest_of,
    lock,
    read_bytes,
    reason,
    text_of,
    write_atomically,
)
from .folders import results_folder, runs_folder
from .packed import texts_in, write_texts
from .record import Record
from .run import Run
from .sums import compare

LOOK_SECONDS = 1.0  # A process waits this long between two looks at a run that another process trains.


class RecordError(Exception):
    """A Record that cannot be read or written; the message says which file and what to do."""


class UnwritableRecordError(RecordError, NoRoomError):
    """A Record that cannot be written."""


def record_path(run: Run, folder: Path) -> Path:
    """The file of a run's Record in a results' folder."""
    return folder / run.task.name / run.size / f"{run.name}.json"


def packed_path(folder: Path, task: str, size: str) -> Path:
    """The parquet that holds the packed Records of a task and size in a results' folder."""
    return folder / task / f"{size}.parquet"


def has_record(run: Run, folder: Path) -> bool:
    """Whether there is a Record of the run, which is not read.

    Raises:
        RecordError: the parquet in which it may be is damaged.
    """
    packed = packed_path(folder, run.task.name, run.size)
    return os.path.lexists(record_path(run, folder)) or run.name in _packed(packed)


def load_record(run: Run, results: Path | None = None) -> Record | None:
    """The Record of a run, or None if there is none.

    Raises:
        RecordError: the file or parquet is there but damaged, belongs to another run, or the two differ.
    """
    folder = results or results_folder()
    path, packed = record_path(run, folder), packed_path(folder, run.task.name, run.size)
    # The file is read before the parquet, as packing writes that one and then removes the file.
    record = _from_file(path, folder)
    if run.name in (texts := _packed(packed)):
        record = _agreed(record, _parsed(texts[run.name], f"{packed}, row {run.name}"), path, packed)
    if record is not None and record.run != run:
        where = path if path.exists() else f"{run.name} in {packed}"
        raise RecordError(f"the Record {where} is of another run than its name says. Delete it to train it again")
    return record


def load_records(results: Path | None = None) -> list[Record]:
    """All Records of a folder, of every task and size, by name.

    Raises:
        RecordError: one is damaged, is of another run than its name says, or differs between its file and a parquet.
    """
    folder = results or results_folder()
    found: dict[str, tuple[Record, Path]] = {}
    for path in sorted(folder.glob("*/*/*.json")):
        record = _from_file(path, folder)
        if record is None:  # It was packed since the folder was listed.
            continue
        if record_path(record.run, folder) != path:
            raise RecordError(f"the Record {path} is of another run than its name says. Delete it to train it again")
        found[path.stem] = record, path
    for packed in sorted(folder.glob("*/*.parquet")):
        for name, text in _packed(packed).items():
            record = _parsed(text, f"{packed}, row {name}")
            if (record.run.name, packed_path(folder, record.run.task.name, record.run.size)) != (name, packed):
                raise RecordError(f"{packed}, row {name}, is of the run {record.run.name}. Restore the parquet")
            before, path = found.get(name, (None, packed))
            found[name] = _agreed(before, record, path, packed), path
    return [record for _, (record, _) in sorted(found.items())]


def save_record(record: Record, results: Path | None = None) -> Path:
    """Write a Record, whole or not at all; one of the same run that is packed makes way.

    Raises:
        UnwritableRecordError: the disk is full or read-only.
    """
    folder, run = results or results_folder(), record.run
    path, packed = record_path(run, folder), packed_path(folder, run.task.name, run.size)
    try:
        with _writing(folder, run.task.name, run.size):
            texts = _packed(packed)
            if run.name in texts and _parsed(texts[run.name], f"{packed}, row {run.name}") != record:
                write_texts(packed, {name: text for name, text in texts.items() if name != run.name})
            form = record.to_dict()
            text = json.dumps(form | {"sha256": digest_of(form)}, indent=1, allow_nan=False)
            write_atomically(path, lambda part: part.write_text(text + "\n"))
    except OSError as error:
        raise UnwritableRecordError(
            f"the Record {path} could not be written: {error}. Make room and start again: it goes on from there"
        ) from error
    return path


def put_aside(run: Run, folder: Path, aside: Path) -> bool:
    """Move a run's Record, packed or not, into another results' folder; whether there was one.

    Raises:
        RecordError: it is damaged, or cannot be written.
    """
    record = load_record(run, folder)
    if record is None:
        return False
    save_record(record, aside)
    packed = packed_path(folder, run.task.name, run.size)
    with _writing(folder, run.task.name, run.size):
        record_path(run, folder).unlink(missing_ok=True)
        if run.name in (texts := _packed(packed)):
            write_texts(packed, {name: text for name, text in texts.items() if name != run.name})
    return True


def pack(folder: Path, task: str, size: str) -> int:
    """Put the single files of a task and size into their parquet, beside what it holds; returns how many.

    A file is removed only after the parquet was read back and its Record found equal.

    Raises:
        RecordError: there is no file, one is damaged, or one differs from the Record that is packed under its name.
    """
    packed = packed_path(folder, task, size)
    with _writing(folder, task, size):
        paths = sorted((folder / task / size).glob("*.json"))
        if not paths:
            raise RecordError(f"there is no single Record of {task!r} and size {size!r} in {folder}, so none to pack")
        records = {path: record for path in paths if (record := _from_file(path, folder)) is not None}
        before = _packed(packed)
        for path, record in records.items():
            if record_path(record.run, folder) != path:
                raise RecordError(
                    f"the Record {path} is of another run than its name says. Delete it to train it again"
                )
            if path.stem in before:
                _agreed(record, _parsed(before[path.stem], f"{packed}, row {path.stem}"), path, packed)
        own = {path.stem: record.to_json(separators=(",", ":")) for path, record in records.items()}
        write_texts(packed, before | own)
        after = _packed(packed)
        if after != before | own or any(_parsed(after[path.stem], packed) != records[path] for path in paths):
            raise RecordError(f"{packed} does not hold what was written into it; the single files are kept")
        for path in paths:
            path.unlink()
    return len(paths)


def _from_file(path: Path, folder: Path) -> Record | None:
    try:
        content = read_bytes(path)
        text = text_of(content, path)
        record = _parsed(text, path)
        if '"sha256"' not in text:  # It is older than the digest that a Record's text ends with.
            compare(path, folder, content)
    except FileNotFoundError:
        return None
    except FileError as error:
        if error.path == path:
            raise _unreadable(path, error) from error
        raise RecordError(
            f"{error}, and {path} has no other digest. Restore the former, or write it again: "
            "python -m pnn records --sums"
        ) from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return record


def _parsed(text: str, where: str | Path) -> Record:
    try:
        return Record.from_json(text)
    except ValueError as error:
        raise _unreadable(where, error) from error


def _packed(path: Path) -> dict[str, str]:
    try:
        return texts_in(path)
    except (OSError, ValueError) as error:
        raise RecordError(f"the packed Records {path} cannot be read: {reason(error, path)}") from error


def _unreadable(where: str | Path, error: Exception) -> RecordError:
    return RecordError(
        f"the Record {where} cannot be read: {reason(error, Path(where))}. Restore it, or delete it to train it"
    )


def _agreed(record: Record | None, packed: Record, path: Path, parquet: Path) -> Record:
    """The Record that file and parquet agree on."""
    if record is not None and record != packed:
        raise RecordError(
            f"the Record {path} differs from that in {parquet}. Delete the file if the packed one is right"
        )
    return packed


@contextlib.contextmanager
def _writing(folder: Path, task: str, size: str) -> Iterator[None]:
    """Hold the Records of a task and size: no other process writes or packs them within the context."""
    with contextlib.ExitStack() as held:
        # Where files cannot be locked, nothing is held: `run_lock` has said so.
        with contextlib.suppress(LockError):
            while not held.enter_context(lock(runs_folder(folder) / f"{task}-{size}.lock")):
                held.close()
                time.sleep(0.05)
        yield


@contextlib.contextmanager
def run_lock(run: Run, results: Path, wait: bool = False) -> Iterator[bool]:
    """Whether no other process trains the run; if so, none will within the context. With `wait`, wait until it is so.

    Where files cannot be locked, as on some network file systems, nothing is held, and a line says so.
    """
    home = runs_folder(results) / run.name
    told = False
    while True:
        with contextlib.ExitStack() as held:
            try:
                mine = held.enter_context(lock(home / "lock"))
            except LockError as error:
                print(f"{error}. Two processes may train {run.name} at once", file=sys.stderr, flush=True)
                mine = True
            if mine or not wait:
                yield mine
                return
        if not told:
            print(f"waiting for {run.name}, which another process trains", file=sys.stderr, flush=True)
            told = True
        time.sleep(LOOK_SECONDS)
