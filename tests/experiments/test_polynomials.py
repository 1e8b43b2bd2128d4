"""Polynomial activations on the source's kinds of data: what the arms have in common, and what they differ in."""

import pytest
import torch
from alike import stripped

import pnn
from pnn.experiments import polynomials
from pnn.experiments.polynomials import Arm

TASKS = ("mnist", "fsdd", "hapt")
each_task = pytest.mark.parametrize("task", TASKS)
# By degree, the end of the interval and the limit of the boundary loss, as the source has them.
SOURCE = {
    "mnist": {2: (12, 12), 4: (20, 15), 8: (35, 17.5), 22: (47, 23.5)},
    "fsdd": {2: (25, 25), 4: (40, 30), 8: (70, 70)},
    "hapt": {2: (13, 13), 4: (20, 20), 8: (35, 35)},
}


@each_task
@pytest.mark.parametrize("size", ["smoke", "laptop", "paper"])
def test_the_arms_differ_in_activation_what_holds_it_and_rate_alone(task, size):
    arms = polynomials.runs(size, task=task)
    same = stripped(arms)
    assert len(same) == 1
    assert same.pop().task.name == task


@each_task
def test_the_intervals_and_what_holds_them_are_the_sources(task):
    for arm, (run, *_) in polynomials.runs("laptop", task=task).items():
        activation, methods = run.network.activation, run.recipe.methods
        if arm.activation in ("relu", "hermite"):
            assert (activation, methods) == ({"relu": pnn.ReLU(), "hermite": pnn.Hermite()}[arm.activation], ())
            continue
        boundary, clipping = methods
        assert clipping == pnn.ClipNorm(1.0, selective=True)
        assert (boundary.strength, boundary.form) == ({"fsdd": 100}.get(task, 10), "exponential")
        if arm.degree in SOURCE[task]:
            assert (activation.bound, boundary.limit) == SOURCE[task][arm.degree]
        assert activation.degree == arm.degree
        frozen = ("monomial", "least-squares", False)
        kind = (activation.basis, activation.fit, activation.learnable)
        assert kind == (frozen if arm.activation == "powers" else ("chebyshev", "interpolation", True))


@each_task
def test_what_is_published_has_the_sources_rate_and_every_other_arm_its_own(task):
    arms = polynomials.runs("laptop", task=task)
    published = [arm for arm in arms if arm.rate == "published"]
    assert {arm.activation for arm in published} == {"relu", "powers"}
    assert {run.recipe.learning_rate for arm in published for run in arms[arm]} == {1e-3}
    best = {arm: own[0].recipe.learning_rate for arm, own in arms.items() if arm.rate == "best"}
    assert best == {arm: polynomials.RATES.get((task, "laptop"), {}).get(arm, 1e-3) for arm in best}


def test_the_largest_networks_are_the_sources():
    def parameters(run: pnn.Run, form: pnn.Form) -> int:
        return sum(p.numel() for p in run.network.build(form).parameters())

    relu = Arm("relu")
    assert parameters(polynomials.runs("paper")[relu][0], pnn.Form((3, 32, 32), 10)) == 11_173_962
    assert parameters(polynomials.runs("laptop", task="hapt")[relu][0], pnn.Form((561,), 6)) == 190_102


@each_task
def test_powers_of_the_highest_degree_stay_in_float32_on_their_interval(task):
    degree = max(polynomials.INTERVALS[task])
    bound, _ = polynomials.INTERVALS[task][degree]
    assert torch.isfinite(torch.tensor(bound, dtype=torch.float32) ** degree)
    assert not torch.isfinite(torch.tensor(70.0, dtype=torch.float32) ** 22)


@each_task
@pytest.mark.parametrize("arm", [Arm("hermite", 2), Arm("powers", 8), Arm("chebyshev", 8)], ids=str)
def test_the_arms_train_in_the_smallest_size(tmp_path, task, arm):
    run, *_ = polynomials.runs("smoke", task=task, seeds=1)[arm]
    record = pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    assert record.outcome in ("ok", "exploded"), record.message
    assert ("clip_rate" in record.curves) == (arm.activation != "hermite")


def test_a_mistyped_setting_says_what_is_allowed():
    with pytest.raises(pnn.RunError, match="task must be one of 'mnist', 'fsdd', 'hapt', got 'speech'"):
        polynomials.runs("smoke", task="speech")
    with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
        polynomials.runs("smoke", seeds=-1)
