"""Images, columns and texts as the hub publishes them, through both origins, against the arrays they were made from."""

import dataclasses
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import pnn
from pnn.tasks import higgs as higgs_module
from pnn.tasks import sources

PLACES = {
    "cifar100": (pnn.CIFAR100, "source"),
    "boolq": (pnn.BoolQ, "source"),
    "higgs": (higgs_module, "HIGGS_SOURCE"),
    "higgs-small": (higgs_module, "SMALL_SOURCE"),
}


def unpublished(monkeypatch, name: str, **changes) -> sources.Source:
    """A source without the published rows and sums, in its place until the test ends."""
    owner, attribute = PLACES[name]
    source = dataclasses.replace(getattr(owner, attribute), **{"rows": {}, "sha256": {}} | changes)
    monkeypatch.setattr(owner, attribute, source)
    return source


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    import datasets
    import huggingface_hub

    monkeypatch.setenv("PNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PNN_DATA", raising=False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


# --- images --------------------------------------------------------------------------------------------------------

FINE = [99, 0, 42, 7, 99]


def cifar100_table(images: np.ndarray) -> pa.Table:
    def encode(image: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        PIL.Image.fromarray(image.transpose(1, 2, 0)).save(buffer, "WEBP", lossless=True)
        return buffer.getvalue()

    column = pa.array(
        [{"bytes": encode(image), "path": f"{i}.webp"} for i, image in enumerate(images)],
        pa.struct({"bytes": pa.binary(), "path": pa.string()}),
    )
    coarse = np.arange(len(images)) + 15  # 20 classes, no row's the same as its fine one
    return pa.table({"img": column, "fine_label": FINE[: len(images)], "coarse_label": coarse})


def test_pooled_images_are_means_and_fewer_training_rows_are_some_of_them(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32), dtype=np.uint8)
    (tmp_path / "cifar100").mkdir()
    for part, rows in {"train": slice(5), "test": slice(2)}.items():
        pq.write_table(cifar100_table(images[rows]), tmp_path / "cifar100" / f"{part}-00000-of-00001.parquet")
    unpublished(monkeypatch, "cifar100")
    small = pnn.CIFAR100(validation=1, pooled=4, train=2)
    loaded, whole = small.load(tmp_path), pnn.CIFAR100(validation=1).load(tmp_path)
    assert loaded.form == small.form == pnn.Form((3, 8, 8), 100)
    assert {split: len(rows) for split, rows in loaded.splits.items()} == {"train": 2, "validation": 1, "test": 2}
    assert "8 x 8 pixels, 2 training rows" in small.title
    expected = np.floor(images[:2].reshape(2, 3, 8, 4, 8, 4).mean((3, 5)) + 0.5).astype(np.uint8)
    assert loaded.test.x.dtype == torch.uint8
    assert np.array_equal(loaded.test.x.numpy(), expected)
    assert torch.equal(loaded.validation.y, whole.validation.y)
    assert set(loaded.train.y.tolist()) <= set(whole.train.y.tolist())
    pixels = loaded.train.x.double() / 255  # What normalises is taken of the rows that are kept.
    assert torch.allclose(loaded.mean.double(), pixels.mean((0, 2, 3)))
    with pytest.raises(pnn.DataError, match="cifar100 has 4 training rows beside the validation rows, not 5"):
        pnn.CIFAR100(validation=1, train=5).load(tmp_path)
    assert pnn.CIFAR100(pooled=2, train=5000).stand_in().load().form.shape == (3, 16, 16)


def test_cifar100_is_its_pixels_and_its_fine_labels(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32), dtype=np.uint8)
    (tmp_path / "cifar100").mkdir()
    for part, rows in {"train": slice(5), "test": slice(2)}.items():
        pq.write_table(cifar100_table(images[rows]), tmp_path / "cifar100" / f"{part}-00000-of-00001.parquet")
    unpublished(monkeypatch, "cifar100")
    loaded = pnn.CIFAR100(validation=1).load(tmp_path)
    assert (loaded.form.shape, loaded.form.classes) == ((3, 32, 32), 100)
    assert np.array_equal(loaded.test.x.numpy(), images[:2])
    assert loaded.test.y.tolist() == FINE[:2]
    assert sorted(loaded.train.y.tolist() + loaded.validation.y.tolist()) == sorted(FINE)


