"""What is different on Google Colab, in one place."""

from pathlib import Path

DRIVE = Path("/content/drive")
CLONE = "polynomial-neurons"  # A notebook's set-up cell makes the checkout under this name in its folder.


def mount_drive(folder: Path) -> None:
    """Mount Google Drive if the folder lies there and this is Colab; do nothing elsewhere.

    Raises:
        OSError: this process is not a notebook's kernel, which alone can ask for the permission.
    """
    if DRIVE not in folder.absolute().parents or DRIVE.is_mount():
        return
    try:
        from google.colab import drive  # type: ignore[import-not-found]
    except ModuleNotFoundError:
        return
    from IPython import get_ipython

    if get_ipython() is None:
        raise OSError(
            f"{folder} lies on Google Drive, which only a notebook can mount. Run there first: "
            f'from google.colab import drive; drive.mount("{DRIVE}")'
        )
    drive.mount(str(DRIVE))
