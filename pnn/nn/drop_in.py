"""What a layer is that stands in for torch's linear layer or convolution, and computes more than one map."""

from typing import Any

from torch import nn


class DropIn(nn.Module):
    """Such a layer is called as torch's own is, and has no one ``weight`` to be read."""

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError as error:
            if name not in ("weight", "bias"):
                raise
            raise AttributeError(_instead(self, name)) from error


def _instead(layer: nn.Module, name: str) -> str:
    """What to read in the place of a missing weight, and what to do where it is torch that reads it."""
    own = ", ".join(found for found, _ in layer.named_parameters() if found.endswith(name))
    return (
        f"{type(layer).__name__} has no {name!r}, since it computes more than one map: read {own or 'its maps'}, or "
        "call the layer. Torch's TransformerEncoderLayer reads its children's in evaluation, unless it is told "
        "torch.backends.mha.set_fastpath_enabled(False); MultiheadAttention always reads that of out_proj"
    )


def reset_inside(module: nn.Module) -> None:
    """Draw the parameters of a module again, and those of all modules inside it.

    A module that can reset itself answers for its children.
    """
    reset = getattr(module, "reset_parameters", None)
    if reset is not None:
        reset()
        return
    for child in module.children():
        reset_inside(child)
