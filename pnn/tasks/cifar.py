"""CIFAR-10 and CIFAR-100: colour images of 32x32 pixels."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from ..system.choice import RunError, added
from ..system.extras import needs
from .data import Form, Split
from .digits import digits
from .published import Published
from .sources import Source, join, labels

if TYPE_CHECKING:
    import pyarrow


def images(source: Source, table: "pyarrow.Table") -> Split:
    """Decode images to uint8 NCHW, with their class numbers."""
    with needs("train", "decoding images"):
        from PIL import Image

    image, label = source.columns
    encoded = [row["bytes"] for row in table[image].to_pylist()]
    mode = "RGB" if source.shape[0] == 3 else "L"
    out = np.empty((len(encoded), *source.shape), np.uint8)

    def one(i: int) -> None:
        with Image.open(io.BytesIO(encoded[i])) as opened:
            if opened.size != source.shape[:0:-1]:  # A small file may hold an image that no memory does.
                raise ValueError(f"image {i} has {opened.size} pixels, expected {source.shape[:0:-1]}")
            pixels = np.atleast_3d(np.asarray(opened.convert(mode))).transpose(2, 0, 1)
        out[i] = pixels

    with ThreadPoolExecutor() as pool:
        for _ in pool.map(one, range(len(encoded)), chunksize=256):
            pass
    return Split(torch.from_numpy(out), labels(table[label].to_pylist(), source.classes))


CIFAR = {"parts": {"train": ("train",), "test": ("test",)}, "decode": images, "combine": join}
CIFAR |= {"shape": (3, 32, 32), "rows": {"train": 50_000, "test": 10_000}}
CIFAR10_SOURCE = Source(
    title="CIFAR-10",
    folder="cifar10",
    hub="uoft-cs/cifar10",
    revision="0b2714987fa478483af9968de7c934580d0bb9a2",
    columns=("img", "label"),
    classes=10,
    sha256={
        "train": "9d5c2eddadb0deff02c14c350c0385aab7b1d5ff1edfeb4997c8dc8644960111"
        " 2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        "test": "177777c33ba79825320efa646ad04a94bdc3c80e4ebe3bd21724f8cdfd4b9d56"
        " cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
    },
    **CIFAR,
)
CIFAR100_SOURCE = Source(
    title="CIFAR-100",
    folder="cifar100",
    hub="uoft-cs/cifar100",
    revision="aadb3af77e9048adbea6b47c21a81e47dd092ae5",
    columns=("img", "fine_label"),
    classes=100,
    sha256={
        "train": "de64658905c6b161606e3649ddafce7cf86c7634a0cf9116d518e64ef46a33c5"
        " 9f11b9f97aad759ba6df0a33e3218b01d8deaf4ed3a14aa1185d69b9ad7ebcb3",
        "test": "83c56492b2c11211ad1bb2dbd4f2eef4170a0441e41a41f3039c3144b1f5a511"
        " 4dad7d09c7c97d33f6cb928d705cf4196221316fd6e31bdd978a08ed9103ee0b",
    },
    **CIFAR,
)


class _Images(Published):
    """What both have beside their rows: fewer pixels and fewer training rows, for small machines."""

    pooled: int

    def __post_init__(self) -> None:
        super().__post_init__()
        height = self.source.shape[1]
        if self.pooled < 1 or height % self.pooled:
            raise RunError(f"{type(self).__name__}.pooled must be a divisor of {height}, got {self.pooled!r}")

    @property
    def form(self) -> Form:  # type: ignore[override]
        """What a network must know of the rows."""
        channels, height, width = self.source.shape
        return Form((channels, height // self.pooled, width // self.pooled), self.source.classes)

    def rows_title(self) -> str:
        """The title less how many rows are kept."""
        _, height, width = self.form.shape
        pixels = f" at {height} x {width} pixels" if self.pooled > 1 else ""
        return super().rows_title() + pixels

    def arranged(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each pixel is the mean of ``pooled`` times ``pooled`` published ones, rounded half up."""
        if self.pooled == 1:
            return tensors
        return {name: self._pooled(own) if name.endswith(".x") else own for name, own in tensors.items()}

    def _pooled(self, x: Tensor) -> Tensor:
        total = torch.zeros(len(x), *self.form.shape, dtype=torch.int32)
        for i in range(self.pooled):
            for j in range(self.pooled):
                total += x[:, :, i :: self.pooled, j :: self.pooled]
        number = self.pooled**2
        return ((total + number // 2) // number).to(x.dtype)


@dataclass(frozen=True)
class CIFAR10(_Images):
    """50,000 and 10,000 images of ten classes. The stand-in is scikit-learn's digits, enlarged and coloured grey."""

    validation: int = 5000
    rows: Literal["real", "stand-in"] = "real"
    pooled: int = added(1)  # the mean of so many times so many pixels is one
    train: int = added(0)  # how many training rows are kept beside those for validation, 0: all
    name: ClassVar[str] = "cifar10"
    source: ClassVar[Source] = CIFAR10_SOURCE
    make_stand_in = staticmethod(partial(digits, CIFAR10_SOURCE.shape))


@dataclass(frozen=True)
class CIFAR100(_Images):
    """50,000 and 10,000 images of a hundred classes (the fine labels); the stand-in is that of :class:`CIFAR10`."""

    validation: int = 5000
    rows: Literal["real", "stand-in"] = "real"
    pooled: int = added(1)  # as that of CIFAR10
    train: int = added(0)  # as that of CIFAR10
    name: ClassVar[str] = "cifar100"
    source: ClassVar[Source] = CIFAR100_SOURCE
    make_stand_in = staticmethod(partial(digits, CIFAR100_SOURCE.shape))
