"""The sub-commands of trainings: pnn run | study | status."""

import argparse
import collections
import sys
from datetime import datetime
from pathlib import Path

from ..experiments import EXPERIMENTS
from ..runs.folders import results_folder, runs_folder
from ..runs.record import Record
from ..runs.run import SIZES, Run, RunError
from ..runs.store import RecordError, has_record, load_record, put_aside, run_lock
from ..system.files import parse_json, remove
from ..tasks.sources import DataError
from ..training.checkpoint import CheckpointError
from .pool import UNUSABLE, StudyError
from .study import OF_THE_TASK, in_turn, parse_seconds, train_record
from .study import study as records_of

WRONG_INPUT = (RunError, DataError, CheckpointError, RecordError, StudyError)  # On these the exit status is 2.


def run(arguments: argparse.Namespace) -> int:
    try:
        form = parse_json(sys.stdin.read() if arguments.run == "-" else Path(arguments.run).read_text())
    except ValueError as error:  # It is not JSON, or not even text.
        raise RunError(f"{arguments.run} cannot be read as JSON: {error}") from error
    run, results = Run.from_dict(form), results_folder(arguments.results)
    before = load_record(run, results)
    with run_lock(run, results, wait=True):
        record = load_record(run, results)
        if record is None or (record.outcome != "ok" and record == before):  # Else another process has trained it.
            try:
                record = train_record(
                    run, results, data=arguments.data, device=arguments.device, progress=not arguments.quiet
                )
            except OF_THE_TASK as error:
                print(f"error: {error}", file=sys.stderr)
                return UNUSABLE
    print(_summary(record))
    return 0 if record.outcome == "ok" else 1


def study(arguments: argparse.Namespace) -> int:
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
    if arguments.yes and not arguments.again:
        raise RunError("--yes answers the question of --again, which was not given; add --again, or leave --yes out")
    results = results_folder(arguments.results)
    if arguments.again:
        _forget(runs, results, arguments.yes)
    records = records_of(
        runs,
        results=results,
        data=arguments.data,
        device=arguments.device,
        jobs=arguments.jobs,
        budget_seconds=parse_seconds(arguments.budget) if arguments.budget else None,
        retry=arguments.retry,
    )
    for record in records:
        print(f"{record.run.name}: {_summary(record)}")
    print(f"{len(records)} of {len(runs)} Records in {results}")
    if any(record.outcome != "ok" for record in records):
        return 1
    return 0 if len(records) == len(runs) else 3


def _forget(runs: list[Run], results: Path, yes: bool) -> None:
    """Move the Records of runs aside, after asking, so that they are trained again."""
    known = [run for run in runs if has_record(run, results)]
    if not known:
        return
    # A folder of its own, with the form of a results' folder, so that they can be looked at and put back.
    aside = runs_folder(results) / f"aside-{datetime.now():%Y%m%d-%H%M%S}"
    if not yes:
        if not sys.stdin.isatty():
            raise RunError(
                f"--again would move {len(known)} Records aside and asks first; give --yes where nobody answers"
            )
        if input(f"Move {len(known)} Records to {aside} and train them again? [y/N] ").strip().lower() != "y":
            raise RunError("nothing was moved, and nothing trained")
    for run in known:
        put_aside(run, results, aside)
        # A training that failed has left one, also of the phases before it, from which it would go on.
        for path in (runs_folder(results) / run.name).rglob("checkpoint.safetensors"):
            remove(path)
    print(f"moved {len(known)} Records to {aside}", file=sys.stderr)


def status(arguments: argparse.Namespace) -> int:
    results = results_folder(arguments.results)
    print(f"{'experiment':14} {'size':8} Records")
    for name, experiment in EXPERIMENTS.items():
        for size in SIZES:
            runs = in_turn(experiment(size))
            records = [load_record(run, results) for run in runs]
            outcomes = collections.Counter(record.outcome for record in records if record)
            bad = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if outcome != "ok")
            print(f"{name:14} {size:8} {outcomes.total():3} of {len(runs):3}{f' ({bad})' if bad else ''}")
    return 0


def _summary(record: Record) -> str:
    if record.outcome != "ok":
        return f"{record.outcome}: {record.message}"
    measure = "accuracy" if record.run.task.form.classes else "R2"
    return f"test {measure} {record.final['test'].share:.4f} in {record.seconds:.0f} s on {record.used['device']}"
