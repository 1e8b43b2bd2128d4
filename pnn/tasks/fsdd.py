"""Spoken digits as images: log-mel spectrograms of the Free Spoken Digit Dataset."""

import functools
import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..system.extras import needs
from .data import Split
from .digits import digits
from .published import Published
from .sources import Source, join, labels

if TYPE_CHECKING:
    import pyarrow

RATE = 8000  # Hz; a recording is cut, or filled with silence, to one second.
WINDOW, HOP, BINS = 200, 80, 512  # Windows of 25 ms every 10 ms; they are filled with zeros, for finer frequencies.
MELS = 64
RANGE = 80.0  # decibels below the loudest


@functools.cache
def mel_filters() -> np.ndarray:
    """(MELS, BINS // 2 + 1) triangles, evenly spaced on the mel scale m = 2595 log10(1 + f / 700), each of height 1."""
    highest = 2595 * np.log10(1 + RATE / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, highest, MELS + 2) / 2595) - 1)
    frequency = np.linspace(0, RATE / 2, BINS // 2 + 1)
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    return np.clip(np.minimum((frequency - left) / (middle - left), (right - frequency) / (right - middle)), 0, None)


def spectrogram(samples: Tensor) -> Tensor:
    """The log-mel spectrogram of one second, uint8 (1, 64, 101): 0 is 80 decibels below the loudest, 255 the loudest.

    It is computed in float64, so that every machine rounds to the same whole numbers.
    """
    samples = samples[:RATE].double()
    samples = F.pad(samples, (0, RATE - len(samples)))
    window = torch.hann_window(WINDOW, dtype=torch.float64)
    spectrum = torch.stft(samples, BINS, HOP, WINDOW, window, pad_mode="constant", return_complex=True)
    decibels = 10 * (torch.from_numpy(mel_filters()) @ spectrum.abs().square()).clamp(min=1e-10).log10()
    share = 1 + (decibels - decibels.max()).clamp(min=-RANGE) / RANGE
    return (share * 255).round().to(torch.uint8)[None]


def recordings(source: Source, table: "pyarrow.Table") -> Split:
    """Decode recordings (FLAC or WAV) to spectrograms, with their class numbers."""
    with needs("train", "decoding recordings"):
        import soundfile

    audio, label = source.columns
    found = []
    for place, row in enumerate(table[audio].to_pylist()):
        samples, rate = soundfile.read(io.BytesIO(row["bytes"]), dtype="float64")
        if rate != RATE or samples.ndim != 1:
            raise ValueError(f"recording {place} has {rate} Hz and the shape {samples.shape}, expected {RATE} Hz, mono")
        found.append(spectrogram(torch.from_numpy(samples)))
    return Split(torch.stack(found), labels(table[label].to_pylist(), source.classes))


def sort_rows(source: Source, splits: dict[str, list[Split]], companions: dict[str, Path]) -> dict[str, Tensor]:
    """Join the files and sort the rows by their numbers: copies of the data set order their files differently."""
    tensors = join(source, splits, companions)
    for split in splits:
        x, y = tensors[f"{split}.x"], tensors[f"{split}.y"]
        order = torch.tensor(sorted(range(len(x)), key=lambda i, x=x: x[i].numpy().tobytes()))
        tensors |= {f"{split}.x": x[order], f"{split}.y": y[order]}
    return tensors


FSDD_SOURCE = Source(
    title="FSDD",
    folder="fsdd",
    hub="mteb/free-spoken-digit-dataset",
    revision="c34455c99604d35cb8d27328c267be1478efc903",
    parts={"train": ("train",), "test": ("test",)},
    columns=("audio", "label"),
    decode=recordings,
    combine=sort_rows,
    shape=(1, MELS, RATE // HOP + 1),
    classes=10,
    rows={"train": 2700, "test": 300},
    sha256={
        "train": "0d7f37e8e3eb91f367792370c3a297be2e2feae3815627370f9406bac2724c78"
        " b5a1c97d21aa50f8057d02f076064f6d1bad67db93eb81010f1ee9069553f9d7",
        "test": "f6b515b37c8a369fedfb1301a1b5132c70c9813003ccc1358ee89a6f7276550c"
        " e72b4eeed4081ee354fcc7692e4ceb6efcee2b88d060687b8033e55886d83cda",
    },
)


@dataclass(frozen=True)
class FSDD(Published):
    """2,700 and 300 recordings of ten digits by six speakers, as log-mel spectrograms of 64 bands and 101 steps.

    The official split: a speaker's first five takes of each digit are the test set, so that every speaker of the test
    rows was heard in training. The stand-in is scikit-learn's digits, enlarged.
    """

    validation: int = 540
    rows: Literal["real", "stand-in"] = "real"
    name: ClassVar[str] = "fsdd"
    source: ClassVar[Source] = FSDD_SOURCE
    make_stand_in = staticmethod(partial(digits, FSDD_SOURCE.shape))
