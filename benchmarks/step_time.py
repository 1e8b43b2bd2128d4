"""One training step of the polynomial CNN against its rivals, side by side in one process.

    python benchmarks/step_time.py [--device auto] [--rounds 15]

Rivals: the standard network with as many parameters, and the polynomial network with three separate convolutions
in place of the fused one. Every round times each candidate once, in a random order; what is kept are the ratios
within a round, since machines are noisy. Writes benchmarks/results/step_time-<device>.json, which the book quotes.
"""

import argparse
import functools
import json
import random
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pnn
from pnn.machine import device_name, pick_device

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
    model = pnn.CNN(3, 10, width, "polynomial")
    for index, layer in enumerate(model):
        if isinstance(layer, pnn.PolyConv2d):
            model[index] = ThreeConvolutions(layer)
    return model


def stepper(model: nn.Module, device: torch.device, layout: torch.memory_format, compiled: bool) -> Callable[[], None]:
    """A function that takes one training step, the device waited for."""
    model.to(device, memory_format=layout)
    x = torch.randn(BATCH, 3, 32, 32, device=device).contiguous(memory_format=layout)
    y = torch.randint(0, 10, (BATCH,), device=device)
    optimiser = torch.optim.Adam(model.parameters())
    forward = torch.compile(model) if compiled else model

    def step() -> None:
        optimiser.zero_grad()
        F.cross_entropy(forward(x), y).backward()
        optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step


def race(steps: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each candidate in every round, after three rounds of warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    order = random.Random(0)
    for turn in range(-3, rounds):
        for name in order.sample(list(steps), len(steps)):
            start = time.perf_counter()
            steps[name]()
            if turn >= 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(a: list[float], b: list[float]) -> dict[str, float]:
    """a over b, round by round: the median, and the range of the middle eight of ten."""
    ratios = [x / y for x, y in zip(a, b, strict=True)]
    tenths = statistics.quantiles(ratios, n=10)
    return {"median": statistics.median(ratios), "low": tenths[0], "high": tenths[-1]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    torch.manual_seed(0)
    rows = []
    for size, (standard, polynomial) in PAIRS.items():
        build = {
            "standard": functools.partial(pnn.CNN, 3, 10, standard),
            "polynomial": functools.partial(pnn.CNN, 3, 10, polynomial, "polynomial"),
            "three convolutions": functools.partial(unfused, polynomial),
        }
        for layout in (torch.channels_last, torch.contiguous_format):
            for compiled in (False, True) if layout is torch.channels_last else (False,):
                steps = {name: stepper(make(), device, layout, compiled) for name, make in build.items()}
                seconds = race(steps, arguments.rounds)
                row = {
                    "size": size,
                    "layout": str(layout).removeprefix("torch."),
                    "compiled": compiled,
                    "milliseconds": {name: 1e3 * statistics.median(values) for name, values in seconds.items()},
                    "over standard": ratio(seconds["polynomial"], seconds["standard"]),
                    "over three convolutions": ratio(seconds["polynomial"], seconds["three convolutions"]),
                }
                rows.append(row)
                print(json.dumps(row), flush=True)
    name = device_name(device)
    result = {
        "device": name,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "batch": BATCH,
        "rounds": arguments.rounds,
        "rows": rows,
    }
    path = Path(__file__).parent / "results" / f"step_time-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
