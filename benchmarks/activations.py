"""What do polynomial activations, and learned ones, cost beside SiLU? All of them side by side in one process.

    export OMP_NUM_THREADS=1 MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=8589934592
    python benchmarks/activations.py [--device auto] [--rounds 15]

By the first line the program keeps the memory that it frees. Else some steps get theirs from the system page by page,
by chance, which takes several times as long as an activation.

Each goes forward and backward, to its input and to its own parameters, eager and compiled, over feature maps and over
rows. Written are the ratios of time to SiLU's within a round, and what autograd keeps over the size of the input.
On a processor the time is the processor's, which depends less on what else runs there than the clock's does. "Powers"
are polynomials as they are published: a sum of all powers, each of them computed. Writes
benchmarks/results/activations-<device>.json.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import torch
from common import Step, arguments, milliseconds, race, ratio, write
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

import pnn

DEGREES = (2, 4, 8, 16, 22)
# the shape of the input, and how many steps are timed as one
CHANNELS = 64
INPUTS = {"maps": ((128, CHANNELS, 28, 28), 1), "rows": ((128, CHANNELS), 20)}
SILU = "SiLU"


class Powers(nn.Module):
    r"""The sum of :math:`c_k x^k`, with coefficients that start as a fit to ReLU."""

    def __init__(self, degree: int) -> None:
        super().__init__()
        self.coefficients = nn.Parameter(pnn.fit_polynomial(torch.relu, degree, (-5, 5), basis="monomial").float())

    def forward(self, x: Tensor) -> Tensor:
        powers = torch.stack([x**k for k in range(len(self.coefficients))])
        return torch.tensordot(self.coefficients, powers, 1)


def candidates() -> dict[tuple[str, int | None], Callable[[], nn.Module]]:
    """By name and degree, or order."""
    found: dict[tuple[str, int | None], Callable[[], nn.Module]] = {(SILU, None): nn.SiLU}
    for degree in DEGREES:
        found["Chebyshev", degree] = lambda degree=degree: pnn.PolynomialActivation(degree)
        found["Chebyshev, frozen", degree] = lambda degree=degree: pnn.PolynomialActivation(degree, learnable=False)
        found["powers", degree] = lambda degree=degree: Powers(degree)
    for order in (2, 4, 8):
        found["TPGU", order] = lambda order=order: pnn.TPGU(CHANNELS, order)
    for kind in (pnn.PolyNeuron, pnn.Rational, pnn.PolyReLU, pnn.Swish, pnn.XIELU, pnn.APL, nn.PReLU):
        found[kind.__name__, None] = kind
    return found


def steps(model: nn.Module, x: Tensor, slope: Tensor, count: int) -> Step:
    """A function that goes forward and backward so many times, the device waited for."""

    def step() -> None:
        for _ in range(count):
            x.grad = None
            model(x).backward(slope)
        if x.device.type == "cuda":
            torch.cuda.synchronize(x.device)

    return step


def kept(model: nn.Module, x: Tensor) -> float:
    """The bytes that autograd keeps for the way back, the input's among them, over the input's."""
    found: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        found[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        model(x)
    return sum(found.values()) / x.untyped_storage().nbytes()


def main() -> None:
    given = arguments(__doc__)
    torch._dynamo.config.recompile_limit = 64  # Past it an activation would run eagerly; many share one forward.
    clock = time.process_time if given.device.type == "cpu" else time.perf_counter
    rows: list[dict[str, Any]] = []
    for name, (shape, count) in INPUTS.items():
        torch.manual_seed(0)
        layout = torch.channels_last if len(shape) == 4 else torch.contiguous_format
        x = torch.randn(shape, device=given.device).to(memory_format=layout).requires_grad_()
        slope = torch.randn_like(x)
        for compiled in (False, True):
            models = {key: make().to(given.device) for key, make in candidates().items()}
            if compiled:
                torch._dynamo.reset()  # Of the shapes before, so that this one is compiled as if it were the only one.
                models = {key: torch.compile(model) for key, model in models.items()}
            seconds = race({key: steps(model, x, slope, count) for key, model in models.items()}, given.rounds, clock)
            for (activation, degree), model in models.items():
                rows.append(
                    {
                        "input": name,
                        "shape": list(shape),
                        "compiled": compiled,
                        "activation": activation,
                        "degree": degree,
                        "milliseconds": milliseconds(seconds[activation, degree]) / count,
                        "over SiLU": ratio(seconds[activation, degree], seconds[SILU, None]),
                        "kept": kept(model, x),
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
    write("activations", given.device, rows, rounds=given.rounds, clock=clock.__name__)


if __name__ == "__main__":
    main()
