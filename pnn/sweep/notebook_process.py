"""The process of one notebook: `python -P notebook_process.py NOTEBOOK OUTPUT FOLDER PARENT`, parameters on its input.

It is started by :mod:`pnn.sweep.supervise` and imports nothing of pnn, whose import takes longer than a small notebook.
Exit status: 0 done; 1 a cell failed, as the file error.json beside the output says; 143 stopped.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

STOPPED = 143
LAST_SECONDS = 70  # to end in, once told to; a little more than the sweep itself waits
# on Linux a process asks to be told when its parent ends; elsewhere a kernel looks for its parent now and then itself
DIE_WITH_PARENT = "import ctypes; ctypes.CDLL(None).prctl(1, {number})"


def main(notebook: str, output: str, folder: str, parent: str) -> int:
    stopping = False

    def stop(*_) -> None:
        """Interrupt the kernel's cell: a training saves its state then."""
        import psutil

        nonlocal stopping
        if not stopping:
            stopping = True
            signal.alarm(LAST_SECONDS)  # should the sweep be gone
            kernels = psutil.Process().children()
            for kernel in kernels:
                kernel.send_signal(signal.SIGINT)
            if not kernels:  # not started yet
                raise SystemExit(STOPPED)

    def begin(**_) -> None:
        if stopping:  # a kernel between two cells does not hear an interrupt
            raise InterruptedError

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    arguments = []
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
        arguments = ["--IPKernelApp.exec_lines=" + DIE_WITH_PARENT.format(number=int(signal.SIGKILL))]
        if os.getppid() != int(parent):  # it ended before it could be asked
            return STOPPED

    import papermill

    def verbatim(path: str) -> str:
        """Papermill puts parameters into the braces of a path."""
        return path.replace("{", "{{").replace("}", "}}")

    parameters = json.load(sys.stdin)
    try:
        papermill.execute_notebook(
            verbatim(notebook),
            verbatim(output),
            parameters,
            cwd=folder,
            start_timeout=600,  # a machine that is busy, a disk that many read from
            iopub_timeout=60,
            progress_bar=False,
            on_cell_execute=begin,
            extra_arguments=arguments,
        )
    except Exception as error:  # every end is told; the parent gives it its type
        if stopping:
            return STOPPED
        name, text = getattr(error, "ename", type(error).__name__), getattr(error, "evalue", str(error))
        Path(output).with_name("error.json").write_text(json.dumps({"name": name, "text": text}))
        print(error, flush=True)
        return 1
    return STOPPED if stopping else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
