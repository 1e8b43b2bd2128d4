"""An experiment, its Records and a claim, for tests of what claims are and of how they are checked."""

from pathlib import Path

from whole import whole_record

import pnn
from pnn.runs.store import save_record

SEEDS = {"smoke": 2, "laptop": 3, "paper": 4}
PARAMETERS = {9: 1000, 5: 1010, 4: 700}  # by width
MACS = {9: 1000, 5: 1500, 4: 990}
STANDARD = [0.50, 0.52, 0.54]
GOOD = '[[claim]]\nid = "a"\nsource = "s"\ntext = "t"\nclaimed = "1 %"\n'


def tiny(size: str) -> dict[str, list[pnn.Run]]:
    def runs(neuron: str, width: int, seeds: int) -> list[pnn.Run]:
        network = pnn.CNN(neuron, width)
        return [pnn.Run(pnn.Digits(), network, pnn.Recipe(8), seed, size) for seed in range(seeds)]

    arms = {"standard": runs("standard", 9, SEEDS[size]), "parameters": runs("polynomial", 5, SEEDS[size])}
    return arms | ({"macs": runs("polynomial", 4, 2)} if size == "laptop" else {})


def record_of(run: pnn.Run, test: float | None, train: float = 0.9, device: str = "an abacus") -> pnn.Record:
    """With this accuracy on the test rows; None: it diverged."""
    if test is None:
        return pnn.Record.of_failure(run, "diverged", "step 3")
    width = run.network.width
    return whole_record(
        run,
        test,
        device=device,
        curves={"validation_accuracy": [max(0, test - 0.2), max(0, test - 0.1), *[test] * 6]},
        final={"train": pnn.Score(1.0, train)},
        budget={"parameters": PARAMETERS[width], "macs": MACS[width], "activation_bytes": MACS[width]},
        readings={"interactions.rank": [10 * test, 30 * test]},
    )


def keep(folder: Path, size: str, **arms: list[float | None]) -> Path:
    """Records of a size with these accuracies, by seed."""
    for name, accuracies in arms.items():
        for run, accuracy in zip(tiny(size)[name], accuracies, strict=False):
            save_record(record_of(run, accuracy), folder)
    return folder
