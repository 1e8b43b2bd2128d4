"""Tasks' data: load, split, keep on the device, batch, augment.

A task's rows come from, in this order: a folder (an argument, or the environment's ``PNN_DATA``), the Hugging Face
hub, or an embedded stand-in, the last only when asked for by name. The one that was used is in `Data.door`.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from . import standins
from .manifest import SOURCES
from .sources import DataError, Split, load_source, sums


@dataclass(frozen=True)
class Form:
    """What a network must know of a task's rows."""

    shape: tuple[int, ...]  # of one row: (C, H, W) of an image, (columns,) of a table, (tokens,) of a text
    classes: int
    vocabulary: int = 0  # number of tokens, if a row is text


DIGITS = Form((1, 8, 8), 10)


@dataclass(frozen=True)
class Data:
    """A task's rows, split, on one device."""

    train: Split
    validation: Split  # carved from the published training rows
    test: Split
    form: Form
    mean: Tensor | None  # of the training rows, by channel (on the scale 0..1) or column; None for text
    std: Tensor | None
    door: str  # "folder", "hub" or "stand-in"
    fingerprint: str  # SHA-256 of all rows and labels
    vectors: Tensor | None = None  # (vocabulary, dimensions) published vectors of the tokens, if the task has some

    def normalise(self, x: Tensor) -> Tensor:
        """Rows as a network takes them: each channel or column with the training rows' mean 0 and deviation 1."""
        if self.mean is None:
            return x
        if x.dtype == torch.uint8:
            x = x / 255
        by_channel = (-1,) + (1,) * (x.dim() - 2)
        return (x - self.mean.view(by_channel)) / self.std.view(by_channel)


def form_of(name: str) -> Form:
    """The form of a task's rows, known without loading them."""
    if name == "digits":
        return DIGITS
    return Form(SOURCES[name].shape, SOURCES[name].classes, SOURCES[name].vocabulary)


def load(
    name: str, validation: int, *, rows: str = "real", folder: str | Path | None = None, device: str = "cpu"
) -> Data:
    """Load a data set and carve validation rows from its training rows.

    The rows of the validation split are a fixed permutation's, the same for every seed and machine.

    Args:
        name: of a data set, or ``"digits"``.
        validation: how many training rows become validation rows.
        rows: ``"real"``; ``"subset"``, where there is one; or ``"stand-in"``, embedded rows in the task's own shape.
        folder: holds a folder a data set; by default the environment's ``PNN_DATA``.
        device: where the tensors are to live.

    Raises:
        DataError: nothing to load from, or a file that is unreadable or not the published one.
    """
    if name != "digits" and name not in SOURCES:
        raise DataError(f"there is no data set {name!r}; there are 'digits', {', '.join(map(repr, SOURCES))}")
    extra: dict[str, Tensor] = {}
    if name == "digits" or rows == "stand-in":
        door, splits = "stand-in", standins.digits(DIGITS.shape) if name == "digits" else standins.of(SOURCES[name])
        digests = sums({f"{split}.{k}": getattr(part, k) for split, part in splits.items() for k in "xy"})
    else:
        if rows == "subset" and f"{name}-subset" not in SOURCES:
            raise DataError(f"there is no subset of {name!r}")
        source = SOURCES[f"{name}-subset" if rows == "subset" else name]
        door, extra = load_source(source, folder)
        splits = {split: Split(extra.pop(f"{split}.x"), extra.pop(f"{split}.y")) for split in ("train", "test")}
        digests = source.sha256 or sums({f"{s}.{k}": getattr(part, k) for s, part in splits.items() for k in "xy"})
    train, test = splits["train"], splits["test"]
    fingerprint = hashlib.sha256(" ".join(digests.values()).encode()).hexdigest()
    if not 0 < validation < len(train):
        raise DataError(f"{name} has {len(train)} training rows; {validation} of them cannot be validation rows")
    # RandomState's streams are frozen: this is the same permutation on every machine and version
    order = torch.from_numpy(np.random.RandomState(0).permutation(len(train)))
    carved, kept = order[:validation].sort().values, order[validation:].sort().values
    validation_split = Split(train.x[carved], train.y[carved])
    train = Split(train.x[kept], train.y[kept])
    mean, std = _statistics(train.x)
    vectors = standins.vectors(SOURCES[name].vocabulary) if name == "boolq-words" and door == "stand-in" else None
    vectors = extra.get("vectors", vectors)
    return Data(
        train.to(device),
        validation_split.to(device),
        test.to(device),
        form_of(name),
        None if mean is None else mean.to(device),
        None if std is None else std.to(device),
        door,
        fingerprint,
        None if vectors is None else vectors.to(device),
    )


