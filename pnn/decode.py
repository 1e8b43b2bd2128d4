"""From the rows of a parquet file to tensors: images and tables. Text is in `pnn.text`."""

import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from .sources import Source, Split, join, labels

if TYPE_CHECKING:
    import pyarrow

TEST_SHARE = 0.2  # of a table that is published without a split


def images(source: Source, table: "pyarrow.Table") -> Split:
    """Encoded images and class numbers -> uint8 NCHW."""
    from PIL import Image

    image, label = source.columns
    encoded = [row["bytes"] for row in table[image].to_pylist()]
    mode = "RGB" if source.shape[0] == 3 else "L"
    out = np.empty((len(encoded), *source.shape), np.uint8)

    def one(i: int) -> None:
        with Image.open(io.BytesIO(encoded[i])) as opened:
            pixels = np.atleast_3d(np.asarray(opened.convert(mode))).transpose(2, 0, 1)
        if pixels.shape != source.shape:
            raise ValueError(f"image {i} has the shape {pixels.shape}, expected {source.shape}")
        out[i] = pixels

    with ThreadPoolExecutor() as pool:
        for _ in pool.map(one, range(len(encoded)), chunksize=256):
            pass
    return Split(torch.from_numpy(out), labels(table[label].to_pylist(), source.classes))


def columns(source: Source, table: "pyarrow.Table") -> Split:
    """A list of numbers and a class number in each row -> float32. Rows with a missing value are left out, aloud."""
    inputs, label = source.columns
    x = np.array(table[inputs].to_pylist(), np.float32)
    if x.shape[1:] != source.shape:
        raise ValueError(f"rows have the shape {x.shape[1:]}, expected {source.shape}")
    y = labels(table[label].to_pylist(), source.classes)
    whole = np.isfinite(x).all(1)
    if not whole.all():
        warnings.warn(f"{source.title}: {(~whole).sum()} rows with a missing value are left out", stacklevel=2)
    return Split(torch.from_numpy(x[whole]), y[torch.from_numpy(whole)])


def join_and_split(source: Source, splits: dict[str, list[Split]], companions: dict[str, Path]) -> dict[str, Tensor]:
    """A table that is published without a split: a fixed fifth of the rows is the test set."""
    every = join(source, splits, companions)
    x, y = every["train.x"], every["train.y"]
    # RandomState's streams are frozen: this is the same permutation on every machine and version
    order = torch.from_numpy(np.random.RandomState(0).permutation(len(y)))
    cut = round(len(y) * (1 - TEST_SHARE))
    train, test = order[:cut].sort().values, order[cut:].sort().values
    return {"train.x": x[train], "train.y": y[train], "test.x": x[test], "test.y": y[test]}
