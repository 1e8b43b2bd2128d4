"""The command line: python -m pnn run | study | status | notebook | sweep | table."""

import argparse
import collections
import json
import sys
from pathlib import Path

from .checkpoint import CheckpointError
from .experiments import EXPERIMENTS
from .notebook import parse_parameters, run_notebook
from .run import SIZES, Record, Run, RunError
from .sources import DataError
from .study import (
    RecordError,
    StudyError,
    alone,
    in_turn,
    load_record,
    parse_seconds,
    results_folder,
    study,
    train_record,
)
from .sweep import SweepError
from .sweep import command as sweep_command

EXIT_CODES = (
    "exit status: 0 done; 1 a run ended badly; 2 wrong input; "
    "3 out of budget, 130 or 143 stopped (saved, start it again)"
)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pnn", description=__doc__, epilog=EXIT_CODES)
    commands = parser.add_subparsers(dest="command", required=True)

    run = commands.add_parser("run", help="train one Run and keep its Record", epilog=EXIT_CODES)
    run.add_argument("run", metavar="FILE", help="a JSON file with a Run, or - for standard input")
    run.add_argument("--quiet", action="store_true", help="no progress bar")

    many = commands.add_parser("study", help="train the Runs of experiments that have no Record", epilog=EXIT_CODES)
    many.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help=f"one of {', '.join(EXPERIMENTS)}")
    many.add_argument("--missing", action="store_true", help="all experiments, in order of priority")
    many.add_argument("--size", choices=SIZES, required=True)
    many.add_argument("--seeds", type=int, default=0, metavar="N", help="default: the size's own number")
    many.add_argument("--jobs", type=int, default=1, metavar="N", help="trainings side by side on the device")
    many.add_argument("--budget", metavar="25m", help="stop, saved, after this time (s, m or h)")
    many.add_argument("--retry", default="", metavar="OUTCOMES", help="train these again, such as failed,killed")

    page = commands.add_parser("notebook", help="execute a notebook with other parameters", epilog=EXIT_CODES)
    page.add_argument("notebook")
    page.add_argument("output", help="where the executed notebook goes")
    page.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), dest="parameters")

    sweep_command.add_arguments(commands, EXIT_CODES)

    status = commands.add_parser("status", help="how many Records each experiment has", epilog=EXIT_CODES)

    for command in (run, many):
        command.add_argument("--data", metavar="FOLDER", help="default: PNN_DATA, then the hub")
        command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    for command in (run, many, status):
        command.add_argument("--results", metavar="FOLDER", help="where Records live (default: %(default)s)")
        command.set_defaults(results=str(results_folder()))

    arguments = parser.parse_args(argv)
    try:
        return {
            "run": _run,
            "study": _study,
            "status": _status,
            "notebook": _notebook,
            "sweep": sweep_command.sweep,
            "table": sweep_command.table,
        }[arguments.command](arguments)
    except (RunError, DataError, CheckpointError, RecordError, StudyError, SweepError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped and saved; the same command goes on from here", file=sys.stderr)
        return 130


def _run(arguments: argparse.Namespace) -> int:
    try:
        form = json.loads(sys.stdin.read() if arguments.run == "-" else Path(arguments.run).read_text())
    except ValueError as error:  # not JSON, or not even text
        raise RunError(f"{arguments.run} is not JSON: {error}") from error
    run, results = Run.from_dict(form), Path(arguments.results)
    before = load_record(run, results)
    with alone(run, results, wait=True):
        record = load_record(run, results)
        if record is None or (record.outcome != "ok" and record == before):  # else another process has trained it
            record = train_record(
                run, results, data=arguments.data, device=arguments.device, progress=not arguments.quiet
            )
    print(_summary(record))
    return 0 if record.outcome == "ok" else 1


def _study(arguments: argparse.Namespace) -> int:
    if bool(arguments.experiments) == arguments.missing:
        raise RunError(f"name experiments ({', '.join(EXPERIMENTS)}) or give --missing for all of them")
    for name in arguments.experiments:
        if name not in EXPERIMENTS:
            raise RunError(f"there is no experiment {name!r}; there are {', '.join(EXPERIMENTS)}")
    runs = [
        run
        for name in arguments.experiments or EXPERIMENTS
        for run in in_turn(EXPERIMENTS[name](arguments.size, seeds=arguments.seeds))
    ]
    records = study(
        runs,
        results=arguments.results,
        data=arguments.data,
        device=arguments.device,
        jobs=arguments.jobs,
        budget_seconds=parse_seconds(arguments.budget) if arguments.budget else None,
        retry=[outcome for outcome in arguments.retry.split(",") if outcome],
    )
    for record in records:
        print(f"{record.run.name}: {_summary(record)}")
    print(f"{len(records)} of {len(runs)} Records in {arguments.results}")
    if any(record.outcome != "ok" for record in records):
        return 1
    return 0 if len(records) == len(runs) else 3


def _notebook(arguments: argparse.Namespace) -> int:
    run_notebook(arguments.notebook, arguments.output, parse_parameters(arguments.parameters))
    return 0


def _status(arguments: argparse.Namespace) -> int:
    print(f"{'experiment':14} {'size':8} Records")
    for name, experiment in EXPERIMENTS.items():
        for size in SIZES:
            runs = in_turn(experiment(size))
            records = [load_record(run, Path(arguments.results)) for run in runs]
            outcomes = collections.Counter(record.outcome for record in records if record)
            bad = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if outcome != "ok")
            print(f"{name:14} {size:8} {outcomes.total():3} of {len(runs):3}{f' ({bad})' if bad else ''}")
    return 0


def _summary(record: Record) -> str:
    if record.outcome != "ok":
        return f"{record.outcome}: {record.message}"
    return f"test accuracy {record.final['test'].accuracy:.4f} in {record.seconds:.0f} s on {record.used['device']}"


if __name__ == "__main__":
    sys.exit(main())
