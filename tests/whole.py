"""Records for tests that are as whole as those that a training writes."""

import dataclasses

import pnn
from pnn.networks import Baseline
from pnn.runs.record_check import CURVES


def whole_record(
    run: pnn.Run, test: float = 0.5, *, loss: float = 0.5, device: str = "an abacus", **changes
) -> pnn.Record:
    """A Record of a training that ended well, with this loss and accuracy on all splits.

    Args:
        run: whose Record it is.
        test: accuracy.
        loss: in nats.
        device: on which it was trained.
        changes: other fields; curves, final, budget, used, versions and data are put over those that are there.
    """
    baseline = isinstance(run.network, Baseline)
    epochs = run.recipe.epochs
    form = {
        "curves": {} if baseline else {name: [test] * epochs for name in CURVES},
        "final": {split: pnn.Score(loss, test) for split in ("train", "validation", "test")},
        "budget": {} if baseline else {"parameters": 10, "macs": 20, "activation_bytes": 30, "step_seconds": 0.5},
        "used": {"device": device} | ({"best_epoch": epochs} if run.recipe.patience else {}),
        "versions": {"torch": "2.15.0"},
        "data": {"origin": "stand-in", "fingerprint": "0" * 64},
    }
    form = {name: part | changes.pop(name, {}) for name, part in form.items()}
    return dataclasses.replace(
        pnn.Record.of_failure(run, "failed", "why"),
        **{"outcome": "ok", "message": "", "seconds": 1.0, "sessions": 1, "commit": "", **form, **changes},
    )
