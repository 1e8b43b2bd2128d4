"""Where published data sets come from: a folder or the hub, with a manifest and a cache.

A folder holds parquet files in the hub's own schema. What is decoded is compared with the published content by
SHA-256, whichever of them it came from, and kept in a cache (``PNN_CACHE``, by default ``~/.cache/pnn``).
"""

import hashlib
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from ..system.colab import mount_drive
from ..system.extras import MissingExtraError, needs
from ..system.files import FileError, reason
from ..system.home import home
from ..system.tensors import read_tensors, write_tensors
from .data import DataError, Split
from .digests import check_kinds, compare_with_sums, sums
from .shards import whole_part

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Companion:
    """A file that decoding needs beside the rows, such as a vocabulary."""

    path: str  # below the data folder
    hub: str  # repository on the hub, empty if it is only in the folder
    file: str = ""  # the file in that repository


@dataclass(frozen=True)
class Source:
    """Where a data set lives, how it is decoded, and what it must contain."""

    title: str  # as a page names it
    # folder below PNN_DATA, with one or more <part>-*.parquet in the hub's schema for each part, or one <part>.parquet
    folder: str
    hub: str  # repository on the hub, empty if it is only in the folder
    revision: str | None  # commit on the hub, None for the newest
    parts: dict[str, tuple[str, ...]]  # "train" and "test" -> the hub's names of the parts that make it up
    columns: tuple[str, ...]
    decode: Callable[["Source", "pyarrow.Table"], Any]  # the rows of one file; raises ValueError if something is wrong
    # It makes train.x, train.y, test.x, test.y and what else the task needs.
    combine: Callable[["Source", dict[str, list[Any]], dict[str, Path]], dict[str, Tensor]]
    shape: tuple[int, ...]  # of one row
    classes: int
    rows: dict[str, int] = field(default_factory=dict)  # how many train and test have; empty if not known
    sha256: dict[str, str] = field(default_factory=dict)  # of the tensors, see `sums`; empty if not known
    companions: dict[str, Companion] = field(default_factory=dict)
    vocabulary: int = 0  # number of tokens, if a row is text
    folder_parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # a folder's parts, if not the hub's
    optional: tuple[str, ...] = ()  # columns that are read of the files that have them
    hub_folder: str = ""  # the folder of the repository that holds its parquet files, if it has several data sets
    archive: str = ""  # where its authors publish it, for those who make the folder themselves

    def in_folder(self, split: str) -> tuple[str, ...]:
        """The names of the parts that make up a split in a folder."""
        return (self.folder_parts or self.parts)[split]


def join(source: Source, splits: dict[str, list[Split]], companions: dict[str, Path]) -> dict[str, Tensor]:
    """Join the files of each split, one after the other."""
    tensors = {}
    for name, parts in splits.items():
        tensors[f"{name}.x"] = torch.cat([part.x for part in parts])
        tensors[f"{name}.y"] = torch.cat([part.y for part in parts])
    return tensors


def labels(values: list, classes: int) -> Tensor:
    """Class numbers as int64.

    Raises:
        ValueError: one is not a whole number from 0 to classes - 1.
    """
    try:
        found = torch.tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"a label is not a number: {error}") from error
    whole = found.double().round().long()
    if not ((whole == found) & (whole >= 0) & (whole < classes)).all():
        raise ValueError(f"a label is not a whole number from 0 to {classes - 1}")
    return whole


# --- the origins -----------------------------------------------------------------------------------------------------


def load_source(source: Source, folder: str | Path | None) -> tuple[str, dict[str, Tensor]]:
    """The origin that was used, and the tensors train.x, train.y, test.x, test.y (and others that a task needs).

    Raises:
        DataError: nothing to load from, or a file that is unreadable or not the published one.
    """
    folder = folder or os.environ.get("PNN_DATA")
    if folder:
        root = Path(folder).expanduser()
        mount_drive(root)
        files = _check_folder(root, source)
        companions = {name: root / companion.path for name, companion in source.companions.items()}
        return "folder", _through_cache(source, lambda: _read_folder(source, files, companions))
    if not source.hub:
        needed = ", ".join([f"{source.folder}/*.parquet", *(own.path for own in source.companions.values())])
        raise DataError(
            f"{source.title} is not on the hub. Set PNN_DATA to a folder that holds {needed}, or ask "
            f'for size="smoke", which uses an embedded stand-in{_published_at(source)}'
        )
    return "hub", _through_cache(source, lambda: _read_hub(source, source.hub, source.revision))


def _check_folder(root: Path, source: Source) -> dict[str, list[Path]]:
    """The parquet files of each split, their SHA-256 compared with the folder's own SHA256SUMS where it has one."""
    place = root / source.folder
    files: dict[str, list[Path]] = {}
    for split in source.parts:
        files[split] = []
        for part in source.in_folder(split):
            found = whole_part(sorted(place.glob(f"{part}-*.parquet")), place / f"{part}.parquet")
            if not found:
                raise DataError(
                    f"no file {place}/{part}-*.parquet. The data folder (PNN_DATA or the argument) must hold "
                    f"{source.folder}/ with the parquet files of {source.hub or source.title}"
                    + ("; without a data folder they come from the hub" if source.hub else "")
                    + _published_at(source)
                )
            files[split] += found
    every = [path for found in files.values() for path in found]
    for companion in source.companions.values():
        every.append(root / companion.path)
        if not every[-1].is_file():
            raise DataError(f"no file {every[-1]}, which {source.title} needs")
    manifest = root / "SHA256SUMS"
    if manifest.is_file():
        compare_with_sums(every, manifest)
    return files


