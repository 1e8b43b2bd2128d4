"""SIGKILL at random moments: does what is started again end with the bits of what was left alone?

Trainings are killed once they have written a new checkpoint, so that every kill takes something away; studies and
sweeps at any moment after their start. A process that was done before it could be killed does not count.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import psutil
import torch
from safetensors.torch import load_file
from trials import Trial

import pnn
from pnn.sweep.tabulate import table as table_of

FIT = """
import json, sys, pnn
run = pnn.Run.from_dict(json.loads(sys.argv[1]))
record = pnn.fit(run, folder=sys.argv[2], device="cpu", checkpoint_seconds=0.02, progress=False)
open(sys.argv[2] + "/record.json", "w").write(record.to_json())
"""
STUDY = """
import json, pathlib, sys, pnn
runs = [pnn.Run.from_dict(form) for form in json.loads(sys.argv[1])]
pnn.study(runs, results=pathlib.Path(sys.argv[2]) / "results", device="cpu", jobs=2, progress=False)
"""
PARAMETERS = "seed: int = 0  # of the training"
TRAINS = """
import pnn
run = pnn.Run(pnn.Digits(), pnn.CNN("polynomial", 4), pnn.Recipe(100, batch_size=128), seed, "smoke")
pnn.glue("loss", pnn.study([run], device="cpu", progress=False)[0].final["train"].loss)
"""
PATIENCE = 120.0  # seconds; a process that shows no sign for longer has failed


def runs(epochs: int) -> dict[str, pnn.Run]:
    """Trainings that keep more than weights between their steps, by what they keep."""
    digits, cnn = pnn.Digits(), pnn.CNN("polynomial", 4)

    def run(network: Any = cnn, **recipe: Any) -> pnn.Run:
        return pnn.Run(digits, network, pnn.Recipe(epochs, batch_size=128, **recipe), 3, "smoke")

    return {
        "a polynomial network, Adam": run(),
        "an averaged network, SGD": run(optimiser="sgd", average=0.9, learning_rate=0.01),
        "early stopping": run(schedule="constant", patience=epochs),
        "ReLinear's phases": run(pnn.CNN("quadratic", 4), source="fan-2023", methods=(pnn.ReLinear(),)),
    }


def without_time(record: pnn.Record) -> dict:
    """A Record but for what differs between two trainings that are the same."""
    form = record.to_dict()
    for name in ("seconds", "sessions", "commit"):
        del form[name]
    del form["curves"]["seconds"], form["budget"]["step_seconds"]
    return form


def start(program: str, *arguments: str, folder: Path) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PNN_RESULTS": str(folder / "results")}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def newest(folder: Path) -> int:
    """When the last checkpoint below the folder was written."""
    found = 0
    for path in folder.rglob("checkpoint.safetensors"):
        try:
            found = max(found, path.stat().st_mtime_ns)
        except FileNotFoundError:  # It was removed since, or is being replaced.
            continue
    return found


def kill_at_a_moment(process: subprocess.Popen, folder: Path, moments: random.Random) -> bool:
    """Kill a process that has gone on; whether it was still there to be killed."""
    before, deadline = newest(folder), time.monotonic() + PATIENCE
    while newest(folder) == before and process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"{process.args} wrote no checkpoint for {PATIENCE:g} s")
        time.sleep(0.002)
    time.sleep(moments.uniform(0, 0.3))
    process.kill()
    return process.wait() < 0


def of_trainings(kills: int, moments: random.Random, epochs: int = 60) -> list[Trial]:
    found = []
    for what, run in runs(epochs).items():
        with tempfile.TemporaryDirectory() as home:
            folder, alone = Path(home) / "killed", Path(home) / "alone"
            for one in (folder, alone):
                one.mkdir()
            arguments = (json.dumps(run.to_dict()), ".")
            start(FIT, *arguments, folder=alone).wait()
            done = 0
            while done < kills and kill_at_a_moment(start(FIT, *arguments, folder=folder), folder, moments):
                done += 1
            start(FIT, *arguments, folder=folder).wait()
            found.append(Trial("kills", f"a training, {what}", done, _differences(run, folder, alone, done)))
    return found


def _differences(run: pnn.Run, folder: Path, alone: Path, kills: int) -> list[str]:
    try:
        mine, theirs = (pnn.Record.from_json((one / "record.json").read_text()) for one in (folder, alone))
        weights = [load_file(one / run.name / "weights.safetensors") for one in (folder, alone)]
    except OSError as error:
        return [f"no result after {kills} kills: {error}"]
    told = []
    if without_time(mine) != without_time(theirs):
        told.append(f"after {kills} kills the Record differs from that of a training left alone")
    bits = sum(_bits(weights[0][name], tensor) for name, tensor in weights[1].items())
    if bits:
        told.append(f"after {kills} kills {bits} bits of the weights differ")
    return told


def _bits(a: torch.Tensor, b: torch.Tensor) -> int:
    """How many bits of two tensors differ."""
    return sum((x ^ y).bit_count() for x, y in zip(a.numpy().tobytes(), b.numpy().tobytes(), strict=True))


def of_studies(kills: int, moments: random.Random, epochs: int = 300) -> Trial:
    """A study of two trainings side by side; only the parent is killed, its children have to notice."""
    listed = list(runs(epochs).values())[:2]
    arguments = (json.dumps([run.to_dict() for run in listed]), ".")

    def table(folder: Path) -> list[dict]:
        return [without_time(pnn.Record.from_json(path.read_text())) for path in sorted(folder.rglob("*-seed*.json"))]

    return _of_parents("a study of two trainings at once", STUDY, arguments, table, kills, moments, longest=10)


def of_sweeps(kills: int, moments: random.Random) -> Trial:
    """A sweep of two notebooks side by side, each of which trains."""
    with tempfile.TemporaryDirectory() as home:
        notebook = Path(home) / "trains.ipynb"
        cells = [
            nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(TRAINS.strip()),
        ]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), notebook)
        words = ["sweep", str(notebook), "-p", "seed", "0,1", "--jobs", "2", "--out", "sweep"]
        program = f"import sys\nfrom pnn.__main__ import main\nsys.exit(main({words!r}))"

        def table(folder: Path) -> list[Any]:
            frame: pd.DataFrame = table_of(folder / "sweep")
            return frame[["seed", "loss"]].sort_values("seed").to_numpy().tolist()

        return _of_parents("a sweep of two notebooks at once", program, (), table, kills, moments, longest=20)


def _of_parents(
    what: str,
    program: str,
    arguments: tuple[str, ...],
    table: Callable[[Path], list],
    kills: int,
    moments: random.Random,
    longest: float,
) -> Trial:
    told: list[str] = []
    with tempfile.TemporaryDirectory() as home:
        alone = Path(home) / "alone"
        alone.mkdir()
        start(program, *arguments, folder=alone).wait()
        meant = table(alone)
        if not meant:
            return Trial("kills", what, 0, ["nothing came of what was left alone"])
        done = 0
        for turn in range(kills):  # One that ends before it is killed often enough is begun again, elsewhere.
            folder = Path(home) / f"killed {turn}"
            folder.mkdir()
            while done < kills:
                process = start(program, *arguments, folder=folder)
                time.sleep(moments.uniform(1, longest))
                children = psutil.Process(process.pid).children(recursive=True)  # of a process that ended: none
                process.kill()
                if process.wait() >= 0:
                    break
                done += 1
                _, alive = psutil.wait_procs(children, timeout=20)
                told += [f"kill {done}: the child {' '.join(child.cmdline())[:80]} lived on" for child in alive]
                for child in alive:
                    child.kill()
            start(program, *arguments, folder=folder).wait()
            try:
                if table(folder) != meant:
                    told.append(f"after {done} kills the results differ from those left alone")
            except Exception as error:
                told.append(f"no result after {done} kills: {type(error).__name__}: {error}")
            if done == kills:
                break
    return Trial("kills", what, done, told)
