"""Batch norm folded the right and the wrong way round, and how far each moves the outputs of a trained network."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..analysis.channel_affine import Affine, scale_outputs
from ..analysis.fold import MAPS, NORMS, fold_batch_norm
from ..networks.cnn1d import CNN1d
from ..networks.funnel_mlp import FunnelMLP
from ..nn.activation import RELU, Polynomial
from ..system.extras import needs
from ..tasks.hapt import HAPT
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

STEPS, BATCH, RATE = 200, 64, 1e-3
DEGREES = (2, 4, 8)
BOUND = 5.0


def fold_before(model: nn.Sequential) -> nn.Sequential:
    """What the code of :cite:t:`alhossain2025` does: each BatchNorm goes into the map *before* the activation.

    In the order [map, activation, BatchNorm] that is another function, as :math:`f(a x + b)` is not
    :math:`a f(x) + b`. It is here to show by how much. The model is left as it is.

    Raises:
        ValueError: no BatchNorm stands two layers after a map.
    """
    model = copy.deepcopy(model).eval()
    layers = list(model)
    folded = 0
    for place, (linear, norm) in enumerate(zip(layers, layers[2:], strict=False)):
        if type(linear) in MAPS and type(norm) in NORMS:
            scale_outputs(linear, Affine.of(norm))
            model[place + 2] = nn.Identity()
            folded += 1
    if not folded:
        raise ValueError(f"no layers [map, activation, BatchNorm] among {[type(layer).__name__ for layer in layers]}")
    return model


def moved(steps: int = STEPS, seed: int = 0) -> Table:
    """A row a network: how far each way to fold moves its outputs on test rows, as a share of their largest.

    ``next`` is in float32, ``next_float64`` and ``before`` in float64; ``changed`` is the share of
    rows in percent that get another class by ``before``. The networks are trained for some steps of AdamW on the
    embedded stand-in of HAPT, so that their statistics and weights are those of a network in use; in float64, so that
    ``before`` and ``changed`` are the same on every machine. The others are roundings.

    Args:
        steps: of 64 rows each.
        seed: of the weights and the order of the rows.
    """
    task = HAPT(rows="stand-in", validation=50)
    data = task.load()
    train, test = (data.normalise(split.x).double() for split in (data.train, data.test))
    rows = {}
    for name, network in networks().items():
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = network.build(task.form).double()
            _train(model, train, data.train.y, steps)
        rows[name] = _distances(model, test)
    columns = {
        "next map, float64": "{next_float64:.1e}",
        "next map, float32": "{next:.1e}",
        "map before the activation": "{before:.2g}",
        "rows that change class then, %": "{changed:.0f}",
    }
    caption = sentence(
        "largest distance of an output from the network's own, as a share of its largest output",
        f"{len(test)} test rows of {task.title}, {steps} steps of training",
    )
    return Table(pd.DataFrame.from_dict(rows, orient="index").rename_axis("network"), columns, caption)


def networks() -> Mapping[str, FunnelMLP | CNN1d]:
    """Those of the table, all in the order [map, activation, BatchNorm]."""
    found: dict[str, FunnelMLP | CNN1d] = {"narrowing perceptron, ReLU": FunnelMLP("standard", 64, RELU)}
    for degree in DEGREES:
        found[f"narrowing perceptron, degree {degree}"] = FunnelMLP("standard", 64, Polynomial(degree, BOUND))
    found["1-D convolutions, degree 4"] = CNN1d("standard", 8, Polynomial(4, BOUND))
    return found


def _train(model: nn.Module, x: Tensor, y: Tensor, steps: int) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), RATE)
    for _ in range(steps):
        rows = torch.randint(len(x), (BATCH,))
        optimiser.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimiser.step()
    model.eval()


@torch.no_grad()
def _distances(model: nn.Module, x: Tensor) -> dict[str, float]:
    exact, wrong = model(x), fold_before(model)(x)  # type: ignore[arg-type]
    narrow = copy.deepcopy(model).float()
    own = narrow(x.float())

    def distance(found: Tensor, expected: Tensor) -> float:
        return ((found - expected).abs().max() / expected.abs().max()).item()

    return {
        "next_float64": distance(fold_batch_norm(model)(x), exact),
        "next": distance(fold_batch_norm(narrow)(x.float()), own),
        "before": distance(wrong, exact),
        "changed": 100 * (wrong.argmax(1) != exact.argmax(1)).double().mean().item(),
    }
