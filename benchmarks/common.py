"""What the benchmarks share: their arguments, a step that is timed, a race of several, and the file of the results."""

import argparse
import json
import random
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pnn.system.files import write_atomically
from pnn.system.machine import device_name, pick_device
from pnn.training.objective import objective

RESULTS = Path(__file__).parent / "results"
WARM_UP = 3  # rounds that do not count

Step = Callable[[], None]


def arguments(description: str, sizes: Sequence[str] = ()) -> argparse.Namespace:
    """--device, as a torch device; --rounds; and --size, where there are several."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=15)
    if sizes:
        parser.add_argument("--size", default=sizes[0], choices=sizes)
    given = parser.parse_args()
    if given.rounds < 2:
        parser.error(f"--rounds must be at least 2, so that there is a range; got {given.rounds}")
    try:
        given.device = pick_device(given.device)
    except ValueError as error:
        parser.error(str(error))
    return given


def training_step(model: nn.Module, x: Tensor, y: Tensor, *, compiled: bool = False) -> Step:
    """A function that takes one step (forward, backward, Adam) as `fit` does, the device waited for."""
    optimiser = torch.optim.Adam(model.parameters())
    forward = torch.compile(model) if compiled else model

    def step() -> None:
        optimiser.zero_grad()
        objective(forward(x), y).backward()
        optimiser.step()
        if x.device.type == "cuda":
            torch.cuda.synchronize(x.device)

    return step


def race(
    steps: Mapping[Any, Step], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[Any, list[float]]:
    """Seconds of each candidate in every round: machines are noisy, so each round times each once, in random order."""
    seconds: dict[Any, list[float]] = {name: [] for name in steps}
    order = random.Random(0)
    for turn in range(-WARM_UP, rounds):
        for name in order.sample(list(steps), len(steps)):
            start = clock()
            steps[name]()
            if turn >= 0:
                seconds[name].append(clock() - start)
    return seconds


def milliseconds(seconds: Sequence[float]) -> float:
    return 1e3 * statistics.median(seconds)


def ratio(a: Sequence[float], b: Sequence[float]) -> dict[str, float]:
    """a over b, round by round: the median, and the range of the middle eight of ten."""
    ratios = [x / y for x, y in zip(a, b, strict=True)]
    tenths = statistics.quantiles(ratios, n=10)
    return {"median": statistics.median(ratios), "low": tenths[0], "high": tenths[-1]}


def write(name: str, device: torch.device, rows: Sequence[Mapping[str, Any]], **settings: Any) -> None:
    """Write benchmarks/results/<name>-<device>.json, which the book quotes."""
    where = device_name(device)
    machine = {"device": where, "threads": torch.get_num_threads(), "torch": torch.__version__}
    path = RESULTS / f"{name}-{re.sub('[^a-z0-9]+', '-', where.lower()).strip('-')}.json"
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(machine | settings | {"rows": rows}, indent=1) + "\n"
    write_atomically(path, lambda part: part.write_text(text))
    print(path)
