"""Polynomial activations that train at any degree: as published, and in a basis that does not round, held and not."""

import dataclasses
from typing import NamedTuple

from ..methods import Method
from ..methods.boundary_loss import BoundaryLoss
from ..methods.clip_norm import ClipNorm
from ..methods.relinear import ReLinear
from ..networks.mlp import MLP
from ..networks.resnet import ResNet
from ..nn.activation import IDENTITY, RELU, Activation, Hermite, Polynomial
from ..runs.run import Recipe, Run
from ..tasks.cifar import CIFAR10
from ..tasks.mnist import MNIST
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs
from .rates import GRID, Tried, at_rate, tuning

RECIPE = Recipe(
    epochs=2,
    source="al-hossain-2025",
    augment="none",
    schedule="plateau",
    optimiser="adamw",
    weight_decay=0.01,
)
ORDER = "activation-norm"
SETTINGS = {
    "smoke": Setting(
        MNIST(validation=300, rows="stand-in"),
        MLP("standard", 16, depth=3, order=ORDER),
        with_epochs(RECIPE, 1),
        2,
        2,
    ),
    "laptop": Setting(MNIST(), MLP("standard", 64, depth=6, order=ORDER), RECIPE, 10, 5),
    "paper": Setting(
        CIFAR10(),
        ResNet("standard", 64, depth=18, stages=4, order=ORDER),
        dataclasses.replace(RECIPE, epochs=30, augment="crop-flip"),
        5,
        5,
    ),
}
# The width of the quadratic network with as many parameters, without activation; `matching_width` finds it.
QUADRATIC_WIDTH = {"smoke": 6, "laptop": 26, "paper": 37}
# By degree: the ends B of the published interval, and the limit B_p of its boundary loss. Of degree 3, which the source
# does not have, it is that of degree 4.
PUBLISHED = {2: (12.0, 12.0), 3: (20.0, 15.0), 4: (20.0, 15.0), 8: (35.0, 17.5), 16: (40.0, 20.0), 22: (47.0, 23.5)}
TIGHT = (4.0, 3.0)  # An interval on which the fit is not almost a line, and its limit.
STRENGTH = 10.0  # the source's for images
DEGREES = tuple(PUBLISHED)
KEY_DEGREES = (
    8,
    22,
)  # Here every way to hold them stands; the answers hang on the arms that are free, or held by both.
METHODS = ("nothing", "clipping", "selective", "boundary", "both")


class Arm(NamedTuple):
    """One activation, and what holds it."""

    # "relu"; "hermite": degree 2, each basis function normalised; "quadratic": quadratic neurons without activation,
    # "relinear": the same, which start as linear ones; "published": powers, never trained; "chebyshev": Chebyshev
    # polynomials, trained; "chebyshev-frozen": the same, never trained
    activation: str
    degree: int = 0
    interval: str = ""  # on which it was fitted: "published" or "tight"
    method: str = "nothing"  # one of `METHODS`; "both" is boundary loss and selective clipping
    rate: str = "published"  # "published": the source's learning rate, the same for all; "best": the arm's own


# These have their own learning rate as well.
TUNED = (
    Arm("relu"),
    Arm("hermite", 2),
    Arm("relinear", 2),
    Arm("chebyshev", 2, "published", "both"),
    Arm("chebyshev", 2, "tight", "both"),
    Arm("chebyshev", 4, "tight", "both"),
    Arm("chebyshev", 8, "published", "both"),
    Arm("chebyshev", 8, "tight", "both"),
    Arm("chebyshev", 22, "published", "both"),
    Arm("published", 8, "published", "both"),
    Arm("published", 22, "published", "both"),
)
TUNING_GRID = (1e-4, *GRID)  # It is longer, as on the tight interval some best rates lie at 3e-4.
# Of `TUNED`, in its order; `rates.best` finds them in the Records of their tuning.
RATES: dict[str, tuple[float, ...]] = {
    "smoke": (1e-3,) * len(TUNED),
    "laptop": (1e-3, 1e-3, 3e-4, 1e-3, 3e-4, 3e-4, 1e-3, 3e-4, 1e-3, 1e-3, 1e-3),
}


