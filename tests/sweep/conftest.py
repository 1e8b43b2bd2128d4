"""Notebooks that are small enough to be swept by tests, and processes that end as they are told to."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest

from pnn.sweep import supervise
from pnn.system import processes, sweep_channel

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
ACTS = """
act: str = "ok"  # how the run ends
seed: int = 0  # tells runs apart
rate: float = 0.5  # a number
mode: str = "fast"  # one of "fast", "slow"
"""
# a process in place of papermill's: `act` has a word for each try, the last of which is for all that follow
PROCESS = """
import json, os, signal, sys, time
from pathlib import Path

output = Path(sys.argv[2])
point = json.load(sys.stdin)
output.write_text("{}")
tries = output.with_name("tries")
with open(tries, "a") as file:
    file.write(os.environ.get("CUDA_VISIBLE_DEVICES", "none") + "\\n")
acts = point.get("act", "ok").split(",")
act = acts[min(len(tries.read_text().split()), len(acts)) - 1]


def error(name, text):
    output.with_name("error.json").write_text(json.dumps({"name": name, "text": text}))
    sys.exit(1)


if act == "glue":
    with open(os.environ["PNN_VALUES"], "a") as file:
        print(json.dumps(["value", "score", point.get("seed", 0) + 0.1]), file=file)
if act in ("diverged", "killed training"):
    with open(os.environ["PNN_VALUES"], "a") as file:
        for number, outcome in enumerate(("ok", act.split()[0], "diverged", "ok")):
            print(json.dumps(["training", f"run {number}", outcome]), file=file)
if act == "fail":
    error("ValueError", "no good")
if act == "memory":
    error("MemoryError", "")
if act == "torch memory":
    error("OutOfMemoryError", "CUDA out of memory")
if act == "cpu memory":
    error("RuntimeError", "DefaultCPUAllocator: can't allocate memory: you tried to allocate 10 bytes")
if act == "cuda memory":
    error("AcceleratorError", "CUDA error: out of memory")
if act == "cublas memory":
    error("RuntimeError", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
if act == "disk":
    error("CheckpointError", "the checkpoint could not be written: [Errno 28] No space left on device")
if act == "no kernel":
    error("RuntimeError", "Kernel didn't respond in 600 seconds")
if act == "environment":
    output.with_name("environment.json").write_text(json.dumps(dict(os.environ)))
if act == "kernel":
    error("DeadKernelError", "Kernel died")
if act == "crash":
    print("Traceback\\nImportError: no papermill")
    sys.exit(1)
if act == "silent":
    sys.exit(7)
if act == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if act == "stopped":
    sys.exit(143)
if act in ("wait", "hang", "finish"):  # until it is told to stop; "hang" does not listen
    answers = {"wait": lambda *_: sys.exit(143), "hang": signal.SIG_IGN, "finish": lambda *_: sys.exit(0)}
    signal.signal(signal.SIGTERM, answers[act])
    output.with_name("pid").write_text(str(os.getpid()))
    while True:
        time.sleep(0.02)
"""


def write_notebook(path: Path, *cells: str, parameters: str = ACTS) -> Path:
    """A notebook of a cell with parameters and others; cells that begin with # and a space are text."""
    made = [nbformat.v4.new_code_cell(parameters.strip(), metadata={"tags": ["parameters"]})]
    for cell in cells:
        made.append((nbformat.v4.new_markdown_cell if cell.startswith("# ") else nbformat.v4.new_code_cell)(cell))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": KERNEL}), path)
    return path


def wait_until(true: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def notebook_of() -> Callable[..., Path]:
    return write_notebook


@pytest.fixture(scope="session")
def waiting_cell() -> str:
    """Code that waits for a file, but for the seed 0, and notes that it was interrupted."""
    return """
try:
    while seed and not Path("go").exists():
        Path("began").touch()
        time.sleep(0.02)
except KeyboardInterrupt:
    Path("saved").touch()
    raise
"""


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    return wait_until


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch):
    """No data, no GPUs and no sweep of the machine's own."""
    for name in ("PNN_DATA", "CUDA_VISIBLE_DEVICES", sweep_channel.VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def nothing_left():
    """No test leaves a process behind."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    left = [
        child for child in left if "resource_tracker" not in " ".join(child.cmdline())
    ]  # Python's own, till its end
    _, alive = psutil.wait_procs(left, timeout=30)
    for child in alive:
        child.kill()
    assert alive == []


@pytest.fixture
def fake(tmp_path, monkeypatch) -> Path:
    """A notebook that is not executed: a process in place of papermill's does what the parameter `act` says."""
    process = tmp_path / "process.py"
    process.write_text(PROCESS)
    monkeypatch.setattr(supervise, "PROCESS", process)
    return write_notebook(tmp_path / "fake.ipynb")


@pytest.fixture
def no_process(monkeypatch) -> None:
    """To start anything is a failure."""

    def start(*_, **__):
        pytest.fail("a process was started")

    monkeypatch.setattr(processes.subprocess, "Popen", start)


def tries(folder: Path) -> dict[str, int]:
    """How often the process of each run was started, by run id."""
    return {path.parent.name: len(path.read_text().split()) for path in folder.glob("runs/*/tries")}


@pytest.fixture(scope="session")
def tries_of() -> Callable[[Path], dict[str, int]]:
    return tries


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture(scope="session")
def alive() -> Callable[[int], bool]:
    return is_alive


@pytest.fixture
def environment(nothing_around) -> dict[str, str]:
    """Of processes that tests start: this pnn, wherever it lies."""
    return {**os.environ, "PYTHONPATH": str(Path(sweep_channel.__file__).parents[2])}
