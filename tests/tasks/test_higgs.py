"""HIGGS: its columns, the split of a table that is published without one, and its stand-in."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.datasets import load_breast_cancer

import pnn
from pnn.tasks import higgs
from pnn.tasks.data import Split

HIGGS = pnn.HIGGS(validation=80, rows="stand-in")
SPLITS = ("train", "validation", "test")


def test_the_stand_in_for_a_table_is_scikit_learns_breast_cancer_in_its_width():
    loaded = HIGGS.load()
    x, y = load_breast_cancer(return_X_y=True)
    x = x[:, :28].astype(np.float32)
    assert (loaded.origin, loaded.form.shape, loaded.form.classes) == ("stand-in", (28,), 2)
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


def test_the_rows_of_the_stand_in_are_fixed():
    assert HIGGS.load().fingerprint.startswith("658431914edbc667")  # as they were when Records began


# --- columns -------------------------------------------------------------------------------------------------------

SOURCE = higgs.HIGGS_SOURCE
ROWS = np.random.default_rng(1).normal(size=(6, 28))  # as published: 64 bits


def higgs_table(rows=ROWS, y=(0.0, 1.0, 1.0, 0.0, 1.0, 0.0)) -> pa.Table:
    return pa.table({"label": pa.array(y, pa.float64()), "inputs": [list(row) for row in rows]})


def test_columns_are_float32_and_labels_whole_numbers():
    split = higgs.columns(SOURCE, higgs_table())
    assert (split.x.dtype, split.y.dtype) == (torch.float32, torch.int64)
    assert np.array_equal(split.x.numpy(), ROWS.astype(np.float32))
    assert split.y.tolist() == [0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize("missing", [float("nan"), None, float("inf"), -float("inf")])
def test_a_row_with_a_missing_value_is_left_out_aloud(missing):
    rows = ROWS.tolist()
    rows[2][27] = rows[4][0] = missing
    with pytest.warns(UserWarning, match="^HIGGS: 2 rows with a missing value are left out$"):
        split = higgs.columns(SOURCE, higgs_table(rows))
    assert np.array_equal(split.x.numpy(), ROWS[[0, 1, 3, 5]].astype(np.float32))
    assert split.y.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("width", [1, 27, 29])
def test_rows_of_another_width_are_an_error(width):
    with pytest.raises(ValueError, match=rf"shape \({width},\), expected \(28,\)"):
        higgs.columns(SOURCE, higgs_table(np.zeros((6, width))))


def test_rows_of_unequal_width_are_an_error():
    with pytest.raises(ValueError, match="inhomogeneous"):
        higgs.columns(SOURCE, higgs_table([*ROWS[:5], ROWS[5, :27]]))


@pytest.mark.parametrize("label", [0.5, 2.0, -1.0, float("nan"), 1 + 1e-6])
def test_a_label_that_is_no_class_is_an_error(label):
    with pytest.raises(ValueError, match="not a whole number from 0 to 1"):
        higgs.columns(SOURCE, higgs_table(y=[0, 1, 1, 0, 1, label]))


# --- the 35k rows --------------------------------------------------------------------------------------------------


def numbered(rows: int, order=None) -> dict[str, list[Split]]:
    """Two files whose rows are numbered through, in an order."""
    x = torch.arange(rows, dtype=torch.float32)[:, None]
    x = x if order is None else x[order]
    cut = rows // 3
    return {"train": [Split(part, part[:, 0].long() % 2) for part in (x[:cut], x[cut:])]}


@pytest.mark.parametrize(("rows", "test"), [(5, 1), (12, 2), (20, 4), (35_296, 7_059)])
def test_a_fifth_of_the_rows_is_the_test_set_and_no_row_is_lost(rows, test):
    tensors = higgs.sort_and_split(SOURCE, numbered(rows), {})
    found = {split: tensors[f"{split}.x"][:, 0].long() for split in ("train", "test")}
    assert len(found["test"]) == test
    assert torch.equal(torch.cat([found["train"], found["test"]]).sort().values, torch.arange(rows))
    for split, numbers in found.items():
        assert torch.equal(tensors[f"{split}.y"], numbers % 2)


def test_neither_order_nor_repetition_of_the_rows_matters():
    expected = higgs.sort_and_split(SOURCE, numbered(20), {})
    assert expected["test.x"][:, 0].tolist() == [0, 3, 12, 15]  # as they were when Records began
    order = torch.from_numpy(np.random.default_rng(3).permutation(20))
    for shuffled in (order, torch.cat([order, order[:5]])):
        found = higgs.sort_and_split(SOURCE, numbered(20, shuffled), {})
        assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_rows_that_differ_in_their_label_alone_are_two_rows():
    x = torch.ones(10, 3)
    tensors = higgs.sort_and_split(SOURCE, {"train": [Split(x, torch.arange(10) % 2)]}, {})
    assert sorted(torch.cat([tensors["train.y"], tensors["test.y"]]).tolist()) == [0, 1]


def test_the_split_neither_reads_nor_moves_the_global_generators():
    before = higgs.sort_and_split(SOURCE, numbered(50), {})["test.x"]
    np.random.seed(5)  # noqa: NPY002 - the global generator is meant
    torch.manual_seed(5)
    states = np.random.get_state()[1].tobytes(), torch.get_rng_state()  # noqa: NPY002
    after = higgs.sort_and_split(SOURCE, numbered(50), {})["test.x"]
    assert torch.equal(before, after)
    assert np.random.get_state()[1].tobytes() == states[0]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[1])


def test_of_a_file_that_says_where_its_rows_come_from_those_of_openml_are_taken():
    table = higgs_table().append_column("source", pa.array(["openml23512-val", "sas", "openml23512-test"] * 2))
    split = higgs.openml_columns(higgs.SMALL_SOURCE, table)
    assert np.array_equal(split.x.numpy(), ROWS[[0, 2, 3, 5]].astype(np.float32))
    assert len(higgs.openml_columns(higgs.SMALL_SOURCE, higgs_table()).y) == 6  # the hub's files have no such column


def test_clipped_columns_are_cut_off_at_deviations_of_the_training_rows():
    plain, clipped = HIGGS.load(), pnn.HIGGS(validation=80, rows="stand-in", clip=1.5).load()
    for split in SPLITS:
        x = getattr(plain, split).x
        assert torch.equal(x, getattr(clipped, split).x), "what is stored stays as it was"
        normal = plain.normalise(x)
        assert torch.equal(clipped.normalise(x), normal.clamp(-1.5, 1.5))
    assert plain.normalise(plain.train.x).abs().max() > 1.5
    assert clipped.fingerprint == plain.fingerprint


def test_a_clip_stands_in_title_and_id_and_none_leaves_both():
    as_it_is, clipped = pnn.HIGGS(rows="35k"), pnn.HIGGS(rows="35k", clip=3)
    assert (as_it_is.title, clipped.title) == (
        "HIGGS subset (35k rows)",
        "HIGGS subset (35k rows), clipped at 3 deviations",
    )
    recipe = pnn.Recipe(1, augment="none")
    runs = [pnn.Run(task, pnn.MLP("standard", 8), recipe, 0, "laptop") for task in (as_it_is, clipped)]
    assert "clip" not in runs[0].to_dict()["task"]
    assert runs[1].to_dict()["task"]["clip"] == 3.0
    with pytest.raises(pnn.RunError, match=r"HIGGS.clip must be at least 0"):
        pnn.HIGGS(clip=-1.0)
