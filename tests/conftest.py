"""One thread a process: the tests use the machine's cores by running side by side."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; processes that tests start inherit it
