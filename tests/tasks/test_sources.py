"""The origins, the manifest and the cache, on a small set in the hub's own schema: right pixels or a named error."""

import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch

import pnn
from pnn.system import tensors as system_tensors
from pnn.tasks import sources

SHARDS = {"train": ("train-00000-of-00002", "train-00001-of-00002"), "test": ("test-00000-of-00001",)}
ROWS = {"train": 24, "test": 7}


def encode(image: np.ndarray, form: str) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(image.transpose(1, 2, 0)).save(buffer, form, lossless=True)
    return buffer.getvalue()


def write(path: Path, images: np.ndarray, labels, form: str = "PNG", image: str = "img", edit=None) -> None:
    encoded = [encode(pixels, form) for pixels in images]
    if edit:
        encoded[2] = edit(encoded[2])
    column = pa.array(
        [{"bytes": content, "path": None} for content in encoded],
        pa.struct({"bytes": pa.binary(), "path": pa.string()}),
    )
    pq.write_table(pa.table({image: column, "label": labels}), path)


def as_splits(tensors: dict[str, torch.Tensor]) -> dict[str, pnn.Split]:
    assert tensors.keys() == {"train.x", "train.y", "test.x", "test.y"}
    return {split: pnn.Split(tensors[f"{split}.x"], tensors[f"{split}.y"]) for split in ("train", "test")}


@dataclasses.dataclass
class Published:
    """A data set of random images as someone published it, in a folder; the arrays it was made from."""

    root: Path
    cache: Path
    x: dict[str, np.ndarray]
    y: dict[str, np.ndarray]

    def path(self, shard: str) -> Path:
        return self.root / "cifar10" / f"{shard}.parquet"

    def first(self, **changes) -> None:
        """Write the first training file again, with something changed."""
        rows = {"images": self.x["train"][:12], "labels": self.y["train"][:12]}
        write(self.path(SHARDS["train"][0]), **rows | changes)

    def load(self, origin: str = "folder") -> dict[str, pnn.Split]:
        source = pnn.CIFAR10.source
        if origin == "hub":
            return as_splits(sources._read_hub(source, str(self.root / source.folder), None))
        used, tensors = sources.load_source(source, self.root)
        assert used == "folder"
        return as_splits(tensors)

    def check(self, splits: dict[str, pnn.Split]) -> None:
        assert splits.keys() == {"train", "test"}
        for name, split in splits.items():
            assert split.x.dtype == torch.uint8
            assert split.y.dtype == torch.int64
            assert np.array_equal(split.x.numpy(), self.x[name])
            assert np.array_equal(split.y.numpy(), self.y[name])


