"""The process of one notebook: `notebook_process.py NOTEBOOK OUTPUT FOLDER`, parameters on its input.

It is a child that :mod:`pnn.sweep.supervise` starts, and imports nothing of pnn, whose import takes longer than a small
notebook.
Exit status: 0 done; 1 a cell failed, as the file error.json beside the output says; 143 stopped.
"""

import json
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

STOPPED = 143
# On Linux a process asks to be told when its parent ends. Elsewhere a kernel looks for its parent now and then itself.
DIE_WITH_PARENT = "import ctypes; ctypes.CDLL(None).prctl(1, {number})"


class Stop:
    """A request to stop: once a signal has come, no further cell begins."""

    def __init__(self) -> None:
        self.requested = False
        self.begun = False  # whether there is anything to tidy up

    def on_signal(self, *_) -> None:
        """Interrupt the kernel's cell: a training saves its state then."""
        if not self.begun:  # An exception in the middle of an import may come out of it as another one.
            os._exit(STOPPED)
        import psutil

        if not self.requested:
            self.requested = True
            kernels = psutil.Process().children()
            for kernel in kernels:
                kernel.send_signal(signal.SIGINT)
            if not kernels:  # The kernel has not started yet.
                raise SystemExit(STOPPED)

    def before_cell(self, **_) -> None:
        if self.requested:  # A kernel between two cells does not hear an interrupt.
            raise InterruptedError


def main(notebook: str, output: str, folder: str) -> int:
    stop = Stop()
    signal.signal(signal.SIGTERM, stop.on_signal)
    signal.signal(signal.SIGHUP, stop.on_signal)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    import papermill
    from filelock import FileLock

    stop.begun = True
    logging.getLogger("papermill").setLevel(logging.ERROR)  # It warns of parameters that it cannot read itself.
    held = FileLock(Path(output).with_name("notebook.lock"))
    held.acquire()  # The lock is free, but for a process whose sweep was killed in the moment before.
    paths, parameters = (verbatim(notebook), verbatim(output)), json.load(sys.stdin)
    try:
        with tempfile.TemporaryDirectory() as sockets:
            cells = {"language": "python", "cwd": folder, "on_cell_execute": stop.before_cell, "progress_bar": False}
            papermill.execute_notebook(*paths, parameters, **cells, **kernel_options(sockets))
    except Exception as error:  # Every end is told; the parent gives it its type.
        if stop.requested:
            return STOPPED
        name, text = getattr(error, "ename", type(error).__name__), getattr(error, "evalue", str(error))
        Path(output).with_name("error.json").write_text(json.dumps({"name": name, "text": text}))
        print(error, flush=True)
        return 1
    return STOPPED if stop.requested else 0


def kernel_options(sockets: str) -> dict[str, Any]:
    """How papermill starts a kernel, which ends with this process and talks by files in the folder `sockets`."""
    from traitlets.config import Config

    arguments = []
    if sys.platform == "linux":
        arguments = ["--IPKernelApp.exec_lines=" + DIE_WITH_PARENT.format(number=int(signal.SIGKILL))]
    # Two kernels that start at once may be given the same TCP port, and hang: each talks by files of its own.
    kernel = {"transport": "ipc", "ip": f"{sockets}/kernel"} if sys.platform != "win32" else {}
    return {
        "start_timeout": 600,  # The machine may be busy, and many may read from the disk.
        "iopub_timeout": 60,
        "extra_arguments": arguments,
        "config": Config({"KernelManager": kernel}),
    }


def verbatim(path: str) -> str:
    """A path that papermill takes as it is: it would put parameters into the braces."""
    return path.replace("{", "{{").replace("}", "}}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
