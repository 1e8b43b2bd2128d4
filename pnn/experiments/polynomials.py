"""Polynomial activations on images, speech and motion, each held as its source holds it, against ReLU."""

import dataclasses
from typing import NamedTuple

from ..methods import Method
from ..methods.boundary_loss import BoundaryLoss
from ..methods.clip_norm import ClipNorm
from ..networks.funnel_mlp import FunnelMLP
from ..networks.resnet import ResNet
from ..nn.activation import RELU, Activation, Hermite, Polynomial
from ..runs.run import Run, RunError
from ..tasks.fsdd import FSDD
from ..tasks.hapt import HAPT
from ..tasks.mnist import MNIST
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs
from .rates import GRID, Tried, at_rate, tuning
from .stable import ORDER, PUBLISHED, RECIPE

SPEECH = dataclasses.replace(RECIPE, batch_size=50)
MOTION = dataclasses.replace(RECIPE, batch_size=800)
# At the full number of pixels a small network spends nearly all of its time in the first layers.
SMALL = ResNet("standard", 4, depth=8, order=ORDER, stem_stride=4)
LARGE = ResNet("standard", 64, depth=18, stages=4, order=ORDER)
FUNNEL = FunnelMLP("standard", 256)  # the source's width: on the signals of a phone it takes seconds
SETTINGS = {
    "mnist": {
        "smoke": Setting(MNIST(validation=300, rows="stand-in"), SMALL, with_epochs(RECIPE, 1), 2, 2),
        "laptop": Setting(MNIST(), dataclasses.replace(SMALL, width=8), with_epochs(RECIPE, 1), 5, 3),
        "paper": Setting(MNIST(), LARGE, with_epochs(RECIPE, 30), 5, 5),
    },
    "fsdd": {
        "smoke": Setting(FSDD(validation=300, rows="stand-in"), SMALL, with_epochs(SPEECH, 1), 2, 2),
        "laptop": Setting(FSDD(), SMALL, with_epochs(SPEECH, 6), 5, 3),
        "paper": Setting(FSDD(), LARGE, with_epochs(SPEECH, 20), 5, 5),
    },
    "hapt": {
        "smoke": Setting(
            HAPT(validation=96, rows="stand-in"), dataclasses.replace(FUNNEL, width=32), with_epochs(MOTION, 1), 2, 2
        ),
        "laptop": Setting(HAPT(), FUNNEL, with_epochs(MOTION, 10), 10, 5),
        "paper": Setting(HAPT(), FUNNEL, with_epochs(MOTION, 10), 10, 5),
    },
}
# By degree: the end B of the source's interval for this kind of data, and the limit B_p of its boundary loss. For
# speech and motion it has none of degree 22. Of motion it is then that for images; on an interval as wide as that of
# speech, powers of degree 22 leave float32.
INTERVALS = {
    "mnist": {degree: PUBLISHED[degree] for degree in (2, 4, 8, 22)},
    "fsdd": {2: (25.0, 25.0), 4: (40.0, 30.0), 8: (70.0, 70.0)},
    "hapt": {2: (13.0, 13.0), 4: (20.0, 20.0), 8: (35.0, 35.0), 22: PUBLISHED[22]},
}
STRENGTHS = {"mnist": 10.0, "fsdd": 100.0, "hapt": 10.0}  # the source's, of the boundary loss
AS_PUBLISHED = ("relu", "powers")  # The source has these; they stand there at its learning rate as well.


class Arm(NamedTuple):
    """One activation at one learning rate."""

    # "relu"; "hermite": degree 2, each basis function normalised; "powers": as published, powers that are never
    # trained; "chebyshev": Chebyshev polynomials, trained
    activation: str
    degree: int = 0
    rate: str = "best"  # "best": the arm's own; "published": the source's, the same for all


# The best learning rate of each arm; `rates.best` finds them in the Records of their tuning. Where there is none, an
# arm has the recipe's, which is the source's.
RATES: dict[tuple[str, str], dict[Arm, float]] = {
    ("fsdd", "laptop"): {
        Arm("relu"): 1e-2,
        Arm("hermite", 2): 3e-3,
        Arm("powers", 2): 3e-3,
        Arm("powers", 4): 3e-2,
        Arm("powers", 8): 3e-2,
        Arm("chebyshev", 2): 1e-2,
        Arm("chebyshev", 4): 1e-2,
        Arm("chebyshev", 8): 3e-2,
    },
    ("mnist", "laptop"): {
        Arm("relu"): 1e-2,
        Arm("hermite", 2): 3e-3,
        Arm("powers", 2): 1e-2,
        Arm("powers", 4): 1e-2,
        Arm("powers", 8): 1e-2,
        Arm("powers", 22): 1e-2,
        Arm("chebyshev", 2): 1e-2,
        Arm("chebyshev", 4): 3e-3,
        Arm("chebyshev", 8): 3e-3,
        Arm("chebyshev", 22): 1e-2,
    },
    ("hapt", "laptop"): {
        Arm("relu"): 1e-3,
        Arm("hermite", 2): 1e-2,
        Arm("powers", 2): 3e-3,
        Arm("powers", 4): 1e-2,
        Arm("powers", 8): 3e-3,
        Arm("powers", 22): 1e-2,
        Arm("chebyshev", 2): 3e-3,
        Arm("chebyshev", 4): 1e-2,
        Arm("chebyshev", 8): 3e-3,
        Arm("chebyshev", 22): 3e-3,
    },
}
GRIDS = {"mnist": GRID[1:], "fsdd": (*GRID[1:], 1e-1), "hapt": GRID}
TUNING_SEEDS = {"mnist": 1, "fsdd": 1, "hapt": 2}


