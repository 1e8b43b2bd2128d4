"""Where published data sets come from: a folder, the hub, or an embedded stand-in; a manifest and a cache.

A folder holds parquet files in the hub's own schema. What is decoded is compared with the published content by
SHA-256, whichever door it came through, and kept in a cache (``PNN_CACHE``, by default ``~/.cache/pnn``).
"""

import hashlib
import io
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .checkpoint import write_atomically


class DataError(Exception):
    """Data that is missing, unreadable or not what it should be; the message says which file and what to do."""


@dataclass(frozen=True)
class Split:
    """Rows on one device."""

    x: Tensor  # uint8, (N, C, H, W)
    y: Tensor  # int64, (N,)

    def __len__(self) -> int:
        return len(self.y)

    def to(self, device: torch.device | str) -> "Split":
        return Split(self.x.to(device), self.y.to(device))


@dataclass(frozen=True)
class Source:
    """Where a data set of images lives, and what it must contain."""

    folder: str  # name below PNN_DATA; holds train-*.parquet and test-*.parquet in the hub's schema
    hub: str
    revision: str  # commit on the hub
    image: str  # column names
    label: str
    shape: tuple[int, int, int]  # C, H, W
    classes: int
    rows: dict[str, int]
    sha256: dict[str, str]  # of each split's decoded uint8 pixels (NCHW), then its uint8 labels


SOURCES = {
    "cifar10": Source(
        folder="cifar10",
        hub="uoft-cs/cifar10",
        revision="0b2714987fa478483af9968de7c934580d0bb9a2",
        image="img",
        label="label",
        shape=(3, 32, 32),
        classes=10,
        rows={"train": 50_000, "test": 10_000},
        sha256={
            "train": "9d5c2eddadb0deff02c14c350c0385aab7b1d5ff1edfeb4997c8dc8644960111"
            " 2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
            "test": "177777c33ba79825320efa646ad04a94bdc3c80e4ebe3bd21724f8cdfd4b9d56"
            " cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
        },
    ),
}


# --- the doors -------------------------------------------------------------------------------------------------------


def digits(shape: tuple[int, int, int]) -> dict[str, Split]:
    """scikit-learn's 1,797 real 8x8 digits, enlarged to the shape by repetition; the last fifth is the test set."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    channels, height, width = shape
    pixels = torch.from_numpy(x * (255 / 16)).round().to(torch.uint8).view(-1, 1, 8, 8)
    pixels = pixels.repeat_interleave(height // 8, 2).repeat_interleave(width // 8, 3).repeat(1, channels, 1, 1)
    labels = torch.from_numpy(y).long()
    cut = len(labels) * 4 // 5
    return {"train": Split(pixels[:cut], labels[:cut]), "test": Split(pixels[cut:], labels[cut:])}


def load_images(source: Source, folder: str | Path | None) -> tuple[str, dict[str, Split]]:
    folder = folder or os.environ.get("PNN_DATA")
    if not folder:
        return "hub", _through_cache(source, lambda: _read_hub(source, source.hub, source.revision))
    root = Path(folder).expanduser()
    files = _check_folder(root, source)
    return "folder", _through_cache(source, lambda: _read_folder(source, files))


def _check_folder(root: Path, source: Source) -> dict[str, list[Path]]:
    """The parquet files of each split, their SHA-256 compared with the folder's own SHA256SUMS where it has one."""
    place = root / source.folder
    files = {split: sorted(place.glob(f"{split}-*.parquet")) for split in ("train", "test")}
    for split, found in files.items():
        if not found:
            raise DataError(
                f"no file {place}/{split}-*.parquet. The data folder (PNN_DATA or the argument) must hold "
                f"{source.folder}/ with the parquet files of {source.hub}; without a data folder they come from the hub"
            )
    sums = root / "SHA256SUMS"
    if sums.is_file():
        published = {}
        for line in sums.read_text().splitlines():
            digest, _, name = line.strip().partition(" ")
            published[name.strip().removeprefix("*").removeprefix("./")] = digest
        every = [path for found in files.values() for path in found]
        with ThreadPoolExecutor() as pool:
            digests = list(pool.map(_sha256_of_file, every))
        for path, digest in zip(every, digests, strict=True):
            expected = published.get(path.relative_to(root).as_posix())
            if expected is not None and digest != expected:
                raise DataError(
                    f"{path} is damaged: its SHA-256 is {digest}, {sums} has {expected}. Fetch the file again"
                )
    return files


def _read_folder(source: Source, files: dict[str, list[Path]]) -> dict[str, Split]:
    import pyarrow.parquet

    splits = {}
    for split, paths in files.items():
        images, labels = [], []
        for path in paths:
            try:
                table = pyarrow.parquet.read_table(path, columns=[source.image, source.label])
                encoded = [row["bytes"] for row in table[source.image].to_pylist()]
                images.append(_decode(encoded, source.shape))
                labels.append(_labels(table[source.label].to_pylist(), source.classes))
            except Exception as error:  # pyarrow's, Pillow's and torch's have no common kind
                raise DataError(f"{path} cannot be read: {error}. Fetch the file again") from error
        splits[split] = Split(torch.cat(images), torch.cat(labels))
        _check_split(source, split, splits[split], " ".join(map(str, paths)))
    return splits


