"""The one table of Records: what stands in it, with which types, and that nothing is lost on the way to a file."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from whole import whole_record

import pnn
from pnn.runs.frame import _flat, export
from pnn.runs.packed import texts_in

ROOT = Path(__file__).parents[2]
RUN = pnn.Run(pnn.CIFAR10(), pnn.CNN("polynomial", 4), pnn.Recipe(2, learning_rate=0.5), 7, "laptop")
SCORES = {"train": pnn.Score(0.1, 0.9), "validation": pnn.Score(0.2, 0.8), "test": pnn.Score(0.3, 0.7)}
WELL = whole_record(
    RUN,
    curves={"validation_accuracy": [0.5, 0.8]},
    final=SCORES,
    budget={"parameters": 10, "macs": 20, "activation_bytes": 30, "step_seconds": 0.25},
    seconds=1.5,
    sessions=3,
    used={"device": "an abacus", "threads": 2, "compile": False},
    versions={"torch": "2.9"},
    commit="abc+",
    data={"origin": "folder", "fingerprint": "f00"},
)
LOST = pnn.Record.of_failure(dataclasses.replace(RUN, seed=2**64 - 1), "diverged", "step 3")


def test_a_row_has_what_the_record_has_as_numbers_and_names():
    (row,) = pnn.frame([WELL]).to_dict("records")
    expected = {
        "name": RUN.name,
        "id": RUN.id,
        "task": "cifar10",
        "task.rows": "real",
        "network": "cnn",
        "network.neuron": "polynomial",
        "network.width": 4,
        "recipe.epochs": 2,
        "recipe.learning_rate": 0.5,
        "recipe.optimiser": "adam",  # at its default, and so not in the Run's JSON
        "recipe.channels_last": True,
        "seed": 7,
        "size": "laptop",
        "outcome": "ok",
        "train_accuracy": 0.9,
        "test_loss": 0.3,
        "parameters": 10,
        "step_seconds": 0.25,
        "epochs": 2,
        "seconds": 1.5,
        "sessions": 3,
        "device": "an abacus",
        "threads": 2,
        "torch": "2.9",
        "commit": "abc+",
        "origin": "folder",
        "fingerprint": "f00",
    }
    assert {key: row[key] for key in expected} == expected


def test_what_a_record_lacks_is_missing_and_the_others_keep_their_types():
    table = pnn.frame([WELL, LOST])
    lacking = ("test_accuracy", "train_loss", "parameters", "step_seconds", "threads", "device", "torch", "origin")
    assert all(pd.isna(table[name][1]) and not pd.isna(table[name][0]) for name in lacking)
    kinds = table.dtypes.astype(str)
    assert kinds[["parameters", "threads", "sessions"]].tolist() == ["Int64"] * 3
    assert kinds[["test_accuracy", "seconds", "recipe.learning_rate"]].tolist() == ["float64"] * 3
    assert (kinds["recipe.channels_last"], kinds["network"]) == ("boolean", "string")
    assert table["seed"].tolist() == [7, 2**64 - 1]


def test_arms_are_a_first_column_whatever_they_are_called():
    table = pnn.frame({("ccp", "time", 0.5): [WELL, LOST], "plain": [], "other": [WELL]})
    assert table.columns[0] == "arm"
    assert table["arm"].tolist() == ["ccp/time/0.5", "ccp/time/0.5", "other"]


def test_without_a_record_there_are_columns_and_no_row():
    for nothing in ([], {}, {"standard": []}):
        table = pnn.frame(nothing)
        assert table.empty
        assert {"name", "outcome", "test_accuracy"} <= set(table)


@dataclass(frozen=True)
class Bent:
    degree: int = 3
    name = "bent"


@dataclass(frozen=True)
class Net:
    activation: Bent
    pads: tuple[int, ...] = (1, 2)
    name = "net"


@dataclass(frozen=True)
class Held:
    ratio: float
    name = "held"


@dataclass(frozen=True)
class Toy:
    network: Net
    methods: tuple
    seed: int = 0


def test_choices_of_any_kind_become_columns_of_their_names_and_fields():
    assert _flat(Toy(Net(Bent(8)), (Held(0.1), Bent())), "") == {
        "network": "net",
        "network.activation": "bent",
        "network.activation.degree": 8,
        "network.pads": "1 + 2",
        "methods": "held + bent",
        "methods.held.ratio": 0.1,
        "methods.bent.degree": 3,
        "seed": 0,
    }


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_a_file_has_the_same_rows(ending, tmp_path):
    path = export({"a": [WELL], "b": [LOST]}, tmp_path / "new" / f"results{ending}")
    table = pnn.frame({"a": [WELL], "b": [LOST]})
    if ending == ".parquet":
        pd.testing.assert_frame_equal(pd.read_parquet(path), table)
    else:
        found = pd.read_csv(path)
        assert list(found) == list(table)
        assert found["test_accuracy"][0] == 0.7
        assert found["seed"].astype(str).tolist() == ["7", str(2**64 - 1)]


def test_another_ending_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(pnn.RecordError, match=r"must be a file that ends with \.csv or \.parquet, got .*results\.xls"):
        export([WELL], tmp_path / "results.xls")
    assert not list(tmp_path.iterdir())


def test_the_books_records_make_one_table():
    paths = sorted((ROOT / "results").rglob("cifar10-*.json"))
    forms = [json.loads(path.read_text()) for path in paths]
    forms += map(json.loads, texts_in(ROOT / "results/higgs/laptop.parquet").values())
    table = pnn.frame(map(pnn.Record.from_dict, forms)).set_index("name")
    assert len(table) == len(forms) > len(paths) > 10
    assert all(table[name].isna().all() for name in table if table[name].dtype == "object")
