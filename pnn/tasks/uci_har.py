"""UCI HAR: activities from 561 features of the motion sensors of a smartphone worn at the waist."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .digits import cut
from .published import Published
from .sources import Source, join, labels

if TYPE_CHECKING:
    import pyarrow

FEATURES, CLASSES = 561, 6


class Windows(NamedTuple):
    """The windows of one file."""

    x: Tensor
    y: Tensor
    user: Tensor


def features(source: Source, table: "pyarrow.Table") -> Windows:
    """Decode a file: a list of 561 numbers a window, its activity from 0 to 5, and its user."""
    column, label, user = source.columns
    rows = table[column].to_pylist()
    for place, row in enumerate(rows):
        if len(row) != FEATURES:
            raise ValueError(f"window {place} has {len(row)} features, expected {FEATURES}")
    x = torch.from_numpy(np.asarray(rows, np.float32))
    users = torch.from_numpy(np.array(table[user].to_pylist(), np.uint8))
    return Windows(x, labels(table[label].to_pylist(), source.classes), users)


def by_user(source: Source, files: dict[str, list[Windows]], companions: dict[str, Path]) -> dict[str, Tensor]:
    """Join the files; the windows of one user of the training rows stay together."""
    return join(source, files, companions) | {"train.group": torch.cat([file.user for file in files["train"]])}


UCI_HAR_SOURCE = Source(
    title="UCI HAR",
    folder="uci_har",
    hub="codymlewis/HAR",
    revision="refs/convert/parquet",  # the hub's own copy: its `datasets` no longer runs the repository's script
    hub_folder="default",
    parts={"train": ("train",), "test": ("test",)},
    columns=("features", "labels", "subject id"),
    decode=features,
    combine=by_user,
    shape=(FEATURES,),
    classes=CLASSES,
    rows={"train": 7_352, "test": 2_947},
    archive="the UCI Machine Learning Repository, DOI 10.24432/C54S4K",
)


def clouds() -> dict[str, Tensor]:
    """480 rows of noise around six points, between -1 and 1 as the features are; of ten users."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(480) % CLASSES
    middle = torch.randn(CLASSES, FEATURES, generator=generator)
    tensors = cut(torch.tanh(middle[y] / 4 + torch.randn(480, FEATURES, generator=generator)), y)
    return tensors | {"train.group": (torch.arange(len(tensors["train.y"])) // CLASSES % 10).to(torch.uint8)}


@dataclass(frozen=True)
class UCIHAR(Published):
    """Windows of 2.56 seconds as 561 features between -1 and 1, of six activities.

    7,352 windows of 21 users to train, of whom some are set aside until there are ``validation`` windows, and 2,947 of
    nine others to test: the authors' split. :class:`pnn.HAPT` has the raw signals of the same recordings, with six
    postural transitions more.

    A folder holds ``uci_har/train-*.parquet`` and ``test-*.parquet``, with the columns ``features`` (a list of 561
    numbers), ``labels`` (0 to 5, one less than in the authors' files) and ``subject id``. The authors' archive is at
    the UCI Machine Learning Repository, DOI 10.24432/C54S4K. The stand-in is noise around six points.

    Source: :cite:t:`anguita2013`.
    """

    validation: int = 1_470
    rows: Literal["real", "stand-in"] = "real"
    name: ClassVar[str] = "uci-har"
    source: ClassVar[Source] = UCI_HAR_SOURCE
    make_stand_in = staticmethod(clouds)
