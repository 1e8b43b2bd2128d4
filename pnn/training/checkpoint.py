"""A training's whole state in one file: its tensors, and the rest as plain values.

One file, so that one rename makes the whole state current: a checkpoint is either the previous one or the new one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import Tensor

from ..system.files import FileError, NoRoomError, reason
from ..system.tensors import UncheckedFileError, read_tensors, write_tensors


class CheckpointError(Exception):
    """A checkpoint that cannot be written, or must not be trusted; the message says which file and what to do."""


class UnwritableCheckpointError(CheckpointError, NoRoomError):
    """A checkpoint that cannot be written."""


class ForeignCheckpointError(CheckpointError):
    """A good checkpoint of another run, device or version of torch or of pnn, in the file `path`."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


def save(path: Path, tensors: Mapping[str, Tensor], state: dict[str, Any]) -> None:
    """Write tensors and a JSON state as one file, atomically.

    Raises:
        UnwritableCheckpointError: it cannot be written, as on a full disk; the previous checkpoint is intact.
    """
    try:
        write_tensors(path, tensors, state)
    except (OSError, SafetensorError) as error:
        raise UnwritableCheckpointError(
            f"the checkpoint {path} could not be written: {error}. The previous one, if any, is intact. "
            "See that the disk has space and the folder can be written, and start the run again: it goes on from there"
        ) from error


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`save` wrote.

    Raises:
        ForeignCheckpointError: an earlier version wrote it.
        CheckpointError: the file is damaged, or is no checkpoint of ours.
    """
    try:
        tensors, state = read_tensors(path)
    except UncheckedFileError as error:
        raise ForeignCheckpointError(
            f"the checkpoint {path} cannot be used: {error.reason}. Delete it to start this run from the beginning",
            path,
        ) from error
    except (OSError, FileError) as error:
        said = reason(error, path)
        raise CheckpointError(
            f"the checkpoint {path} cannot be used: {said}. Delete it to start this run from the beginning"
        ) from error
    if not isinstance(state, dict):
        raise CheckpointError(
            f"the checkpoint {path} cannot be used: it has no state. Delete it to start this run anew"
        )
    return tensors, state
