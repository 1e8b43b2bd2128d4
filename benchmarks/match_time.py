"""Which polynomial width takes as long a training step as the standard network of an experiment?

    OMP_NUM_THREADS=1 python benchmarks/match_time.py [--device auto] [--size laptop] [--rounds 15]

All candidates run side by side in one process, once a round in random order; what counts is the median over the rounds
of the ratio to the standard network within the round. The match is the widest network, not wider than the one with as
many parameters, whose step takes at most 5 % longer: less is within the noise. Writes
benchmarks/results/match_time-<size>-<device>.json. The match is then typed into `time_width` of the setting in
pnn/experiments/oporture.py; a test compares the two.
"""

import argparse
import json
import re
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from step_time import race, ratio

import pnn
from pnn.experiments import common, oporture
from pnn.machine import device_name, pick_device
from pnn.train import objective

SETTINGS = {
    "cifar10": oporture.CIFAR10,
    "cifar100": oporture.CIFAR100,
    "boolq": oporture.BOOLQ,
    "higgs": oporture.HIGGS,
}
SPREAD = (0.55, 0.7, 0.8, 0.87, 0.94, 1.0)  # candidates, as shares of the width that matches by parameters
LONGER = 1.05


def stepper(setting: common.Setting, network: pnn.Network, device: torch.device) -> Callable[[], None]:
    """A function that takes one training step as `fit` does, the device waited for."""
    form = setting.task.form
    model = network.build(form).to(device, memory_format=torch.channels_last)
    shape = (setting.recipe.batch_size, *form.shape)
    if form.vocabulary:  # texts of 131 tokens, the mean of BoolQ's, and padding
        x = torch.randint(1, form.vocabulary, shape, dtype=torch.int32, device=device)
        x[:, 131:] = 0
    else:
        x = torch.randn(shape, device=device)
        if x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, form.classes, shape[:1], device=device)
    optimiser = torch.optim.Adam(model.parameters())

    def step() -> None:
        optimiser.zero_grad()
        objective(model(x), y).backward()
        optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", default="laptop", choices=("laptop", "paper"))
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    torch.manual_seed(0)
    rows = []
    for name, settings in SETTINGS.items():
        setting = settings[arguments.size]
        standard = pnn.Network(setting.network, "standard", setting.width)
        equal = common.matching_width(setting.task, standard, "parameters")
        widths = sorted({max(1, round(equal * share)) for share in SPREAD})
        networks = {"standard": standard} | {
            str(width): pnn.Network(setting.network, "polynomial", width) for width in widths
        }
        steps = {key: stepper(setting, network, device) for key, network in networks.items()}
        seconds = race(steps, arguments.rounds)
        ratios = {str(width): ratio(seconds[str(width)], seconds["standard"]) for width in widths}
        match = max(width for width in widths if width <= equal and ratios[str(width)]["median"] <= LONGER)
        milliseconds = 1e3 * statistics.median(seconds["standard"])
        rows.append(
            {
                "experiment": name,
                "standard width": setting.width,
                "standard milliseconds": milliseconds,
                "over standard": ratios,
                "match": match,
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    where = device_name(device)
    result = {"device": where, "size": arguments.size, "threads": torch.get_num_threads(), "torch": torch.__version__}
    result |= {"rounds": arguments.rounds, "rows": rows}
    slug = re.sub("[^a-z0-9]+", "-", where.lower()).strip("-")
    path = Path(__file__).parent / "results" / f"match_time-{arguments.size}-{slug}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
