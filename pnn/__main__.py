"""The command line: pnn run | study | status | records | notebook | sweep | table, or python -m pnn.

Nothing is imported here but what reads the words; a sub-command's own module is, once it is named.
"""

import argparse
import collections
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .system.extras import MissingExtraError
from .system.home import home

EXIT_CODES = (
    "exit status: 0 done; 1 a run ended badly; 2 wrong input; "
    "3 out of budget, 129, 130 or 143 stopped (saved, start it again); "
    "4 (of run) no run of its task can be trained here, as data or room on the disk is missing"
)
GO_ON = ("run", "study", "notebook", "sweep")  # These go on where they were stopped.
SIZES = ("smoke", "laptop", "paper")  # They are those of `pnn.runs.run`, which imports torch; a test compares them.
VALUES = (
    "values are 0.25,0.5,1 or smoke,laptop or 0:10 (a range of whole numbers, its end excluded); "
    "several -p give every combination, or with --zip the first values, the second values, ..."
)
FILES = "YAML with grid, zip, list, random; several, and -p, are combined"


def main(argv: list[str] | None = None) -> int:
    """Do what the words say; the exit status is as `EXIT_CODES` says."""
    arguments = _parser().parse_args(_with_pairs_joined(sys.argv[1:] if argv is None else argv))
    home()
    try:
        module = importlib.import_module(f"pnn.{arguments.module}")
    except MissingExtraError as error:
        return _refuse(error)
    try:
        status = getattr(module, arguments.command)(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # Whoever reads the output, such as head, has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would write what is left at its end.
        return 128 + signal.SIGPIPE
    except (*module.WRONG_INPUT, MissingExtraError, ValueError, OSError) as error:
        return _refuse(error)
    except KeyboardInterrupt:
        saved = arguments.command in GO_ON
        print("stopped" + (" and saved; the same command goes on from here" if saved else ""), file=sys.stderr)
        return 130


def _refuse(error: Exception) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2


def _with_pairs_joined(words: Sequence[str]) -> list[str]:
    """The words with each ``-p NAME VALUES`` as one, since argparse takes ``-1,2`` behind a name for an option.

    The library click would not, but is none of those that the package itself needs.
    """
    left, joined = collections.deque(words), []
    while left:
        word = left.popleft()
        if word in ("-p", "--parameters") and left:
            name = left.popleft()
            word = f"--parameters={name}" if "=" in name or not left else f"--parameters={name}={left.popleft()}"
        joined.append(word)
    return joined


def _pair(text: str) -> tuple[str, str]:
    name, equals, values = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"a name and its values are expected, as in -p seed 0:3, got {text!r}")
    return name, values


def _parser() -> argparse.ArgumentParser:
    name = "python -m pnn" if Path(sys.argv[0]).name == "__main__.py" else "pnn"
    parser = argparse.ArgumentParser(prog=name, description=__doc__.splitlines()[0], epilog=EXIT_CODES)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_trainings(commands)
    _add_notebooks(commands)
    return parser


def _add_trainings(commands) -> None:
    run = commands.add_parser("run", help="train one Run and keep its Record", epilog=EXIT_CODES)
    run.add_argument("run", metavar="FILE", help="a JSON file with a Run, or - for standard input")
    run.add_argument("--quiet", action="store_true", help="no progress bar")

    study = commands.add_parser("study", help="train the Runs of experiments that have no Record", epilog=EXIT_CODES)
    study.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help="such as cifar10; status lists them all")
    study.add_argument("--missing", action="store_true", help="all experiments, in order of priority")
    study.add_argument("--size", choices=SIZES, required=True)
    study.add_argument("--seeds", type=int, default=0, metavar="N", help="default: the size's own number")
    study.add_argument("--jobs", type=int, default=1, metavar="N", help="trainings side by side on the device")
    study.add_argument("--budget", metavar="25m", help="stop, saved, after this time (s, m or h)")
    _add_retry(study, "train these again, such as failed,killed")
    study.add_argument("--again", action="store_true", help="move the Records aside, after asking, and train all again")
    study.add_argument("--yes", action="store_true", help="with --again: do not ask")

    status = commands.add_parser("status", help="how many Records each experiment has", epilog=EXIT_CODES)

    records = commands.add_parser("records", help="export Records, pack them, or write their checksums")
    what = records.add_mutually_exclusive_group(required=True)
    what.add_argument("--export", metavar="FILE", help="all Records as one table, .parquet or .csv")
    what.add_argument("--pack", nargs=2, metavar=("TASK", "SIZE"), help="put single files into <TASK>/<SIZE>.parquet")
    what.add_argument("--sums", action="store_true", help="write SHA256SUMS over all Records but those of size smoke")

    for command in (run, study):
        command.add_argument("--data", metavar="FOLDER", help="default: PNN_DATA, then the hub")
        command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    where = "where Records live (default: PNN_RESULTS, else results of the checkout around the current folder)"
    for command in (run, study, status, records):
        command.add_argument("--results", metavar="FOLDER", help=where)
        command.set_defaults(module="studies.command" if command is not records else "runs.command")


def _add_retry(command: argparse.ArgumentParser, meaning: str) -> None:
    def outcomes(text: str) -> list[str]:
        return [outcome.strip() for outcome in text.split(",") if outcome.strip()]

    command.add_argument(
        "--retry", action="extend", default=[], type=outcomes, metavar="OUTCOMES", help=f"{meaning}; may be repeated"
    )


def _add_notebooks(commands) -> None:
    page = commands.add_parser("notebook", help="execute a notebook with other parameters", epilog=EXIT_CODES)
    page.add_argument("notebook")
    page.add_argument("output", help="where the executed notebook goes")

    sweep = commands.add_parser(
        "sweep", help="execute a notebook at many settings", description=VALUES, epilog=EXIT_CODES, allow_abbrev=False
    )
    sweep.add_argument("notebook")
    for command, values in ((page, "VALUE"), (sweep, "VALUES")):
        command.add_argument(
            "-p", "--parameters", action="append", default=[], type=_pair, metavar=f"NAME {values}", help="or NAME=..."
        )
    sweep.add_argument("--zip", action="store_true", help="the parameters of -p in step, not in all combinations")
    sweep.add_argument("-f", metavar="FILE", dest="files", action="append", default=[], help=FILES)
    sweep.add_argument("--dry-run", action="store_true", help="check all that a sweep checks, and list its runs")
    sweep.add_argument("--out", metavar="DIR", help="the sweep's folder; default: sweeps/<name of the notebook>")
    sweep.add_argument("--engine", choices=("local", "dask"), default="local", help="default: %(default)s")
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask cluster, or its scheduler file")
    sweep.add_argument("--jobs", type=int, default=0, metavar="N", help="runs at once")
    sweep.add_argument("--gpus-per-run", type=float, default=0.0, metavar="SHARE", help="such as 0.25, 1 or 2")
    sweep.add_argument("--timeout", metavar="30m", help="stop a run, saved, after this time (s, m or h)")
    _add_retry(sweep, "do these again, such as failed,killed")
    sweep.add_argument("--max-failures", type=int, metavar="K", help="stop after so many failed runs")

    table = commands.add_parser("table", help="print or export the table of a sweep")
    table.add_argument("sweep", metavar="DIR")
    table.add_argument("--export", metavar="PATH", help=".csv, .parquet, or a folder for TensorBoard")

    for command in (page, sweep, table):
        command.set_defaults(module="sweep.command")


if __name__ == "__main__":
    sys.exit(main())
