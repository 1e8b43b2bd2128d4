"""Where Records and the files of the book are found, whatever the current folder is."""

import functools
import os
import sys
from pathlib import Path

from ..system.colab import CLONE, mount_drive


def results_folder(given: str | Path | None = None) -> Path:
    """Where Records live: as given, else ``PNN_RESULTS``, else ``results`` of :func:`checkout_folder`.

    If the folder lies on Google Drive, Drive is mounted on Colab. A line says where Records will lie if nothing says
    where they are, as in a notebook of the book that is executed from elsewhere.
    """
    given = given or os.environ.get("PNN_RESULTS")
    checkout = None if given else _checkout()
    folder = Path(given).expanduser() if given else (checkout or Path.cwd().resolve()) / "results"
    if not (given or checkout or folder.exists()):
        _say_once(
            f"there is no checkout of the book around {folder.parent}, so Records are kept in {folder}; "
            "PNN_RESULTS names another folder"
        )
    mount_drive(folder)
    return folder


@functools.cache
def _say_once(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def runs_folder(results: Path) -> Path:
    """Where the checkpoints, logs and locks of trainings live: ``runs`` beside a results' folder.

    It is one folder whichever name that is given, relative or through symbolic links, so that a run has one lock.
    """
    return results.resolve().parent / "runs"


def checkout_folder() -> Path:
    """The checkout of the book: the first that is found of those below, else the current folder.

    It is looked for around the current folder, symbolic links resolved; around this package, which lies in a checkout
    where that is installed to be edited; and where the set-up cell of a notebook makes one on Colab.
    """
    return _checkout() or Path.cwd().resolve()


def _checkout() -> Path | None:
    here = Path.cwd().resolve()
    package = Path(__file__).resolve().parents[1]
    for folder in (here, *here.parents, package.parent, here / CLONE):
        if (folder / "results").is_dir() and (folder / "_toc.yml").is_file():
            return folder
    return None