def _statistics(x: Tensor) -> tuple[Tensor, Tensor] | tuple[None, None]:
    if x.dtype == torch.uint8:
        return _channel_statistics(x)
    if x.is_floating_point():  # a column that does not vary stays at 0
        std = x.double().std(0, correction=0).float()
        return x.double().mean(0).float(), torch.where(std > 0, std, 1.0)
    return None, None


def _channel_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation by channel of uint8 images on the scale 0..1, exact: from the counts of the 256 values."""
    counts = torch.stack([torch.bincount(x[:, c].flatten(), minlength=256) for c in range(x.shape[1])]).double()
    values = torch.arange(256, dtype=torch.float64) / 255
    share = counts / counts.sum(1, keepdim=True)
    mean = share @ values
    return mean.float(), (share @ values**2 - mean**2).sqrt().float()


PAD = 4  # pixels of black around an image from which a crop of the original size is taken


@dataclass(frozen=True)
class Epoch:
    """Everything random about one pass over the training rows: a pure function of seed and epoch."""

    order: Tensor  # (N,) row numbers
    shift: Tensor | None  # (N, 2) offsets of the crop, 0 .. 2 * PAD
    flip: Tensor | None  # (N,) mirror left to right?


def draw_epoch(rows: int, seed: int, epoch: int, augment: bool, device: torch.device | str) -> Epoch:
    """Draw the order of the rows and, with ``augment``, each row's crop and flip.

    Drawn on the CPU, so that every device sees the same stream; it does not depend on what ran before, so that a
    continued run needs no state.
    """
    generator = torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(f"{seed}/{epoch}".encode()).digest()[:7]))
    order = torch.randperm(rows, generator=generator)
    if not augment:
        return Epoch(order.to(device), None, None)
    shift = torch.randint(0, 2 * PAD + 1, (rows, 2), generator=generator)
    flip = torch.rand(rows, generator=generator) < 0.5
    return Epoch(order.to(device), shift.to(device), flip.to(device))


def take_batch(split: Split, epoch: Epoch, start: int, size: int) -> tuple[Tensor, Tensor]:
    """Rows ``start .. start + size`` of an epoch, cropped and flipped if it says so: uint8 images and labels."""
    rows = epoch.order[start : start + size]
    x, y = split.x[rows], split.y[rows]
    if epoch.shift is None:
        return x, y
    shift, flip = epoch.shift[start : start + size], epoch.flip[start : start + size]
    return crop_and_flip(x, shift, flip), y


def crop_and_flip(x: Tensor, shift: Tensor, flip: Tensor) -> Tensor:
    """Pad each image by `PAD` black pixels, cut the original size at its own offset, mirror where told to."""
    n, channels, height, width = x.shape
    rows = shift[:, 0, None] + torch.arange(height, device=x.device)
    columns = torch.arange(width, device=x.device).expand(n, -1)
    columns = shift[:, 1, None] + torch.where(flip[:, None], columns.flip(1), columns)
    padded = F.pad(x, (PAD,) * 4)
    image = torch.arange(n, device=x.device)[:, None, None, None]
    channel = torch.arange(channels, device=x.device)[:, None, None]
    return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]
