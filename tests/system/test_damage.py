"""A bit of any file flips, or its end is cut off: an error that names the file, or the same result; never another one.

Each door writes its file into a folder and reads it there; what it may raise is its own error alone. The draws are
seeded; the slow test has twenty times as many.
"""

import dataclasses
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
import torch
from pyarrow import parquet
from whole import whole_record

import pnn
from pnn.runs.store import load_record, load_records, pack, packed_path, record_path, save_record
from pnn.runs.sums import sums
from pnn.system.tensors import read_tensors
from pnn.tasks.data import Split
from pnn.tasks.sources import Source, join, labels, load_source
from pnn.training import checkpoint

RUNS = [pnn.Run(pnn.Digits(), pnn.CNN("polynomial", 4), pnn.Recipe(2), seed, "laptop") for seed in range(3)]
RECORDS = [whole_record(run, 0.5, readings={"slope": [[0.25, -1.5], [0.5, 2.0]]}) for run in RUNS]


@dataclasses.dataclass
class Door:
    path: Path  # the file that is damaged
    read: Callable[[], Any]
    error: type[Exception]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


# --- the doors -------------------------------------------------------------------------------------------------------


def a_checkpoint(folder: Path) -> Door:
    tensors = {
        "model/weight": torch.randn(8, 3),
        "random/cpu": torch.get_rng_state()[:40],
        "optimiser/0/step": torch.ones(()),
    }
    state = {"epoch": 3, "step": 10, "loss_sum": 0.125, "curves": {"loss": [0.5, 0.25, 1e-9]}}
    path = folder / "checkpoint.safetensors"
    checkpoint.save(path, tensors, state)
    return Door(path, lambda: checkpoint.load(path), pnn.CheckpointError)


def a_record(folder: Path) -> Door:
    path = save_record(RECORDS[0], folder)
    return Door(path, lambda: load_record(RUNS[0], folder), pnn.RecordError)


def older(folder: Path, name: Path) -> None:
    """Without a digest of its own: SHA256SUMS has it."""
    name.parent.mkdir(parents=True)
    name.write_text(RECORDS[0].to_json(indent=1) + "\n")
    (folder / "SHA256SUMS").write_text(sums(folder))


def an_older_record(folder: Path) -> Door:
    path = record_path(RUNS[0], folder)
    older(folder, path)
    return Door(path, lambda: load_record(RUNS[0], folder), pnn.RecordError)


def the_sums_of_older_records(folder: Path) -> Door:
    older(folder, record_path(RUNS[0], folder))
    return Door(folder / "SHA256SUMS", lambda: load_record(RUNS[0], folder), pnn.RecordError)


def packed_records(folder: Path) -> Door:
    for record in RECORDS:
        save_record(record, folder)
    pack(folder, "digits", "laptop")
    return Door(packed_path(folder, "digits", "laptop"), lambda: load_records(folder), pnn.RecordError)


def a_packed_record_that_is_asked_for(folder: Path) -> Door:
    """A name that is damaged must not make its Record one that is missing, and so is trained again."""
    door = packed_records(folder)
    return dataclasses.replace(door, read=lambda: load_record(RUNS[1], folder))


def older_packed_records(folder: Path) -> Door:
    path = packed_path(folder, "digits", "laptop")
    path.parent.mkdir(parents=True)
    held = {"name": [run.name for run in RUNS], "record": [record.to_json() for record in RECORDS]}
    parquet.write_table(pyarrow.table(held), path, compression="zstd")
    (folder / "SHA256SUMS").write_text(sums(folder))
    return Door(path, lambda: load_records(folder), pnn.RecordError)


def own_rows(folder: Path) -> Door:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNN_CACHE", str(folder))
        task = pnn.own_rows(torch.randn(30, 3), torch.arange(30) % 2, title="mine")
    (path,) = folder.iterdir()
    return Door(path, lambda: rows_of(task.load(folder)), pnn.DataError)


def older_own_rows(folder: Path) -> Door:
    """Without a digest in the file, whose name is that of its rows."""
    door = own_rows(folder)
    tensors, _ = read_tensors(door.path)
    from safetensors.torch import save_file

    save_file(tensors, door.path)
    return door


def rows_of(data: pnn.Data) -> dict[str, torch.Tensor]:
    return {f"{name}.{kind}": getattr(split, kind) for name, split in data.splits.items() for kind in ("x", "y")}


def columns(source: Source, table: pyarrow.Table) -> Split:
    x = torch.from_numpy(np.array(table["x"].to_pylist(), np.float32))
    return Split(x, labels(table["y"].to_pylist(), source.classes))


