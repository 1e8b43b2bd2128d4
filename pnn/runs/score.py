"""What the last evaluation found of a split: its scores, and which of its rows were classified rightly."""

import base64
import binascii
from dataclasses import dataclass

import numpy as np

from ..system.choice import RunError


@dataclass(frozen=True)
class Score:
    """Loss and accuracy of the network as it ended, in evaluation mode, on unaugmented rows; of numbers R2."""

    loss: float  # mean cross-entropy in nats; for numbers the mean squared error
    accuracy: float | None = None  # 0..1; None if the task has no classes
    r2: float | None = None  # share of the variance that is explained, at most 1; None if the task has classes

    @property
    def share(self) -> float:
        """The accuracy or R2, whichever the task has."""
        return self.accuracy if self.accuracy is not None else self.r2  # type: ignore[return-value]


@dataclass(frozen=True)
class Hits:
    """Which rows were classified rightly, in the order of the rows."""

    rows: int
    bits: str  # base64 of a bit a row, eight a byte, the first row highest; the last byte is filled with zeros

    @classmethod
    def of(cls, right: np.ndarray) -> "Hits":
        """From a bool a row."""
        return cls(len(right), base64.b64encode(np.packbits(right).tobytes()).decode())

    def array(self) -> np.ndarray:
        """A bool a row.

        Raises:
            RunError: the text is no base64, or not of so many rows.
        """
        try:
            packed = np.frombuffer(base64.b64decode(self.bits, validate=True), np.uint8)
        except (binascii.Error, ValueError) as error:
            raise RunError(f"Record.hits.bits must be base64: {error}") from error
        if len(packed) != -(-self.rows // 8):
            raise RunError(
                f"Record.hits.bits must be of {self.rows} rows, {-(-self.rows // 8)} bytes; got {len(packed)}"
            )
        bits = np.unpackbits(packed).astype(bool)
        if bits[self.rows :].any():
            raise RunError(f"Record.hits.bits must be 0 after the last of {self.rows} rows")
        return bits[: self.rows]
