"""The contest of polynomial activations: what the arms have in common, and what they differ in."""

import pytest

import pnn
from pnn.experiments import stable
from pnn.studies.study import in_turn


@pytest.mark.parametrize("size", ["smoke", "laptop", "paper"])
def test_the_arms_differ_in_their_activation_and_in_what_holds_it(size):
    arms = stable.runs(size)
    assert len({run.task for run in in_turn(arms)}) == 1
    assert len({(run.network.width, run.network.depth) for run in in_turn(arms)}) == 1
    for arm, own in arms.items():
        (network,), (recipe,) = ({getattr(run, part) for run in own} for part in ("network", "recipe"))
        assert network.order == "activation-norm"
        names = [method.name for method in recipe.methods]
        assert (
            names
            == {
                "nothing": [],
                "clipping": ["clip-norm"],
                "boundary": ["boundary-loss"],
                "both": ["boundary-loss", "clip-norm"],
            }[arm.method]
        )
        if arm.activation in ("relu", "hermite"):
            assert network.activation == {"relu": pnn.ReLU(), "hermite": pnn.Hermite()}[arm.activation]
            continue
        bound, limit = stable.PUBLISHED[arm.degree] if arm.interval == "published" else stable.TIGHT
        assert (network.activation.degree, network.activation.bound) == (arm.degree, bound)
        assert network.activation.learnable == (arm.activation == "chebyshev")
        assert network.activation.basis == ("monomial" if arm.activation == "published" else "chebyshev")
        for method in recipe.methods:
            assert method.selective if method.name == "clip-norm" else method.limit == limit


def test_every_degree_is_free_and_held_on_both_intervals():
    arms = stable.arms_of()
    assert len(set(arms)) == len(arms)
    for degree in stable.DEGREES:
        for activation in ("published", "chebyshev"):
            found = {(arm.interval, arm.method) for arm in arms if (arm.activation, arm.degree) == (activation, degree)}
            methods = stable.METHODS if degree == stable.EVERY_METHOD else ("nothing", "both")
            assert found == {(interval, method) for interval in ("published", "tight") for method in methods}


def test_its_paper_size_is_the_published_network():
    (network,) = {run.network for run in stable.runs("paper")[stable.Arm("relu")]}
    assert sum(p.numel() for p in network.build(pnn.Form((3, 32, 32), 10)).parameters()) == 11_173_962


@pytest.mark.parametrize("arm", [arm for arm in stable.arms_of() if arm.degree != 8 or arm.method == "both"], ids=str)
def test_the_arms_train_in_the_smallest_size(tmp_path, arm):
    record = pnn.fit(stable.runs("smoke", seeds=1)[arm][0], folder=tmp_path, device="cpu", progress=False)
    assert record.outcome in ("ok", "exploded", "diverged"), (arm, record.message)
    if record.health:
        assert (record.health.test_outside is None) == (arm.activation in ("relu", "hermite"))
