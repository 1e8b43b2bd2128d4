"""Whether what was read is what was meant: SHA-256 of files and of decoded rows, and the rows' types and shapes."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from ..system.files import FileError, read_sums, reason
from .data import DataError


def compare_with_sums(paths: list[Path], sums: Path) -> None:
    """Refuse a file whose SHA-256 is another than the one in `sums`, if it is there.

    Raises:
        DataError: there is such a file, or `sums` itself is not what ``sha256sum`` writes.
    """
    try:
        published = read_sums(sums)
    except (OSError, FileError) as error:
        raise DataError(f"{sums} cannot be read: {reason(error, sums)}. Fetch it again, or do without") from error
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(_sha256_of_file, paths))
    for path, digest in zip(paths, digests, strict=True):
        expected = published.get(path.relative_to(sums.parent).as_posix())
        if expected is not None and digest != expected:
            raise DataError(f"{path} is damaged: its SHA-256 is {digest}, {sums} has {expected}. Fetch the file again")


def _sha256_of_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sums(tensors: dict[str, Tensor]) -> dict[str, str]:
    """SHA-256 of each split (its x, a space, its y as uint8) and of every other tensor."""

    def digest(tensor: Tensor) -> str:
        return hashlib.sha256(tensor.contiguous().numpy().data).hexdigest()

    others = sorted(name for name in tensors if name.partition(".")[2] not in ("x", "y"))
    splits = ("train", "test")
    with ThreadPoolExecutor() as pool:
        pixels = list(pool.map(lambda split: digest(tensors[f"{split}.x"]), splits))
    found = {
        split: f"{x} {digest(tensors[f'{split}.y'].to(torch.uint8))}" for split, x in zip(splits, pixels, strict=True)
    }
    return found | {name: digest(tensors[name]) for name in others}


def check_kinds(tensors: dict[str, Tensor], shape: tuple[int, ...], vocabulary: int, where: str) -> None:
    """Refuse tensors whose type or shape is another than the rows' form says; :func:`sums` sees their bytes alone.

    Raises:
        DataError: one is; the message says which.
    """
    x = torch.int32 if vocabulary else torch.uint8 if len(shape) == 3 else torch.float32
    rows = {split: len(tensors[f"{split}.y"]) for split in ("train", "test")}
    expected = {f"{split}.x": (x, (number, *shape)) for split, number in rows.items()}
    expected |= {f"{split}.y": (torch.int64, (number,)) for split, number in rows.items()}
    if (groups := tensors.get("train.group")) is not None:  # They are whole numbers of any type.
        kind = torch.uint8 if groups.is_floating_point() else groups.dtype
        expected["train.group"] = (kind, (rows["train"],))
    if (vectors := tensors.get("vectors")) is not None:
        expected["vectors"] = (torch.float32, (vocabulary, *vectors.shape[1:2]))
    for name, (kind, size) in expected.items():
        if (tensors[name].dtype, tensors[name].shape) != (kind, size):
            found = f"{tensors[name].dtype} {tuple(tensors[name].shape)}"
            raise DataError(f"{where}: {name} is {found}, where {kind} {size} is expected")
