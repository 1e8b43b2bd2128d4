"""What a user would pick instead of a network: the majority class and scikit-learn's models, as choices like any other.

- ``Majority``: each class with its frequency among the training rows.
- ``BagOfWords``: logistic regression on the TF-IDF of single tokens (sublinear counts, else scikit-learn's defaults).
- ``BoostedTrees``: scikit-learn's histogram gradient boosting with its defaults, at most 500 trees, stopped early on a
  tenth of the training rows that it sets aside by the seed.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor

from ..nn.activation import RELU, ReLU
from ..system.choice import check_types
from ..system.extras import needs
from ..tasks.data import Data, Form


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

    def probabilities(self, data: Data, seed: int) -> dict[str, np.ndarray]:
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

    def probabilities(self, data: Data, seed: int) -> dict[str, np.ndarray]:
        """See :meth:`Majority.probabilities`."""
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

    def probabilities(self, data: Data, seed: int) -> dict[str, np.ndarray]:
        """See :meth:`Majority.probabilities`."""
        with needs("train", "a baseline"):
            from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(max_iter=500, early_stopping=True, random_state=seed % 2**32)
        model.fit(data.train.x.cpu().numpy(), data.train.y.cpu().numpy())
        return {name: model.predict_proba(split.x.cpu().numpy()) for name, split in data.splits.items()}


def _counts(tokens: Tensor, vocabulary: int) -> Any:
    """A sparse matrix of how often each token stands in each row, padding left out."""
    with needs("train", "a baseline"):
        from scipy.sparse import csr_matrix

    rows, places = tokens.nonzero(as_tuple=True)
    entries = np.ones(len(rows)), (rows.numpy(), tokens[rows, places].numpy())
    return csr_matrix(entries, shape=(len(tokens), vocabulary))
