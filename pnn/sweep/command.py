"""The sub-commands of notebooks: pnn notebook | sweep | table."""

import argparse
import collections
from pathlib import Path

from ..studies.study import parse_seconds
from ..system.signals import raised_signals
from . import points
from .declared import ParameterError, declared_parameters
from .drive import Checked, check, check_engine, check_retry, default_folder, run
from .folder import Folder, SweepError
from .parameters import parse_parameters, run_notebook
from .progress import words
from .tabulate import NOT_DONE, export
from .tabulate import table as table_of

WRONG_INPUT = (SweepError,)  # On these, and on a ValueError such as a ParameterError, the exit status is 2.


def notebook(arguments: argparse.Namespace) -> int:
    declared = declared_parameters(arguments.notebook) if arguments.parameters else {}
    with raised_signals():  # The kernel is told to stop, and a training in it saves.
        run_notebook(arguments.notebook, arguments.output, parse_parameters(arguments.parameters, declared))
    return 0


def sweep(arguments: argparse.Namespace) -> int:
    out = Path(arguments.out) if arguments.out else default_folder(arguments.notebook)
    given = {
        "out": out,
        "jobs": arguments.jobs,
        "timeout": parse_seconds(arguments.timeout) if arguments.timeout else None,
        "retry": check_retry(arguments.retry),
        "max_failures": arguments.max_failures,
    }
    engine = {
        "engine": arguments.engine,
        "scheduler": arguments.scheduler,
        "gpus_per_run": arguments.gpus_per_run,
    }
    checked = check(arguments.notebook, _points(arguments), **given)
    if arguments.dry_run:
        check_engine(checked.folder, jobs=arguments.jobs, timeout=given["timeout"], **engine)
        return _dry_run(checked, out)
    keys = list(checked.runs)
    run(arguments.notebook, list(checked.runs.values()), **given, **engine)
    outcomes = map(Folder(out).outcome, keys)
    counts = collections.Counter(outcome.outcome if outcome else NOT_DONE for outcome in outcomes)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + f" of {len(keys)} runs in {out}")
    print(f"python -m pnn table {out} shows them")
    if counts[NOT_DONE]:
        why = f" (--max-failures {arguments.max_failures})" if arguments.max_failures else ""
        print(f"{counts[NOT_DONE]} runs are left{why}; the same command goes on from here")
        return 3
    return 0 if set(counts) == {"ok"} else 1


def table(arguments: argparse.Namespace) -> int:
    frame = table_of(arguments.sweep)
    if arguments.export:
        print(export(frame, arguments.export))
        return 0
    hidden = ["run started", "run host", "run device", "run notebook"]
    print(frame.drop(columns=hidden, errors="ignore").to_string(max_colwidth=24))
    if stale := frame.attrs.get("stale"):
        print(f"({stale} runs of an earlier state of notebook, pnn or data are left out)")
    return 0


def _points(arguments: argparse.Namespace) -> list[points.Point]:
    declared = declared_parameters(arguments.notebook)
    parts = [points.read_file(file, declared) for file in arguments.files]
    given = {name: points.parse_values(text, declared.get(name)) for name, text in arguments.parameters}
    if len(given) < len(arguments.parameters):
        names = [name for name, _ in arguments.parameters]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParameterError(f"-p {twice} is given twice; write its values in one list")
    if given:
        parts.append(points.in_step(given) if arguments.zip else points.grid(given))
    if not parts:
        raise ParameterError("a sweep needs parameters: -p NAME VALUES, or -f FILE")
    return points.combine(parts)


def _dry_run(checked: Checked, out: Path) -> int:
    todo = set(checked.todo)
    for key, point in checked.runs.items():
        print(f"{key}  {words(point)}  {'to do' if key in todo else checked.ended[key].outcome}")
    print(f"{len(checked.runs)} runs, {len(todo)} to do, in {out}")
    return 0
