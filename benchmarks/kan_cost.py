"""What does a layer of learnt functions (KAN) cost? Training steps side by side in one process.

    OMP_NUM_THREADS=1 python benchmarks/kan_cost.py [--device auto] [--rounds 15]

Networks of `pnn.KANLinear`, with splines and with Chebyshev polynomials, and of efficient-kan's layer, restated below
from its equation, against linear layers with ReLU: of the same widths, and of one hidden layer and as many parameters.
What is kept are the ratios of time within a round, and the activations that autograd keeps of a row; on CUDA also the
most memory that a step holds, its weights and Adam's moments included. Writes
benchmarks/results/kan_cost-<device>.json.
"""

import copy
import functools
import itertools
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from common import arguments, milliseconds, race, ratio, training_step, write
from torch import Tensor, nn
from torch.nn import functional as F

import pnn

# widths of the layers, rows of a batch; the first is the network and the batch of efficient-kan's example on MNIST
SETTINGS = (((784, 64, 10), 64), ((256, 256, 256), 1024))
RESTATED, LINEAR = "efficient-kan, restated", "linear, ReLU"


class RecursiveKANLinear(nn.Module):
    r"""The layer of efficient-kan: its B-splines by the Cox-de Boor recursion, then two linear maps.

    .. math:: y = W_b \, \mathrm{silu}(x) + (S \odot W_s) \, B(x)

    with a scale :math:`S` an edge, and knots of their own for every input, as that library can move them.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        grid: int = 5,
        degree: int = 3,
        interval: tuple[float, float] = (-1.0, 1.0),
    ) -> None:
        super().__init__()
        self.degree = degree
        low, high = interval
        knots = low + (high - low) / grid * torch.arange(-degree, grid + degree + 1)
        self.register_buffer("knots", knots.repeat(in_features, 1))
        self.base = nn.Parameter(torch.empty(out_features, in_features))
        self.coefficients = nn.Parameter(torch.empty(out_features, in_features, grid + degree))
        self.scale = nn.Parameter(torch.empty(out_features, in_features))
        for weight in self.parameters():
            nn.init.kaiming_uniform_(weight, math.sqrt(5))

    def splines(self, x: Tensor) -> Tensor:
        """All B-splines of every input: ``(N, in)`` to ``(N, in, grid + degree)``."""
        x, t = x.unsqueeze(-1), self.knots
        values = ((t[:, :-1] <= x) & (x < t[:, 1:])).to(x.dtype)
        for d in range(1, self.degree + 1):
            rising = (x - t[:, : -d - 1]) / (t[:, d:-1] - t[:, : -d - 1])
            falling = (t[:, d + 1 :] - x) / (t[:, d + 1 :] - t[:, 1:-d])
            values = rising * values[..., :-1] + falling * values[..., 1:]
        return values

    def forward(self, x: Tensor) -> Tensor:
        weight = self.scale.unsqueeze(-1) * self.coefficients
        return F.linear(F.silu(x), self.base) + F.linear(self.splines(x).flatten(1), weight.flatten(1))


LAYERS: dict[str, Callable[[int, int], nn.Module]] = {
    "KANLinear, splines": pnn.KANLinear,
    "KANLinear, Chebyshev": functools.partial(pnn.KANLinear, basis="chebyshev"),
    RESTATED: RecursiveKANLinear,
}


def stack(layer: Callable[[int, int], nn.Module], widths: Sequence[int]) -> nn.Module:
    return nn.Sequential(*(layer(*pair) for pair in itertools.pairwise(widths)))


def perceptron(widths: Sequence[int]) -> nn.Module:
    """Each linear layer with ReLU behind it, the last one too: a layer of functions bends its values as well."""
    return stack(lambda *pair: nn.Sequential(nn.Linear(*pair), nn.ReLU()), widths)


def as_many_parameters(model: nn.Module, widths: Sequence[int]) -> nn.Module:
    """A perceptron of one hidden layer with the parameters of another network."""
    first, *_, last = widths
    hidden = pnn.match_width(lambda width: perceptron((first, width, last)), model)
    return perceptron((first, hidden, last))


def peak_bytes(model: nn.Module, x: Tensor, y: Tensor) -> int | None:
    """The most memory that a training step adds to what is there, the weights included; known on CUDA alone."""
    if x.device.type != "cuda":
        return None
    before = torch.cuda.memory_allocated(x.device)
    step = training_step(copy.deepcopy(model), x, y)
    step()  # Adam's moments are made in the first step
    torch.cuda.reset_peak_memory_stats(x.device)
    step()
    return torch.cuda.max_memory_allocated(x.device) - before


def main() -> None:
    given = arguments(__doc__)
    torch.manual_seed(0)
    rows: list[dict[str, Any]] = []
    for widths, batch in SETTINGS:
        models = {name: stack(layer, widths) for name, layer in LAYERS.items()}
        equal = {f"{LINEAR}, as many parameters as {name}": name for name in LAYERS}
        models |= {rival: as_many_parameters(models[name], widths) for rival, name in equal.items()}
        models[LINEAR] = perceptron(widths)
        models = {name: model.to(given.device) for name, model in models.items()}
        x = 2 * torch.rand(batch, widths[0], device=given.device) - 1  # the interval of the splines
        y = torch.randint(0, widths[-1], (batch,), device=given.device)
        peaks = {name: peak_bytes(model, x, y) for name, model in models.items()}
        seconds = race({name: training_step(model, x, y) for name, model in models.items()}, given.rounds)
        found = {}
        for name, model in models.items():
            cost = pnn.budget(model, x)
            found[name] = {
                "network": "-".join(map(str, widths)),
                "batch": batch,
                "layers": name,
                "parameters": cost.parameters,
                "milliseconds": milliseconds(seconds[name]),
                "activation_bytes": cost.activation_bytes,
                "peak_bytes": peaks[name],
            }
        for rival, name in equal.items():
            found[name]["over"] = {
                key: {
                    "time": ratio(seconds[name], seconds[other]),
                    "activation_bytes": found[name]["activation_bytes"] / found[other]["activation_bytes"],
                    "peak_bytes": peaks[name] / peaks[other] if peaks[name] else None,
                }
                for key, other in {"same widths": LINEAR, "equal parameters": rival, "efficient-kan": RESTATED}.items()
                if other != name
            }
        rows += found.values()
        for row in found.values():
            print(json.dumps(row), flush=True)
    write("kan_cost", given.device, rows, rounds=given.rounds)


if __name__ == "__main__":
    main()
