"""Recordings as images: log-mel spectrograms, and the decoder of the data sets that are made of recordings."""

import functools
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..system.extras import needs
from .data import Split
from .sources import Source, labels

if TYPE_CHECKING:
    import pyarrow

MELS = 64
LONGEST = 600  # seconds; a small file may hold a recording that no memory does
RANGE = 80.0  # decibels below the loudest


@dataclass(frozen=True)
class LogMel:
    """How one second of a recording becomes an image: 64 bands, and a step every ``hop`` samples.

    Args:
        rate: samples a second.
        window: samples of a window, Hann's.
        hop: samples from one window to the next.
        bins: samples of each Fourier transform; a shorter window is filled with zeros, for finer frequencies.
        padding: what stands before the first sample and after the last: ``"constant"``, silence, or ``"reflect"``.
    """

    rate: int
    window: int
    hop: int
    bins: int
    padding: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """That of an image: one channel, bands, steps."""
        return 1, MELS, self.rate // self.hop + 1

    def filters(self) -> np.ndarray:
        """(64, bins // 2 + 1) triangles, evenly spaced on the mel scale, each of height 1.

        The mel scale is m = 2595 log10(1 + f / 700). With few bins the lowest triangles may fall between two of them:
        such a band is silent.
        """
        return _filters(self.rate, self.bins)

    def __call__(self, samples: Tensor) -> Tensor:
        """The image of one second, uint8 (1, 64, steps): 0 is 80 decibels below the loudest, 255 the loudest.

        A recording is cut, or filled with silence, to one second. It is computed in float64, so that every machine
        rounds to the same whole numbers.
        """
        samples = samples[: self.rate].double()
        samples = F.pad(samples, (0, self.rate - len(samples)))
        window = torch.hann_window(self.window, dtype=torch.float64)
        spectrum = torch.stft(
            samples, self.bins, self.hop, self.window, window, pad_mode=self.padding, return_complex=True
        )
        decibels = 10 * (torch.from_numpy(self.filters()) @ spectrum.abs().square()).clamp(min=1e-10).log10()
        share = 1 + (decibels - decibels.max()).clamp(min=-RANGE) / RANGE
        return (share * 255).round().to(torch.uint8)[None]


@functools.cache
def _filters(rate: int, bins: int) -> np.ndarray:
    highest = 2595 * np.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, highest, MELS + 2) / 2595) - 1)
    frequency = np.linspace(0, rate / 2, bins // 2 + 1)
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    return np.clip(np.minimum((frequency - left) / (middle - left), (right - frequency) / (right - middle)), 0, None)


def recordings(log_mel: LogMel) -> Callable[[Source, "pyarrow.Table"], Split]:
    """A decoder of recordings (FLAC or WAV) to spectrograms, with their class numbers, for a ``Source``."""

    def decode(source: Source, table: "pyarrow.Table") -> Split:
        audio, label = source.columns[:2]
        return Split(_images(log_mel, table[audio].to_pylist()), labels(table[label].to_pylist(), source.classes))

    return decode


def _images(log_mel: LogMel, column: list[dict]) -> Tensor:
    with needs("train", "decoding recordings"):
        import soundfile

    found = torch.empty(len(column), *log_mel.shape, dtype=torch.uint8)
    for place, row in enumerate(column):
        with soundfile.SoundFile(io.BytesIO(row["bytes"])) as opened:  # Looked at before it is decoded.
            rate, channels, frames = opened.samplerate, opened.channels, opened.frames
            if rate != log_mel.rate or channels != 1:
                raise ValueError(
                    f"recording {place} has {rate} Hz and {channels} channels, expected {log_mel.rate} Hz, mono"
                )
            if frames > LONGEST * rate:
                raise ValueError(f"recording {place} has {frames} samples, more than {LONGEST} seconds")
            samples = opened.read(dtype="float64")
        found[place] = log_mel(torch.from_numpy(samples))
    return found
