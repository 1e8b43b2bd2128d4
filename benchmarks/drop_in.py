"""Every quick check of check_layer on every layer and activation; layer_checks.py makes the slow ones, too."""

import functools

import torch
from layer_checks import arguments
from trials import Trial

from pnn import nn as collection
from pnn.testing import check_layer


def of_layers() -> list[Trial]:
    """A trial a check; a case is a layer to which the check applies."""
    tried: dict[str, list[str]] = {}
    for name in collection.__all__:
        torch.manual_seed(0)
        kind = getattr(collection, name)
        own, x = arguments(kind)
        for check in check_layer(functools.partial(kind, *own), x, quick=True):
            if check.outcome in ("held", "failed"):
                tried.setdefault(check.name, []).append("" if check.outcome == "held" else f"{name}: {check.why}")
    return [Trial("drop-in", name, len(told), [fault for fault in told if fault]) for name, told in tried.items()]
