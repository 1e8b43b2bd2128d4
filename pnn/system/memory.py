"""How errors say that memory does not suffice, that of the device or that of the processor."""

import re

# Torch has a type of its own for this on a GPU alone, and not for all of its libraries there.
OUT_OF_MEMORY = re.compile(
    r"out of memory|ALLOC_FAILED|can't allocate memory|bad_alloc|^(OutOf)?MemoryError", re.IGNORECASE
)
