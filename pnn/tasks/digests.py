"""SHA-256 of what was read: of files against a manifest, and of decoded rows by split."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from .data import DataError


def compare_with_sums(paths: list[Path], sums: Path) -> None:
    """Refuse a file whose SHA-256 is another than the one in `sums`, if it is there."""
    published = {}
    for line in sums.read_text().splitlines():
        digest, _, name = line.strip().partition(" ")
        published[name.strip().removeprefix("*").removeprefix("./")] = digest
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
