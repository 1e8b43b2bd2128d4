"""scikit-learn's handwritten digits: real rows that every installation has."""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from ..system.choice import check_at_least, check_types
from ..system.extras import needs
from .data import Data, Form, Split, carve
from .digests import sums
from .task import TaskBase


@dataclass(frozen=True)
class Digits(TaskBase):
    """1,797 images of 8x8 pixels, of ten classes; the last fifth is the test set."""

    validation: int = 200  # how many rows are carved from the training rows
    name: ClassVar[str] = "digits"
    form: ClassVar[Form] = Form((1, 8, 8), 10)  # type: ignore[misc]

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "validation")

    @property
    def title(self) -> str:
        """As a page names its rows."""
        return "scikit-learn's digits"

    def load(self, folder: str | Path | None = None, device: str = "cpu") -> Data:
        """The rows; no folder is needed. See :meth:`~pnn.tasks.task.TaskBase.load`."""
        tensors = digits(self.form.shape)
        return carve(
            Split(tensors["train.x"], tensors["train.y"]),
            Split(tensors["test.x"], tensors["test.y"]),
            form=self.form,
            validation=self.validation,
            origin="stand-in",
            fingerprint=hashlib.sha256(" ".join(sums(tensors).values()).encode()).hexdigest(),
            what=self.name,
        ).to(device)

    def stand_in(self) -> "Digits":
        """See :meth:`~pnn.tasks.task.TaskBase.stand_in`."""
        return dataclasses.replace(self, validation=1)


def digits(shape: tuple[int, ...]) -> dict[str, Tensor]:
    """The digits, enlarged to a shape by repetition and a black frame; they are also the stand-in for other images."""
    with needs("train", "the data set of digits"):
        from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    channels, height, width = shape
    pixels = torch.from_numpy(x * (255 / 16)).round().to(torch.uint8).view(-1, 1, 8, 8)
    pixels = pixels.repeat_interleave(height // 8, 2).repeat_interleave(width // 8, 3).repeat(1, channels, 1, 1)
    frame = [side for size in (width, height) for side in (size % 8 // 2, size % 8 - size % 8 // 2)]
    pixels = F.pad(pixels, frame)
    return cut(pixels, torch.from_numpy(y).long())


def cut(x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """Split embedded rows; the last fifth is the test set."""
    last = len(y) * 4 // 5
    return {"train.x": x[:last], "train.y": y[:last], "test.x": x[last:], "test.y": y[last:]}
