"""Polynomial activations that train at any degree: as published, and in a basis that does not round, held and not."""

import dataclasses
from typing import NamedTuple

from ..methods import Method
from ..methods.boundary_loss import BoundaryLoss
from ..methods.clip_norm import ClipNorm
from ..networks.mlp import MLP
from ..networks.resnet import ResNet
from ..nn.activation import RELU, Activation, Hermite, Polynomial
from ..runs.run import Recipe, Run
from ..tasks.mnist import MNIST
from .common import Setting, check_numbers, runs_of, setting_of, with_epochs

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
    "laptop": Setting(MNIST(), MLP("standard", 64, depth=6, order=ORDER), RECIPE, 6, 6),
    "paper": Setting(MNIST(), ResNet("standard", 64, depth=18, stages=4, order=ORDER), with_epochs(RECIPE, 30), 5, 5),
}
# By degree: the ends B of the published interval, and the limit B_p of its boundary loss.
PUBLISHED = {2: (12.0, 12.0), 4: (20.0, 15.0), 8: (35.0, 17.5), 16: (40.0, 20.0), 22: (47.0, 23.5)}
TIGHT = (4.0, 3.0)  # An interval on which the fit is not almost a line, and its limit.
STRENGTH = 10.0  # the source's for images
DEGREES = (2, 8, 22)
EVERY_METHOD = 8  # At this degree clipping and boundary loss stand alone as well.
METHODS = ("nothing", "clipping", "boundary", "both")


class Arm(NamedTuple):
    """One activation, and what holds it."""

    # "relu"; "hermite": degree 2, each basis function normalised; "published": powers, never trained; "chebyshev":
    # Chebyshev polynomials, trained; "chebyshev-frozen": the same, never trained
    activation: str
    degree: int = 0
    interval: str = ""  # on which it was fitted: "published" or "tight"
    method: str = "nothing"  # one of `METHODS`


def runs(size: str, *, seeds: int = 0, epochs: int = 0) -> dict[Arm, list[Run]]:
    """The contest on MNIST by the recipe of :cite:t:`alhossain2025`, with the activation before BatchNorm.

    Polynomials of three degrees that start as ReLU, as published (powers, never trained) and in Chebyshev polynomials
    whose coefficients are trained, at the highest degree also never trained. Each on the published interval and on one
    tight enough that the fit is no line; each free, and held by the boundary loss and selective clipping, at one degree
    also by either alone. Beside them ReLU and :class:`pnn.HermiteBatchNorm`. All have the source's learning rate.

    Fixed before the runs: the measure is whether a run ended well, its test accuracy where it did; 6 seeds; no test of
    significance, as the arms are many.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        seeds: seeds of every arm; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by arm: activation, degree, interval, method.
    """
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS, size)
    recipe = with_epochs(setting.recipe, epochs or setting.recipe.epochs)
    found = {}
    for arm in arms_of():
        activation, limit = _activation(arm)
        own = dataclasses.replace(recipe, methods=_methods(arm.method, limit))
        network = dataclasses.replace(setting.network, activation=activation)
        found[arm] = runs_of(setting.task, network, own, seeds or setting.seeds, size)
    return found


def arms_of() -> list[Arm]:
    """The arms of the contest."""
    arms = [Arm("relu"), Arm("hermite", 2)]
    for degree in DEGREES:
        for activation in ("published", "chebyshev", *(["chebyshev-frozen"] if degree == DEGREES[-1] else [])):
            for interval in ("published", "tight"):
                methods = METHODS if degree == EVERY_METHOD else ("nothing", "both")
                arms += [Arm(activation, degree, interval, method) for method in methods]
    return arms


def _activation(arm: Arm) -> tuple[Activation, float]:
    """An arm's activation, and the limit of its boundary loss."""
    if arm.activation == "relu":
        return RELU, 0.0
    if arm.activation == "hermite":
        return Hermite(), 0.0
    bound, limit = PUBLISHED[arm.degree] if arm.interval == "published" else TIGHT
    if arm.activation == "published":
        return Polynomial.published(arm.degree, bound), limit
    return Polynomial(arm.degree, bound, learnable=arm.activation == "chebyshev"), limit


def _methods(method: str, limit: float) -> tuple[Method, ...]:
    boundary, clipping = BoundaryLoss(limit, STRENGTH), ClipNorm(selective=True)
    return {"nothing": (), "clipping": (clipping,), "boundary": (boundary,), "both": (boundary, clipping)}[method]
