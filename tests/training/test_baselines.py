"""The baselines against scikit-learn called directly, and as Runs like any other."""

import json
import math
from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import make_pipeline

import pnn
from pnn.networks.baselines import _counts
from pnn.tasks import Task
from pnn.training import baselines

SPLITS = ("train", "validation", "test")
TABLE = pnn.HIGGS(validation=80, rows="stand-in")
TEXT = pnn.BoolQ(validation=80, rows="stand-in")
RECIPE = pnn.Recipe(1, source="scikit-learn", augment="none")


def run_of(name: str, task: Task, seed: int = 0) -> pnn.Run:
    baseline = {kind.name: kind() for kind in (pnn.Majority, pnn.BagOfWords, pnn.BoostedTrees)}[name]
    return pnn.Run(task, baseline, RECIPE, seed, "smoke")


def data_of(form: pnn.Form, **splits: tuple[torch.Tensor, torch.Tensor]) -> pnn.Data:
    rows = {name: pnn.Split(*rows) for name, rows in splits.items()}
    return pnn.Data(**rows, form=form, mean=None, std=None, origin="test", fingerprint="")


@pytest.fixture
def probabilities(monkeypatch) -> list[np.ndarray]:
    """What is scored, split by split."""
    found, score = [], baselines._score

    def keep(p, y):
        found.append(p)
        return score(p, y)

    monkeypatch.setattr(baselines, "_score", keep)
    return found


# --- the majority ----------------------------------------------------------------------------------------------------


def test_the_majority_is_the_training_rows_frequencies_worked_by_hand():
    y = {"train": [1, 2, 1, 0, 1, 2, 1, 1], "validation": [1, 0, 2, 1], "test": [0, 0, 1]}
    data = data_of(pnn.Form((3, 32, 32), 3), **{k: (torch.zeros(len(v), 1), torch.tensor(v)) for k, v in y.items()})
    scores, hits = baselines.fit_baseline(run_of("majority", TABLE), data)
    p = {0: 1 / 8, 1: 5 / 8, 2: 2 / 8}
    assert scores.keys() == set(SPLITS)
    for split, labels in y.items():
        assert scores[split].loss == pytest.approx(-sum(math.log(p[label]) for label in labels) / len(labels))
    assert [scores[split].accuracy for split in SPLITS] == pytest.approx([5 / 8, 2 / 4, 1 / 3])
    assert hits.array().tolist() == [False, False, True]


def test_a_class_without_a_training_row_costs_much_and_not_infinitely_much():
    rows = {"train": (torch.zeros(2, 1), torch.tensor([0, 0])), "test": (torch.zeros(1, 1), torch.tensor([1]))}
    scores, _ = baselines.fit_baseline(
        run_of("majority", TABLE), data_of(pnn.Form((1,), 2), validation=rows["test"], **rows)
    )
    assert scores["test"] == pnn.Score(pytest.approx(-math.log(1e-12)), 0.0)


# --- bag of words ----------------------------------------------------------------------------------------------------

VOCABULARY = 40


