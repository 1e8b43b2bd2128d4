r"""What small networks can express: regions, dimension, and the error that a number of parameters reaches.

Three kinds of networks, alike but for their neuron, all in float64:

.. math::

    \text{conventional:} \quad & \max(0, w^\top x + b) \\
    \text{quadratic:} \quad & \max(0, (r^\top x + \beta)(g^\top x + \gamma) + b^\top (x \odot x) + c) \\
    \text{quadratic-activation:} \quad & (w^\top x + b)^2
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ..nn import QuadraticLinear


def _square(inputs: int, outputs: int) -> nn.Module:
    return QuadraticLinear(inputs, outputs, form="type3")


NEURONS: dict[str, Callable[[int, int], nn.Module]] = {
    "conventional": nn.Linear,
    "quadratic": QuadraticLinear,
    "quadratic-activation": _square,
}
# These are points a side, for one input and for two: of the grid that is fitted, which contains 0, where kinks are, and
# of a finer one.
_SIDES = ((129, 1000), (17, 100))


def network(kind: str, inputs: int, width: int, depth: int = 1, *, relu: bool = True, seed: int = 0) -> nn.Sequential:
    """``depth`` layers of ``width`` neurons, and a linear map to one output; in float64.

    With :math:`m` maps a neuron (3 if quadratic, else 1) it has
    ``m * (inputs + 1) * width + (depth - 1) * m * (width + 1) * width + width + 1`` parameters.

    Args:
        kind: ``"conventional"``, ``"quadratic"`` or ``"quadratic-activation"``.
        inputs: of a row.
        width: neurons of a layer.
        depth: layers before the last one.
        relu: whether ReLU follows every layer. Never in ``"quadratic-activation"``: it leaves a square as it is.
        seed: of the weights, drawn as torch draws those of a linear layer; torch's own stream is left as it was.

    Raises:
        ValueError: the kind is unknown, or a number is below 1.
    """
    if kind not in NEURONS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, NEURONS))}, got {kind!r}")
    for name, number in {"inputs": inputs, "width": width, "depth": depth}.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in range(depth):
            layers.append(NEURONS[kind](width if layer else inputs, width))
            if relu and kind != "quadratic-activation":
                layers.append(nn.ReLU())
        return nn.Sequential(*layers, nn.Linear(width, 1)).double()


def parameters(model: nn.Module) -> int:
    """How many numbers the network learns."""
    return sum(p.numel() for p in model.parameters())


def width_within(kind: str, inputs: int, depth: int, most: int) -> int:
    """The largest width with at most so many parameters; 0 if not even one neuron a layer has so few."""
    width = 0
    while parameters(network(kind, inputs, width + 1, depth)) <= most:
        width += 1
    return width


def grid(inputs: int, side: int) -> Tensor:
    """``side ** inputs`` points of the cube [-1, 1], its corners among them, one a row; the last input is fastest."""
    steps = torch.linspace(-1, 1, side, dtype=torch.float64)
    return torch.cartesian_prod(*[steps] * inputs).view(-1, inputs)


@torch.no_grad()
def relu_inputs(model: nn.Sequential, points: Tensor) -> list[Tensor]:
    """What each layer of ReLUs is given at the points: (points, neurons) a layer. Where it is 0, two pieces meet."""
    found, x = [], points
    for layer in model:
        if isinstance(layer, nn.ReLU):
            found.append(x)
        x = layer(x)
    return found


def patterns(model: nn.Sequential, points: Tensor) -> Tensor:
    """Which ReLUs are active at each point: truth values, (points, ReLUs in the order of computation)."""
    none = torch.empty(len(points), 0, dtype=torch.bool)
    return torch.cat([none, *(x > 0 for x in relu_inputs(model, points))], 1)


def count_regions(model: nn.Sequential, points: Tensor) -> int:
    """How many different activation patterns the points have.

    Where one pattern holds, the network is one polynomial. Regions that no point hits are not counted, and a pattern
    counts once, also where it holds in several places that do not touch. That cannot be in a conventional network,
    whose regions are convex, but it can in a quadratic one: :math:`x^2 - c` is positive on both sides of a strip.
    """
    return len(set(map(bytes, np.packbits(patterns(model, points).numpy(), axis=1))))


def count_pieces(model: nn.Sequential, line: Tensor) -> int:
    """Of how many pieces the network is along a line, given by points in their order: 1 and the changes of pattern.

    Pieces that no point hits are not counted.
    """
    active = patterns(model, line)
    return 1 + int((active[1:] != active[:-1]).any(1).sum())


def dimension(model: nn.Module, points: Tensor) -> int:
    """In how many directions the values at the points can move when the parameters do: the rank of the Jacobian.

    Of a polynomial network with random parameters, at enough random points, this is the dimension of the family of
    functions that its structure can express. It is at most the number of parameters, and less where several settings of
    them give one function. The rank is numerical and meant for small networks of degree 4 or less.
    """
    weights = {name: p.detach() for name, p in model.named_parameters()}
    jacobian = torch.func.jacrev(lambda given: torch.func.functional_call(model, given, (points,))[:, 0])(weights)
    return int(torch.linalg.matrix_rank(torch.cat([part.flatten(1) for part in jacobian.values()], 1), rtol=1e-11))


@torch.no_grad()
def relative_error(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Root mean square of ``model(x)[:, 0] - y`` as a share of that of y; infinite if it is not a number."""
    error = ((model(x)[:, 0] - y).square().mean() / y.square().mean()).sqrt().item()
    return error if math.isfinite(error) else math.inf


def fit(model: nn.Module, x: Tensor, y: Tensor, steps: int = 100) -> float:
    """Fit the network to the values y at the rows of x by least squares, in place. Returns its relative error there.

    L-BFGS on all rows with a line search (strong Wolfe conditions), from the weights that the network has. It ends
    after so many steps, after 5 / 4 as many evaluations, or when the loss hardly changes. Nothing is random.
    """
    tolerances = {"tolerance_grad": 0, "tolerance_change": 1e-24}
    optimiser = torch.optim.LBFGS(
        model.parameters(), max_iter=steps, history_size=10, line_search_fn="strong_wolfe", **tolerances
    )
    scale = y.square().mean()

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = (model(x)[:, 0] - y).square().sum() / scale
        value.backward()
        return value

    optimiser.step(loss)
    return relative_error(model, x, y)


def fitted_errors(
    kind: str,
    function: Callable[[Tensor], Tensor],
    inputs: int,
    width: int,
    depth: int = 1,
    *,
    seeds: int = 3,
    steps: int = 100,
) -> list[float]:
    """Relative errors of networks with seeds 0, 1, ..., each fitted to a function on a grid of the cube [-1, 1].

    They are taken on a finer grid, so that a network that only passes through the fitted points gains nothing.

    Args:
        kind: see :func:`network`, also for width and depth.
        function: from rows of points to their values.
        inputs: 1 or 2.
        width: neurons of a layer.
        depth: layers before the last one.
        seeds: how many networks.
        steps: of each :func:`fit`.

    Raises:
        ValueError: as :func:`network` does, or there are more than two inputs.
    """
    if inputs > len(_SIDES):
        raise ValueError(f"inputs must be 1 or 2, got {inputs}: a grid of more would be too large")
    models = [network(kind, inputs, width, depth, seed=seed) for seed in range(seeds)]
    fitted, finer = (grid(inputs, side) for side in _SIDES[inputs - 1])
    values = function(fitted)
    for model in models:
        fit(model, fitted, values, steps)
    return [relative_error(model, finer, function(finer)) for model in models]
