"""Where can the layers of `pnn` be used? Every check of pnn.testing.check_layer on every layer and activation.

    OMP_NUM_THREADS=1 python benchmarks/layer_checks.py

Nothing is timed: each check holds, fails, does not apply, or is not run, and says why. It takes a quarter of an hour,
as some checks start two processes. Writes benchmarks/results/layer_checks-<device>.json.
"""

import functools
import inspect
from collections.abc import Callable
from importlib.metadata import version

import torch
from common import write
from torch import Tensor, nn

from pnn import nn as collection
from pnn.testing import check_layer


def arguments(kind: type[nn.Module]) -> tuple[tuple, Tensor]:
    """What a layer is made with, and an input for it: 4 channels, and 6 of the output where they may differ."""
    named = inspect.signature(kind).parameters
    if "in_features" in named:
        return (4, 6), torch.randn(3, 4)
    if "in_channels" in named:
        sides = (8,) if kind.__name__.endswith("1d") else (8, 8)
        return (4, 6, 3), torch.randn(3, 4, *sides)
    return () if "num_parameters" in named and "degree" not in named else (4,), torch.randn(3, 4, 8, 8)


def checked(kind: Callable[..., nn.Module], own: tuple, x: Tensor) -> dict:
    """The name of the layer, and for every check its outcome and the reason."""
    report = check_layer(functools.partial(kind, *own), x)
    print(report, flush=True)
    checks = {check.name: {"outcome": check.outcome, "why": check.why} for check in report}
    return {"layer": type(kind(*own)).__name__, "checks": checks}


def main() -> None:
    rows = []
    for name in collection.__all__:
        torch.manual_seed(0)
        kind = getattr(collection, name)
        rows.append(checked(kind, *arguments(kind)))
    packages = {package: version(package) for package in ("onnx", "onnxscript")}
    write("layer_checks", torch.device("cpu"), rows, **packages)


if __name__ == "__main__":
    main()
