"""What holds polynomial activations in training: the plateau, what a Record keeps of it, and the exact continuation."""

import dataclasses
import json
import math

import pytest
import torch
from trained import Stopped, fitted, stop_at, weights, without_time

import pnn
from pnn.training import loop
from pnn.training.evaluate import LARGEST
from pnn.training.optimiser import plateau, schedule

ACTIVATION = pnn.Polynomial(4, 2.0)
NETWORK = pnn.MLP("standard", 12, ACTIVATION, depth=2, order="activation-norm")
METHODS = (pnn.BoundaryLoss(1.5, strength=0.1), pnn.ClipNorm(1.0, selective=True))


def digits_run(**changes) -> pnn.Run:
    own = {"epochs": 3, "augment": "none", "optimiser": "adamw", "schedule": "plateau", "methods": METHODS}
    recipe = pnn.Recipe(**own | {"source": "al-hossain-2025", "learning_rate": 3e-3} | changes)
    return pnn.Run(pnn.Digits(validation=200), NETWORK, recipe, seed=1, size="smoke")


# --- the plateau -----------------------------------------------------------------------------------------------------


def test_the_plateau_is_torchs():
    losses = torch.rand(200, generator=torch.Generator().manual_seed(0)).mul(2).add(1).tolist()
    losses[40:60] = [0.5 * 0.97**i for i in range(20)]  # a slow fall, which the threshold does not count
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=1.0)
    torchs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.1, patience=5, threshold=0.1, eps=0)
    for epoch, loss in enumerate(losses):
        assert plateau(losses[:epoch]) == pytest.approx(optimiser.param_groups[0]["lr"])
        torchs.step(loss)


def test_the_rate_of_an_epoch_follows_from_those_before_it():
    recipe = digits_run(epochs=20).recipe
    flat = [1.0] * 20
    shares = [schedule(recipe, epoch, flat) for epoch in range(20)]
    assert shares == pytest.approx([1.0] * 7 + [0.1] * 6 + [0.01] * 6 + [0.001])


def test_the_plateau_watches_the_penalty_too(tmp_path, monkeypatch):
    seen = []

    def watching(recipe, epoch, watched):
        seen.append(list(watched))
        return 1.0

    monkeypatch.setattr(loop, "schedule", watching)
    curves = fitted(digits_run(), tmp_path).curves
    expected = [a + b for a, b in zip(curves["validation_loss"], curves["validation_penalty"], strict=True)]
    assert seen[-1] == pytest.approx(expected[:-1])
    assert min(curves["validation_penalty"]) > 0


# --- what a Record keeps ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder, run = tmp_path_factory.mktemp("undisturbed"), digits_run()
    return fitted(run, folder), weights(run, folder), folder


def test_a_record_keeps_what_methods_measure(undisturbed):
    record, _, _ = undisturbed
    assert record.outcome == "ok"
    for name in ("penalty", "validation_penalty", "gradient_norm", "clip_rate", "validation_outside"):
        assert len(record.curves[name]) == 3, name
    assert record.curves["clip_rate"][0] > 0
    assert pnn.Record.from_json(record.to_json()) == record


def test_the_validation_penalty_and_what_is_outside_are_those_of_the_network_that_ended(undisturbed):
    """Written out: the formula on the activations' inputs, in the weights that were saved."""
    record, weights, _ = undisturbed
    data = pnn.Digits(validation=200).load()
    model = NETWORK.build(data.form)
    model.load_state_dict(weights)
    inputs = []
    for module in model.modules():
        if isinstance(module, pnn.PolynomialActivation):
            module.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))

    def seen(split) -> list[torch.Tensor]:
        inputs.clear()
        with torch.no_grad():
            model.eval()(data.normalise(split.x))
        return list(inputs)

    penalty = 0.1 * sum(((x.abs() - 1.5).relu().exp() - 1).mean() for x in seen(data.validation))
    assert record.curves["validation_penalty"][-1] == pytest.approx(penalty.item(), rel=1e-4)
    for split, found in (
        (data.validation, record.curves["validation_outside"][-1]),
        (data.train, record.health.train_outside),
        (data.test, record.health.test_outside),
    ):
        beyond = torch.cat([x.flatten() for x in seen(split)]).abs() > 2
        assert found == pytest.approx(beyond.double().mean().item(), abs=2e-5)
        assert found > 0


