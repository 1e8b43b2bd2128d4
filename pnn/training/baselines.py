"""The scores of a baseline: scikit-learn's models have no loop of ours."""

import numpy as np
from torch import Tensor

from ..networks import Baseline
from ..runs.run import Run
from ..runs.score import Hits, Score
from ..tasks.data import Data
from .objective import r2


def fit_baseline(run: Run, data: Data) -> tuple[dict[str, Score], Hits | None]:
    """Fit a baseline on the training rows; return its scores on the splits, and the test rows that it gets right.

    There are none of numbers.
    """
    assert isinstance(run.network, Baseline)
    found = run.network.predictions(data, run.seed)
    if not data.form.classes:
        return {name: _score_of_numbers(numbers, data.splits[name].y) for name, numbers in found.items()}, None
    y = {name: split.y.cpu().numpy() for name, split in data.splits.items()}
    scores = {name: _score(p, y[name]) for name, p in found.items()}
    return scores, Hits.of(found["test"].argmax(1) == y["test"])


def _score(probabilities: np.ndarray, y: np.ndarray) -> Score:
    of_truth = probabilities[np.arange(len(y)), y].clip(1e-12)
    return Score(float(-np.log(of_truth).mean()), float((probabilities.argmax(1) == y).mean()))


def _score_of_numbers(numbers: np.ndarray, y: Tensor) -> Score:
    loss = float(np.mean((numbers - y.double().cpu().numpy()) ** 2))
    return Score(loss, r2=r2(loss, y))
