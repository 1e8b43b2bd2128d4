"""What a user would pick instead of a network: the majority class and scikit-learn's models, as Runs like any other."""

import numpy as np
from torch import Tensor

from .data import Data
from .run import Run, Score


def fit_baseline(run: Run, data: Data) -> dict[str, Score]:
    """Fit a baseline on the training rows, and score it on all three splits.

    - ``"majority"``: each class with its frequency among the training rows.
    - ``"bag-of-words"``: logistic regression on the TF-IDF of single tokens (sublinear counts, else scikit-learn's
      defaults).
    - ``"boosted-trees"``: scikit-learn's histogram gradient boosting with its defaults, at most 500 trees, stopped
      early on a tenth of the training rows that it sets aside by the seed.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    splits = {name: getattr(data, name) for name in ("train", "validation", "test")}
    y = {name: split.y.cpu().numpy() for name, split in splits.items()}
    if run.network.name == "majority":
        share = np.bincount(y["train"], minlength=data.form.classes) / len(y["train"])
        return {name: _score(np.tile(share, (len(labels), 1)), labels) for name, labels in y.items()}
    if run.network.name == "bag-of-words":
        x = {name: _counts(split.x.cpu(), data.form.vocabulary) for name, split in splits.items()}
        model = make_pipeline(TfidfTransformer(sublinear_tf=True), LogisticRegression(max_iter=1000))
    else:
        x = {name: split.x.cpu().numpy() for name, split in splits.items()}
        model = HistGradientBoostingClassifier(max_iter=500, early_stopping=True, random_state=run.seed % 2**32)
    model.fit(x["train"], y["train"])
    return {name: _score(model.predict_proba(x[name]), y[name]) for name in splits}


def _counts(tokens: Tensor, vocabulary: int):
    """How often each token stands in each row, padding left out; a sparse matrix."""
    from scipy.sparse import csr_matrix

    rows, places = tokens.nonzero(as_tuple=True)
    entries = np.ones(len(rows)), (rows.numpy(), tokens[rows, places].numpy())
    return csr_matrix(entries, shape=(len(tokens), vocabulary))


def _score(probabilities: np.ndarray, y: np.ndarray) -> Score:
    of_truth = probabilities[np.arange(len(y)), y].clip(1e-12)
    return Score(float(-np.log(of_truth).mean()), float((probabilities.argmax(1) == y).mean()))