def runs(size: str, *, seeds: int = 0, epochs: int = 0) -> dict[Arm, list[Run]]:
    """The contest on MNIST by the recipe of :cite:t:`alhossain2025`, with the activation before BatchNorm.

    Polynomials of six degrees that start as ReLU, as published (powers, never trained) and in Chebyshev polynomials
    whose coefficients are trained; each on the published interval and on one tight enough that the fit is no line, free
    and held by boundary loss and selective clipping. At degrees 8 and 22 each of these stands alone as well, plain
    clipping beside the selective kind, and Chebyshev polynomials that are not trained beside those that are. On one
    interval the fit of degree 3 to ReLU is that of degree 2, so that degree 3 has only the polynomials that are
    trained. Beside them ReLU, :class:`pnn.HermiteBatchNorm`, and quadratic neurons of as many parameters without
    activation, with and without ReLinear's start.

    All have the source's learning rate, and some their own as well.

    Fixed before the runs: a run is lost or not, and how many of its test rows exploded, at the end and of the
    validation rows at the worst epoch; the test accuracy of those that ended well. 10 seeds where an answer hangs on
    the arm, else 5. At the source's rate only the arms that a claim names are tested; at their own rates all, less
    ReLU, with Holm's correction.

    Args:
        size: as for :func:`pnn.experiments.cifar10`; ``"paper"`` is CIFAR-10 by the source's residual network.
        seeds: seeds of every arm; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm: activation, degree, interval, method, whose rate.
    """
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS, size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    found = {}
    for arm in arms_of():
        number = seeds or (setting.seeds if is_key(arm) else setting.other_seeds)
        found[arm] = _runs(arm, setting, recipe, number, size)
    for arm, rate in zip(TUNED, RATES.get(size, ()), strict=size in RATES):
        own = _runs(arm, setting, recipe, seeds or setting.seeds, size)
        found[arm._replace(rate="best")] = [at_rate(run, rate) for run in own]
    return found


def tuning_runs(size: str, *, seeds: int = 0) -> dict[Tried, list[Run]]:
    """The trainings that choose the learning rate of some arms of :func:`runs`.

    Args:
        size: as there.
        seeds: how many tuning seeds; 0 is two of them.

    Returns:
        The Runs by arm and rate.
    """
    setting = setting_of(SETTINGS, size)
    first = {arm: _runs(arm, setting, setting.recipe, 1, size)[0] for arm in TUNED}
    return tuning(first, size, TUNING_GRID, seeds=seeds or (1 if size == "smoke" else 2))


def arms_of() -> list[Arm]:
    """The arms of the contest at the source's learning rate."""
    arms = [Arm("relu"), Arm("hermite", 2), Arm("quadratic", 2), Arm("relinear", 2)]
    for degree in DEGREES:
        key = degree in KEY_DEGREES
        held = dict.fromkeys(("published", "tight"), METHODS if key else ("nothing", "both"))
        for activation in ("chebyshev",) if degree == 3 else ("published", "chebyshev"):
            arms += [Arm(activation, degree, where, method) for where, own in held.items() for method in own]
        if key:
            arms += [Arm("chebyshev-frozen", degree, where, m) for where in held for m in ("nothing", "both")]
    return arms


def is_key(arm: Arm) -> bool:
    """Whether an answer hangs on the arm, so that it has more seeds."""
    free_or_held = arm.degree in KEY_DEGREES and arm.method in ("nothing", "both")
    return arm.activation == "relu" or (free_or_held and arm.activation != "chebyshev-frozen")


def polynomial(arm: Arm) -> Polynomial:
    """The polynomial activation of an arm that has one."""
    bound, _ = interval(arm)
    if arm.activation == "published":
        return Polynomial.published(arm.degree, bound)
    return Polynomial(arm.degree, bound, learnable=arm.activation == "chebyshev")


def interval(arm: Arm) -> tuple[float, float]:
    """The end of an arm's interval, and the limit of its boundary loss."""
    return PUBLISHED[arm.degree] if arm.interval == "published" else TIGHT


def methods_of(arm: Arm) -> tuple[Method, ...]:
    """What holds an arm."""
    if arm.activation == "relinear":
        return (ReLinear(),)
    if arm.method == "nothing":
        return ()
    boundary, selective = BoundaryLoss(interval(arm)[1], STRENGTH), ClipNorm(selective=True)
    return {
        "clipping": (ClipNorm(),),
        "selective": (selective,),
        "boundary": (boundary,),
        "both": (boundary, selective),
    }[arm.method]


def _runs(arm: Arm, setting: Setting, recipe: Recipe, seeds: int, size: str) -> list[Run]:
    others: dict[str, Activation] = {"relu": RELU, "hermite": Hermite(), "quadratic": IDENTITY, "relinear": IDENTITY}
    activation = others[arm.activation] if arm.activation in others else polynomial(arm)
    network = dataclasses.replace(setting.network, activation=activation)
    if arm.activation in ("quadratic", "relinear"):
        network = dataclasses.replace(network, neuron="quadratic", width=QUADRATIC_WIDTH[size])
    return runs_of(setting.task, network, dataclasses.replace(recipe, methods=methods_of(arm)), seeds, size)