def _read_hub(source: Source, repository: str, revision: str | None) -> dict[str, Split]:
    """Read from the hub; `repository` may also be a local folder of the same layout."""
    import datasets

    splits = {}
    for split in ("train", "test"):
        try:
            rows = datasets.load_dataset(repository, revision=revision, split=split)
        except Exception as error:
            raise DataError(
                f"{repository} could not be read from the hub: {type(error).__name__}: {error}. Without a network, "
                f"set PNN_DATA to a folder that holds {source.folder}/train-*.parquet and test-*.parquet, or ask for "
                'size="smoke", which uses an embedded stand-in'
            ) from error
        try:
            rows = rows.cast_column(source.image, datasets.Image(decode=False))
            pixels = _decode([row["bytes"] for row in rows[source.image]], source.shape)
            splits[split] = Split(pixels, _labels(list(rows[source.label]), source.classes))
        except Exception as error:
            raise DataError(f"split {split} of {repository} cannot be read: {error}") from error
        _check_split(source, split, splits[split], f"split {split} of {repository}")
    return splits


def _decode(encoded: list[bytes], shape: tuple[int, int, int]) -> Tensor:
    from PIL import Image

    mode = "RGB" if shape[0] == 3 else "L"
    out = np.empty((len(encoded), *shape), np.uint8)

    def one(i: int) -> None:
        with Image.open(io.BytesIO(encoded[i])) as image:
            pixels = np.atleast_3d(np.asarray(image.convert(mode))).transpose(2, 0, 1)
        if pixels.shape != shape:
            raise ValueError(f"image {i} has the shape {pixels.shape}, expected {shape}")
        out[i] = pixels

    with ThreadPoolExecutor() as pool:
        for _ in pool.map(one, range(len(encoded)), chunksize=256):
            pass
    return torch.from_numpy(out)


def _labels(values: list[int], classes: int) -> Tensor:
    labels = torch.tensor(values)
    if labels.dtype != torch.int64 or not ((labels >= 0) & (labels < classes)).all():
        raise ValueError(f"a label is not a whole number from 0 to {classes - 1}")
    return labels


# --- the manifest and the cache --------------------------------------------------------------------------------------


def _sha256_of_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_split(split: Split) -> str:
    pixels = hashlib.sha256(split.x.contiguous().numpy().data).hexdigest()
    return f"{pixels} {hashlib.sha256(split.y.to(torch.uint8).numpy().data).hexdigest()}"


def _check_split(source: Source, split: str, rows: Split, where: str) -> None:
    if len(rows) != source.rows[split]:
        raise DataError(f"{where}: {len(rows)} rows, {source.hub} has {source.rows[split]}")
    if rows.y.dtype != torch.int64 or not ((rows.y >= 0) & (rows.y < source.classes)).all():
        raise DataError(f"{where}: a label is not a whole number from 0 to {source.classes - 1}")
    if (found := sha256_of_split(rows)) != source.sha256[split]:
        raise DataError(
            f"{where}: the decoded pixels and labels are not those of {source.hub}: "
            f"SHA-256 {found}, expected {source.sha256[split]}"
        )


def _through_cache(source: Source, read: Callable[[], dict[str, Split]]) -> dict[str, Split]:
    """The decoded splits from the cache, filled by `read` where it is empty or damaged.

    The file is named by its content and put in place by one rename: any number of processes may fill it at once.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    folder = Path(os.environ.get("PNN_CACHE") or "~/.cache/pnn").expanduser()
    key = hashlib.sha256("".join(source.sha256.values()).encode()).hexdigest()[:16]
    path = folder / f"{source.folder}-{key}.safetensors"
    if path.exists():
        try:
            tensors = load_file(path)
            splits = {s: Split(tensors[f"{s}.x"], tensors[f"{s}.y"]) for s in ("train", "test")}
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda s: _check_split(source, s, splits[s], str(path)), splits))
            return splits
        except (OSError, SafetensorError, KeyError, DataError) as error:
            warnings.warn(f"the cache {path} is damaged and made again: {error}", stacklevel=2)
    splits = read()
    try:
        tensors = {f"{s}.{k}": getattr(rows, k) for s, rows in splits.items() for k in "xy"}
        write_atomically(path, lambda part: save_file(tensors, part))
    except (OSError, SafetensorError) as error:
        warnings.warn(
            f"the decoded images could not be kept in {folder} ({error}); every start will decode them again. "
            "Set PNN_CACHE to a folder with 200 MB of space",
            stacklevel=2,
        )
    return splits
