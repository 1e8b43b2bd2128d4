"""Statistics of plain rows: against a hand computation and torch's own, and where the training asks for them."""

import copy
import dataclasses

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn
from torch.testing import assert_close

import pnn


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def network() -> nn.Module:
    layers = [
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.Dropout(0.5),
        nn.Conv2d(4, 5, 3),
        nn.BatchNorm2d(5, momentum=0.3),
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(20, 2)).eval()


def test_each_layer_has_the_mean_and_the_variance_of_its_own_inputs():
    model, x = network(), torch.randn(50, 3, 6, 6)
    pnn.PlainStatistics(50).before_evaluation(model, lambda rows: x[:rows])
    y = model[0](x).transpose(0, 1).flatten(1)
    assert_close(model[1].running_mean, y.mean(1))
    assert_close(model[1].running_var, y.var(1))  # unbiased
    # The second layer sees what the first one makes of its batch, which divides by the biased deviation; no dropout.
    normed = (y - y.mean(1, keepdim=True)) / (y.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
    z = model[3](normed.view(4, 50, 4, 4).transpose(0, 1)).transpose(0, 1).flatten(1)
    assert_close(model[4].running_mean, z.mean(1))
    assert_close(model[4].running_var, z.var(1))


def test_it_is_torchs_own_update_over_one_batch_whatever_was_there_before():
    model, x = network()[:2], torch.randn(40, 3, 6, 6)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        model[1].running_mean.fill_(7.0)
        model[1].running_var.fill_(1e6)
    pnn.PlainStatistics(40).before_evaluation(model, lambda rows: x[:rows])
    update_bn([x], twin)
    for name, tensor in twin.state_dict().items():
        assert_close(model.state_dict()[name], tensor)


def test_all_is_left_as_it_was_but_for_the_statistics():
    model, x = network(), torch.randn(20, 3, 6, 6)
    weights = {name: p.clone() for name, p in model.named_parameters()}
    asked = []

    def rows(number: int) -> torch.Tensor:
        asked.append(number)
        return x

    pnn.PlainStatistics(20).before_evaluation(model, rows)
    assert asked == [20]
    assert not any(module.training for module in model.modules())
    assert [model[1].momentum, model[4].momentum] == [0.1, 0.3]
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, weights[name])
        assert parameter.grad is None


def test_rows_that_pass_as_they_are_normalised_in_training_pass_so_in_evaluation():
    """One pass is exact for all layers: the network in evaluation is the network in training, on the same rows."""
    model, x = pnn.PolyNeXtModule(3, 10, 4, depth=1), torch.randn(100, 3, 8, 8)
    expected = model.train()(x)
    model.eval()
    before = (model(x) - expected).abs().max()
    pnn.PlainStatistics(100).before_evaluation(model, lambda rows: x)
    assert (model(x) - expected).abs().max() < 5e-3 < before


def run(average: float, **settings) -> pnn.Run:
    methods = (pnn.PlainStatistics(150),) if settings.pop("methods", True) else ()
    recipe = pnn.Recipe(2, learning_rate=0.01, optimiser="adamw", average=average, methods=methods, **settings)
    return pnn.Run(pnn.Digits(), pnn.PolyNeXt("bilinear", 4, depth=1), recipe, 0, "smoke")


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_the_network_that_is_evaluated_has_the_statistics_of_plain_training_rows(tmp_path, average):
    own = run(average, mix="mixup-cutmix")
    record = pnn.fit(own, folder=tmp_path, device="cpu", progress=False)
    from safetensors.torch import load_file

    data = own.task.load()
    model = own.network.build(data.form)
    model.load_state_dict(load_file(tmp_path / own.name / "weights.safetensors"))
    number = len(data.train)
    x = data.normalise(data.train.x[[i * number // 150 for i in range(150)]])
    first = model[0](x)
    assert_close(model[1].norm1.running_mean, first.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)
    assert_close(model[1].norm1.running_var, first.var((0, 2, 3)), rtol=1e-3, atol=1e-4)
    with torch.no_grad():
        loss = nn.functional.cross_entropy(model.eval()(data.normalise(data.test.x)), data.test.y).item()
    assert record.final["test"].loss == pytest.approx(loss, rel=1e-4)


def test_the_training_is_the_same_with_and_without(tmp_path):
    found = [pnn.fit(run(0.0, methods=m), folder=tmp_path, device="cpu", progress=False) for m in (True, False)]
    assert found[0].curves["train_loss"] == found[1].curves["train_loss"]
    assert found[0].curves["validation_loss"] != found[1].curves["validation_loss"]


def test_what_has_no_batchnorm_is_refused(tmp_path):
    with pytest.raises(pnn.RunError, match='"plain-statistics" is for networks with a BatchNorm'):
        pnn.PlainStatistics().start(nn.Linear(2, 2), [])
    with pytest.raises(pnn.RunError, match=r"PlainStatistics\.rows must be at least 2, got 1"):
        pnn.PlainStatistics(1)
    assert dataclasses.asdict(pnn.PlainStatistics()) == {"rows": 1000}