def _published_at(source: Source) -> str:
    """Where the authors have their files, and where it says how the folder is made from them; empty if not known."""
    if not source.archive:
        return ""
    return f". Its authors' files are at {source.archive}; the task's docstring says what the folder must hold"


def _read_folder(source: Source, files: dict[str, list[Path]], companions: dict[str, Path]) -> dict[str, Tensor]:
    with needs("train", "reading parquet files"):
        import pyarrow.parquet

    decoded: dict[str, list[Any]] = {}
    for split, paths in files.items():
        decoded[split] = []
        for path in paths:
            try:
                own = set(pyarrow.parquet.read_schema(path).names).intersection(source.optional)
                table = pyarrow.parquet.read_table(path, columns=[*source.columns, *own])
                decoded[split].append(source.decode(source, table))
            except MissingExtraError:
                raise
            except Exception as error:  # The errors of pyarrow, Pillow and torch have no common kind.
                raise DataError(f"{path} cannot be read: {error}. Fetch the file again") from error
    return _combine(source, decoded, companions, " ".join(str(path) for paths in files.values() for path in paths))


def _read_hub(source: Source, repository: str, revision: str | None) -> dict[str, Tensor]:
    """Read from the hub; `repository` may also be a local folder of the same layout."""
    with needs("train", "reading the Hugging Face hub, as no folder is given (PNN_DATA),"):
        import datasets

    decoded: dict[str, list[Any]] = {}
    for split, parts in source.parts.items():
        decoded[split] = []
        for part in parts:
            try:
                rows = datasets.load_dataset(
                    repository, data_dir=source.hub_folder or None, revision=revision, split=part
                )
            except Exception as error:
                where = f"{source.folder}/{source.in_folder(split)[0]}-*.parquet"
                raise DataError(
                    f"{repository} could not be read from the hub: {type(error).__name__}: {error}. Without a network, "
                    f'set PNN_DATA to a folder that holds {where}, or ask for size="smoke", which uses an embedded '
                    "stand-in"
                ) from error
            try:  # As a table of Arrow, images stay encoded.
                table = rows.select_columns(list(source.columns)).with_format("arrow")[:]
                decoded[split].append(source.decode(source, table))
            except MissingExtraError:
                raise
            except Exception as error:
                raise DataError(f"split {part} of {repository} cannot be read: {error}") from error
    companions = {name: _companion_from_hub(source, companion) for name, companion in source.companions.items()}
    return _combine(source, decoded, companions, repository)


def _companion_from_hub(source: Source, companion: Companion) -> Path:
    with needs("train", "reading the Hugging Face hub"):
        import huggingface_hub

    advice = f"Set PNN_DATA to a folder that holds {companion.path}"
    if not companion.hub:
        raise DataError(f"{source.title} needs {companion.path}, which is not on the hub. {advice}")
    try:
        return Path(huggingface_hub.hf_hub_download(companion.hub, companion.file))
    except Exception as error:
        raise DataError(
            f"{companion.file} of {companion.hub} could not be read from the hub: {type(error).__name__}: {error}. "
            f"Without a network: {advice[0].lower()}{advice[1:]}"
        ) from error


# --- the manifest and the cache ------------------------------------------------------------------------------------


def _combine(
    source: Source, decoded: dict[str, list[Any]], companions: dict[str, Path], where: str
) -> dict[str, Tensor]:
    try:
        tensors = source.combine(source, decoded, companions)
    except MissingExtraError:
        raise
    except Exception as error:
        raise DataError(f"{where} cannot be used: {error}") from error
    _check(source, tensors, where)
    return tensors


def _check(source: Source, tensors: dict[str, Tensor], where: str) -> None:
    name = source.hub or source.title
    for split, rows in source.rows.items():
        if (found := len(tensors[f"{split}.y"])) != rows:
            raise DataError(f"{where}: {found} rows in {split}, {name} has {rows}")
    check_kinds(tensors, source.shape, source.vocabulary, where)
    for split in ("train", "test"):
        y = tensors[f"{split}.y"]
        if y.dtype != torch.int64 or not ((y >= 0) & (y < source.classes)).all():
            raise DataError(f"{where}: a label is not a whole number from 0 to {source.classes - 1}")
    if source.sha256 and (found := sums(tensors)) != source.sha256:
        raise DataError(f"{where}: the decoded rows are not those of {name}: SHA-256 {found}, expected {source.sha256}")


def cache_folder() -> Path:
    """The folder of decoded rows: the environment's ``PNN_CACHE``, by default ``~/.cache/pnn``."""
    given = os.environ.get("PNN_CACHE")
    return Path(given).expanduser() if given else home() / ".cache" / "pnn"


def _through_cache(source: Source, read: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The decoded tensors from the cache, filled by `read` where it is empty or damaged.

    The file is named by its content and put in place by one rename: any number of processes may fill it at once.
    """
    if not source.sha256:  # What cannot be checked is not kept.
        return read()
    folder = cache_folder()
    key = hashlib.sha256("".join(source.sha256.values()).encode()).hexdigest()[:16]
    path = folder / f"{source.folder}-{key}.safetensors"
    if path.exists():
        try:
            tensors, _ = read_tensors(path, digest=False)
            _check(source, tensors, str(path))
            return tensors
        except (OSError, KeyError, FileError, DataError) as error:
            warnings.warn(f"the cache {path} is damaged and made again: {reason(error, path)}", stacklevel=2)
    tensors = read()
    try:
        write_tensors(path, tensors)
    except (OSError, SafetensorError) as error:
        warnings.warn(
            f"the decoded rows could not be kept in {folder} ({error}); every start will decode them again. "
            "Set PNN_CACHE to a folder with 200 MB of space",
            stacklevel=2,
        )
    return tensors
