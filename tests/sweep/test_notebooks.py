"""Sweeps of real notebooks, by papermill and a kernel each: their endings, what they glue, where they run."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from pnn.sweep import run as sweep
from pnn.sweep import supervise
from pnn.system import processes, sweep_channel
from pnn.system.files import lock
from pnn.system.signals import STOPPED

CELLS = (
    "# A question",
    f"""
import os, runpy, time
from pathlib import Path

keep = runpy.run_path({sweep_channel.__file__!r})["keep"]  # pnn itself takes seconds to import
keep("value", "folder", os.getcwd())
keep("value", "twice", 2 * seed)
keep("value", "act", "a value named as a parameter")
""",
    """
if act == "fail":
    raise ZeroDivisionError("no good")
if act == "memory":
    raise MemoryError
if act == "torch memory":
    class OutOfMemoryError(RuntimeError): ...
    raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
if act == "kill" or act == "kill once" and not Path("killed").exists():
    Path("killed").touch()
    os.kill(os.getpid(), 9)
if act == "kill process once" and not Path("orphan").exists():
    Path("orphan").write_text(str(os.getpid()))
    os.kill(os.getppid(), 9)
    time.sleep(3600)  # it ends with its parent
if act == "diverge":
    keep("training", "a", "ok")
    keep("training", "b", "diverged")
""",
    'print("the end")',
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="of Linux's own")
ACTS = ("ok", "fail", "memory", "torch memory", "kill", "kill once", "kill process once", "diverge")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("of {seed} and {nothing}")  # papermill would put parameters there


@pytest.fixture(scope="module")
def frame(folder, notebook_of):
    """A run for each way to end; the notebook is named by a path that begins at another current folder."""
    (folder / "elsewhere").mkdir()
    notebook_of(folder / "notebooks" / "notebook.ipynb", *CELLS)
    points = [{"act": act, "seed": number} for number, act in enumerate(ACTS)]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "elsewhere")
        found = sweep("../notebooks/notebook.ipynb", points, out="../out", jobs=2, progress=False)
    return found.assign(key=found.index).set_index("act")


def test_every_ending_has_its_name(frame):
    twice = "2 times the process or its kernel was killed or died; out of memory?"
    assert {act: (row["outcome"], row["message"]) for act, row in frame.iterrows()} == {
        "ok": ("ok", ""),
        "fail": ("failed", "ZeroDivisionError: no good"),
        "memory": ("oom", "MemoryError"),
        "torch memory": ("oom", "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"),
        "kill": ("killed", twice),
        "kill once": ("ok", ""),
        "kill process once": ("ok", ""),
        "diverge": ("diverged", "of 2 trainings: 1 diverged"),
    }


def test_a_kernel_ends_with_the_process_of_its_notebook(frame, folder, until, alive):
    until(lambda: not alive(int((folder / "notebooks" / "orphan").read_text())))
    assert len(frame) == len(ACTS)


def test_values_are_those_that_the_notebook_glued(frame):
    told = frame.drop("kill")  # of a run that was killed nothing is kept
    assert (told["twice"] == 2 * told["seed"]).all()
    assert set(told["act (value)"]) == {"a value named as a parameter"}
    assert frame.loc["kill", ["twice", "folder", "act (value)"]].isna().all()
    assert frame.loc["diverge", "run trainings"] == 2


def test_cells_run_in_the_notebooks_own_folder(frame, folder):
    assert set(frame["folder"].dropna()) == {str((folder / "notebooks").resolve())}


def test_output_notebooks_are_kept_also_of_failures(frame, folder):
    for act, row in frame.iterrows():
        cells = nbformat.read(folder / "out" / row["run notebook"], 4).cells
        injected = [cell.source for cell in cells if "injected-parameters" in cell.metadata.get("tags", [])]
        assert f'act = "{act}"' in injected[0]
        errors = [out["ename"] for cell in cells for out in cell.get("outputs", []) if out["output_type"] == "error"]
        assert errors == {
            "fail": ["ZeroDivisionError"],
            "memory": ["MemoryError"],
            "torch memory": ["OutOfMemoryError"],
        }.get(act, [])
        done = any("the end" in out.get("text", "") for out in cells[-1].get("outputs", []))
        assert done == (row["outcome"] in ("ok", "diverged"))


def test_a_killed_kernels_notebook_says_that_its_cells_completed_and_is_not_believed(frame, folder):
    cells = nbformat.read(folder / "out" / frame.loc["kill", "run notebook"], 4).cells
    assert {cell.metadata.papermill.status for cell in cells} <= {"completed", "pending"}
    assert frame.loc["kill", "outcome"] == "killed"


def test_what_is_done_starts_no_process(frame, folder, no_process):
    points = [{"seed": number, "act": act} for number, act in enumerate(ACTS)]  # the other way round
    found = sweep(folder / "notebooks" / "notebook.ipynb", points, out=folder / "out", progress=False)
    assert sorted(found.index) == sorted(frame["key"])


# --- the process of one notebook -------------------------------------------------------------------------------------


def start(notebook: Path, output: Path, parameters: dict) -> subprocess.Popen:
    program = [str(supervise.PROCESS), str(notebook), str(output), str(notebook.parent)]
    command = [sys.executable, "-P", str(processes.BEGIN), str(os.getpid()), *program]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    process.stdin.write(json.dumps(parameters).encode())
    process.stdin.close()
    return process


def kernels_of(process: subprocess.Popen) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children()
    except psutil.NoSuchProcess:
        return []


def ended(kernels: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(kernels, timeout=30)[1]


WAIT = """
import time
from pathlib import Path
Path("began").touch()
try:
    while True:
        time.sleep(0.05)
