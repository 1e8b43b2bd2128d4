"""HIGGS: simulated collisions with a Higgs boson, and without."""

import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from ..system.extras import needs
from .data import Split, set_aside
from .digits import cut
from .published import Published
from .sources import Source, join, labels

if TYPE_CHECKING:
    import pyarrow


def columns(source: Source, table: "pyarrow.Table") -> Split:
    """Decode a list of numbers and a class number a row; a warning says how many rows lack a value and are left out."""
    inputs, label = source.columns
    x = np.array(table[inputs].to_pylist(), np.float32)
    if x.shape[1:] != source.shape:
        raise ValueError(f"rows have the shape {x.shape[1:]}, expected {source.shape}")
    y = labels(table[label].to_pylist(), source.classes)
    whole = np.isfinite(x).all(1)
    if not whole.all():
        warnings.warn(f"{source.title}: {(~whole).sum()} rows with a missing value are left out", stacklevel=2)
    return Split(torch.from_numpy(x[whole]), y[torch.from_numpy(whole)])


def join_and_split(source: Source, splits: dict[str, list[Split]], companions: dict[str, Path]) -> dict[str, Tensor]:
    """Join the files of a table that is published without a split; a fixed fifth of the rows is the test set."""
    every = join(source, splits, companions)
    return set_aside(every["train.x"], every["train.y"])


def tumours(columns: int) -> dict[str, Tensor]:
    """The first columns of scikit-learn's 569 real breast-cancer rows; the last fifth is the test set."""
    with needs("train", "the stand-in of a table"):
        from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return cut(torch.from_numpy(x[:, :columns]).float(), torch.from_numpy(y).long())


HIGGS_COLUMNS = {"columns": ("inputs", "label"), "decode": columns, "shape": (28,), "classes": 2}
# These are the rows of OpenML 23512, which the source trains on; the hub's repository also has all 11 million.
HIGGS_SOURCE = Source(
    title="HIGGS",
    folder="higgs",
    hub="jxie/higgs",
    revision=None,
    parts={"train": ("train_63k", "val_16k"), "test": ("test_20k",)},
    combine=join,
    **HIGGS_COLUMNS,
)
SUBSET_SOURCE = Source(
    title="HIGGS subset (51k rows)",
    folder="higgs_small",
    hub="",
    revision=None,
    parts={"train": ("train",)},
    combine=join_and_split,
    rows={"train": 40_986, "test": 10_247},
    sha256={
        "train": "69488bb5eea4c9daf1c136d4154d011390c0973f567dfecccf0d2f5903540c8d"
        " 961c5a191271079188f7cc15512b845b8cbc26ecd0cdc828606e5d490ba4378a",
        "test": "0d5657996a2305b2714570b4648f8daeb68363bf9cc938ae648f70a3dd2773c5"
        " bbefb003e5a02184f46422c2441d375291c2596a758443203ed4f06e4e7e98d1",
    },
    **HIGGS_COLUMNS,
)


@dataclass(frozen=True)
class HIGGS(Published):
    """28 columns, two classes. ``"subset"`` is the HIGGS subset (51k rows), the part that an offline folder holds.

    The stand-in is the first 28 columns of scikit-learn's breast-cancer table.
    """

    validation: int = 5000
    rows: Literal["real", "subset", "stand-in"] = "real"
    name: ClassVar[str] = "higgs"
    make_stand_in = staticmethod(partial(tumours, 28))

    @property
    def source(self) -> Source:  # type: ignore[override]
        """Where the rows are published."""
        return SUBSET_SOURCE if self.rows == "subset" else HIGGS_SOURCE

    def counts(self) -> dict[str, int]:
        """See :meth:`TaskBase.counts`. Of the whole table, whose parts are named by rounded sizes, they are rounded."""
        return super().counts() or {"train": 79_000, "test": 20_000}