def texts(rows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Short rows of tokens; the odd ones have more of the large tokens."""
    draw = torch.Generator().manual_seed(seed)
    y = torch.arange(rows) % 2
    x = (torch.rand(rows, 12, generator=draw) ** (1.5 - y[:, None]) * (VOCABULARY - 1)).int() + 1
    lengths = torch.randint(1, 13, (rows, 1), generator=draw)
    return torch.where(torch.arange(12) < lengths, x, 0), y


def test_counts_are_those_of_the_tokens_that_are_no_padding():
    x, _ = texts(30, 0)
    x[3] = 0  # an empty row
    matrix = _counts(x, VOCABULARY)
    assert matrix.shape == (30, VOCABULARY)
    for row, counts in zip(x.tolist(), matrix.toarray(), strict=True):
        assert {i: n for i, n in enumerate(counts.tolist()) if n} == Counter(token for token in row if token)


def test_bag_of_words_is_scikit_learns_pipeline_on_the_tokens_as_text(probabilities):
    rows = {split: texts(n, seed) for seed, (split, n) in enumerate(zip(SPLITS, (120, 30, 40), strict=True))}
    rows["test"][0][::3, 0] = VOCABULARY  # not among the training rows
    scores, hits = baselines.fit_baseline(
        run_of("bag-of-words", TEXT), data_of(pnn.Form((12,), 2, VOCABULARY + 1), **rows)
    )

    strings = {
        split: [" ".join(f"t{token}" for token in row if token) for row in x.tolist()] for split, (x, _) in rows.items()
    }
    every = [f"t{token}" for token in range(VOCABULARY + 1)]  # that token takes part in a row's norm
    vectors = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True, vocabulary=every)
    plain = make_pipeline(vectors, LogisticRegression(max_iter=1000))
    plain.fit(strings["train"], rows["train"][1].numpy())
    for split, found in zip(SPLITS, probabilities, strict=True):
        expected, y = plain.predict_proba(strings[split]), rows[split][1].numpy()
        np.testing.assert_allclose(found, expected, atol=1e-9)
        assert scores[split].loss == pytest.approx(log_loss(y, expected))
        assert scores[split].accuracy == accuracy_score(y, expected.argmax(1))
    assert scores["test"].accuracy > 0.6
    assert (hits.array() == (expected.argmax(1) == y)).all()


# --- boosted trees ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 3])
def test_boosted_trees_are_scikit_learns(probabilities, seed):
    data = TABLE.load()
    scores, hits = baselines.fit_baseline(run_of("boosted-trees", TABLE, seed), data)
    y = {split: getattr(data, split).y.numpy() for split in SPLITS}
    x = {split: getattr(data, split).x.numpy() for split in SPLITS}
    plain = HistGradientBoostingClassifier(max_iter=500, early_stopping=True, random_state=seed)
    plain.fit(x["train"], y["train"])
    assert plain.n_iter_ < 500
    for split, found in zip(SPLITS, probabilities, strict=True):
        expected = plain.predict_proba(x[split])
        np.testing.assert_array_equal(found, expected)
        assert scores[split].loss == pytest.approx(log_loss(y[split], expected))
        assert scores[split].accuracy == accuracy_score(y[split], expected.argmax(1))
    assert (hits.array() == (expected.argmax(1) == y["test"])).all()


def test_the_seed_of_boosted_trees_matters_and_the_largest_is_taken():
    data = TABLE.load()
    losses = [
        baselines.fit_baseline(run_of("boosted-trees", TABLE, s), data)[0]["test"].loss for s in (0, 1, 0, 2**64 - 1)
    ]
    assert losses[0] == losses[2]
    assert len(set(losses)) == 3


# --- as Runs ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> dict[str, pnn.Record]:
    folder = tmp_path_factory.mktemp("runs")
    runs = {"majority of texts": run_of("majority", TEXT), "majority of a table": run_of("majority", TABLE)}
    runs |= {"bag-of-words": run_of("bag-of-words", TEXT), "boosted-trees": run_of("boosted-trees", TABLE)}
    found = {name: pnn.fit(run, folder=folder, progress=False) for name, run in runs.items()}
    assert list(folder.iterdir()) == []  # neither weights nor checkpoints
    return found


@pytest.mark.parametrize("name", ["majority of texts", "majority of a table", "bag-of-words", "boosted-trees"])
def test_a_baseline_has_a_record_like_any_other(records, name):
    record = records[name]
    task = record.run.task.load()
    assert (record.outcome, record.message, record.sessions) == ("ok", "", 1)
    assert (record.curves, record.budget) == ({}, {})
    assert record.final.keys() == set(SPLITS)
    assert record.seconds > 0
    assert record.data == {"origin": "stand-in", "fingerprint": task.fingerprint}
    assert record.versions["scikit-learn"]
    assert record.run.name == f"{record.run.task.name}-smoke-{record.run.network.name}-seed0-{record.run.id}"
    assert pnn.Record.from_dict(json.loads(json.dumps(record.to_dict(), allow_nan=False))) == record


def test_the_majority_of_the_breast_cancer_table_is_its_share(records):
    _, y = load_breast_cancer(return_X_y=True)
    assert records["majority of a table"].final["test"].accuracy == pytest.approx(y[455:].mean())


@pytest.mark.parametrize(
    ("name", "majority"), [("bag-of-words", "majority of texts"), ("boosted-trees", "majority of a table")]
)
def test_a_stand_in_is_learnt_better_than_its_majority(records, name, majority):
    learnt, guessed = records[name].final["test"], records[majority].final["test"]
    assert learnt.accuracy > guessed.accuracy + 0.05
    assert learnt.loss < guessed.loss - 0.1


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("bag-of-words", TABLE),
        ("boosted-trees", TEXT),
        ("boosted-trees", pnn.CIFAR10()),
        ("bag-of-words", pnn.Digits()),
    ],
)
def test_a_baseline_for_other_rows_is_an_error(name, task):
    with pytest.raises(pnn.RunError, match=rf"{name!r} is not made for the rows of {task.name!r}"):
        run_of(name, task)


def test_only_a_baseline_is_scikit_learns():
    with pytest.raises(pnn.RunError, match="baselines and theirs alone"):
        pnn.Run(TABLE, pnn.MLP("standard", 3), RECIPE, 0, "smoke")
    with pytest.raises(pnn.RunError, match="baselines and theirs alone"):
        pnn.Run(TABLE, pnn.Majority(), pnn.Recipe(1, augment="none"), 0, "smoke")


# --- ridge on all products -------------------------------------------------------------------------------------------


def test_ridge_is_exact_on_a_quadratic_function_without_noise():
    task = pnn.Known("products", rows=500, share=1.0)
    record = pnn.fit(pnn.Run(task, pnn.QuadraticRidge(), RECIPE, 0, "smoke"))
    assert record.outcome == "ok"
    assert record.hits is None
    assert all(score.r2 > 1 - 1e-6 and score.accuracy is None for score in record.final.values())
    assert pnn.Record.from_json(record.to_json()) == record


def test_ridge_keeps_the_penalty_of_the_lowest_loss_on_the_validation_rows():
    """On the products written out one by one, by the normal equations."""
    data = pnn.Known("products", rows=300, share=0.5, noise=0.5, test=400).load()
    x, y = ({name: getattr(split, part).double().numpy() for name, split in data.splits.items()} for part in "xy")
    mean, deviation = x["train"].mean(0), x["train"].std(0)
    pairs = [(i, j) for i in range(20) for j in range(i, 20)]

    def expand(rows: np.ndarray) -> np.ndarray:
        z = (rows - mean) / deviation
        return np.hstack([z, np.stack([z[:, i] * z[:, j] for i, j in pairs], 1)])

    features = {name: expand(rows) for name, rows in x.items()}
    centre, scale = features["train"].mean(0), features["train"].std(0)
    features = {name: (rows - centre) / scale for name, rows in features.items()}
    found = {}
    for penalty in 10.0 ** np.arange(-4, 5):
        gram = features["train"].T @ features["train"] + penalty * np.eye(len(centre))
        weight = np.linalg.solve(gram, features["train"].T @ (y["train"] - y["train"].mean()))
        answers = {name: rows @ weight + y["train"].mean() for name, rows in features.items()}
        losses = {name: np.mean((own - y[name]) ** 2) for name, own in answers.items()}
        found[losses["validation"]] = losses["test"]
    scores, _ = baselines.fit_baseline(pnn.Run(pnn.Known("products"), pnn.QuadraticRidge(), RECIPE, 0, "smoke"), data)
    assert scores["test"].loss == pytest.approx(found[min(found)], rel=1e-4)


def test_of_classes_it_is_logistic_regression_on_the_products():
    record = pnn.fit(pnn.Run(pnn.Known("parity-2"), pnn.QuadraticRidge(), RECIPE, 0, "smoke"))
    assert record.final["test"].accuracy == 1.0  # The parity of two bits is the sign of their product.
    assert record.final["test"].loss < 0.01
    assert record.hits.array().all()
    beyond = pnn.fit(pnn.Run(pnn.Known("parity-3"), pnn.QuadraticRidge(), RECIPE, 0, "smoke"))
    assert beyond.final["test"].accuracy == pytest.approx(0.5, abs=0.03)
