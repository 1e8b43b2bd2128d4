"""Libraries that an extra brings: the error of one that is not installed says for what, and what to install."""

from collections.abc import Iterator
from contextlib import contextmanager

PROJECT = "polynomial-neurons"
SOURCE = "git+https://github.com/polynomial-neurons/polynomial-neurons"  # It can be installed from there at any time.


class MissingExtraError(ImportError):
    """A library of an extra is not installed; the message says which, for what, and how to install it."""


@contextmanager
def needs(extra: str, purpose: str) -> Iterator[None]:
    """A block of imports that an extra brings.

    Args:
        extra: of pyproject.toml, such as ``"train"``.
        purpose: what needs the libraries; the beginning of the error's sentence.

    Raises:
        MissingExtraError: a library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in ("", "pnn"):  # This is a mistake in pnn, which no extra mends.
            raise
        raise MissingExtraError(
            f'{purpose} needs {library}, which is not installed: pip install "{PROJECT}[{extra}] @ {SOURCE}"',
            name=library,
        ) from error
