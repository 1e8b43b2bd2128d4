"""The sub-command of Records: pnn records."""

import argparse
from pathlib import Path

from ..system.files import write_atomically
from .folders import results_folder
from .run import SIZES, RunError
from .store import RecordError, load_records, pack
from .sums import sums

WRONG_INPUT = (RunError, RecordError)  # On these the exit status is 2.


def records(arguments: argparse.Namespace) -> int:
    """Pack Records, write their checksums, or export them as one table."""
    folder = results_folder(arguments.results)
    if arguments.export:
        from .frame import export

        found = load_records(folder)
        if Path(arguments.export).resolve().parent.is_relative_to(folder.resolve()):
            raise RunError(f"{arguments.export} lies among the Records of {folder}; give a file elsewhere")
        export(found, arguments.export)
        print(f"{len(found)} Records in {arguments.export}")
    elif arguments.pack:
        task, size = arguments.pack
        if size not in SIZES:
            raise RunError(f"a size is one of {', '.join(SIZES)}, got {size!r}")
        print(f"{pack(folder, task, size)} Records packed in {folder / task / size}.parquet")
    else:
        text = sums(folder)
        write_atomically(folder / "SHA256SUMS", lambda part: part.write_text(text))
        print(f"{text.count(chr(10))} files in {folder / 'SHA256SUMS'}")
    return 0