@pytest.fixture
def published(tmp_path, monkeypatch) -> Published:
    import datasets
    import huggingface_hub

    draw = np.random.default_rng(0)
    x = {split: draw.integers(0, 256, (rows, 3, 32, 32), dtype=np.uint8) for split, rows in ROWS.items()}
    y = {split: draw.integers(0, 10, rows) for split, rows in ROWS.items()}
    sha256 = {
        split: " ".join(hashlib.sha256(array.tobytes()).hexdigest() for array in (x[split], y[split].astype(np.uint8)))
        for split in ROWS
    }
    source = dataclasses.replace(pnn.CIFAR10.source, rows=ROWS, sha256=sha256)
    monkeypatch.setattr(pnn.CIFAR10, "source", source)
    monkeypatch.setenv("PNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PNN_DATA", raising=False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    made = Published(tmp_path / "data", tmp_path / "cache", x, y)
    (made.root / "cifar10").mkdir(parents=True)
    write(made.path(SHARDS["train"][0]), x["train"][:12], y["train"][:12], "WEBP")
    write(made.path(SHARDS["train"][1]), x["train"][12:], y["train"][12:], "PNG")
    write(made.path(SHARDS["test"][0]), x["test"], y["test"], "WEBP")
    return made


def write_sums(root: Path) -> None:
    sums = {path.relative_to(root): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*.parquet")}
    (root / "SHA256SUMS").write_text("".join(f"{digest}  ./{path}\n" for path, digest in sums.items()))


def never(*_):
    raise AssertionError("the files were decoded again")


# --- the origins -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["folder", "hub"])
def test_an_origin_gives_exactly_the_published_pixels_and_labels(published, origin):
    published.check(published.load(origin))


def test_a_folder_with_its_sums_loads(published):
    write_sums(published.root)
    published.check(published.load())


@pytest.mark.parametrize(
    ("change", "encoding"), [(str.upper, "utf-8"), (str, "utf-16"), (str, "utf-8-sig")], ids=["upper", "wide", "mark"]
)
def test_the_sums_are_compared_however_a_system_writes_them(published, change, encoding):
    write_sums(published.root)
    sums = published.root / "SHA256SUMS"
    lines = [line.split("  ") for line in sums.read_text().splitlines()]
    sums.write_text("".join(f"{change(digest)}  {name}\n" for digest, name in lines), encoding=encoding)
    published.check(published.load())
    _one_pixel(published)
    with pytest.raises(pnn.DataError, match=r"train-00000-of-00002\.parquet is damaged"):
        published.load()


def test_a_task_takes_the_folder_as_argument_or_from_the_environment(published, monkeypatch):
    task = pnn.CIFAR10(validation=5)
    given = task.load(published.root)
    monkeypatch.setenv("PNN_DATA", str(published.root))
    found = task.load()
    for loaded in (given, found):
        assert (loaded.origin, loaded.form.classes, len(loaded.train), len(loaded.validation)) == ("folder", 10, 19, 5)
        assert np.array_equal(loaded.test.x.numpy(), published.x["test"])
    assert given.fingerprint == found.fingerprint


@pytest.mark.parametrize("what_to_do", ["uoft-cs/cifar10", "set PNN_DATA to a folder", 'size="smoke"'])
def test_without_folder_and_network_the_error_says_what_to_do(published, what_to_do):
    with pytest.raises(pnn.DataError, match=re.escape(what_to_do)):
        pnn.CIFAR10().load()


# --- files that are missing, damaged or others ---------------------------------------------------------------------


def _no_folder(published):
    published.root = published.root / "nowhere"


def _no_test_split(published):
    published.path(SHARDS["test"][0]).unlink()


def _flipped_byte(published):
    write_sums(published.root)
    path = published.path(SHARDS["train"][0])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _truncated(published):
    path = published.path(SHARDS["train"][0])
    path.write_bytes(path.read_bytes()[:-50])


def _other_images(published):
    published.first(images=255 - published.x["train"][:12])


def _one_pixel(published):
    images = published.x["train"][:12].copy()
    images[-1, -1, -1, -1] ^= 1
    published.first(images=images)


def _another_label(published):
    published.first(labels=(published.y["train"][:12] + 1) % 10)


def _label_plus_256(published):
    published.first(labels=published.y["train"][:12] + 256)


def _label_missing(published):
    published.first(labels=pa.array([None, *published.y["train"][1:12].tolist()]))


def _label_in_words(published):
    published.first(labels=["cat"] * 12)


def _a_row_less(published):
    published.first(images=published.x["train"][:11], labels=published.y["train"][:11])


def _broken_image(published):
    published.first(edit=lambda content: content[:100])


def _empty_image(published):
    published.first(edit=lambda content: b"")


def _missing_image(published):
    published.first(edit=lambda content: None)


def _small_image(published):
    published.first(edit=lambda content: encode(np.zeros((3, 16, 16), np.uint8), "PNG"))


def _other_columns(published):
    published.first(image="image")


def _huge_image(published):
    """A hundred bytes that are a quarter of a gigabyte of pixels; of many of them, no memory holds them."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    size = 9_000
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    published.first(edit=lambda content: bomb)


def _a_part_under_two_names(published):
    path = published.path(SHARDS["train"][0])
    shutil.copy(path, path.with_name("train-00000-of-00002 (1).parquet"))


def _a_part_of_another_number(published):
    shutil.copy(published.path(SHARDS["train"][0]), published.path("train-00002-of-00002"))


def _a_part_twice_by_hash(published):
    shutil.copy(published.path(SHARDS["train"][0]), published.path("train-00000-of-00002-0a1b"))


def _a_part_missing(published):
    published.path(SHARDS["train"][1]).unlink()


def _a_part_whole_and_in_pieces(published):
    shutil.copy(published.path(SHARDS["train"][0]), published.path("train"))


def _sums_in_words(published):
    (published.root / "SHA256SUMS").write_text("see the other page")


def _no_parquet(published):
    published.path(SHARDS["train"][0]).write_text("<html>not found</html>")


IN_A_FOLDER = [
    (_no_folder, "nowhere/cifar10/train-*.parquet"),
    (_no_test_split, "cifar10/test-*.parquet"),
    (_flipped_byte, "train-00000-of-00002.parquet is damaged"),
    (_a_part_under_two_names, "(1).parquet stands beside numbered files, as a copy would"),
    (_a_part_of_another_number, "are not 0 to 1, each once: train-00000-of-00002.parquet, "),
    (_a_part_twice_by_hash, "are not 0 to 1, each once: train-00000-of-00002-0a1b.parquet, "),
    (_a_part_missing, "are not 0 to 1, each once: train-00000-of-00002.parquet"),
    (_a_part_whole_and_in_pieces, "hold the same rows twice"),
    (_sums_in_words, "SHA256SUMS cannot be read: line 1 must be a SHA-256 and a name"),
]
THROUGH_BOTH_DOORS = [
    (_truncated, "cannot be read"),
    (_other_images, "not those of uoft-cs/cifar10"),
    (_one_pixel, "not those of uoft-cs/cifar10"),
    (_another_label, "not those of uoft-cs/cifar10"),
    (_label_plus_256, ""),
    (_label_missing, ""),
    (_label_in_words, ""),
    (_a_row_less, "23 rows in train, uoft-cs/cifar10 has 24"),
    (_broken_image, ""),
    (_empty_image, ""),
    (_missing_image, ""),
    (_huge_image, "(9000, 9000) pixels, expected (32, 32)"),
    (_small_image, "(16, 16) pixels, expected (32, 32)"),
    (_other_columns, ""),
    (_no_parquet, ""),
]


@pytest.mark.parametrize(("damage", "message"), IN_A_FOLDER + THROUGH_BOTH_DOORS)
def test_a_bad_file_of_a_folder_is_an_error_that_names_it(published, damage, message):
    damage(published)
    with pytest.raises(pnn.DataError) as error:
        published.load()
    assert message in str(error.value)
    if (damage, message) in THROUGH_BOTH_DOORS:
        assert str(published.path(SHARDS["train"][0])) in str(error.value)
    assert not published.cache.exists()


@pytest.mark.parametrize("damage", [damage for damage, _ in THROUGH_BOTH_DOORS])
def test_bad_rows_from_the_hub_are_an_error_that_names_the_repository(published, damage):
    damage(published)
    with pytest.raises(pnn.DataError, match=re.escape(str(published.root / "cifar10"))):
        published.load("hub")


# --- the cache -----------------------------------------------------------------------------------------------------


@pytest.fixture
def cached(published) -> Path:
    published.load()
    (path,) = published.cache.iterdir()
    return path


def test_the_second_start_does_not_decode(published, cached, monkeypatch):
    monkeypatch.setattr(sources, "_read_folder", never)
    published.check(published.load())


def _flip_at(tensor: str, byte: int):
    def flip(path):
        content = bytearray(path.read_bytes())
        length = int.from_bytes(content[:8], "little")
        start = json.loads(content[8 : 8 + length])[tensor]["data_offsets"][0]
        content[8 + length + start + byte] ^= 1
        path.write_bytes(content)

    return flip


def _cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def _emptied(path):
    path.write_bytes(b"")


def _of_others(path):
    safetensors.torch.save_file({"weight": torch.zeros(2)}, path)


def _of_another(**kinds):
    """The same bytes under another type or shape, which the SHA-256 of the bytes does not tell."""

    def rewrite(path):
        tensors = safetensors.torch.load_file(path)
        for name, change in kinds.items():
            tensors[name.replace("_", ".")] = change(tensors[name.replace("_", ".")])
        safetensors.torch.save_file(tensors, path)

    return rewrite


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_of_another(train_x=lambda x: x.view(torch.int8)), id="signed"),
        pytest.param(_of_another(train_x=lambda x: x.flatten(1)), id="flat"),
        pytest.param(_of_another(test_x=lambda x: x.transpose(1, 3).contiguous().view(x.shape)), id="turned"),
        pytest.param(_of_another(train_x=lambda x: x.view(12, 6, 32, 32)), id="of two"),
        pytest.param(_of_another(test_y=lambda y: y.int()), id="labels of another type"),
        pytest.param(_of_another(test_y=lambda y: y[:, None]), id="labels of another shape"),
        pytest.param(_flip_at("train.x", 1000), id="pixel"),
        pytest.param(_flip_at("test.x", 0), id="test pixel"),
        pytest.param(_flip_at("train.y", 8), id="label, lowest byte"),
        pytest.param(_flip_at("train.y", 9), id="label, second byte"),
        pytest.param(_flip_at("test.y", 7), id="label, highest byte"),
        _cut,
        _emptied,
        _of_others,
    ],
)
def test_a_damaged_cache_is_noticed_and_made_again(published, cached, damage):
    whole = cached.read_bytes()
    damage(cached)
    with pytest.warns(UserWarning, match=rf"the cache {re.escape(str(cached))} is damaged and made again"):
        published.check(published.load())
    assert cached.read_bytes() == whole
    assert [cached] == list(published.cache.iterdir())


def test_a_cache_that_cannot_be_opened_costs_a_warning(published, cached):
    cached.unlink()
    cached.mkdir()
    with pytest.warns(UserWarning, match=re.escape(str(cached.parent))):
        published.check(published.load())


def test_a_cache_folder_that_cannot_be_made_costs_a_warning(published):
    published.cache.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match=r"could not be kept in .*cache .* Set PNN_CACHE"):
        published.check(published.load())


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), safetensors.SafetensorError("I/O error")])
def test_a_full_disk_costs_a_warning_and_leaves_nothing(published, monkeypatch, error):
    def half(_, path, *__):
        Path(path).write_bytes(b"half a")
        raise error

    monkeypatch.setattr(system_tensors, "save_file", half)
    with pytest.warns(UserWarning, match="could not be kept"):
        published.check(published.load())
    assert list(published.cache.iterdir()) == []


def test_a_shared_cache_can_be_read_by_others(published):
    before = os.umask(0o022)
    try:
        published.load()
    finally:
        os.umask(before)
    (path,) = published.cache.iterdir()
    assert oct(path.stat().st_mode & 0o777) == "0o644"


def test_the_cache_may_be_named_from_home(published, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PNN_CACHE", "~/cache")
    monkeypatch.chdir(tmp_path)
    published.load()
    assert len(list((tmp_path / "home" / "cache").iterdir())) == 1


FILL = """
import dataclasses, hashlib, json, sys, time
from pathlib import Path
import pnn
from pnn.system import tensors as system_tensors
from pnn.tasks import sources

root, meeting, changes = sys.argv[1:]
read = sources._read_folder

def read_and_wait(*arguments):
    tensors = read(*arguments)
    Path(meeting, "other").touch()
    while not Path(meeting, "this").exists():
        time.sleep(0.001)
    return tensors

sources._read_folder = read_and_wait
source = dataclasses.replace(pnn.CIFAR10.source, **json.loads(changes))
_, tensors = sources.load_source(source, root)
print(*(hashlib.sha256(tensors[f"{name}.x"].numpy().tobytes()).hexdigest() for name in ("train", "test")))
"""


def test_two_processes_may_fill_the_cache_at_once(published, tmp_path, monkeypatch):
    """Neither writes before both have found the cache empty."""
    source, read = pnn.CIFAR10.source, sources._read_folder
    changes = json.dumps({"rows": source.rows, "sha256": source.sha256})
    command = [sys.executable, "-c", FILL, str(published.root), str(tmp_path), changes]

    def read_and_wait(*arguments):
        tensors = read(*arguments)
        (tmp_path / "this").touch()
        while not (tmp_path / "other").exists():
            assert other.poll() is None, "the other process ended before it had read"
            time.sleep(0.001)
        return tensors

    monkeypatch.setattr(sources, "_read_folder", read_and_wait)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            published.check(published.load())
            printed = other.communicate(timeout=120)[0]
        finally:
            other.kill()
    assert printed.split() == [hashlib.sha256(published.x[name].tobytes()).hexdigest() for name in ("train", "test")]
    assert [path.suffix for path in published.cache.iterdir()] == [".safetensors"]
    monkeypatch.setattr(sources, "_read_folder", never)
    published.check(published.load())


# --- the real data -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif("PNN_DATA" not in os.environ, reason="PNN_DATA names no folder with the real data")
def test_the_real_cifar10_loads_and_the_next_start_does_not_decode(tmp_path, monkeypatch):
    monkeypatch.setenv("PNN_CACHE", str(tmp_path))
    first = pnn.CIFAR10().load()
    assert first.origin == "folder"
    assert first.train.x.shape == (45_000, 3, 32, 32)
    labels = torch.cat([first.train.y, first.validation.y])
    assert labels.bincount().tolist() == [5000] * 10
    assert first.test.y.bincount().tolist() == [1000] * 10
    known = {"mean": [0.4914, 0.4822, 0.4465], "std": [0.2470, 0.2435, 0.2616]}  # of all 50,000, by the literature
    for name, values in known.items():
        torch.testing.assert_close(getattr(first, name), torch.tensor(values), rtol=0, atol=1e-3)

    monkeypatch.setattr(sources, "_read_folder", never)
    with warnings.catch_warnings(action="error"):
        again = pnn.CIFAR10().load()
    assert again.fingerprint == first.fingerprint
    assert torch.equal(again.train.x, first.train.x)
    assert torch.equal(again.test.y, first.test.y)