def published(folder: Path) -> Source:
    """A small published data set: its files, and what they are known to hold."""
    from pnn.tasks.digests import sums as known

    draw = np.random.default_rng(0)
    (folder / "toy").mkdir(parents=True)
    tensors = {}
    for split, rows in {"train": 20, "test": 8}.items():
        x, y = draw.normal(size=(rows, 3)).astype(np.float32), np.arange(rows) % 2
        path = folder / "toy" / f"{split}-00000-of-00001.parquet"
        parquet.write_table(pyarrow.table({"x": x.tolist(), "y": y}), path)
        tensors |= {f"{split}.x": torch.from_numpy(x), f"{split}.y": torch.from_numpy(y)}
    return Source(
        title="A toy",
        folder="toy",
        hub="",
        revision=None,
        parts={"train": ("train",), "test": ("test",)},
        columns=("x", "y"),
        decode=columns,
        combine=join,
        shape=(3,),
        classes=2,
        rows={"train": 20, "test": 8},
        sha256=known(tensors),
    )


def loaded(source: Source, folder: Path) -> dict[str, torch.Tensor]:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A damaged cache is made again, and says so.
        patch.setenv("PNN_CACHE", str(folder / "cache"))
        return load_source(source, folder)[1]


def without_cache(source: Source, folder: Path) -> dict[str, torch.Tensor]:
    for path in (folder / "cache").glob("*"):
        path.unlink()
    return loaded(source, folder)


def a_file_of_a_data_set(folder: Path) -> Door:
    source = published(folder)
    path = folder / "toy" / "train-00000-of-00001.parquet"
    return Door(path, lambda: without_cache(source, folder), pnn.DataError)


def a_file_of_a_data_set_with_sums(folder: Path) -> Door:
    import hashlib

    door = a_file_of_a_data_set(folder)
    digest = hashlib.sha256(door.path.read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  ./toy/{door.path.name}\n")
    return door


def the_sums_of_a_data_set(folder: Path) -> Door:
    return dataclasses.replace(a_file_of_a_data_set_with_sums(folder), path=folder / "SHA256SUMS")


def a_cache(folder: Path) -> Door:
    source = published(folder)
    loaded(source, folder)
    (path,) = (folder / "cache").iterdir()
    return Door(path, lambda: loaded(source, folder), pnn.DataError)


DOORS = [
    a_checkpoint,
    a_record,
    an_older_record,
    the_sums_of_older_records,
    packed_records,
    a_packed_record_that_is_asked_for,
    older_packed_records,
    own_rows,
    older_own_rows,
    a_file_of_a_data_set,
    a_file_of_a_data_set_with_sums,
    the_sums_of_a_data_set,
    a_cache,
]

# --- the damage ------------------------------------------------------------------------------------------------------


def damaged(content: bytes, draw: random.Random) -> bytes:
    """One bit flipped, a byte set, the end cut off, something put behind it, or a piece put in twice."""
    place = draw.randrange(len(content))
    if draw.random() < 0.5:  # The beginning and the end are where formats keep what they say of themselves.
        place = draw.choice([place % min(len(content), 300), -1 - place % min(len(content), 300)]) % len(content)
    kind = draw.choices(["bit", "byte", "cut", "more", "twice"], [8, 4, 1, 1, 1])[0]
    if kind == "bit":
        return content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]
    if kind == "byte":
        return content[:place] + bytes([draw.randrange(256)]) + content[place + 1 :]
    if kind == "cut":
        return content[:place]
    if kind == "more":
        return content + draw.randbytes(1 + draw.randrange(16))
    return content[:place] + content[max(0, place - 16) : place] + content[place:]


def outcome(door: Door) -> Any:
    """What is read, or the error that it may raise."""
    try:
        return door.read()
    except door.error as error:
        return error


def damage_often(door: Door, times: int, seed: int) -> None:
    whole, expected, draw = door.path.read_bytes(), door.read(), random.Random(seed)
    errors = 0
    for number in range(times):
        door.path.write_bytes(damaged(whole, draw))
        found = outcome(door)
        if isinstance(found, Exception):
            errors += 1
            assert door.path.name in str(found), f"damage {number}"
        else:
            assert same(found, expected), f"damage {number}"
    door.path.write_bytes(whole)
    assert same(door.read(), expected)
    assert errors or door.path.parent.name == "cache"


@pytest.mark.parametrize("make", DOORS, ids=lambda make: make.__name__)
def test_damage_is_an_error_that_names_the_file_or_changes_nothing(make, tmp_path):
    damage_often(make(tmp_path / "folder"), 60, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("make", DOORS, ids=lambda make: make.__name__)
def test_much_damage_is_an_error_that_names_the_file_or_changes_nothing(make, tmp_path):
    damage_often(make(tmp_path / "folder"), 1200, seed=1)
