"""What the tasks of published data sets share: rows from a folder or the hub, or an embedded stand-in."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from ..system.choice import check_at_least, check_types
from .data import Data, Form, Split, carve
from .digests import sums
from .sources import Source, load_source
from .task import TaskBase


class Published(TaskBase):
    """A task of a ``Source``; the dataclasses below it have the fields ``validation`` and ``rows``."""

    source: ClassVar[Source]
    make_stand_in: ClassVar[Callable[[], dict[str, Tensor]]]
    validation: int  # how many rows are carved from the training rows
    rows: Any  # "real", or "stand-in" for embedded rows in the task's own shape
    train: int = 0  # how many training rows are kept beside those for validation, 0: all; a field where it was needed

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "validation")
        check_at_least(self, 0, "train")

    @property
    def form(self) -> Form:  # type: ignore[override]
        """What a network must know of the rows."""
        return Form(self.source.shape, self.source.classes, self.source.vocabulary)

    @property
    def title(self) -> str:
        """As a page names its rows."""
        return self.rows_title() + (f", {self.train:,} training rows" if self.train else "")

    def rows_title(self) -> str:
        """The title less how many rows are kept."""
        return f"an embedded stand-in for {self.source.title}" if self.rows == "stand-in" else self.source.title

    def load(self, folder: str | Path | None = None, device: str = "cpu") -> Data:
        """The rows from, in this order: ``folder`` or the environment's ``PNN_DATA``, else the Hugging Face hub.

        The embedded stand-in is used only if ``rows`` asks for it. Where the rows came from is in `Data.origin`.
        See :meth:`~pnn.tasks.task.TaskBase.load`.
        """
        if self.rows == "stand-in":
            origin, tensors = "stand-in", type(self).make_stand_in()
        else:
            origin, tensors = load_source(self.source, folder)
        known = self.source.sha256 if origin != "stand-in" else {}
        arranged = self.arranged(tensors)
        if arranged is not tensors:
            tensors, known = arranged, {}
        splits = {split: Split(tensors[f"{split}.x"], tensors[f"{split}.y"]) for split in ("train", "test")}
        return carve(
            **splits,
            form=self.form,
            validation=self.validation,
            origin=origin,
            fingerprint=hashlib.sha256(" ".join((known or sums(tensors)).values()).encode()).hexdigest(),
            train_rows=self.train,
            vectors=tensors.get("vectors"),
            groups=tensors.get("train.group"),
            what=self.name,
        ).to(device)

    def arranged(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The rows as a task's own fields say, split otherwise or made smaller; here as they are."""
        return tensors

    def counts(self) -> dict[str, int]:
        """See :meth:`~pnn.tasks.task.TaskBase.counts`."""
        if self.rows == "stand-in":
            return super().counts()
        return self.source.rows | ({"train": self.train + self.validation} if self.train else {})

    def stand_in(self) -> "Published":
        """See :meth:`~pnn.tasks.task.TaskBase.stand_in`."""
        kept = {"train": 0} if self.train else {}  # It has no rows to spare.
        return dataclasses.replace(self, rows="stand-in", validation=1, **kept)  # type: ignore[type-var]
