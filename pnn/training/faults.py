"""What goes wrong in one training: which outcome it is, and what is no fault of the Run."""

import torch

from ..system.memory import OUT_OF_MEMORY

# A Run that cannot be built, or a step that cannot be taken, ends with one of these. Others, such as data that is
# missing, a checkpoint that is damaged or a disk that is full, are none of the Run's own.
FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


def is_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of the device, or that of the processor, does not suffice."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(OUT_OF_MEMORY.search(str(error)))


def ends_the_device(error: BaseException) -> bool:
    """Whether an error leaves a device on which this process trains nothing more, so that no Run can be blamed."""
    return isinstance(error, torch.AcceleratorError) and not is_memory(error)


def fault(error: BaseException) -> tuple[str, str]:
    """The outcome ``oom`` or ``failed`` that one of `FAULTS` is, and what a Record says of it."""
    # Torch's messages go on with the places in its own sources.
    said = next(iter(str(error).strip().splitlines()), "")
    if is_memory(error):
        return "oom", said or type(error).__name__
    return "failed", f"{type(error).__name__}: {said}".removesuffix(": ")
