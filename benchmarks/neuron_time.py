"""How long does a training step with each neuron take, and at which width does it take as long as the standard one's?

    OMP_NUM_THREADS=1 python benchmarks/neuron_time.py [--device auto] [--size laptop] [--rounds 15]

As benchmarks/match_time.py, for every neuron of the experiments `neurons-cifar10` and `neurons-higgs`. Writes
benchmarks/results/neuron_time-<size>-<device>.json; the matches are then typed into `TIME_WIDTHS` of
pnn/experiments/exchange.py, and a test compares the two.
"""

import argparse
import dataclasses
import json
import re
import statistics
from pathlib import Path

import torch
from match_time import LONGER, stepper
from step_time import race, ratio

import pnn
from pnn.experiments import exchange
from pnn.machine import device_name, pick_device

SPREAD = (0.3, 0.45, 0.6, 0.75, 0.88, 1.0)  # candidates, as shares of the width that matches by parameters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", default="laptop", choices=("laptop", "paper"))
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    torch.manual_seed(0)
    rows = []
    for task, settings in exchange.SETTINGS.items():
        setting = settings[arguments.size]
        sides = pnn.experiments.neurons(arguments.size, task=task, seeds=1)
        equal = {
            side.neuron: runs[0].network
            for side, runs in sides.items()
            if (side.equal, side.activation) == ("parameters", "relu")
        }
        networks = {("standard", setting.width): equal.pop("standard")}
        for neuron, network in equal.items():
            for width in sorted({max(1, round(network.width * share)) for share in SPREAD}):
                networks[neuron, width] = dataclasses.replace(network, width=width)
        steps = {str(key): stepper(setting, network, device) for key, network in networks.items()}
        seconds = race(steps, arguments.rounds)
        base = seconds[str(("standard", setting.width))]
        for neuron, network in equal.items():
            ratios = {width: ratio(seconds[str((neuron, width))], base) for own, width in networks if own == neuron}
            fitting = [width for width, found in ratios.items() if found["median"] <= LONGER]
            rows.append(
                {
                    "task": task,
                    "neuron": neuron,
                    "standard width": setting.width,
                    "standard milliseconds": 1e3 * statistics.median(base),
                    "equal parameters": network.width,
                    "over standard": {str(width): found for width, found in ratios.items()},
                    "match": max(fitting, default=None),  # None: not even the narrowest that was tried is fast enough
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    where = device_name(device)
    result = {"device": where, "size": arguments.size, "threads": torch.get_num_threads(), "torch": torch.__version__}
    result |= {"rounds": arguments.rounds, "rows": rows}
    slug = re.sub("[^a-z0-9]+", "-", where.lower()).strip("-")
    path = Path(__file__).parent / "results" / f"neuron_time-{arguments.size}-{slug}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
