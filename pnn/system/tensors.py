"""Files of tensors: safetensors, with a digest over all that one holds; no pickle."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .files import FileError, check_file, parse_json, write_atomically

MOST_BYTES = 1 << 40  # The file is mapped, so that what it holds takes no more memory than it has bytes.


def write_tensors(path: Path, tensors: Mapping[str, Tensor], state: Any = None) -> None:
    """Write tensors and a state of plain values as one file, whole or not at all.

    Raises:
        OSError, SafetensorError: it cannot be written, as on a full disk; what was there before is intact.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(state, allow_nan=False)
    header = {"state": text, "sha256": _digest(tensors, text)}
    write_atomically(path, lambda part: save_file(tensors, part, header))


def read_tensors(path: Path, digest: bool = True) -> tuple[dict[str, Tensor], Any]:
    """Read what :func:`write_tensors` wrote.

    Args:
        path: the file.
        digest: whether it must have one; without, the caller compares the tensors with something that he knows.

    Raises:
        FileNotFoundError: there is nothing.
        FileError: it is no such file, or is damaged.
        OSError: it cannot be opened.
    """
    check_file(path, MOST_BYTES)
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if "sha256" in header or digest:
            if missing := {"state", "sha256"} - header.keys():
                raise ValueError(f"it has no {' and no '.join(sorted(missing))}")
            if _digest(tensors, header["state"]) != header["sha256"]:
                raise ValueError("its content does not match its SHA-256")
        return tensors, parse_json(header.get("state", "null"))
    except (SafetensorError, ValueError) as error:
        raise FileError(f"{path} cannot be used: {error}") from error


def _digest(tensors: Mapping[str, Tensor], state: str) -> str:
    """SHA-256 of the state and of every tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(f"{len(state)} {state};".encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{json.dumps(name)} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