except KeyboardInterrupt:
    Path("saved").touch()
    raise
"""


def test_the_process_stopped_in_a_cell_lets_it_save_and_ends_143(tmp_path, notebook_of, until):
    notebook = notebook_of(tmp_path / "notebook.ipynb", WAIT, 'Path("after").touch()')
    process = start(notebook, tmp_path / "out.ipynb", {"seed": 1})
    until((tmp_path / "began").exists)
    kernels = kernels_of(process)
    process.terminate()
    process.send_signal(signal.SIGINT)  # it comes from a terminal too, and is not listened to
    assert process.wait(60) == 143
    assert len(kernels) == 1
    assert ended(kernels)
    assert (tmp_path / "saved").exists()
    assert not (tmp_path / "after").exists()
    assert not (tmp_path / "error.json").exists()


def test_the_process_stopped_while_its_kernel_starts_begins_no_cell(tmp_path, notebook_of, until):
    """A kernel that is not in a cell does not hear an interrupt."""
    notebook = notebook_of(tmp_path / "notebook.ipynb", WAIT)
    process = start(notebook, tmp_path / "out.ipynb", {"seed": 1})
    until(lambda: kernels_of(process))
    kernels = kernels_of(process)
    process.terminate()
    assert process.wait(60) == 143
    assert ended(kernels)
    assert not (tmp_path / "began").exists()


@linux
def test_the_process_stopped_before_its_kernel_starts_ends_143(tmp_path, notebook_of, until):
    notebook = notebook_of(tmp_path / "notebook.ipynb", WAIT)
    process = start(notebook, tmp_path / "out.ipynb", {"seed": 1})
    listens = 1 << (signal.SIGTERM - 1)
    status = Path(f"/proc/{process.pid}/status")
    until(lambda: int(status.read_text().split("SigCgt:")[1].split()[0], 16) & listens)
    process.terminate()
    assert process.wait(60) == 143
    assert not (tmp_path / "began").exists()


@linux
def test_the_process_stopped_while_another_still_saves_ends_143(tmp_path, notebook_of, until):
    """It waits for that of a sweep that was killed."""
    notebook = notebook_of(tmp_path / "notebook.ipynb", WAIT)
    with lock(tmp_path / "notebook.lock"):
        process = start(notebook, tmp_path / "out.ipynb", {"seed": 1})
        until(lambda: "zmq" in Path(f"/proc/{process.pid}/maps").read_text())  # a part of papermill
        time.sleep(2)  # in which a kernel would be started
        assert not kernels_of(process)
        process.terminate()
        assert process.wait(60) == 143
    assert not (tmp_path / "began").exists()


def test_the_process_ends_with_a_status_that_says_it_was_stopped():
    assert importlib.import_module("pnn.sweep.notebook_process").STOPPED in STOPPED
