"""What a sweep costs besides the notebooks: many runs of an empty one, by both engines.

    python benchmarks/sweep_overhead.py [--runs 10 100 1000] [--jobs 2]

The notebook has one parameter and one line, so that all time is overhead: a process, papermill, a kernel, the files.
`seconds a run` is the whole time, times the runs at once, over the runs; `driver` is the processor time of the sweeping
process itself, over the runs, and must not grow with their number. Every run must end well, once. Writes
benchmarks/results/sweep_overhead-<device>.json.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import nbformat
import torch
from common import write

from pnn import sweep

ENGINES = ("local", "dask")


def empty_notebook(folder: Path) -> Path:
    parameters = nbformat.v4.new_code_cell("number: int = 0  # any", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell("number + 1")])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "empty.ipynb"
    nbformat.write(notebook, path)
    return path


def timed(engine: str, runs: int, jobs: int) -> dict[str, float | int | str]:
    with tempfile.TemporaryDirectory() as folder:
        notebook = empty_notebook(Path(folder))
        points = [{"number": number} for number in range(runs)]
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        out = Path(folder) / "sweep"
        table = sweep.run(notebook, points, out=out, engine=engine, jobs=jobs, progress=False)
        seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
        if (table["outcome"] == "ok").sum() != runs:
            raise RuntimeError(f"of {runs} runs some did not end well: {dict(table['outcome'].value_counts())}")
        started = time.perf_counter()
        sweep.run(notebook, points, out=out, engine=engine, jobs=jobs, progress=False)
        again = time.perf_counter() - started
    driver = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {
        "engine": engine,
        "runs": runs,
        "jobs": jobs,
        "seconds": seconds,
        "seconds a run": seconds * jobs / runs,
        "driver": driver / runs,
        "nothing to do": again,  # seconds of the same sweep when all is done
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    rows = []
    for runs in arguments.runs:
        for engine in ENGINES:
            rows.append(timed(engine, runs, arguments.jobs))
            print(json.dumps(rows[-1]), flush=True)
    write("sweep_overhead", torch.device("cpu"), rows)


if __name__ == "__main__":
    main()
