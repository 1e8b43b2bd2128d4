"""HIGGS: simulated collisions with a Higgs boson, and without."""

import dataclasses
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from ..system.choice import added, check_at_least
from ..system.extras import needs
from .data import Data, Split, set_aside
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


def openml_columns(source: Source, table: "pyarrow.Table") -> Split:
    """As :func:`columns`, but of a file that says where its rows come from, those of OpenML's table alone."""
    if "source" in table.column_names:
        table = table.filter([str(origin).startswith("openml") for origin in table["source"].to_pylist()])
    return columns(source, table)


def sort_and_split(source: Source, splits: dict[str, list[Split]], companions: dict[str, Path]) -> dict[str, Tensor]:
    """Sort the rows by their numbers, keep one of equal ones, and set a fixed fifth aside as the test set.

    So the tensors do not depend on how the rows are ordered or spread over files.
    """
    every = join(source, splits, companions)
    rows = torch.cat([every["train.x"], every["train.y"][:, None].float()], dim=1)
    rows = torch.unique(rows, dim=0)
    return set_aside(rows[:, :-1].contiguous(), rows[:, -1].long())


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
# The rows that this table has as val_16k and test_20k are enough for two cores. A folder may hold them in one file with
# rows of other origins.
SMALL_SOURCE = Source(
    title="HIGGS subset (35k rows)",
    folder="higgs_small",
    hub="jxie/higgs",
    revision=None,
    parts={"train": ("val_16k", "test_20k")},
    folder_parts={"train": ("train",)},
    optional=("source",),
    combine=sort_and_split,
    rows={"train": 28_237, "test": 7_059},
    sha256={
        "train": "691440ddd33abb661cbc6dbda5950745d3fa8027e49fb655400977178ed2f355"
        " 4d5b6ae29bbb236e19626e5f5f5c47795dfb11d6c4841cfc9b4536da252b40b1",
        "test": "f18d0fe64e1b79b14e48306c3230f0dae7c3d4a1fd1f6ea8bfe8f449d1288c23"
        " 20502e0a498d00d990a0195230a002c8ee87a65d06633d69e65e0e60ea8a8ccd",
    },
    **HIGGS_COLUMNS | {"decode": openml_columns},
)


@dataclass(frozen=True)
class HIGGS(Published):
    """28 columns, two classes.

    ``"35k"`` are the 35,296 different rows that the table of 98,050 on the hub sets aside for validation and for tests,
    sorted and split anew: four fifths to train, of which ``validation`` are validation rows, and a fifth to test. The
    stand-in is the first 28 columns of scikit-learn's breast-cancer table.

    The columns have heavy tails. With ``clip`` each is cut off at so many deviations of the training rows, for whatever
    network.
    """

    validation: int = 5000
    rows: Literal["real", "35k", "stand-in"] = "real"
    clip: float = added(0.0)  # deviations; 0: nothing is cut off
    name: ClassVar[str] = "higgs"
    make_stand_in = staticmethod(partial(tumours, 28))

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, 0, "clip")

    @property
    def title(self) -> str:
        """As a page names its rows."""
        return super().title + (f", clipped at {self.clip:g} deviations" if self.clip else "")

    def load(self, folder: str | Path | None = None, device: str = "cpu") -> Data:
        """See :meth:`~pnn.tasks.published.Published.load`."""
        return dataclasses.replace(super().load(folder, device), clip=self.clip)

    @property
    def source(self) -> Source:  # type: ignore[override]
        """Where the rows are published."""
        return SMALL_SOURCE if self.rows == "35k" else HIGGS_SOURCE

    def counts(self) -> dict[str, int]:
        """See :meth:`~pnn.tasks.task.TaskBase.counts`.

        Of the whole table, whose parts are named by rounded sizes, they are rounded.
        """
        return super().counts() or {"train": 79_000, "test": 20_000}
