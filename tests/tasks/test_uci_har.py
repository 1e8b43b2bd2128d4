"""UCI HAR: a folder of the hub's schema against the arrays that it was made from, users kept apart."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import pnn
from pnn.tasks import sources

USERS = [1, 1, 3, 3, 3, 5]


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setenv("PNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PNN_DATA", raising=False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub")
    monkeypatch.setattr(pnn.UCIHAR, "source", dataclasses.replace(pnn.UCIHAR.source, rows={}, sha256={}))


def table(features: np.ndarray, labels: list[int]) -> pa.Table:
    columns = {"features": list(features), "labels": labels, "subject id": pa.array(USERS[: len(labels)], pa.uint8())}
    return pa.table(columns)


FEATURES = np.random.default_rng(0).uniform(-1, 1, (6, 561)).astype(np.float32)
LABELS = [0, 5, 2, 2, 1, 4]


def write(root, features=FEATURES, labels=LABELS) -> None:
    (root / "uci_har").mkdir(parents=True)
    for part, rows in {"train": 6, "test": 2}.items():
        pq.write_table(table(features[:rows], labels[:rows]), root / "uci_har" / f"{part}-00000-of-00001.parquet")


def test_its_rows_are_its_features_and_a_user_is_on_one_side(tmp_path):
    write(tmp_path)
    data = pnn.UCIHAR(validation=2).load(tmp_path)
    assert np.array_equal(data.test.x.numpy(), FEATURES[:2])
    assert data.test.y.tolist() == LABELS[:2]
    user = {FEATURES[row, 0].item(): USERS[row] for row in range(6)}
    sides = [{user[x[0].item()] for x in split.x} for split in (data.train, data.validation)]
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == set(USERS)


def test_the_hubs_parquet_copy_is_read_from_its_own_folder(tmp_path):
    for part, rows in {"train": 6, "test": 2}.items():
        (tmp_path / "copy" / "default" / part).mkdir(parents=True)
        pq.write_table(table(FEATURES[:rows], LABELS[:rows]), tmp_path / "copy" / "default" / part / "0000.parquet")
    tensors = sources._read_hub(pnn.UCIHAR.source, str(tmp_path / "copy"), None)
    assert torch.equal(tensors["train.x"], torch.from_numpy(FEATURES))
    assert tensors["train.group"].tolist() == USERS


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (FEATURES[:, :560], LABELS, "window 0 has 560 features, expected 561"),
        (FEATURES, [label + 1 for label in LABELS], "a label is not a whole number from 0 to 5"),
    ],
)
def test_another_table_is_refused(tmp_path, features, labels, message):
    write(tmp_path, features, labels)
    with pytest.raises(pnn.DataError, match=message):
        pnn.UCIHAR(validation=1).load(tmp_path)


def test_without_a_folder_it_is_said_where_the_files_are(tmp_path):
    with pytest.raises(pnn.DataError, match=r"uci_har/.*codymlewis/HAR.*UCI Machine Learning Repository, DOI 10"):
        pnn.UCIHAR().load(tmp_path)
