"""The contest of polynomial activations: what the arms have in common, and what they differ in."""

import dataclasses

import pytest
import torch

import pnn
from pnn.experiments import stable
from pnn.experiments.common import matching_width
from pnn.studies.study import in_turn

SIZES = ["smoke", "laptop", "paper"]
HELD = {
    "nothing": [],
    "clipping": [("clip-norm", False)],
    "selective": [("clip-norm", True)],
    "boundary": [("boundary-loss", None)],
    "both": [("boundary-loss", None), ("clip-norm", True)],
}


@pytest.mark.parametrize("size", SIZES)
def test_the_arms_differ_in_their_activation_and_in_what_holds_it(size):
    arms = stable.runs(size)
    assert len({run.task for run in in_turn(arms)}) == 1
    assert len({run.network.depth for run in in_turn(arms)}) == 1
    for arm, own in arms.items():
        (network,), (recipe,) = ({getattr(run, part) for run in own} for part in ("network", "recipe"))
        assert network.order == "activation-norm"
        if arm.rate == "published":
            assert recipe.learning_rate == 1e-3
        if arm.activation in ("quadratic", "relinear"):
            assert (network.neuron, network.activation) == ("quadratic", pnn.Identity())
            assert [method.name for method in recipe.methods] == ["relinear"] * (arm.activation == "relinear")
            continue
        assert network.width == stable.SETTINGS[size].network.width
        assert [(m.name, getattr(m, "selective", None)) for m in recipe.methods] == HELD[arm.method]
        if arm.activation in ("relu", "hermite"):
            assert network.activation == {"relu": pnn.ReLU(), "hermite": pnn.Hermite()}[arm.activation]
            continue
        bound, limit = stable.PUBLISHED[arm.degree] if arm.interval == "published" else (4, 3)
        assert (network.activation.degree, network.activation.bound) == (arm.degree, bound)
        assert network.activation.learnable == (arm.activation == "chebyshev")
        assert network.activation.basis == ("monomial" if arm.activation == "published" else "chebyshev")
        assert all(method.limit == limit for method in recipe.methods if method.name == "boundary-loss")


def test_every_degree_is_free_and_held_on_both_intervals_and_two_of_them_in_every_way():
    arms = stable.arms_of()
    assert len(set(arms)) == len(arms)
    for degree in (2, 3, 4, 8, 16, 22):
        for activation in ("chebyshev",) if degree == 3 else ("published", "chebyshev"):
            found = {(arm.interval, arm.method) for arm in arms if (arm.activation, arm.degree) == (activation, degree)}
            methods = HELD if degree in (8, 22) else ("nothing", "both")
            assert found == {(interval, method) for interval in ("published", "tight") for method in methods}


def test_a_fit_of_degree_3_to_relu_is_that_of_degree_2():
    """So the frozen polynomials of degree 3 would be arms twice."""
    third, second = (pnn.Polynomial.published(degree, 4.0).build(1) for degree in (3, 2))
    x = torch.linspace(-4, 4, 50)
    torch.testing.assert_close(third(x), second(x), atol=1e-5, rtol=0)


def test_where_an_answer_hangs_on_an_arm_it_has_more_seeds():
    numbers = {arm: len(own) for arm, own in stable.runs("laptop").items()}
    assert numbers[stable.Arm("relu")] == numbers[stable.Arm("published", 22, "tight", "both")] == 10
    assert numbers[stable.Arm("chebyshev", 4, "tight")] == numbers[stable.Arm("hermite", 2)] == 5
    assert {number for arm, number in numbers.items() if arm.rate == "best"} == {10}


@pytest.mark.parametrize("size", SIZES)
def test_the_quadratic_network_has_as_many_parameters(size):
    setting = stable.SETTINGS[size]
    like = dataclasses.replace(setting.network, neuron="quadratic", activation=pnn.Identity())
    found = matching_width(setting.task, setting.network, like, "parameters", 0.2)
    assert found == stable.QUADRATIC_WIDTH[size]


def test_its_paper_size_is_the_published_network():
    (run,) = stable.runs("paper", seeds=1)[stable.Arm("relu")]
    assert (run.task.name, run.recipe.epochs, run.recipe.augment) == ("cifar10", 30, "crop-flip")
    assert sum(p.numel() for p in run.network.build(pnn.Form((3, 32, 32), 10)).parameters()) == 11_173_962


OF_EACH_KIND = [arm for arm in stable.arms_of() if not arm.interval or (arm.degree, arm.interval) == (22, "tight")]


@pytest.mark.parametrize("arm", [arm for arm in OF_EACH_KIND if arm.method in ("nothing", "both")], ids=str)
def test_the_arms_train_in_the_smallest_size(tmp_path, arm):
    record = pnn.fit(stable.runs("smoke", seeds=1)[arm][0], folder=tmp_path, device="cpu", progress=False)
    assert record.outcome in ("ok", "exploded", "diverged"), (arm, record.message)
    if record.health:
        polynomial = arm.interval != ""
        assert (record.health.test_outside is not None) == polynomial
