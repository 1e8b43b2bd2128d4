"""Anyone's own rows: from tensors or a dataset, classes or numbers, found again by their fingerprint."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

import pnn
from pnn.report import measures
from pnn.tasks import own

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(300, 3, generator=DRAW)
CLASSES = (X[:, 0] * X[:, 1] > 0).long()
NUMBERS = 5 + 40 * X[:, 0] * X[:, 1]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PNN_DATA", raising=False)
    return tmp_path / "cache"


def run_of(task, network=None, **recipe) -> pnn.Run:
    recipe = {"epochs": 20, "batch_size": 30, "learning_rate": 0.01, "augment": "none"} | recipe
    return pnn.Run(task, network or pnn.MLP("polynomial", 8), pnn.Recipe(**recipe), 0, "laptop")


def test_no_row_is_lost_and_each_is_in_one_split():
    task = pnn.own_rows(X, CLASSES, title="products", validation=40)
    data = task.load()
    assert (len(data.train), len(data.validation), len(data.test)) == (200, 40, 60)
    assert task.counts() == {"train": 240, "test": 60}
    assert (task.title, task.form.shape, task.form.classes, task.form.outputs) == ("products", (3,), 2, 1)
    found = {(*x.tolist(), int(y)) for split in data.splits.values() for x, y in zip(split.x, split.y, strict=True)}
    assert found == {(*x.tolist(), int(y)) for x, y in zip(X, CLASSES, strict=True)}


def test_a_test_set_of_ones_own_is_kept_apart():
    task = pnn.own_rows(X[:200].numpy(), CLASSES[:200].numpy(), title="products", test=(X[200:], CLASSES[200:]))
    data = task.load()
    assert torch.equal(data.test.x, X[200:])
    assert len(data.validation) == 20  # a tenth


def test_a_dataset_of_torch_is_its_tensors():
    assert pnn.own_rows(TensorDataset(X, CLASSES), title="products") == pnn.own_rows(X, CLASSES, title="products")


def test_numbers_are_standardised_by_the_training_rows():
    data = pnn.own_rows(X, NUMBERS, title="products", validation=40).load()
    assert data.form.classes == 0
    y = torch.cat([data.train.y, data.validation.y]).double()
    assert y.mean().item() == pytest.approx(0, abs=1e-6)
    assert y.std(correction=0).item() == pytest.approx(1, abs=1e-6)
    product = data.test.x[:, 0] * data.test.x[:, 1]
    assert np.corrcoef(product, data.test.y)[0, 1] == pytest.approx(1)


def test_the_rows_are_in_the_fingerprint_and_the_fingerprint_is_in_the_id():
    first = pnn.own_rows(X, CLASSES, title="products")
    changed = X.clone()
    changed[7, 2] += 1e-3
    flipped = CLASSES.clone()
    flipped[3] = 1 - flipped[3]
    tasks = [first, *(pnn.own_rows(x, y, title="products") for x, y in ((changed, CLASSES), (X, flipped)))]
    assert len({task.fingerprint for task in tasks}) == len({run_of(task).id for task in tasks}) == 3
    assert pnn.Run.from_dict(json.loads(json.dumps(run_of(first).to_dict()))) == run_of(first)


def test_images_are_uint8_and_normalised_like_any():
    images = torch.randint(0, 256, (50, 3, 8, 8), generator=DRAW, dtype=torch.uint8)
    task = pnn.own_rows(images, torch.arange(50) % 3, title="noise")
    assert (task.form.shape, task.form.classes) == ((3, 8, 8), 3)
    data = task.load()
    x = data.normalise(data.train.x)
    assert x.mean((0, 2, 3)).tolist() == pytest.approx([0] * 3, abs=1e-5)


def test_another_process_finds_the_rows_and_a_damaged_file_is_told(cache, tmp_path):
    task = pnn.own_rows(X, CLASSES, title="products")
    (path,) = cache.iterdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = path.rename(elsewhere / path.name)
    assert task.load(elsewhere).origin == "folder"
    with pytest.raises(pnn.DataError, match=r"rows of 'products' \(own-.*\) are not in .*pnn.own_rows"):
        task.load()
    content = bytearray(moved.read_bytes())
    content[-1] ^= 1
    moved.write_bytes(bytes(content))
    with pytest.raises(pnn.DataError, match=r"cannot be used: its content does not match its SHA-256"):
        task.load(elsewhere)


@pytest.mark.parametrize("changes", [{"shape": (7,)}, {"classes": 3}, {"classes": 0}, {"test_rows": 3}], ids=str)
def test_a_task_that_says_another_form_of_its_rows_is_an_error(changes):
    task = dataclasses.replace(pnn.own_rows(X, CLASSES, title="products"), **changes)
    with pytest.raises(pnn.DataError, match=rf"its rows have {next(iter(changes))} .*, this task says"):
        task.load()


def test_rows_that_cannot_be_kept_are_an_error_that_says_what_to_do(monkeypatch, cache):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own, "write_tensors", full)
    with pytest.raises(pnn.DataError, match=r"No space left on device\. Set PNN_CACHE"):
        pnn.own_rows(X, CLASSES, title="products")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.zeros(10), torch.zeros(10), r"must be numbers of shape \(N, columns\)"),
        (torch.zeros(10, 3, 8, 8), torch.zeros(10), "uint8 images"),
        (X, CLASSES[:-1], r"y of the rows must have the shape \(300,\), got \(299,\)"),
        (X, CLASSES[:, None], r"must have the shape \(300,\), got \(300, 1\)"),
        (X / 0, CLASSES, "a value of x of the rows is not finite"),
        (X, NUMBERS / 0, "a value of y of the rows is not finite"),
        (X, CLASSES + 1, None),  # classes 1 and 2 are three classes, of which one has no row
        (X, CLASSES - 1, "classes must be whole numbers from 0"),
        (X, torch.zeros(300).long(), "classes must be whole numbers from 0"),
        (X, torch.ones(300), "all equal"),
    ],
)
def test_what_cannot_be_learnt_says_why(x, y, message):
    if message is None:
        assert pnn.own_rows(x, y, title="it").classes == 3
        return
    with pytest.raises(pnn.DataError, match=message):
        pnn.own_rows(x, y, title="it")


def test_more_validation_rows_than_there_are_is_an_error():
    with pytest.raises(pnn.RunError, match=r"OwnRows\.validation must be .* less than the 240 training rows, got 240"):
        pnn.own_rows(X, CLASSES, title="it", validation=240)


def test_numbers_are_learnt_and_judged_by_r2(tmp_path):
    task = pnn.own_rows(X, NUMBERS, title="products")
    record = pnn.fit(run_of(task), folder=tmp_path, device="cpu", progress=False)
    assert record.outcome == "ok"
    assert (record.final["test"].accuracy, record.hits) == (None, None)
    data = task.load()
    model = run_of(task).network.build(data.form).eval()
    from safetensors.torch import load_file

    model.load_state_dict(load_file(tmp_path / run_of(task).name / "weights.safetensors"))
    with torch.no_grad():
        predicted = model(data.normalise(data.test.x))[:, 0]
    error = (predicted - data.test.y).square()
    assert record.final["test"].loss == pytest.approx(error.mean().item(), rel=1e-4)
    rest = (data.test.y - data.test.y.mean()).square().sum()
    assert measures.r2(record) == pytest.approx(1 - (error.sum() / rest).item(), rel=1e-3)
    assert measures.r2(record) > 0.5
    assert record.curves["validation_r2"][-1] == pytest.approx(record.final["validation"].r2)
    assert pnn.Record.from_json(record.to_json()) == record
    assert "validation_accuracy" not in record.curves
    with pytest.raises(ValueError, match="a task without classes"):
        measures.accuracy(record)


def test_a_study_of_own_rows_trains_in_processes_of_its_own(tmp_path):
    task = pnn.own_rows(X, CLASSES, title="products")
    runs = [run_of(task, pnn.MLP(neuron, 4), epochs=2) for neuron in ("standard", "polynomial")]
    records = pnn.study(runs, results=tmp_path / "results", jobs=2, device="cpu", progress=False)
    assert [record.outcome for record in records] == ["ok", "ok"]
    assert pnn.forecast(runs, results=tmp_path / "results").missing == 0


def test_a_baseline_needs_classes():
    recipe = pnn.Recipe(1, source="scikit-learn", augment="none")
    numbers = pnn.own_rows(X, NUMBERS, title="products")
    with pytest.raises(pnn.RunError, match="not made for the rows"):
        pnn.Run(numbers, pnn.BoostedTrees(), recipe, 0, "laptop")
    classes = pnn.own_rows(X, CLASSES, title="products")
    assert pnn.Run(classes, pnn.BoostedTrees(), recipe, 0, "laptop").name.startswith("own-laptop-boosted-trees")


def test_the_file_is_written_once(monkeypatch):
    pnn.own_rows(X, CLASSES, title="products")
    monkeypatch.setattr(own, "write_tensors", lambda *_: pytest.fail("written again"))
    pnn.own_rows(X, CLASSES, title="products")
