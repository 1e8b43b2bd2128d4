"""One training step of the polynomial CNN against its rivals, side by side in one process.

    python benchmarks/step_time.py [--device auto] [--rounds 15]

Rivals: the standard network with as many parameters, and the polynomial network with three separate convolutions
in place of the fused one. Every round times each candidate once, in a random order; what is kept are the ratios
within a round, since machines are noisy. Writes benchmarks/results/step_time-<device>.json, which the book quotes.
"""

import functools
import json

import torch
from common import Step, arguments, milliseconds, race, ratio, training_step, write
from torch import Tensor, nn

import pnn

BATCH = 128
PAIRS = {"laptop": (26, 15), "paper": (149, 86)}  # widths of the standard and the matched polynomial network


class ThreeConvolutions(nn.Module):
    """The polynomial convolution as it is usually written."""

    def __init__(self, fused: pnn.PolyConv2d) -> None:
        super().__init__()
        self.a, self.b, self.c = fused.branches()

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x) + self.b(x) * self.c(x)


def unfused(width: int) -> nn.Module:
    model = pnn.CNNModule(3, 10, width, "polynomial")
    for index, layer in enumerate(model):
        if isinstance(layer, pnn.PolyConv2d):
            model[index] = ThreeConvolutions(layer)
    return model


def step_of(model: nn.Module, device: torch.device, layout: torch.memory_format, compiled: bool) -> Step:
    """A training step on random images."""
    x = torch.randn(BATCH, 3, 32, 32, device=device).contiguous(memory_format=layout)
    y = torch.randint(0, 10, (BATCH,), device=device)
    return training_step(model.to(device, memory_format=layout), x, y, compiled=compiled)


def main() -> None:
    given = arguments(__doc__)
    torch.manual_seed(0)
    rows = []
    for size, (standard, polynomial) in PAIRS.items():
        build = {
            "standard": functools.partial(pnn.CNNModule, 3, 10, standard),
            "polynomial": functools.partial(pnn.CNNModule, 3, 10, polynomial, "polynomial"),
            "three convolutions": functools.partial(unfused, polynomial),
        }
        for layout in (torch.channels_last, torch.contiguous_format):
            for compiled in (False, True) if layout is torch.channels_last else (False,):
                steps = {name: step_of(make(), given.device, layout, compiled) for name, make in build.items()}
                seconds = race(steps, given.rounds)
                row = {
                    "size": size,
                    "layout": str(layout).removeprefix("torch."),
                    "compiled": compiled,
                    "milliseconds": {name: milliseconds(values) for name, values in seconds.items()},
                    "over standard": ratio(seconds["polynomial"], seconds["standard"]),
                    "over three convolutions": ratio(seconds["polynomial"], seconds["three convolutions"]),
                }
                rows.append(row)
                print(json.dumps(row), flush=True)
    write("step_time", given.device, rows, batch=BATCH, rounds=given.rounds)


if __name__ == "__main__":
    main()
