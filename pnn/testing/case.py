"""A layer with its inputs, as the checks get it, and what they have in common."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

MAPS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)  # what adapters, counters and quantisation know


class DoesNotApply(Exception):
    """The layer or its input has nothing that this check is about."""


class NotRun(Exception):
    """A package or a device is missing that the check needs."""


@dataclass(frozen=True)
class Case:
    """A layer, and the inputs of one call of it."""

    layer: nn.Module
    given: tuple[Tensor, ...]
    make: Callable[..., nn.Module] | None = None  # It makes such a layer of a device and a dtype.

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Copies of the inputs: a layer may write into its own."""
        return tuple(x.clone() for x in self.given)

    def fresh(self) -> nn.Module:
        """A copy of the layer of one's own, in evaluation mode."""
        return copy.deepcopy(self.layer).eval()

    def output(self) -> Tensor:
        """What the layer gives in evaluation mode."""
        with torch.no_grad():
            return self.fresh()(*self.inputs)

    def leaves(self) -> tuple[Tensor, ...]:
        """The inputs, each with a gradient of its own to come."""
        return tuple(x.clone().requires_grad_(x.is_floating_point()) for x in self.inputs)

    def of(self, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """The inputs in another type, but for those of whole numbers."""
        return tuple(x.to(dtype) if x.is_floating_point() else x for x in self.inputs)

    def rows(self, count: int) -> tuple[Tensor, ...]:
        """Inputs of another number of rows, which are those of the example over and over."""
        return tuple(x[torch.arange(count) % len(x)] for x in self.inputs)

    def maps(self, layer: nn.Module) -> list[tuple[str, Any]]:
        """The linear maps and convolutions of torch's inside a layer."""
        return [(name, module) for name, module in layer.named_modules() if name and type(module) in MAPS]


def assert_close(actual: Tensor, expected: Tensor, what: str, rtol: float = 1e-4, atol: float = 1e-5) -> None:
    """Fail, and say what differs, unless two tensors are equal up to rounding."""
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol, msg=lambda text: f"{what}: {_first(text)}")


def assert_near(actual: Tensor, expected: Tensor, what: str, share: float) -> None:
    """Fail unless the difference is at most a share of what is expected, by their norms."""
    assert actual.isfinite().all(), f"{what} is not finite"
    error, size = (actual.float() - expected).norm().item(), expected.norm().item()
    assert error <= share * size, f"{what} differs by {error / max(size, 1e-30):.2g} of its size"


def _first(text: str) -> str:
    """The first two lines of torch's message in one: that they differ, and by how much."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())[:200]


def weights(layer: nn.Module) -> list[tuple[str, nn.Module, str]]:
    """Every parameter of two dimensions or more: the name of its module, the module, and its own name."""
    return [
        (path, module, name)
        for path, module in layer.named_modules()
        if not isinstance(module, nn.ParameterList | nn.ParameterDict)
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.dim() >= 2 and parameter.is_floating_point() and parameter.requires_grad
    ]


def joined(path: str, name: str) -> str:
    """The name of a parameter within the whole."""
    return f"{path}.{name}" if path else name