def runs(size: str, *, task: str = "mnist", seeds: int = 0, epochs: int = 0) -> dict[Arm, list[Run]]:
    """Polynomial activations on one kind of data, by the recipe of :cite:t:`alhossain2025`, against ReLU.

    The source's residual network on images and spectrograms, made small at size ``"laptop"``, and its perceptron on the
    signals of a phone; the activation stands before BatchNorm. Polynomials that start as ReLU on the source's intervals
    for this kind of data, as powers that are never trained, as published, and in Chebyshev polynomials whose
    coefficients are trained; boundary loss and selective clipping hold both. Beside them ReLU and
    :class:`pnn.HermiteBatchNorm`, held by nothing.

    Fixed before the runs: the measure is the test accuracy, paired by seed with ReLU; a run is lost or not; 5 seeds, on
    motion 10, at the source's rate fewer; Holm's correction over the arms less ReLU, where seeds are enough for a p.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        task: ``"mnist"``, ``"fsdd"`` or ``"hapt"``.
        seeds: seeds of every arm; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm: activation, degree, whose learning rate.

    Raises:
        RunError: an unknown task or size, a negative number.
    """
    check_numbers(seeds=seeds, epochs=epochs)
    setting = _setting(task, size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    rates = RATES.get((task, size), {})
    found = {}
    for arm in arms_of(task):
        network = dataclasses.replace(setting.network, activation=activation_of(arm, task))
        own_recipe = dataclasses.replace(recipe, methods=methods_of(arm, task))
        number = setting.seeds if arm.rate == "best" else setting.other_seeds
        own = runs_of(setting.task, network, own_recipe, seeds or number, size)
        rate = rates.get(arm, recipe.learning_rate)
        found[arm] = [at_rate(run, rate) for run in own]
    return found


def tuning_runs(size: str, *, task: str = "mnist", seeds: int = 0) -> dict[Tried, list[Run]]:
    """The trainings that choose the learning rate of each arm of :func:`runs`.

    Args:
        size: as there.
        task: as there.
        seeds: how many tuning seeds; 0 is `TUNING_SEEDS` of the task.

    Returns:
        The Runs by arm and rate.
    """
    first = {arm: own[0] for arm, own in runs(size, task=task).items() if arm.rate == "best"}
    return tuning(first, size, GRIDS[task], seeds=seeds or (1 if size == "smoke" else TUNING_SEEDS[task]))


def arms_of(task: str) -> list[Arm]:
    """The arms on one kind of data, each at its own learning rate, then those of the source at the source's."""
    polynomials = [Arm(activation, degree) for activation in ("powers", "chebyshev") for degree in INTERVALS[task]]
    best = [Arm("relu"), Arm("hermite", 2), *polynomials]
    return best + [arm._replace(rate="published") for arm in best if arm.activation in AS_PUBLISHED]


def activation_of(arm: Arm, task: str) -> Activation:
    """The activation of an arm on one kind of data."""
    if arm.activation in ("relu", "hermite"):
        return RELU if arm.activation == "relu" else Hermite()
    bound, _ = INTERVALS[task][arm.degree]
    return Polynomial.published(arm.degree, bound) if arm.activation == "powers" else Polynomial(arm.degree, bound)


def methods_of(arm: Arm, task: str) -> tuple[Method, ...]:
    """What holds an arm: boundary loss and selective clipping if it has an interval, else nothing."""
    if arm.activation in ("relu", "hermite"):
        return ()
    _, limit = INTERVALS[task][arm.degree]
    return BoundaryLoss(limit, STRENGTHS[task]), ClipNorm(selective=True)


def _setting(task: str, size: str) -> Setting:
    if task not in SETTINGS:
        raise RunError(f"task must be one of {', '.join(map(repr, SETTINGS))}, got {task!r}")
    return setting_of(SETTINGS[task], size)