TWENTY = [0, 3, 12, 15]  # the test rows of 20, as they were

# --- both origins ----------------------------------------------------------------------------------------------------


@dataclass
class Published:
    """A data set as someone published it: in a data folder, and as a repository of the hub."""

    source: sources.Source
    root: Path
    repository: Path

    def load(self, origin: str) -> dict[str, torch.Tensor]:
        if origin == "hub":
            return sources._read_hub(self.source, str(self.repository), None)
        used, tensors = sources.load_source(self.source, self.root)
        assert used == "folder"
        return tensors


def publish(root: Path, source: sources.Source, files: dict[str, pa.Table]) -> Published:
    repository = root / "repository"
    for folder in (root / "data" / source.folder, repository / "data"):
        folder.mkdir(parents=True)
        for name, table in files.items():
            pq.write_table(table, folder / f"{name}.parquet")
    return Published(source, root / "data", repository)


def write_sums(root: Path) -> None:
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(root)}\n" for path in files]
    (root / "SHA256SUMS").write_text("".join(lines))


both_origins = pytest.mark.parametrize("origin", ["folder", "hub"])


def higgs_table(rows, y) -> pa.Table:
    return pa.table({"label": pa.array(y, pa.float64()), "inputs": [list(row) for row in rows]})


def higgs_rows(first: int, last: int) -> pa.Table:
    """Rows numbered in their first column; the odd ones are signal."""
    rows = np.zeros((last - first, 28))
    rows[:, 0] = np.arange(first, last)
    return higgs_table(rows, rows[:, 0] % 2)


@pytest.fixture
def higgs(tmp_path, monkeypatch) -> Published:
    files = {
        "val_16k-00000-of-00001": higgs_rows(60, 70),
        "test_20k-00000-of-00001": higgs_rows(100, 105),
        "train_63k-00000-of-00002": higgs_rows(0, 40),
        "train_63k-00001-of-00002": higgs_rows(40, 60),
        "train-00000-of-00001": higgs_rows(900, 903),  # the hub's repository also has all the rows
    }
    return publish(tmp_path, unpublished(monkeypatch, "higgs"), files)


@both_origins
def test_the_parts_of_higgs_are_joined_in_order(higgs, origin):
    tensors = higgs.load(origin)
    assert tensors.keys() == {"train.x", "train.y", "test.x", "test.y"}
    assert tensors["train.x"].shape == (70, 28)
    assert tensors["train.x"][:, 0].tolist() == list(range(70))
    assert tensors["train.y"].tolist() == [0, 1] * 35
    assert tensors["test.x"][:, 0].tolist() == [100, 101, 102, 103, 104]
    assert tensors["test.y"].tolist() == [0, 1, 0, 1, 0]


def test_a_part_of_higgs_that_is_missing_is_named(higgs):
    (higgs.root / "higgs" / "val_16k-00000-of-00001.parquet").unlink()
    with pytest.raises(pnn.DataError, match=r"no file .*/higgs/val_16k-\*\.parquet.* jxie/higgs; without a data fol"):
        higgs.load("folder")


def test_columns_are_normalised_by_the_training_rows_alone(higgs):
    loaded = pnn.HIGGS(validation=10).load(higgs.root)
    first = loaded.train.x[:, 0].double()
    assert len(first) == 60
    mean, std = first.mean(), first.std(correction=0)
    expected = torch.zeros(5, 28, dtype=torch.float64)  # columns that do not vary stay at 0
    expected[:, 0] = (torch.arange(100, 105) - mean) / std
    torch.testing.assert_close(loaded.normalise(loaded.test.x).double(), expected, rtol=1e-5, atol=1e-6)


