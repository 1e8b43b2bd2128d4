"""The one door to files: read within bounds, written whole or not at all; and locks.

What is read here is checked before it is believed: a :class:`FileError` names the file and says what is wrong with it.
"""

import errno
import functools
import hashlib
import json
import os
import re
import shutil
import socket
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .extras import needs

LEFT_SECONDS = 86_400.0  # No writer takes so long: what is older was left by one that was killed.
MOST_BYTES = 1 << 28  # No text of ours is so long.
UNSUPPORTED = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}  # A file system without locks answers with one of these.


class NoRoomError(Exception):
    """A file that cannot be written, as on a full disk: no other can be written there, either."""


class FileError(ValueError):
    """A file that is not what it should be; the message names it, ``reason`` alone does not."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be used: {reason}")
        self.path, self.reason = path, reason


def reason(error: Exception, path: Path) -> str:
    """What an error says, for a sentence that names this file already."""
    return error.reason if isinstance(error, FileError) and error.path == path else str(error)


class LockError(OSError):
    """The file system has no locks."""


@contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Whether this process, and no other, holds the lock file `path` within the context.

    It is the kernel's lock, so that it ends with the process, however that ends. A second lock on the same file in one
    process is another holder.

    Raises:
        LockError: the file system has no locks.
        OSError: the file cannot be opened.
    """
    with needs("train", "a lock"):
        from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(path, thread_local=False)
    try:
        held.acquire(timeout=0)
        mine = True
    except Timeout:
        mine = False
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        raise LockError(f"files in {path.parent} cannot be locked: {error}") from error
    try:
        yield mine
    finally:
        held.release()


def check_file(path: Path, most: int = MOST_BYTES) -> None:
    """Refuse what is no file, such as a pipe, which would be waited for for ever, and what is larger than it can be.

    Raises:
        FileNotFoundError: there is nothing.
        FileError: it is no file, too large, or a link to nothing.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.is_symlink():  # A file that is kept elsewhere is not a file that is missing.
            raise FileError(path, "it is a link to a file that is not there") from None
        raise
    if not stat.S_ISREG(found.st_mode):
        raise FileError(path, "it is no file")
    if found.st_size > most:
        raise FileError(path, f"it has {found.st_size:,} bytes, more than the {most:,} that such a file can have")


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a file of at most so many bytes.

    Raises:
        FileNotFoundError: there is nothing.
        FileError: it is no file, too large, or a link to nothing.
        OSError: it cannot be opened.
    """
    check_file(path, most)
    with open(path, "rb") as file:
        return file.read(most)


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The text of a file in UTF-8, or in UTF-16 if it begins with the mark of that, as Windows writes some.

    Raises:
        FileNotFoundError: there is nothing.
        FileError: it is no file, too large, a link to nothing, or no text.
        OSError: it cannot be opened.
    """
    return text_of(read_bytes(path, most), path)


def text_of(content: bytes, path: Path) -> str:
    """The text that a file's content is, see :func:`read_text`."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except ValueError as error:
        raise FileError(path, f"it is no text: {error}") from error


def parse_json(text: str) -> Any:
    """JSON, stricter than Python's: no name may stand twice in an object, and there is no NaN and no Infinity.

    Raises:
        ValueError: it is no such JSON, or nested too deeply; the message says what is wrong.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_not_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path, most: int = MOST_BYTES) -> Any:
    """What a file of JSON holds, see :func:`read_text` and :func:`parse_json`.

    Raises:
        FileNotFoundError: there is nothing.
        FileError: it is no file, too large, a link to nothing, or no such JSON.
        OSError: it cannot be opened.
    """
    try:
        return parse_json(read_text(path, most))
    except FileError:
        raise
    except ValueError as error:
        raise FileError(path, f"it is no JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    form = dict(pairs)
    if len(form) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice!r} stands there twice, which leaves open what it is")
    return form


def _not_finite(name: str) -> None:
    raise ValueError(f"a number must be finite, got {name}")


def digest_of(form: Any) -> str:
    """SHA-256 of what JSON holds, however it is written."""
    return hashlib.sha256(json.dumps(form, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_sums(path: Path) -> dict[str, str]:
    """The SHA-256 of files by their names, as ``sha256sum`` writes them.

    Raises:
        FileNotFoundError: there is no such file.
        FileError: it is no text, or a line has another form or contradicts an earlier one.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        parts = re.fullmatch(r"([0-9a-fA-F]{64}) [ *]?(?:\./)?(\S.*?)\s*", line)
        if parts is None:
            raise FileError(path, f"line {number} must be a SHA-256 and a name, as sha256sum writes them: {line!r}")
        digest, name = parts[1].lower(), parts[2]
        if found.setdefault(name, digest) != digest:
            raise FileError(path, f"line {number} gives {name} another SHA-256 than a line before")
    return found


def remove(path: Path) -> None:
    """Remove a file, if it is there, and what killed processes left of their writing of it."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        _remove_left(path)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write(part)` fill a file, bring it to the disk and rename it to `path`.

    On any failure `path` keeps its old content and the partial file is removed. What a process leaves that is killed,
    the next write to `path` removes.

    Raises:
        OSError: it cannot be written; the error names a file.
    """
    with _beside(path) as folder:
        part = folder / path.name
        part.touch()
        mode = part.stat().st_mode
        write(part)
        part.chmod(mode)  # The files that safetensors makes only their owner can read.
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
        if os.name == "posix":
            home = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(home)
            finally:
                os.close(home)


def write_folder_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write(part)` fill a folder and rename it to `path`, in place of one that is there.

    On any failure, and while it is written, `path` is the old folder. It is not there for the moment between two
    renames, and is lost to a kill in that moment.
    """
    with _beside(path) as folder:
        part = folder / path.name
        part.mkdir()
        write(part)
        if path.exists():
            os.replace(path, folder / "old")  # A folder is renamed only to what is not there.
        try:
            os.replace(part, path)
        except OSError:
            if (folder / "old").exists():
                os.replace(folder / "old", path)
            raise


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A folder beside `path` in which it is made, as some writers make temporary files of their own beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(path)
    folder = path.with_name(f"{path.name}.{_process_space()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.part")
    folder.mkdir()
    try:
        yield folder
    except OSError as error:
        if error.filename is not None:
            raise
        # Other libraries do not say which file it is, nor does a file that is open.
        raise OSError(error.errno or errno.EIO, error.strerror or str(error), str(path)) from error
    finally:
        shutil.rmtree(folder)


def _remove_left(path: Path) -> None:
    """Remove what killed processes left of their writing of `path`, and nothing of a process that may be alive."""
    with os.scandir(path.parent) as entries:
        parts = [entry for entry in entries if entry.name.startswith(f"{path.name}.") and entry.name.endswith(".part")]
    for entry in parts:
        space, number, *_ = [*entry.name[len(path.name) + 1 :].split("-"), ""]
        # Another process may remove it at this moment, or it is another user's; the write itself may still succeed.
        with suppress(OSError):
            gone = space == _process_space() and number.isdecimal() and not _is_alive(int(number))
            if gone or time.time() - entry.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(entry.path)


@functools.cache
def _process_space() -> str:
    """A name for the machine and the container, within which a process number means one process."""
    space = socket.gethostname()
    with suppress(OSError):  # Linux alone has these namespaces.
        space += os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(space.encode()).hexdigest()[:8]


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # It is alive, and another user's.
        return True
    return True
