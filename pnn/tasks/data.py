"""A task's rows in memory: their form, their splits, and what normalises them."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

TEST_SHARE = 0.2  # This share of rows that come without a test set becomes one.


class DataError(Exception):
    """Data that is missing, unreadable or not what it should be; the message says which file and what to do."""


@dataclass(frozen=True)
class Form:
    """What a network must know of a task's rows."""

    # of one row: (C, H, W) of an image, (columns,) of a table, (tokens,) of a text, (C, L) of signals over time
    shape: tuple[int, ...]
    classes: int  # 0 if a number is to be learnt
    vocabulary: int = 0  # number of tokens, if a row is text

    @property
    def outputs(self) -> int:
        """How many outputs a network needs, one of two classes (the second one's logit) and of a number."""
        return 1 if self.classes <= 2 else self.classes


@dataclass(frozen=True)
class Split:
    """Rows on one device."""

    x: Tensor  # (N, ...): uint8 images NCHW, int32 tokens, float32 columns or signals NCL
    y: Tensor  # (N,): int64 classes, or float32 numbers, standardised

    def __len__(self) -> int:
        return len(self.y)

    def to(self, device: torch.device | str) -> "Split":
        """The same rows on a device."""
        return Split(self.x.to(device), self.y.to(device))


@dataclass(frozen=True)
class Data:
    """A task's rows, split, on one device."""

    train: Split
    validation: Split  # carved from the published training rows
    test: Split
    form: Form
    mean: Tensor | None  # of the training rows, by channel (on the scale 0..1) or column; None for text
    std: Tensor | None
    origin: str  # "folder", "hub" or "stand-in"
    fingerprint: str  # SHA-256 of all rows and labels
    vectors: Tensor | None = None  # (vocabulary, dimensions) published vectors of the tokens, if the task has some
    clip: float = 0.0  # normalised numbers are cut off at plus and minus this; 0: they are not

    def normalise(self, x: Tensor) -> Tensor:
        """Rows as a network takes them: each channel or column with the training rows' mean 0 and deviation 1."""
        if self.mean is None:
            return x
        if x.dtype == torch.uint8:
            x = x / 255
        by_channel = (-1,) + (1,) * (x.dim() - 2)
        x = (x - self.mean.view(by_channel)) / self.std.view(by_channel)
        return x.clamp(-self.clip, self.clip) if self.clip else x

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def to(self, device: torch.device | str) -> "Data":
        """The same rows on a device."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        moved = {name: v.to(device) for name, v in values.items() if isinstance(v, (Split, Tensor))}
        return dataclasses.replace(self, **moved)


def carve(
    train: Split,
    test: Split,
    *,
    form: Form,
    validation: int,
    origin: str,
    fingerprint: str,
    train_rows: int = 0,
    vectors: Tensor | None = None,
    groups: Tensor | None = None,
    what: str = "the task",
) -> Data:
    """Rows with validation rows carved from the training rows: a fixed permutation's, for every seed and machine.

    Rows that belong together, such as those of one person, are carved together: then there may be some more.

    Args:
        train: the training rows.
        test: the test rows.
        form: what a network must know of them.
        validation: how many training rows become validation rows.
        origin: where the rows came from, for Records.
        fingerprint: what tells these rows from others, for Records.
        train_rows: how many of the others remain training rows, drawn by the same permutation; 0 is all of them.
        vectors: of the tokens, if the task has some.
        groups: the number of each training row's group, if rows belong together.
        what: the task, as errors name it.

    Raises:
        DataError: there are not enough training rows.
    """
    if not 0 < validation < len(train):
        raise DataError(f"{what} has {len(train)} training rows; {validation} of them cannot be validation rows")
    if groups is None:
        order = _permuted(len(train), 0)
    else:
        order, validation = _by_groups(groups, np.random.RandomState(0), validation)
        if validation == len(train):
            raise DataError(f"{what} has too few groups of training rows to set some aside for validation")
    if train_rows > len(order) - validation:
        raise DataError(
            f"{what} has {len(order) - validation} training rows beside the validation rows, not {train_rows}"
        )
    last = validation + train_rows if train_rows else len(order)
    carved, kept = order[:validation].sort().values, order[validation:last].sort().values
    rest = Split(train.x[kept], train.y[kept])
    mean, std = _statistics(rest.x)
    carved = Split(train.x[carved], train.y[carved])
    return Data(rest, carved, test, form, mean, std, origin, fingerprint, vectors)


def _by_groups(groups: Tensor, random: np.random.RandomState, least: int) -> tuple[Tensor, int]:
    """The rows, group after group in a random order, and how many the first groups have that have so many at least."""
    names, sizes = groups.unique(return_counts=True)
    turn = torch.from_numpy(random.permutation(len(names)))
    order = torch.cat([(groups == name).nonzero().flatten() for name in names[turn]])
    ends = sizes[turn].cumsum(0)
    return order, int(ends[(ends >= least).nonzero()[0]])


def drawn(rows: int, some: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """The numbers of some of so many rows, and those of the others: always the same ones, in order."""
    order = _permuted(rows, seed)
    return order[:some].sort().values, order[some:].sort().values


def _permuted(rows: int, seed: int) -> Tensor:
    # RandomState's streams are frozen: this is the same permutation on every machine and version.
    return torch.from_numpy(np.random.RandomState(seed).permutation(rows))


def set_aside(x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """Rows that come without a test set, as train.x, train.y, test.x and test.y: a fixed fifth is the test set."""
    train, test = drawn(len(y), round(len(y) * (1 - TEST_SHARE)))
    return {"train.x": x[train], "train.y": y[train], "test.x": x[test], "test.y": y[test]}


def _statistics(x: Tensor) -> tuple[Tensor, Tensor] | tuple[None, None]:
    if x.dtype == torch.uint8:
        return _channel_statistics(x)
    if x.is_floating_point():  # A column that does not vary stays at 0. The channels of signals are columns.
        x = x.double() if x.dim() == 2 else x.double().transpose(1, -1).flatten(0, -2)
        std = x.std(0, correction=0).float()
        return x.mean(0).float(), torch.where(std > 0, std, 1.0)
    return None, None


def _channel_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Exact mean and deviation by channel of uint8 images on the scale 0..1, by counting the 256 values."""
    counts = torch.stack([torch.bincount(x[:, c].flatten(), minlength=256) for c in range(x.shape[1])]).double()
    values = torch.arange(256, dtype=torch.float64) / 255
    share = counts / counts.sum(1, keepdim=True)
    mean = share @ values
    return mean.float(), (share @ values**2 - mean**2).sqrt().float()
