"""A training's whole state in one file: safetensors for the tensors, JSON in its header for the rest, no pickle.

One file, so that one rename makes the whole state current: a checkpoint is either the previous one or the new one.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..system.files import NoRoomError, write_atomically


class CheckpointError(Exception):
    """A checkpoint that cannot be written, or must not be trusted; the message says which file and what to do."""


class UnwritableCheckpointError(CheckpointError, NoRoomError):
    """A checkpoint that cannot be written."""


class ForeignCheckpointError(CheckpointError):
    """A good checkpoint of another run, device or version of torch, in the file `path`."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


def save(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write tensors and a JSON state as one file, atomically.

    Raises:
        UnwritableCheckpointError: it cannot be written, as on a full disk; the previous checkpoint is intact.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {"state": json.dumps(state, allow_nan=False), "sha256": _digest(tensors)}
    try:
        write_atomically(path, lambda part: save_file(tensors, part, header))
    except (OSError, SafetensorError) as error:
        raise UnwritableCheckpointError(
            f"the checkpoint {path} could not be written: {error}. The previous one, if any, is intact. "
            "See that the disk has space and the folder can be written, and start the run again: it goes on from there"
        ) from error


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`save` wrote.

    Raises:
        CheckpointError: the file is damaged, or is no checkpoint of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        state = json.loads(header["state"])
        if _digest(tensors) != header["sha256"]:
            raise ValueError("its content does not match its SHA-256")
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"the checkpoint {path} cannot be used: {error}. Delete it to start this run from the beginning"
        ) from error
    return tensors, state


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
