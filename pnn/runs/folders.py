"""Where Records and the files of the book are found, whatever the current folder is."""

import os
from pathlib import Path

from ..system.colab import CLONE, mount_drive


def results_folder(given: str | Path | None = None) -> Path:
    """Where Records live: as given, else ``PNN_RESULTS``, else ``results`` of :func:`checkout_folder`.

    If the folder lies on Google Drive, Drive is mounted on Colab.
    """
    given = given or os.environ.get("PNN_RESULTS")
    folder = Path(given).expanduser() if given else checkout_folder() / "results"
    mount_drive(folder)
    return folder


def checkout_folder() -> Path:
    """The checkout of the book: the first that is found of those below, else the current folder.

    It is looked for around the current folder, symbolic links resolved; around this package, which lies in a checkout
    where that is installed to be edited; and where the set-up cell of a notebook makes one on Colab.
    """
    here = Path.cwd().resolve()
    package = Path(__file__).resolve().parents[1]
    for folder in (here, *here.parents, package.parent, here / CLONE):
        if (folder / "results").is_dir() and (folder / "_toc.yml").is_file():
            return folder
    return here
