"""Tasks whose interactions are known: rows are drawn, and the function that answers them is written down here."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import torch

from ..system.choice import RunError, check_at_least, check_types
from .data import Data, Form, Split, carve
from .task import TaskBase

INPUTS = 20  # Every task has so many; those that its function does not use are there to be ignored.
RELEVANT = 10  # The family of products uses so many of them.
SIN_VARIANCE = (1 - math.exp(-2)) / 2  # of the sine of a standard normal number
DRAWN_FOR_SHARES = 2**17  # rows of the estimate of a share; its standard error is below 0.01

Rows = np.ndarray  # (N, INPUTS), float64
Kind = Literal["product", "quotient", "threshold", "additive"]


class Function(NamedTuple):
    """A function of independent inputs, and what is known of it."""

    kind: Kind
    inputs: Callable[[np.random.RandomState, int], Rows]
    value: Callable[[Rows], np.ndarray]  # (N,): numbers, or truth values for classes
    share: float | None = None  # of the variance that is interaction; None: it is estimated


def _normal(generator: np.random.RandomState, rows: int) -> Rows:
    return generator.standard_normal((rows, INPUTS))


def _signs(generator: np.random.RandomState, rows: int) -> Rows:
    return 2.0 * generator.randint(0, 2, (rows, INPUTS)) - 1


def _uniform(*ranges: tuple[float, float]) -> Callable[[np.random.RandomState, int], Rows]:
    """Uniform inputs, the ranges taken in turn."""
    low, high = (np.resize([one[end] for one in ranges], INPUTS) for end in (0, 1))
    return lambda generator, rows: generator.uniform(low, high, (rows, INPUTS))


def _products(x: Rows, share: float) -> np.ndarray:
    """Products of five pairs with so large a share of the variance, and sines of the same ten inputs; variance 1."""
    used = x[:, :RELEVANT]
    products = (used[:, ::2] * used[:, 1::2]).sum(1) / math.sqrt(RELEVANT / 2)
    additive = np.sin(used).sum(1) / math.sqrt(RELEVANT * SIN_VARIANCE)
    return math.sqrt(share) * products + math.sqrt(1 - share) * additive


def _friedman_1(x: Rows) -> np.ndarray:
    return 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]


def _friedman_2(x: Rows) -> np.ndarray:
    return np.sqrt(x[:, 0] ** 2 + (x[:, 1] * x[:, 2] - 1 / (x[:, 1] * x[:, 3])) ** 2)


def _quotient(x: Rows) -> np.ndarray:
    return x[:, 0] / x[:, 1] + x[:, 2] / x[:, 3]


def _root(x: Rows) -> np.ndarray:
    return np.hypot(x[:, 0], x[:, 1]) + np.hypot(x[:, 2], x[:, 3])


def _additive(x: Rows) -> np.ndarray:
    return np.exp(x[:, 0] / 2) + np.abs(x[:, 1]) + x[:, 2] ** 2 / 2 + np.tanh(2 * x[:, 3]) + np.sin(2 * x[:, 4])


def _parity(x: Rows, bits: int) -> np.ndarray:
    return x[:, :bits].prod(1) > 0


def _majority(x: Rows) -> np.ndarray:
    return x[:, :VOTES].sum(1) > 0


VOTES = 5
# A degree-1 Fourier coefficient of the majority is the chance that the other votes are tied (O'Donnell 2014).
MAJORITY_SHARE = 1 - VOTES * (math.comb(VOTES - 1, VOTES // 2) / 2 ** (VOTES - 1)) ** 2
LOW, HIGH = 0.2, 5.0  # of a divisor
# The share of a/b with a of mean 0 is the variance of 1/b over its mean square, which is 1 / (LOW HIGH).
QUOTIENT_SHARE = 1 - (math.log(HIGH / LOW) / (HIGH - LOW)) ** 2 * LOW * HIGH

FUNCTIONS: dict[str, Function] = {
    "friedman-1": Function("product", _uniform((0, 1)), _friedman_1),
    "friedman-2": Function("product", _uniform((0, 100), (40 * np.pi, 560 * np.pi), (0, 1), (1, 11)), _friedman_2),
    "quotient": Function("quotient", _uniform((-HIGH, HIGH), (LOW, HIGH)), _quotient, QUOTIENT_SHARE),
    "root": Function("quotient", _uniform((-HIGH, HIGH)), _root),
    "parity-2": Function("threshold", _signs, partial(_parity, bits=2), 1.0),
    "parity-3": Function("threshold", _signs, partial(_parity, bits=3), 1.0),
    "parity-4": Function("threshold", _signs, partial(_parity, bits=4), 1.0),
    "sign-product": Function("threshold", _normal, lambda x: x[:, 0] * x[:, 1] > 0, 1.0),
    # Given a, the mean sign of a + b is 2 Phi(a) - 1, of variance 1/3; so is that given b.
    "sign-sum": Function("threshold", _normal, lambda x: x[:, 0] + x[:, 1] > 0, 1 / 3),
    "majority": Function("threshold", _signs, _majority, MAJORITY_SHARE),
    "additive": Function("additive", _normal, _additive, 0.0),
}
Target = Literal["products", *FUNCTIONS]  # type: ignore[misc]


@dataclass(frozen=True)
class Known(TaskBase):
    r"""Rows of twenty independent inputs, and a function of them that is known.

    ``"products"`` is :math:`\sqrt{\rho / 5} \sum_{k=1}^5 x_{2k-1} x_{2k} + \sqrt{(1 - \rho) / 10 v} \sum_{i=1}^{10}
    \sin x_i` of standard normal inputs, with :math:`v` the variance of such a sine: its variance is 1, and
    :math:`\rho`, which is ``share``, that of the products. ``"friedman-1"`` and ``"friedman-2"`` are those of
    :cite:t:`friedman1991`, with his ranges. ``"quotient"`` is :math:`x_1 / x_2 + x_3 / x_4`, the divisors uniform in
    0.2 to 5, the others in -5 to 5; ``"root"`` is :math:`\sqrt{x_1^2 + x_2^2} + \sqrt{x_3^2 + x_4^2}` of inputs in -5
    to 5. ``"additive"`` is a sum of functions of one input each. These are numbers to be learnt.

    Two classes have ``"parity-2"`` to ``"parity-4"``, the sign of a product of so many inputs of plus or minus 1;
    ``"sign-product"`` and ``"sign-sum"``, the sign of :math:`x_1 x_2` and of :math:`x_1 + x_2`, normal inputs; and
    ``"majority"``, that of five inputs of plus or minus 1.

    Training and validation rows may have ``noise``; test rows never do, so that an error on them is a distance from the
    function, of which the best possible answer has none. Nothing is downloaded: a frozen generator draws the rows.
    """

    target: Target  # type: ignore[valid-type]
    rows: int = 2000  # to train on; those for validation are besides
    share: float = 0.0  # of the variance in products, of the target "products" alone
    # Of classes the share of labels that are turned, of numbers the variance that is added, over that of the function.
    noise: float = 0.0
    validation: int = 1000
    test: int = 5000
    name: ClassVar[str] = "known"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 2, "rows", "validation", "test")
        check_at_least(self, 0, "noise")
        if not 0 <= self.share <= (self.target == "products"):
            raise RunError(
                f'Known.share must be between 0 and 1 for the target "products" and 0 for any other, got {self.share!r}'
            )
        if self.form.classes and self.noise >= 0.5:
            raise RunError(f"Known.noise must be below 0.5 where labels are turned, got {self.noise!r}")

    @property
    def function(self) -> Function:
        """What the rows are answered by."""
        if self.target == "products":
            kind: Kind = "product" if self.share else "additive"
            return Function(kind, _normal, partial(_products, share=self.share), self.share)
        return FUNCTIONS[self.target]

    @property
    def kind(self) -> Kind:
        """What kind of function it is."""
        return self.function.kind

    @property
    def form(self) -> Form:  # type: ignore[override]
        """What a network must know of the rows."""
        return Form((INPUTS,), 2 if self.target in _CLASSES else 0)

    @property
    def title(self) -> str:
        """As a page names its rows."""
        return f"{self.target} {self.share:g}" if self.target == "products" else self.target

    @property
    def interaction(self) -> float:
        """1 less the first-order Sobol indices.

        That is the share of the function's variance which is no sum of functions of one input each.
        """
        known = self.function.share
        return interaction_of(self.target) if known is None else known

    @property
    def least_loss(self) -> float:
        """The mean loss of the best possible answer on rows with noise, in the unit of a Record's losses."""
        if self.form.classes:
            return sum(-p * math.log(p) for p in (self.noise, 1 - self.noise) if p)
        return self.noise / (1 + self.noise)  # Numbers are standardised, noise and all.

    def counts(self) -> dict[str, int]:
        """See :meth:`~pnn.tasks.task.TaskBase.counts`."""
        return {"train": self.rows + self.validation, "test": self.test}

    def load(self, folder: str | Path | None = None, device: str = "cpu") -> Data:
        """The rows; no folder is needed. See :meth:`~pnn.tasks.task.TaskBase.load`."""
        known, test = self._draw(0, self.rows + self.validation), self._draw(1, self.test)
        y = {"train": self._with_noise(known[1]), "test": test[1]}
        if not self.form.classes:
            mean, deviation = y["train"].mean(), y["train"].std()
            y = {split: (own - mean) / deviation for split, own in y.items()}
        kind = np.int64 if self.form.classes else np.float32
        arrays = {
            "train": (known[0].astype(np.float32), y["train"].astype(kind)),
            "test": (test[0].astype(np.float32), y["test"].astype(kind)),
        }
        digest = hashlib.sha256()
        for array in (array for pair in arrays.values() for array in pair):
            digest.update(f"{array.dtype} {array.shape} ".encode() + array.tobytes())
        train, rest = (Split(*map(torch.from_numpy, pair)) for pair in arrays.values())
        more = {"validation": self.validation, "origin": "drawn", "fingerprint": digest.hexdigest()}
        return carve(train, rest, form=self.form, what=self.title, **more).to(device)

    def stand_in(self) -> "Known":
        """See :meth:`~pnn.tasks.task.TaskBase.stand_in`."""
        return self

    def _draw(self, seed: int, rows: int) -> tuple[Rows, np.ndarray]:
        # RandomState's streams are frozen: these are the same rows on every machine and version.
        x = self.function.inputs(np.random.RandomState(seed), rows)
        return x, self.function.value(x)

    def _with_noise(self, y: np.ndarray) -> np.ndarray:
        generator = np.random.RandomState(2)
        if self.form.classes:
            return y ^ (generator.random_sample(len(y)) < self.noise)
        return y + math.sqrt(self.noise) * y.std() * generator.standard_normal(len(y))


_CLASSES = {name for name, own in FUNCTIONS.items() if own.value(np.ones((1, INPUTS))).dtype == bool}


@cache
def interaction_of(target: str, share: float = 0.0) -> float:
    """The share of interaction, estimated from rows that are drawn (pick and freeze).

    The first-order index of an input is the mean of :math:`f(a) (f(b_i) - f(b))` over the variance of f, where the row
    :math:`b_i` is b but for that input, which is a's (:cite:t:`saltelli2010`).

    Args:
        target: as of :class:`Known`.
        share: likewise.
    """
    function = Known(target, share=share).function
    generator = np.random.RandomState(3)
    a, b = (function.inputs(generator, DRAWN_FOR_SHARES) for _ in range(2))
    of_a, of_b = (function.value(x).astype(float) for x in (a, b))
    of_a, total = of_a - of_a.mean(), 0.0
    for column in range(INPUTS):
        frozen = b.copy()
        frozen[:, column] = a[:, column]
        total += np.mean(of_a * (function.value(frozen) - of_b))
    return float(1 - total / of_a.var())
