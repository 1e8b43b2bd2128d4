"""SHA256SUMS of a results' folder: what its Records are compared with that hold no digest of their own."""

import functools
import hashlib
from pathlib import Path

from ..system.files import FileError, read_sums

NAME = "SHA256SUMS"


def sums(folder: Path) -> str:
    """The checksums of all files of Records but those of size smoke, as ``sha256sum --check`` reads them."""
    paths = [*folder.glob("*/*/*.json"), *folder.glob("*/*.parquet")]
    names = sorted(path.relative_to(folder).as_posix() for path in paths)
    kept = [name for name in names if name.split("/")[1] not in ("smoke", "smoke.parquet")]
    return "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in kept)


def compare(path: Path, folder: Path, content: bytes) -> None:
    """Refuse a file whose content is another than the folder's SHA256SUMS says, if that names it.

    Raises:
        FileError: it is another, or SHA256SUMS cannot be read.
    """
    try:
        found = (folder / NAME).stat()
    except FileNotFoundError:
        return
    expected = _read(folder / NAME, found.st_size, found.st_mtime_ns).get(path.relative_to(folder).as_posix())
    digest = hashlib.sha256(content).hexdigest()
    if expected not in (None, digest):
        raise FileError(
            path,
            f"its SHA-256 is {digest}, {folder / NAME} has {expected}. If it was changed on purpose, write that file "
            "again: python -m pnn records --sums",
        )


@functools.lru_cache(maxsize=4)  # It is read again only when it has changed.
def _read(path: Path, size: int, changed: int) -> dict[str, str]:
    return read_sums(path)
