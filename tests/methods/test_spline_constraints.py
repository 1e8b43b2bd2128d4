"""The penalties of PolyNeuron-R: their equation, and what they do to a training."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import pnn


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def test_the_penalty_is_its_equation_over_all_activations():
    model = nn.Sequential(nn.Linear(4, 3), pnn.PolyNeuronR(3), nn.Linear(3, 2), pnn.PolyNeuronR(points=5))
    with torch.no_grad():
        for p in model.parameters():
            p.normal_()
    products, sums = [], []
    for module in (model[1], model[3]):
        for a in range(module.num_parameters):
            products.append(abs(sum(module.w[i, a] * module.c[i, a] for i in range(module.points))))
            sums.append(abs(sum(module.w[i, a] for i in range(module.points))))
    expected = 0.3 * sum(products) / 4 + 0.02 * sum(sums) / 4
    assert_close(pnn.SplineConstraints(0.3, 0.02).penalty(model), expected)


def test_at_the_start_and_without_the_activation_it_costs_nothing():
    assert pnn.SplineConstraints(1, 1).penalty(nn.Sequential(pnn.PolyNeuronR(8))) < 1e-6
    assert pnn.SplineConstraints().penalty(nn.Sequential(nn.ReLU())) is None


def run_of(activation, *methods, **recipe) -> pnn.Run:
    recipe = pnn.Recipe(1, batch_size=64, augment="none", methods=methods, **recipe)
    return pnn.Run(pnn.Digits(), pnn.CNN("standard", 4, activation), recipe, 0, "smoke")


def test_in_a_training_it_holds_the_weights_near_their_constraints(tmp_path):
    from safetensors.torch import load_file

    ends = []
    for strength in (0.0, 10.0):
        run = run_of(pnn.PolyNeuronRChoice(), pnn.SplineConstraints(strength, strength), learning_rate=0.01)
        assert pnn.fit(run, folder=tmp_path, device="cpu", progress=False).outcome == "ok"
        weights = load_file(tmp_path / run.name / "weights.safetensors")
        splines = [name.removesuffix(".w") for name in weights if name.endswith(".w")]
        assert len(splines) == 3
        ends.append(sum(weights[f"{name}.w"].sum().abs().item() for name in splines))
    assert ends[1] < 0.5 * ends[0]


def test_other_activations_and_negative_strengths_are_refused():
    with pytest.raises(pnn.RunError, match="is for networks of the activation \"polyneuron-r\", got 'polyneuron'"):
        run_of(pnn.PolyNeuronChoice(), pnn.SplineConstraints())
    with pytest.raises(pnn.RunError, match=r"SplineConstraints.lambda_sum must be at least 0, got -1.0"):
        pnn.SplineConstraints(0.0, -1.0)
