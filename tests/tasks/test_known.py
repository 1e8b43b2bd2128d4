"""Tasks whose interactions are known: the functions stated anew, their shares by other means, their noise."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
import torch
from scipy import integrate

import pnn
from pnn.tasks.known import FUNCTIONS, interaction_of

NAMES = ["products", *FUNCTIONS]
CLASSES = {"parity-2", "parity-3", "parity-4", "sign-product", "sign-sum", "majority"}
# Each function of one row, in plain Python.
STATED = {
    "friedman-1": lambda x: 10 * math.sin(math.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4],
    "friedman-2": lambda x: math.sqrt(x[0] ** 2 + (x[1] * x[2] - 1 / (x[1] * x[3])) ** 2),
    "quotient": lambda x: x[0] / x[1] + x[2] / x[3],
    "root": lambda x: math.sqrt(x[0] ** 2 + x[1] ** 2) + math.sqrt(x[2] ** 2 + x[3] ** 2),
    "additive": lambda x: math.exp(x[0] / 2) + abs(x[1]) + x[2] * x[2] / 2 + math.tanh(2 * x[3]) + math.sin(2 * x[4]),
    "parity-2": lambda x: x[0] * x[1] > 0,
    "parity-3": lambda x: x[0] * x[1] * x[2] > 0,
    "parity-4": lambda x: x[0] * x[1] * x[2] * x[3] > 0,
    "sign-product": lambda x: (x[0] > 0) == (x[1] > 0),
    "sign-sum": lambda x: x[0] > -x[1],
    "majority": lambda x: sum(vote > 0 for vote in x[:5]) >= 3,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rows_are_answered_by_the_function(name):
    data = pnn.Known(name, rows=300, test=400).load()
    stated = np.array([STATED[name](row) for row in data.test.x.double().tolist()], float)
    if name in CLASSES:
        assert data.test.y.tolist() == stated.astype(int).tolist()
    else:  # Numbers are standardised by the training and validation rows.
        assert np.corrcoef(stated, data.test.y.numpy())[0, 1] == pytest.approx(1, abs=1e-6)
        known = torch.cat([data.train.y, data.validation.y]).double()
        assert known.mean().item() == pytest.approx(0, abs=1e-6)
        assert known.std(correction=0).item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_family_of_products_has_variance_1_of_which_the_products_have_their_share(share):
    x = np.random.default_rng(0).standard_normal((400_000, 20))
    products = sum(x[:, k] * x[:, k + 1] for k in range(0, 10, 2))
    sines = np.sin(x[:, :10]).sum(1)
    value = pnn.Known("products", share=share).function.value(x)
    assert value.var() == pytest.approx(1, abs=0.02)
    assert value.mean() == pytest.approx(0, abs=0.01)
    # Products and sines are uncorrelated, so that their squared correlations with the value are shares of its variance.
    assert np.corrcoef(value, products)[0, 1] ** 2 == pytest.approx(share, abs=0.01)
    assert np.corrcoef(value, sines)[0, 1] ** 2 == pytest.approx(1 - share, abs=0.01)


def test_shares_of_functions_of_bits_are_those_of_all_their_values():
    """The first-order indices are the squared correlations of the value with each bit."""
    bits = np.array(list(itertools.product([-1.0, 1.0], repeat=5)))
    rows = np.hstack([bits, np.ones((len(bits), 15))])
    for name in ("parity-2", "parity-3", "parity-4", "majority"):
        value = 2.0 * FUNCTIONS[name].value(rows) - 1
        first_order = sum(np.mean(value * bit) ** 2 for bit in bits.T)
        assert pnn.Known(name).interaction == pytest.approx(1 - first_order)


def test_the_share_of_a_quotient_is_that_of_an_integral():
    low, high = 0.2, 5.0
    mean, square = (integrate.quad(lambda b, k=k: b**-k / (high - low), low, high)[0] for k in (1, 2))
    # With a of mean 0, the main effect of b is 0, and that of a is a times the mean of 1/b.
    assert pnn.Known("quotient").interaction == pytest.approx(1 - mean**2 / square)


def test_the_share_of_friedman_1_is_that_of_integrals():
    uniform = np.polynomial.legendre.leggauss(60)
    x, weight = (uniform[0] + 1) / 2, uniform[1] / 2
    sine = 10 * np.sin(np.pi * np.outer(x, x))
    mean = weight @ sine @ weight
    main = sine @ weight
    effects = 2 * (weight @ (main - mean) ** 2)
    product = weight @ (sine - mean) ** 2 @ weight
    square = 20 * (x - 0.5) ** 2
    others = weight @ square**2 - (weight @ square) ** 2 + (100 + 25) / 12
    assert pnn.Known("friedman-1").interaction == pytest.approx((product - effects) / (product + others), abs=0.01)


@pytest.mark.parametrize("name", [name for name, own in FUNCTIONS.items() if own.share is not None])
def test_the_estimate_of_a_share_agrees_with_what_is_known(name):
    assert interaction_of(name) == pytest.approx(FUNCTIONS[name].share, abs=0.03)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_estimate_agrees_with_the_share_of_products(share):
    assert interaction_of("products", share) == pytest.approx(share, abs=0.03)


def test_labels_are_turned_in_training_and_validation_rows_alone():
    clean, noisy = (pnn.Known("sign-sum", rows=20_000, noise=noise).load() for noise in (0.0, 0.1))
    for split in ("train", "validation"):
        turned = (clean.splits[split].y != noisy.splits[split].y).double().mean().item()
        assert turned == pytest.approx(0.1, abs=0.025)
    assert torch.equal(clean.test.y, noisy.test.y)
    assert torch.equal(clean.train.x, noisy.train.x)


def test_the_least_loss_is_that_of_the_truth_with_its_noise():
    task = pnn.Known("sign-product", rows=50_000, noise=0.1)
    data = task.load()
    truth = (data.train.x[:, 0] * data.train.x[:, 1] > 0).double()
    probability = torch.where(truth == data.train.y, 0.9, 0.1)
    assert -probability.log().mean().item() == pytest.approx(task.least_loss, abs=0.01)
    assert pnn.Known("sign-product").least_loss == 0

    numbers = pnn.Known("products", rows=50_000, share=0.5, noise=0.25)
    clean, noisy = (own.load().train.y.double() for own in (dataclasses.replace(numbers, noise=0.0), numbers))
    unexplained = 1 - np.corrcoef(clean, noisy)[0, 1] ** 2
    assert unexplained == pytest.approx(numbers.least_loss, abs=0.01)


def test_rows_are_the_same_at_every_load_and_no_row_is_in_two_splits():
    task = pnn.Known("products", rows=500, share=0.5)
    first, again = task.load(), task.load()
    assert first.fingerprint == again.fingerprint
    assert torch.equal(first.train.x, again.train.x)
    assert [len(split) for split in first.splits.values()] == [500, 1000, 5000]
    assert task.counts() == {"train": 1500, "test": 5000}
    rows = torch.cat([split.x for split in first.splits.values()])
    assert len(torch.unique(rows, dim=0)) == 6500
    assert first.fingerprint != dataclasses.replace(task, share=0.25).load().fingerprint
    # A frozen generator draws them: this is the same on every machine.
    assert first.test.x[0, :2].tolist() == pytest.approx([1.6243454, -0.6117564])


def test_tasks_of_more_rows_share_their_test_rows():
    few, many = (pnn.Known("products", rows=rows, share=0.5).load() for rows in (500, 2000))
    assert torch.equal(few.test.x, many.test.x)


def test_it_is_a_choice_like_any():
    run = pnn.Run(pnn.Known("parity-3", noise=0.1), pnn.MLP("standard", 8), pnn.Recipe(1, augment="none"), 0, "laptop")
    assert pnn.Run.from_dict(json.loads(json.dumps(run.to_dict()))) == run
    assert [pnn.Known(name).form.classes for name in NAMES] == [2 if name in CLASSES else 0 for name in NAMES]
    assert (pnn.Known("products", share=0.25).title, pnn.Known("root").title) == ("products 0.25", "root")
    assert [pnn.Known("products", share=share).kind for share in (0.0, 0.25)] == ["additive", "product"]


def test_a_share_belongs_to_products_and_too_much_noise_is_refused():
    with pytest.raises(pnn.RunError, match=r'0 and 1 for the target "products" and 0 for any other, got 0\.5'):
        pnn.Known("root", share=0.5)
    with pytest.raises(pnn.RunError, match=r"Known.noise must be below 0.5 where labels are turned, got 0.5"):
        pnn.Known("majority", noise=0.5)
    with pytest.raises(pnn.RunError, match=r"Known.target must be one of 'products', .*, got 'parity-5'"):
        pnn.Known("parity-5")
