"""A home folder for who has none, as in many containers: no ``HOME``, no entry among the users, or not his to write."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def home() -> Path:
    """The home folder. Where there is none that can be written, one among the temporary files becomes it.

    It is then ``HOME`` of this process and of those that it starts: a notebook's kernel does not begin without.
    """
    with suppress(RuntimeError):
        found = Path.home()
        # To an unknown user containers give the root folder. What is not there may yet be made.
        if not found.exists() or os.access(found, os.W_OK | os.X_OK):
            return found
    folder = Path(tempfile.gettempdir()) / f"pnn-home-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():  # It is somebody else's.
        folder = Path(tempfile.mkdtemp(prefix="pnn-home-"))
    os.environ["HOME"] = str(folder)
    return folder
