"""The stand-ins for tables and texts; those for images are in test_data.py."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer

import pnn
from pnn import standins

HIGGS = pnn.Task("higgs", validation=80, rows="stand-in")
BOOLQ = pnn.Task("boolq", validation=80, rows="stand-in")
SPLITS = ("train", "validation", "test")


def test_the_stand_in_for_a_table_is_scikit_learns_breast_cancer_in_its_width():
    loaded = HIGGS.load()
    x, y = load_breast_cancer(return_X_y=True)
    x = x[:, :28].astype(np.float32)
    assert (loaded.door, loaded.form.shape, loaded.form.classes) == ("stand-in", (28,), 2)
    assert [len(getattr(loaded, split)) for split in SPLITS] == [375, 80, 114]
    assert np.array_equal(loaded.test.x.numpy(), x[455:])
    assert loaded.test.y.tolist() == y[455:].tolist()
    first = [getattr(loaded, split) for split in ("train", "validation")]
    found = {
        (row.numpy().tobytes(), int(label)) for split in first for row, label in zip(split.x, split.y, strict=True)
    }
    assert found == {(row.tobytes(), int(label)) for row, label in zip(x[:455], y[:455], strict=True)}
    assert {(getattr(loaded, split).x.dtype, getattr(loaded, split).y.dtype) for split in SPLITS} == {
        (torch.float32, torch.int64)
    }


def test_a_table_is_normalised_by_the_columns_of_its_training_rows():
    loaded = HIGGS.load()
    train, test = (split.x.double().numpy() for split in (loaded.train, loaded.test))
    expected = (test - train.mean(0)) / train.std(0)
    np.testing.assert_allclose(loaded.normalise(loaded.test.x).numpy(), expected, rtol=1e-3, atol=1e-5)


def test_the_stand_in_for_texts_has_a_tasks_shape_and_its_answer_in_its_words():
    loaded = BOOLQ.load()
    assert (loaded.door, loaded.form.shape, loaded.form.classes) == ("stand-in", (256,), 2)
    assert [len(getattr(loaded, split)) for split in SPLITS] == [400, 80, 120]
    x = torch.cat([getattr(loaded, split).x for split in SPLITS])
    y = torch.cat([getattr(loaded, split).y for split in SPLITS])
    assert (x.dtype, y.dtype, x.shape) == (torch.int32, torch.int64, (600, 256))
    assert 0.5 < y.double().mean() < 0.7
    lengths = set()
    for row, label in zip(x.tolist(), y.tolist(), strict=True):
        length = row.index(0) if 0 in row else 256
        lengths.add(length)
        assert length >= 64
        assert not any(row[length:])  # padding is at the end alone
        told = [token for token in row[:length] if token < 30]
        assert 1 <= len(told) <= 8
        assert all(10 + 10 * label <= token < 20 + 10 * label for token in told)
        assert max(row) < loaded.form.vocabulary
    assert len(lengths) > 100
    assert max(lengths) > 240


def test_token_rows_are_always_the_same_and_leave_the_generator_alone():
    torch.manual_seed(0)
    first, state = standins.tokens(16, 100), torch.get_rng_state()
    torch.manual_seed(1)
    other = torch.get_rng_state()
    again = standins.tokens(16, 100)
    assert torch.equal(torch.get_rng_state(), other)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)
    for split, rows in first.items():
        assert torch.equal(rows.x, again[split].x)
        assert torch.equal(rows.y, again[split].y)


FINGERPRINTS = [(BOOLQ, "019171d5a4d3f572"), (HIGGS, "658431914edbc667")]  # as they were when Records began


@pytest.mark.parametrize(("task", "fingerprint"), FINGERPRINTS, ids=["boolq", "higgs"])
def test_the_rows_of_a_stand_in_are_fixed(task, fingerprint):
    assert task.load().fingerprint.startswith(fingerprint)
