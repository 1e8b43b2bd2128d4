"""What a user would pick instead of a network: the majority class and scikit-learn's models, as choices like any other.

- ``Majority``: each class with its frequency among the training rows.
- ``BagOfWords``: logistic regression on the TF-IDF of single tokens (sublinear counts, else scikit-learn's defaults).
- ``BoostedTrees``: scikit-learn's histogram gradient boosting with its defaults, at most 500 trees, stopped early on a
  tenth of the training rows that it sets aside by the seed.
- ``QuadraticRidge``: ridge regression, or logistic regression with its penalty, on all monomials of degree 1 and 2 of
  the standardised columns; the penalty, one of nine, has the lowest loss on the validation rows.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor

from ..nn.activation import RELU, ReLU
from ..system.choice import check_types
from ..system.extras import needs
from ..tasks.data import Data, Form

PENALTIES = tuple(10.0**power for power in range(-4, 5))  # QuadraticRidge tries these.


@dataclass(frozen=True)
class Baseline:
    """What the baselines share. The fields say nothing: they are those of a network, so that ids of Records stay."""

    neuron: Literal["none"] = "none"
    width: Literal[0] = 0
    activation: ReLU = RELU

    def __post_init__(self) -> None:
        check_types(self)


@dataclass(frozen=True)
class Majority(Baseline):
    """Each class with its frequency among the training rows."""

    name: ClassVar[str] = "majority"

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for any that have classes."""
        return form.classes > 0

    def predictions(self, data: Data, seed: int) -> dict[str, np.ndarray]:
        """The probabilities of the classes for the rows of each split, after a fit on the training rows."""
        share = np.bincount(data.train.y.cpu().numpy(), minlength=data.form.classes) / len(data.train)
        return {name: np.tile(share, (len(split), 1)) for name, split in data.splits.items()}


@dataclass(frozen=True)
class BagOfWords(Baseline):
    """Logistic regression on the TF-IDF of single tokens."""

    name: ClassVar[str] = "bag-of-words"

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for tokens."""
        return form.classes > 0 and bool(form.vocabulary)

    def predictions(self, data: Data, seed: int) -> dict[str, np.ndarray]:
        """See :meth:`Majority.predictions`."""
        with needs("train", "a baseline"):
            from sklearn.feature_extraction.text import TfidfTransformer
            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline

        x = {name: _counts(split.x.cpu(), data.form.vocabulary) for name, split in data.splits.items()}
        model = make_pipeline(TfidfTransformer(sublinear_tf=True), LogisticRegression(max_iter=1000))
        model.fit(x["train"], data.train.y.cpu().numpy())
        return {name: model.predict_proba(rows) for name, rows in x.items()}


@dataclass(frozen=True)
class BoostedTrees(Baseline):
    """scikit-learn's histogram gradient boosting."""

    name: ClassVar[str] = "boosted-trees"

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for columns."""
        return form.classes > 0 and len(form.shape) == 1 and not form.vocabulary

    def predictions(self, data: Data, seed: int) -> dict[str, np.ndarray]:
        """See :meth:`Majority.predictions`."""
        with needs("train", "a baseline"):
            from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(max_iter=500, early_stopping=True, random_state=seed % 2**32)
        model.fit(data.train.x.cpu().numpy(), data.train.y.cpu().numpy())
        return {name: model.predict_proba(split.x.cpu().numpy()) for name, split in data.splits.items()}


@dataclass(frozen=True)
class QuadraticRidge(Baseline):
    """Ridge regression on all monomials of degree 1 and 2; of classes logistic regression with the same penalty."""

    name: ClassVar[str] = "ridge"

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for columns, of at most two classes or a number."""
        return form.classes <= 2 and len(form.shape) == 1 and not form.vocabulary

    def predictions(self, data: Data, seed: int) -> dict[str, np.ndarray]:
        """See :meth:`Majority.predictions`; of numbers, the numbers. Nothing is random."""
        with needs("train", "a baseline"):
            from sklearn.linear_model import LogisticRegression, Ridge
            from sklearn.metrics import log_loss, mean_squared_error
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import PolynomialFeatures, StandardScaler

        expand = make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler())
        x = {"train": expand.fit_transform(data.train.x.double().cpu().numpy())}
        x |= {name: expand.transform(data.splits[name].x.double().cpu().numpy()) for name in ("validation", "test")}
        y = {name: split.y.cpu().numpy() for name, split in data.splits.items()}
        found, losses = [], []
        for penalty in PENALTIES:
            if data.form.classes:
                model = LogisticRegression(C=1 / penalty, max_iter=1000).fit(x["train"], y["train"])
                found.append({name: model.predict_proba(rows) for name, rows in x.items()})
                losses.append(log_loss(y["validation"], found[-1]["validation"]))
            else:
                model = Ridge(penalty).fit(x["train"], y["train"])
                found.append({name: model.predict(rows) for name, rows in x.items()})
                losses.append(mean_squared_error(y["validation"], found[-1]["validation"]))
        return found[int(np.argmin(losses))]


def _counts(tokens: Tensor, vocabulary: int) -> Any:
    """A sparse matrix of how often each token stands in each row, padding left out."""
    with needs("train", "a baseline"):
        from scipy.sparse import csr_matrix

    rows, places = tokens.nonzero(as_tuple=True)
    entries = np.ones(len(rows)), (rows.numpy(), tokens[rows, places].numpy())
    return csr_matrix(entries, shape=(len(tokens), vocabulary))
