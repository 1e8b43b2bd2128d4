"""Anyone's own rows, from tensors or from a dataset of torch: for classes or for a number."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError
from torch import Tensor

from ..system.choice import RunError, check_at_least, check_types
from ..system.files import reason
from ..system.tensors import read_tensors, write_tensors
from .data import Data, DataError, Form, Split, carve, set_aside
from .sources import cache_folder

VALIDATION_SHARE = 0.1  # This share of the training rows becomes the validation rows.


@dataclass(frozen=True)
class OwnRows:
    """Rows that :func:`own_rows` put aside; the task names them by their fingerprint, and holds none.

    It says of itself what a :class:`pnn.tasks.task.TaskBase` does.
    """

    title: str  # as a page names the rows
    fingerprint: str  # SHA-256 of all rows and labels
    shape: tuple[int, ...]  # of one row
    classes: int  # 0 if a number is to be learnt
    train_rows: int  # including those for validation
    test_rows: int
    validation: int
    name: ClassVar[str] = "own"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "validation", "test_rows")
        check_at_least(self, 0, "classes")
        if not 0 < self.validation < self.train_rows:
            raise RunError(
                f"OwnRows.validation must be at least 1 and less than the {self.train_rows} training rows, "
                f"got {self.validation}"
            )

    @property
    def form(self) -> Form:
        """What a network must know of the rows."""
        return Form(self.shape, self.classes)

    def counts(self) -> dict[str, int]:
        """See :meth:`~pnn.tasks.task.TaskBase.counts`."""
        return {"train": self.train_rows, "test": self.test_rows}

    def load(self, folder: str | Path | None = None, device: str = "cpu") -> Data:
        """The rows from ``folder`` (or the environment's ``PNN_DATA``) if they lie there, else from the cache.

        See :meth:`~pnn.tasks.task.TaskBase.load`.
        """
        given = folder or os.environ.get("PNN_DATA")
        places = [*([Path(given).expanduser()] if given else []), cache_folder()]
        for place in places:
            path = place / file_name(self.fingerprint)
            if path.exists():
                return self._read(path, "folder" if place != cache_folder() else "cache").to(device)
        where = " or ".join(map(str, places))
        raise DataError(
            f"the rows of {self.title!r} ({file_name(self.fingerprint)}) are not in {where}: make the task "
            "again on this machine by pnn.own_rows, or copy the file there"
        )

    def stand_in(self) -> "OwnRows":
        """See :meth:`~pnn.tasks.task.TaskBase.stand_in`."""
        return self

    def _compare(self, tensors: dict[str, Tensor]) -> None:
        """Refuse rows that are not of the form that this task gives them."""
        y = torch.cat([tensors["train.y"], tensors["test.y"]])
        found = {
            "shape": tuple(tensors["train.x"].shape[1:]),
            "train_rows": len(tensors["train.y"]),
            "test_rows": len(tensors["test.y"]),
            "classes": 0 if y.is_floating_point() else int(y.max()) + 1,
        }
        for name, value in found.items():
            if value != getattr(self, name):
                raise ValueError(f"its rows have {name} {value}, this task says {getattr(self, name)}")

    def _read(self, path: Path, origin: str) -> Data:
        try:
            tensors, _ = read_tensors(path, digest=False)
            if fingerprint_of(tensors) != self.fingerprint:
                raise ValueError("its rows are other ones than its name says")
            self._compare(tensors)
        except (OSError, KeyError, ValueError) as error:
            raise DataError(
                f"{path} cannot be used: {reason(error, path)}. Delete it, and make the task again"
            ) from error
        y = {split: tensors[f"{split}.y"] for split in ("train", "test")}
        if not self.classes:
            known = y["train"].double()
            y = {split: ((own - known.mean()) / known.std(correction=0)).float() for split, own in y.items()}
        splits = {split: Split(tensors[f"{split}.x"], y[split]) for split in y}
        more = {"origin": origin, "fingerprint": self.fingerprint, "what": self.title}
        return carve(**splits, form=self.form, validation=self.validation, **more)


def own_rows(
    x: Any,
    y: Any = None,
    *,
    title: str,
    test: tuple[Any, Any] | None = None,
    validation: int = 0,
) -> OwnRows:
    """A task of your own rows.

    Whole-number ``y`` are classes, from 0; others are numbers to be learnt by the squared error, standardised by the
    training rows' mean and deviation, so that a loss of 1 is that of always saying the mean. The rows are kept in the
    cache (``PNN_CACHE``, by default ``~/.cache/pnn``), where other processes find them by their fingerprint.

    Args:
        x: ``(N, columns)`` numbers, or ``(N, channels, height, width)`` uint8 images, as a tensor or an array; or a
            dataset of torch whose items are pairs of x and y.
        y: ``(N,)`` classes or numbers; left out for a dataset.
        title: as a page names the rows.
        test: the test rows, given as x and y or as a pair of a dataset and None; by default a fixed fifth is set aside.
        validation: rows carved from the training rows; 0 is a tenth.

    Returns:
        The task, for :class:`pnn.Run`.

    Raises:
        DataError: shapes that do not agree, a value that is not finite, classes that do not begin at 0, too few rows.
    """
    train = _rows(x, y, "the rows")
    if test is None:
        parts = set_aside(*train)
        train, rest = ((parts[f"{split}.x"], parts[f"{split}.y"]) for split in ("train", "test"))
    else:
        rest = _rows(*test, "the test rows")
    if train[0].shape[1:] != rest[0].shape[1:] or train[0].dtype != rest[0].dtype:
        raise DataError(
            f"rows and test rows must be alike, got {train[0].dtype} of shape {tuple(train[0].shape[1:])} and "
            f"{rest[0].dtype} of shape {tuple(rest[0].shape[1:])}"
        )
    classes = _classes(train[1], rest[1])
    if not classes and train[1].double().std(correction=0) == 0:
        raise DataError("the numbers to be learnt are all equal among the training rows: there is nothing to learn")
    labels = [part[1].long() if classes else part[1].float() for part in (train, rest)]
    tensors = {"train.x": train[0], "train.y": labels[0], "test.x": rest[0], "test.y": labels[1]}
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    fingerprint = fingerprint_of(tensors)
    path = cache_folder() / file_name(fingerprint)
    if not path.exists():
        try:
            write_tensors(path, tensors)
        except (OSError, SafetensorError) as error:
            raise DataError(
                f"the rows could not be kept in {path}: {error}. Set PNN_CACHE to a folder with room for them"
            ) from error
    count = len(labels[0])
    return OwnRows(
        title=title,
        fingerprint=fingerprint,
        shape=tuple(train[0].shape[1:]),
        classes=classes,
        train_rows=count,
        test_rows=len(labels[1]),
        validation=validation or max(1, round(VALIDATION_SHARE * count)),
    )


def file_name(fingerprint: str) -> str:
    """The name of the file in which rows are kept."""
    return f"own-{fingerprint[:16]}.safetensors"


def fingerprint_of(tensors: dict[str, Tensor]) -> str:
    """SHA-256 of all rows and labels, their types and shapes."""
    kinds = [f"{name} {tensor.dtype} {tuple(tensor.shape)}" for name, tensor in sorted(tensors.items())]
    digests = [hashlib.sha256(tensor.numpy().tobytes()).hexdigest() for _, tensor in sorted(tensors.items())]
    return hashlib.sha256(" ".join(kinds + digests).encode()).hexdigest()


def _rows(x: Any, y: Any, what: str) -> tuple[Tensor, Tensor]:
    """The rows and labels as checked tensors."""
    if y is None:
        pairs = [x[i] for i in range(len(x))]
        x, y = (torch.stack([torch.as_tensor(pair[k]) for pair in pairs]) for k in (0, 1))
    x, y = torch.as_tensor(x).detach().cpu(), torch.as_tensor(y).detach().cpu()
    if x.dim() == 2 and x.dtype != torch.uint8:
        x = x.float()
    elif not (x.dim() == 4 and x.dtype == torch.uint8):
        raise DataError(
            f"x of {what} must be numbers of shape (N, columns) or uint8 images of shape (N, channels, height, width), "
            f"got {x.dtype} of shape {tuple(x.shape)}"
        )
    if y.shape != x.shape[:1]:
        raise DataError(f"y of {what} must have the shape {tuple(x.shape[:1])}, got {tuple(y.shape)}")
    for name, values in (("x", x), ("y", y)):
        if values.is_floating_point() and not values.isfinite().all():
            raise DataError(f"a value of {name} of {what} is not finite; leave such rows out or fill them in")
    return x, y


def _classes(train: Tensor, test: Tensor) -> int:
    """How many classes the labels are of; 0 if they are numbers."""
    if train.is_floating_point() or test.is_floating_point():
        return 0
    classes = int(train.max()) + 1
    if train.min() < 0 or test.min() < 0 or int(test.max()) >= classes or classes < 2:
        raise DataError(
            f"classes must be whole numbers from 0, all of them among the training rows; got {int(train.min())} to "
            f"{int(train.max())} there and {int(test.min())} to {int(test.max())} among the test rows. Numbers to be "
            "learnt must be floating-point"
        )
    return classes
