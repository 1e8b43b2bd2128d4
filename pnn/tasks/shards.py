"""The files that a part of a data set lies in: each of its rows is in one of them alone."""

import re
from pathlib import Path

from .data import DataError


def whole_part(shards: list[Path], single: Path) -> list[Path]:
    """The files of a part, each of whose rows is in one of them alone: numbered ones that are all there, or one file.

    Raises:
        DataError: a file is there twice, under two names, or one is missing.
    """
    if single.exists() and shards:
        raise DataError(f"{single} and {shards[0]} hold the same rows twice: remove one of them")
    if single.exists():
        return [single]
    names = {path: re.fullmatch(r".*-(\d+)-of-(\d+)(-[0-9a-f]+)?", path.stem) for path in shards}
    if any(names.values()):
        for path, match in names.items():
            if match is None:
                raise DataError(f"{path} stands beside numbered files, as a copy would: remove it, or number it too")
        numbers = [(int(match[1]), int(match[2])) for match in names.values() if match]
        expected = [(number, numbers[0][1]) for number in range(numbers[0][1])]
        if sorted(numbers) != expected:
            found = ", ".join(path.name for path in shards)
            raise DataError(f"the files in {single.parent} are not 0 to {numbers[0][1] - 1}, each once: {found}")
    return shards
