"""What the software survives: kills, failing disks, flipped bits, wrong inputs, and what people do to layers.

    python benchmarks/torture.py [--quick]

Writes benchmarks/results/torture-<device>.json, which the page about trust shows; the exit status is 1 if any case did
not end as promised. Everything random has a seed. Ten minutes on two cores, or with --quick two.
"""

import argparse
import dataclasses
import random
import sys
import tempfile
from collections.abc import Iterator

import bad_inputs
import disk_faults
import drop_in
import kills
import torch
from common import write
from trials import Trial

import pnn


def trials(quick: bool) -> Iterator[Trial]:
    def seeded() -> random.Random:
        return random.Random(0)

    fewer = 5 if quick else 1
    with tempfile.TemporaryDirectory() as folder:
        record = pnn.fit(disk_faults.run_of(0), folder=folder, device="cpu", progress=False)
    yield from disk_faults.of_writes(record)
    yield from disk_faults.of_kills(record, 50 // fewer, seeded())
    yield from disk_faults.of_flips(record, 2000 // fewer, seeded())
    yield bad_inputs.of_choices()
    yield from bad_inputs.of_forms(record)
    yield bad_inputs.of_commands()
    yield from drop_in.of_layers()
    yield from kills.of_trainings(10 // fewer, seeded())
    yield kills.of_studies(15 // fewer, seeded())
    yield kills.of_sweeps(15 // fewer, seeded())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of everything; nothing is written")
    quick = parser.parse_args().quick
    found = []
    for trial in trials(quick):
        found.append(trial)
        print(
            f"{trial.kind:8} {trial.what}: {trial.tried - len(trial.faults)} of {trial.tried} as promised", flush=True
        )
        for fault in trial.faults:
            print(f"         {fault}")
    if not quick:
        write("torture", torch.device("cpu"), [dataclasses.asdict(trial) for trial in found])
    return int(any(trial.faults for trial in found))


if __name__ == "__main__":
    sys.exit(main())
