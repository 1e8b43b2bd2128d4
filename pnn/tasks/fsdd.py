"""Spoken digits as images: log-mel spectrograms of the Free Spoken Digit Dataset."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor

from .data import Split
from .digits import digits
from .log_mel import LogMel, recordings
from .published import Published
from .sources import Source, join

LOG_MEL = LogMel(rate=8000, window=200, hop=80, bins=512, padding="constant")  # windows of 25 ms every 10 ms


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
    decode=recordings(LOG_MEL),
    combine=sort_rows,
    shape=LOG_MEL.shape,
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
