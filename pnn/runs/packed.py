"""Many Records in one parquet: name and JSON text of each, sorted by name, the same bytes for the same Records."""

from pathlib import Path
from typing import Any

from ..system.extras import needs
from ..system.files import digest_of, read_bytes, write_atomically
from .sums import compare

MOST_BYTES = 1 << 31  # of the file, and of what it holds when it is decompressed
DIGEST = b"sha256"  # The file's own metadata has the digest of all names and texts under this.
COLUMNS = ("name", "record")  # The name is the Run's and ends with its id.


class PackedError(ValueError):
    """A parquet that holds no Records; the message says why."""


_read: dict[Path, tuple[Any, dict[str, str]]] = {}  # It holds what was read of a file, and in which state the file was.


def texts_in(path: Path) -> dict[str, str]:
    """The JSON texts in a parquet by name; none if there is no such file. It is read again only when it has changed.

    Raises:
        PackedError: it cannot be read, or holds something else.
        OSError: the file cannot be opened.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        return {}
    stamp = (state.st_ino, state.st_size, state.st_mtime_ns)
    if path not in _read or _read[path][0] != stamp:
        _read[path] = stamp, _texts(path)
    return _read[path][1]


def _texts(path: Path) -> dict[str, str]:
    with needs("train", "reading packed Records"):
        import pyarrow
        from pyarrow import parquet

    content = read_bytes(path, MOST_BYTES)
    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(content))
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > MOST_BYTES:
            raise PackedError("it is too large when it is decompressed")
        table = file.read()
    except (pyarrow.ArrowException, MemoryError) as error:
        raise PackedError(f"it is no parquet that can be read: {error}") from error
    if tuple(table.column_names) != COLUMNS or any(str(kind) != "string" for kind in table.schema.types):
        raise PackedError(f"its columns must be {' and '.join(COLUMNS)}, both text; got {table.schema.to_string()!r}")
    names, texts = (table.column(name).to_pylist() for name in COLUMNS)
    if None in names or None in texts or len(set(names)) < len(names):
        raise PackedError("every row must have a name of its own and a Record")
    digest = (table.schema.metadata or {}).get(DIGEST)
    if digest is None:  # It is older than that.
        compare(path, path.parents[1], content)
    elif digest.decode() != digest_of([names, texts]):
        raise PackedError("its content does not match its SHA-256")
    return dict(zip(names, texts, strict=True))


def write_texts(path: Path, texts: dict[str, str]) -> None:
    """Write JSON texts by name, whole or not at all; without any, the file goes."""
    _read.pop(path, None)
    if not texts:
        path.unlink(missing_ok=True)
        return
    with needs("train", "packing Records"):
        import pyarrow
        from pyarrow import parquet

    names = sorted(texts)
    held = [names, [texts[name] for name in names]]
    schema = pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS], {DIGEST: digest_of(held)})
    table = pyarrow.table(dict(zip(COLUMNS, held, strict=True)), schema=schema)
    write_atomically(path, lambda part: parquet.write_table(table, part, compression="zstd"))