def test_a_network_without_polynomial_activations_has_none_of_it(tmp_path):
    run = dataclasses.replace(digits_run(methods=(), epochs=1), network=pnn.MLP("standard", 4))
    form = fitted(run, tmp_path).to_dict()
    assert not {"penalty", "validation_penalty", "gradient_norm", "validation_outside"} & form["curves"].keys()
    assert not {"train_outside", "test_outside"} & form["health"].keys()
    assert pnn.Record.from_dict(json.loads(json.dumps(form))).health.test_outside is None


def test_an_old_record_of_health_keeps_its_json():
    health = {"nonfinite": 0, "dead": 0, "train_logit": 1.0, "test_logit": 2.0}
    from pnn.analysis.health import Health
    from pnn.runs.record import _part

    assert _part(Health, health, "health") == Health(0, 0, 1.0, 2.0)
    with pytest.raises(pnn.RunError, match="health must be an object with"):
        _part(Health, health | {"more": 1}, "health")


# --- the exact continuation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moments", [[(0, 1)], [(1, 4), (2, 8)]], ids=str)
def test_a_run_with_methods_that_was_stopped_ends_with_the_same_bits(undisturbed, tmp_path, monkeypatch, moments):
    record, ended, _ = undisturbed
    run = digits_run()
    for moment in moments:
        with monkeypatch.context() as patch:
            stop_at(patch, *moment)
            with pytest.raises(Stopped):
                fitted(run, tmp_path)
    continued = fitted(run, tmp_path)
    assert continued.sessions == len(moments) + 1
    assert without_time(continued) == without_time(record)
    assert all(torch.equal(value, ended[name]) for name, value in weights(run, tmp_path).items())


def test_a_plateau_that_was_stopped_after_a_cut_goes_on_at_the_cut_rate(tmp_path, monkeypatch):
    """With a rate of almost nothing no loss falls: the seventh epoch has a tenth of it, before and after a stop."""
    run = digits_run(epochs=9, learning_rate=1e-12)
    alone = fitted(run, tmp_path / "alone")
    assert alone.curves["learning_rate"] == pytest.approx([1e-12] * 7 + [1e-13] * 2)
    with monkeypatch.context() as patch:
        stop_at(patch, 8, 2)
        with pytest.raises(Stopped):
            fitted(run, tmp_path / "stopped")
    assert without_time(fitted(run, tmp_path / "stopped")) == without_time(alone)


# --- averages, compilers, divergence ---------------------------------------------------------------------------------


def test_the_average_of_the_weights_has_a_penalty_of_its_own(tmp_path):
    record = fitted(digits_run(average=0.9), tmp_path)
    assert record.outcome in ("ok", "exploded")
    assert all(map(math.isfinite, record.curves["validation_penalty"]))


def test_a_penalty_of_an_evaluation_that_is_not_finite_stands_as_the_largest_number(tmp_path, monkeypatch):
    of_layer = pnn.BoundaryLoss.of_layer

    def infinite(self, x):
        loss = of_layer(self, x)
        return loss if torch.is_grad_enabled() else loss + math.inf

    monkeypatch.setattr(pnn.BoundaryLoss, "of_layer", infinite)
    record = fitted(digits_run(), tmp_path)
    assert record.outcome == "ok"
    assert record.curves["validation_penalty"] == [LARGEST] * len(record.curves["train_loss"])


def test_a_gradient_whose_norm_is_infinite_is_not_clipped_to_nothing(tmp_path, monkeypatch):
    """Its square overflows, and clipping would multiply by 0: the step is refused."""
    after_backward = pnn.ClipNorm.after_backward

    def huge(self, model):
        for parameter in model.parameters():
            parameter.grad.fill_(1e30)
        return after_backward(self, model)

    monkeypatch.setattr(pnn.ClipNorm, "after_backward", huge)
    record = fitted(digits_run(), tmp_path)
    assert record.outcome == "diverged"
    assert "the gradient_norm inf" in record.message


@pytest.mark.slow
def test_compiled_it_has_the_same_penalty(tmp_path):
    plain, compiled = (fitted(digits_run(epochs=1, compile=c), tmp_path) for c in (False, True))
    for name in ("penalty", "validation_penalty", "validation_outside"):
        assert compiled.curves[name] == pytest.approx(plain.curves[name], rel=1e-3)
    assert compiled.health.test_outside == pytest.approx(plain.health.test_outside, rel=1e-3)
    assert compiled.health.train_outside == pytest.approx(plain.health.train_outside, rel=1e-3)
