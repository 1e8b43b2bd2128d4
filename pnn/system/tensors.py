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

from .files import FileError, check_file, digest_of, parse_json, write_atomically

HEADER = "pnn"  # All that is not a tensor stands under this name; of several, safetensors would not keep the order.
MOST_BYTES = 1 << 40


class UncheckedFileError(FileError):
    """Tensors without a digest, as an earlier version wrote them."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], state: Any = None) -> None:
    """Write tensors and a state of plain values as one file, whole or not at all.

    Raises:
        OSError, SafetensorError: it cannot be written, as on a full disk; what was there before is intact.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {HEADER: json.dumps({"sha256": _digest(tensors, state), "state": state}, allow_nan=False)}
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
            # A copy: what is only mapped would change with the file, after it was checked.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        if HEADER not in header:
            if digest:
                raise UncheckedFileError(
                    path, "it has no digest over all of it, as if an earlier version had written it"
                )
            return tensors, None
        form = parse_json(header[HEADER])
        if not isinstance(form, dict) or form.keys() != {"sha256", "state"}:
            raise ValueError("its header is none of ours")
        if _digest(tensors, form["state"]) != form["sha256"]:
            raise ValueError("its content does not match its SHA-256")
        return tensors, form["state"]
    except FileError:
        raise
    except (SafetensorError, ValueError) as error:
        raise FileError(path, str(error)) from error


def _digest(tensors: Mapping[str, Tensor], state: Any) -> str:
    """SHA-256 of the state and of every tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(digest_of(state).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{json.dumps(name)} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
