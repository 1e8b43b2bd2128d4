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

from .sources import SOURCES, DataError, Split, digits, load_images, sha256_of_split


@dataclass(frozen=True)
class Data:
    """A task's rows, split, on one device."""

    train: Split
    validation: Split  # carved from the published training rows
    test: Split
    classes: int
    mean: Tensor  # of the training rows, by channel, on the scale 0..1
    std: Tensor
    door: str  # "folder", "hub" or "stand-in"
    fingerprint: str  # SHA-256 of all pixels and labels

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        return tuple(self.train.x.shape[1:])

    def normalise(self, x: Tensor) -> Tensor:
        """uint8 pixels -> float, each channel with the training rows' mean 0 and deviation 1."""
        return ((x / 255) - self.mean.view(-1, 1, 1)) / self.std.view(-1, 1, 1)


def load(
    name: str, validation: int, *, stand_in: bool = False, folder: str | Path | None = None, device: str = "cpu"
) -> Data:
    """Load a data set and carve validation rows from its training rows.

    The rows of the validation split are a fixed permutation's, the same for every seed and machine.

    Args:
        name: ``"cifar10"`` or ``"digits"``.
        validation: how many training rows become validation rows.
        stand_in: use the embedded stand-in, scikit-learn's digits in the task's own shape.
        folder: holds a folder a data set; by default the environment's ``PNN_DATA``.
        device: where the tensors are to live.

    Raises:
        DataError: nothing to load from, or a file that is unreadable or not the published one.
    """
    if name != "digits" and name not in SOURCES:
        raise DataError(f"there is no data set {name!r}; there are 'digits', {', '.join(map(repr, SOURCES))}")
    if name == "digits" or stand_in:
        door, splits = "stand-in", digits((1, 8, 8) if name == "digits" else SOURCES[name].shape)
        sums = {split: sha256_of_split(rows) for split, rows in splits.items()}
    else:
        door, splits = load_images(SOURCES[name], folder)
        sums = SOURCES[name].sha256  # what came through a door has been compared with these
    train, test = splits["train"], splits["test"]
    fingerprint = hashlib.sha256(f"{sums['train']} {sums['test']}".encode()).hexdigest()
    if not 0 < validation < len(train):
        raise DataError(f"{name} has {len(train)} training rows; {validation} of them cannot be validation rows")
    # RandomState's streams are frozen: this is the same permutation on every machine and version
    order = torch.from_numpy(np.random.RandomState(0).permutation(len(train)))
    carved, kept = order[:validation].sort().values, order[validation:].sort().values
    validation_split = Split(train.x[carved], train.y[carved])
    train = Split(train.x[kept], train.y[kept])
    mean, std = _channel_statistics(train.x)
    return Data(
        train.to(device),
        validation_split.to(device),
        test.to(device),
        10 if name == "digits" else SOURCES[name].classes,
        mean.to(device),
        std.to(device),
        door,
        fingerprint,
    )


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
