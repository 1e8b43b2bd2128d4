"""Which polynomial width takes as long a training step as the standard network of an experiment?

    OMP_NUM_THREADS=1 python benchmarks/match_time.py [--device auto] [--size laptop] [--rounds 15]

All candidates run side by side in one process, once a round in random order; what counts is the median over the rounds
of the ratio to the standard network within the round. The match is the widest network, not wider than the one with as
many parameters, whose step takes at most 5 % longer: less is within the noise. Writes
benchmarks/results/match_time-<size>-<device>.json. The match is then typed into `WIDTHS` of
pnn/experiments/matched.py; a test compares the two.
"""

import dataclasses
import json

import torch
from common import Step, arguments, milliseconds, race, ratio, training_step, write

from pnn.experiments import matched
from pnn.experiments.common import Setting
from pnn.networks import Network

SETTINGS = {
    "cifar10": matched.CIFAR10_SETTINGS,
    "cifar100": matched.CIFAR100_SETTINGS,
    "boolq": matched.BOOLQ_SETTINGS,
    "higgs": matched.HIGGS_SETTINGS,
}
SPREAD = (0.55, 0.7, 0.8, 0.87, 0.94, 1.0)  # candidates, as shares of the width that matches by parameters
LONGER = 1.05


def step_of(setting: Setting, network: Network, device: torch.device) -> Step:
    """A training step of a network on rows of the setting's form."""
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
    return training_step(model, x, torch.randint(0, form.classes, shape[:1], device=device))


def main() -> None:
    given = arguments(__doc__, sizes=("laptop", "paper"))
    torch.manual_seed(0)
    rows = []
    for name, settings in SETTINGS.items():
        setting = settings[given.size]
        standard = setting.network
        equal = matched.WIDTHS[name][given.size]["parameters"]
        widths = sorted({max(1, round(equal * share)) for share in SPREAD})
        networks = {"standard": standard} | {
            str(width): dataclasses.replace(standard, neuron="polynomial", width=width) for width in widths
        }
        steps = {key: step_of(setting, network, given.device) for key, network in networks.items()}
        seconds = race(steps, given.rounds)
        ratios = {str(width): ratio(seconds[str(width)], seconds["standard"]) for width in widths}
        match = max(width for width in widths if width <= equal and ratios[str(width)]["median"] <= LONGER)
        rows.append(
            {
                "experiment": name,
                "standard width": standard.width,
                "standard milliseconds": milliseconds(seconds["standard"]),
                "over standard": ratios,
                "match": match,
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    write(f"match_time-{given.size}", given.device, rows, size=given.size, rounds=given.rounds)


if __name__ == "__main__":
    main()
