"""The scores of a baseline: scikit-learn's models have no loop of ours."""

import numpy as np

from ..networks import Baseline
from ..runs.run import Run
from ..runs.score import Hits, Score
from ..tasks.data import Data


def fit_baseline(run: Run, data: Data) -> tuple[dict[str, Score], Hits]:
    """Fit a baseline on the training rows; return its scores on the splits, and the test rows that it gets right."""
    assert isinstance(run.network, Baseline)
    found = run.network.probabilities(data, run.seed)
    return _scored(found, {name: split.y.cpu().numpy() for name, split in data.splits.items()})


def _scored(probabilities: dict[str, np.ndarray], y: dict[str, np.ndarray]) -> tuple[dict[str, Score], Hits]:
    scores = {name: _score(p, y[name]) for name, p in probabilities.items()}
    return scores, Hits.of(probabilities["test"].argmax(1) == y["test"])


def _score(probabilities: np.ndarray, y: np.ndarray) -> Score:
    of_truth = probabilities[np.arange(len(y)), y].clip(1e-12)
    return Score(float(-np.log(of_truth).mean()), float((probabilities.argmax(1) == y).mean()))
