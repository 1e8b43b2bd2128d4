"""How a child process begins: `python -P child.py PARENT PROGRAM [ARGUMENT ...]`. It ends soon after its parent has.

PROGRAM is a file, or `-m` and the name of a module. :mod:`pnn.system.processes` starts it. Nothing of pnn is imported
here, as that takes longer than what some children do.
"""

import os
import runpy
import signal
import sys
import threading
import time

LOOK_SECONDS = 0.5  # It waits this long between two looks at the parent.
LAST_SECONDS = 70.0  # A child may save for this long without a parent, a little longer than a parent itself would wait.
STOPPED = 128 + signal.SIGTERM


def end_with(parent: int) -> None:
    """Wait for the parent's end, however that ends; then tell this process to stop, and at last kill its group."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_SECONDS)
    os.killpg(os.getpid(), signal.SIGKILL)


def main(parent: str, program: str, *arguments: str) -> None:
    if os.getppid() != int(parent):  # The parent has ended already.
        sys.exit(STOPPED)
    threading.Thread(target=end_with, args=(int(parent),), daemon=True).start()
    if program == "-m":
        sys.argv = list(arguments)  # runpy replaces the first of them by the module's file.
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [program, *arguments]
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
