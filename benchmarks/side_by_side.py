"""Several trainings on one device: how many a minute it ends, against how many go on at once.

    python benchmarks/side_by_side.py [--device auto] [--experiment higgs] [--size laptop] [--runs 8] [--jobs 1 2 4]
        [--rounds 2]

The same first runs of an experiment, each in a process of its own, by `pnn study --jobs N` and by `pnn sweep` with the
Nth part of the GPU a run (on a processor `--jobs N`, each with its share of the cores). A run's time includes the start
of its process, and in a sweep that of its notebook. Each round does every N once, in random order. Writes
benchmarks/results/side_by_side-<experiment>-<size>-<device>.json.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

import nbformat
import torch
from common import write

from pnn import sweep
from pnn.experiments import EXPERIMENTS
from pnn.runs.run import SIZES, Run
from pnn.studies.study import in_turn, study
from pnn.sweep.engine import visible_gpus
from pnn.system.machine import cores, pick_device

NOTEBOOK = """
import json
from pnn.runs.run import Run
from pnn.studies.study import study

study([Run.from_dict(json.loads(form))], device=device, progress=False)
"""


def by_study(runs: list[Run], jobs: int, device: str, folder: Path) -> None:
    # with a budget also a single job is a process of its own
    records = study(runs, results=folder / "results", device=device, jobs=jobs, budget_seconds=1e6, progress=False)
    check([record.outcome for record in records], len(runs))


def by_sweep(runs: list[Run], jobs: int, device: str, folder: Path) -> None:
    parameters = nbformat.v4.new_code_cell('form: str = "" # a Run, as JSON\ndevice: str = "cpu" # where')
    parameters.metadata.tags = ["parameters"]
    notebook = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(NOTEBOOK.strip())])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "one_run.ipynb")
    points = [{"form": json.dumps(run.to_dict()), "device": device} for run in runs]
    os.environ["PNN_RESULTS"] = str(folder / "results")
    share = 1 / jobs if device.startswith("cuda") else 0.0
    out = folder / "sweep"
    table = sweep.run(folder / "one_run.ipynb", points, out=out, jobs=jobs, gpus_per_run=share, progress=False)
    check(list(table["outcome"]), len(runs))


def check(outcomes: list[str], number: int) -> None:
    if outcomes != ["ok"] * number:
        raise RuntimeError(f"of {number} runs some did not end well: {outcomes}")


WAYS = {"study": by_study, "sweep": by_sweep}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--experiment", default="higgs", choices=EXPERIMENTS)
    parser.add_argument("--size", default="laptop", choices=SIZES)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    if min(given.runs, given.rounds, *given.jobs) < 1:
        parser.error("--runs, --jobs and --rounds must be at least 1")
    device = pick_device(given.device)
    if device.type == "cuda":  # one of several
        os.environ["CUDA_VISIBLE_DEVICES"] = visible_gpus()[device.index or 0]
        device = torch.device("cuda")
    runs = in_turn(EXPERIMENTS[given.experiment](given.size))[: given.runs]
    seconds = {(way, jobs): [] for way in WAYS for jobs in sorted({1, *given.jobs})}
    with tempfile.TemporaryDirectory() as folder:  # the data are decoded once
        by_study(runs[:1], 1, str(device), Path(folder))
    order = random.Random(0)
    for _ in range(given.rounds):
        for way, jobs in order.sample(list(seconds), len(seconds)):
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                WAYS[way](runs, jobs, str(device), Path(folder))
                seconds[way, jobs].append(time.perf_counter() - start)
            print(f"{way}, {jobs} at once: {seconds[way, jobs][-1]:.1f} s", flush=True)
    rows = [
        {
            "way": way,
            "jobs": jobs,
            "seconds": own,
            "runs a minute": 60 * len(runs) / statistics.median(own),
            "over one at once": statistics.median(
                one / several for one, several in zip(seconds[way, 1], own, strict=True)
            ),
        }
        for (way, jobs), own in seconds.items()
    ]
    settings = {"experiment": given.experiment, "size": given.size, "runs": len(runs), "cores": cores()}
    write(f"side_by_side-{given.experiment}-{given.size}", torch.device(device), rows, **settings)


if __name__ == "__main__":
    main()
