"""How long does a training step with each neuron take, and at which width does it take as long as the standard one's?

    OMP_NUM_THREADS=1 python benchmarks/neuron_time.py [--device auto] [--size laptop] [--rounds 15]

As benchmarks/match_time.py, for every neuron of the experiments `neurons-cifar10` and `neurons-higgs`; where even the
narrowest network that was tried takes longer, there is no match. Writes
benchmarks/results/neuron_time-<size>-<device>.json; the matches are then typed into `TIME_WIDTHS` of
pnn/experiments/exchange.py, and a test compares the two.
"""

import dataclasses
import json

import torch
from common import arguments, milliseconds, race, ratio, write
from match_time import LONGER, step_of

from pnn.experiments import neurons

SPREAD = (0.3, 0.45, 0.6, 0.75, 0.88, 1.0)  # candidates, as shares of the width that matches by parameters


def main() -> None:
    given = arguments(__doc__, sizes=("laptop", "paper"))
    torch.manual_seed(0)
    rows = []
    for task, settings in neurons.SETTINGS.items():
        setting = settings[given.size]
        arms = neurons.runs(given.size, task=task, seeds=1)
        equal = {
            arm.neuron: runs[0].network
            for arm, runs in arms.items()
            if (arm.equal, arm.activation) == ("parameters", "relu")
        }
        standard = ("standard", setting.network.width)
        networks = {standard: equal.pop("standard")}
        for neuron, network in equal.items():
            for width in sorted({max(1, round(network.width * share)) for share in SPREAD}):
                networks[neuron, width] = dataclasses.replace(network, width=width)
        steps = {key: step_of(setting, network, given.device) for key, network in networks.items()}
        seconds = race(steps, given.rounds)
        for neuron, network in equal.items():
            ratios = {width: ratio(seconds[own, width], seconds[standard]) for own, width in networks if own == neuron}
            fitting = [width for width, found in ratios.items() if found["median"] <= LONGER]
            rows.append(
                {
                    "task": task,
                    "neuron": neuron,
                    "standard width": setting.network.width,
                    "standard milliseconds": milliseconds(seconds[standard]),
                    "equal parameters": network.width,
                    "over standard": {str(width): found for width, found in ratios.items()},
                    "match": max(fitting, default=None),
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    write(f"neuron_time-{given.size}", given.device, rows, size=given.size, rounds=given.rounds)


if __name__ == "__main__":
    main()
