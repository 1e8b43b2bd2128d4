"""What every task says of itself."""

from pathlib import Path
from typing import ClassVar

from .data import Data, Form


class TaskBase:
    """Which rows are learnt: a frozen dataclass below this class, with a ``name``, a ``form`` and ``load``."""

    name: ClassVar[str]
    form: Form  # what a network must know of the rows, known without loading them

    @property
    def title(self) -> str:
        """As a page names its rows."""
        return self.name

    def load(self, folder: str | Path | None = None, device: str = "cpu") -> Data:
        """The rows, split, on a device.

        Args:
            folder: where they lie; by default wherever the task finds them.
            device: where the tensors are to live.

        Raises:
            DataError: nothing to load from, or a file that is unreadable or not the published one.
        """
        raise NotImplementedError(f"{type(self).__name__} must say how its rows are loaded")

    def counts(self) -> dict[str, int]:
        """How many rows it has of ``train`` (those for validation among them) and ``test``."""
        data = self.load()
        return {"train": len(data.train) + len(data.validation), "test": len(data.test)}

    def stand_in(self) -> "TaskBase":
        """A task of the same form whose rows are at hand anywhere, to time a step on."""
        return self