def test_columns_come_from_the_cache_as_they_were(higgs, monkeypatch):
    def digest(x, y):
        parts = np.pad(np.c_[x], ((0, 0), (0, 27))).astype(np.float32), np.array(y, np.uint8)
        return " ".join(hashlib.sha256(part.tobytes()).hexdigest() for part in parts)

    every = {"train": digest(range(70), [0, 1] * 35), "test": digest(range(100, 105), [0, 1, 0, 1, 0])}
    higgs.source = dataclasses.replace(higgs.source, sha256=every)
    first = higgs.load("folder")
    monkeypatch.setattr(sources, "_read_folder", None)
    again = higgs.load("folder")
    for name, tensor in first.items():
        assert again[name].dtype == tensor.dtype
        assert torch.equal(again[name], tensor)


def test_the_35k_rows_of_higgs_are_the_same_from_a_folder_and_from_the_hub(tmp_path, monkeypatch):
    """A folder has them in one file with rows of other origins, the hub in two parts beside a third."""
    source = unpublished(monkeypatch, "higgs-small")
    origins = pa.array(["openml-val"] * 12 + ["openml-test"] * 8 + ["another"] * 5)
    folder = {"train-00000-of-00001": higgs_rows(0, 25).append_column("source", origins)}
    hub = {
        "test_20k-00000-of-00001": higgs_rows(12, 20),
        "train_63k-00000-of-00001": higgs_rows(300, 310),
        "val_16k-00000-of-00001": higgs_rows(0, 12),
    }
    found = [
        publish(tmp_path / origin, source, files).load(origin)
        for origin, files in {"folder": folder, "hub": hub}.items()
    ]
    assert len(found[0]["train.y"]) == 16
    assert all(torch.equal(found[1][name], tensor) for name, tensor in found[0].items())


def test_the_35k_rows_of_higgs_without_a_network_say_where_they_could_come_from():
    with pytest.raises(pnn.DataError) as error:
        pnn.HIGGS(rows="35k").load()
    for words in ("jxie/higgs could not be read", "PNN_DATA", "higgs_small/train-*.parquet", 'size="smoke"'):
        assert words in str(error.value)


VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "is", "the", "sky", "blue", "no", "it", "yes", ".", "?"]
BOOLQ = {  # part: question, passage, answer
    "train": [("Is the sky blue?", "The sky. It is blue.", True), ("is it?", "No.", False), ("no", "yes", True)],
    "validation": [("the sky", "is", False), ("Blue", "sky", True)],
}
TOKENS = {
    "train": [
        [2, 4, 5, 6, 7, 12, 3, 5, 6, 11, 9, 4, 7, 11, 3, 0],
        [2, 4, 9, 12, 3, 8, 11, 3, 0, 0, 0, 0, 0, 0, 0, 0],
        [2, 8, 3, 10, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    "test": [[2, 5, 6, 3, 4, 3] + 10 * [0], [2, 7, 3, 6, 3] + 11 * [0]],
}
ANSWERS = {"train": [1, 0, 1], "test": [0, 1]}


def boolq_table(rows: list[tuple]) -> pa.Table:
    question, passage, answer = zip(*rows, strict=True)
    return pa.table({"question": question, "answer": answer, "passage": passage})


@pytest.fixture
def boolq(tmp_path, monkeypatch) -> Published:
    import huggingface_hub

    source = unpublished(monkeypatch, "boolq", shape=(16,), vocabulary=len(VOCABULARY))
    files = {f"{part}-00000-of-00001": boolq_table(rows) for part, rows in BOOLQ.items()}
    published = publish(tmp_path, source, files)
    (published.root / "tokenizer").mkdir()
    vocabulary = published.root / source.companions["vocabulary"].path
    vocabulary.write_text("\n".join(VOCABULARY) + "\n")

    def download(repository, file):
        assert (repository, file) == ("google-bert/bert-base-uncased", "vocab.txt")
        return str(vocabulary)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return published


@both_origins
def test_boolq_is_its_tokens_and_answers(boolq, origin):
    write_sums(boolq.root)
    tensors = boolq.load(origin)
    assert tensors.keys() == {"train.x", "train.y", "test.x", "test.y"}
    for split in ("train", "test"):
        assert tensors[f"{split}.x"].dtype == torch.int32
        assert tensors[f"{split}.x"].tolist() == TOKENS[split]
        assert tensors[f"{split}.y"].tolist() == ANSWERS[split]


def test_a_task_gives_the_tokens_as_they_are(boolq):
    loaded = pnn.BoolQ(validation=1).load(boolq.root)
    assert (loaded.form.shape, loaded.form.classes, loaded.form.vocabulary) == ((16,), 2, 13)
    assert loaded.test.x.tolist() == TOKENS["test"]
    assert loaded.normalise(loaded.test.x) is loaded.test.x
    assert sorted(loaded.train.x.tolist() + loaded.validation.x.tolist()) == sorted(TOKENS["train"])


def test_a_missing_vocabulary_is_named(boolq):
    (boolq.root / "tokenizer" / "bert-base-uncased-vocab.txt").unlink()
    with pytest.raises(pnn.DataError, match=r"no file .*/tokenizer/bert-base-uncased-vocab\.txt, which BoolQ needs"):
        boolq.load("folder")


def test_a_damaged_vocabulary_is_named(boolq):
    write_sums(boolq.root)
    vocabulary = boolq.root / "tokenizer" / "bert-base-uncased-vocab.txt"
    vocabulary.write_text(vocabulary.read_text().replace("sky", "ski"))
    with pytest.raises(pnn.DataError, match=rf"^{re.escape(str(vocabulary))} is damaged: its SHA-256 is [0-9a-f]+, "):
        boolq.load("folder")


@both_origins
def test_another_vocabulary_is_named_with_both_sizes(boolq, origin):
    vocabulary = boolq.root / "tokenizer" / "bert-base-uncased-vocab.txt"
    vocabulary.write_text("\n".join([*VOCABULARY, "grey"]))
    with pytest.raises(pnn.DataError, match=rf"{re.escape(str(vocabulary))} has 14 word pieces, expected 13"):
        boolq.load(origin)


def test_a_vocabulary_that_the_hub_does_not_give_says_what_to_do(boolq, monkeypatch):
    import huggingface_hub

    def unreachable(*_):
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    what = r"vocab\.txt of google-bert/bert-base-uncased could not be read from the hub: OSError: no route.*"
    with pytest.raises(pnn.DataError, match=what + r"set PNN_DATA to a folder that holds tokenizer/bert-base-uncased"):
        boolq.load("hub")


def test_a_companion_that_is_not_on_the_hub_says_what_to_do(boolq):
    nowhere = {"vocabulary": sources.Companion("tokenizer/words.txt", "")}
    boolq.source = dataclasses.replace(boolq.source, companions=nowhere)
    what = r"BoolQ needs tokenizer/words\.txt, which is not on the hub\. Set PNN_DATA to a folder"
    with pytest.raises(pnn.DataError, match=what):
        boolq.load("hub")


@both_origins
@pytest.mark.parametrize(
    "row", [(None, "passage", True), ("question", None, True), ("question", "passage", None)], ids=str
)
def test_a_text_or_answer_that_is_missing_is_an_error(tmp_path, boolq, origin, row):
    for folder in (boolq.root / "boolq", boolq.repository / "data"):
        pq.write_table(boolq_table([*BOOLQ["train"], row]), folder / "train-00000-of-00001.parquet")
    with pytest.raises(pnn.DataError, match="cannot be read"):
        boolq.load(origin)
