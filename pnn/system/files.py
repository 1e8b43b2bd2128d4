"""Files that are whole or not there, and locks."""

import errno
import functools
import hashlib
import os
import shutil
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .extras import needs

LEFT_SECONDS = 86_400.0  # No writer takes so long: what is older was left by one that was killed.
UNSUPPORTED = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}  # A file system without locks answers with one of these.


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


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write(part)` fill a file, bring it to the disk and rename it to `path`.

    On any failure `path` keeps its old content and the partial file is removed. What a process leaves that is killed,
    the next write to `path` removes.
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

    On any failure, and while it is written, `path` is the old folder.
    """
    with _beside(path) as folder:
        part = folder / path.name
        part.mkdir()
        write(part)
        if path.exists():
            os.replace(path, folder / "old")  # A folder is renamed only to what is not there.
        os.replace(part, path)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A folder beside `path` in which it is made, as some writers make temporary files of their own beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(path)
    folder = path.with_name(f"{path.name}.{_process_space()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.part")
    folder.mkdir()
    try:
        yield folder
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
