"""What methods read off a network survives a stop bit for bit; and noise on the inputs, in training alone."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F
from trained import Stopped, fitted, stop_at, weights

import pnn
from pnn.tasks.augment import draw_epoch
from pnn.training import loop
from pnn.training.evaluate import LARGEST
from pnn.training.readings import plain

TASK = pnn.Digits(validation=200)
LEARNED = pnn.MLP("standard", 8, pnn.SwishChoice(), depth=1)
QUADRATIC = pnn.MLP("bilinear", 4, pnn.Identity(), depth=1, norm="none")


def run_of(network=LEARNED, *methods, **recipe) -> pnn.Run:
    recipe = {"epochs": 3, "batch_size": 200, "learning_rate": 0.01, "augment": "none", **recipe}
    return pnn.Run(TASK, network, pnn.Recipe(methods=methods, **recipe), 2, "smoke")


RUNS = {
    "by epoch": run_of(LEARNED, pnn.WatchActivations()),
    "at the end": run_of(QUADRATIC, pnn.WatchInteractions(), noise=0.5),
    "noise": run_of(noise=0.5),
}


@pytest.fixture(scope="module", params=RUNS)
def whole(request, tmp_path_factory):
    """A run, its Record when nothing stopped it, and its weights."""
    run, folder = RUNS[request.param], tmp_path_factory.mktemp("whole")
    return run, fitted(run, folder), weights(run, folder)


@pytest.mark.parametrize("moments", [[(0, 1)], [(1, 2), (2, 3)]], ids=str)  # the steps of an epoch are 4 or more
def test_a_run_that_was_stopped_ends_with_the_same_bits(whole, moments, tmp_path, monkeypatch):
    run, expected, ended = whole
    for moment in moments:
        with monkeypatch.context() as patch:
            stop_at(patch, *moment)
            with pytest.raises(Stopped):
                fitted(run, tmp_path)
    record = fitted(run, tmp_path)
    assert record.sessions == 1 + len(moments)
    assert record.readings == expected.readings
    assert (record.final, record.hits) == (expected.final, expected.hits)
    assert record.curves | {"seconds": []} == expected.curves | {"seconds": []}
    assert all(torch.equal(value, ended[name]) for name, value in weights(run, tmp_path).items())


def test_a_training_that_diverged_keeps_what_was_read_before(tmp_path, monkeypatch):
    def broken(self, x, y):
        if self.epoch == 1:
            raise loop.Diverged("as the test has it")
        return take_step(self, x, y)

    take_step = loop.Training.take_step
    monkeypatch.setattr(loop.Training, "take_step", broken)
    record = fitted(RUNS["by epoch"], tmp_path)
    assert record.outcome == "diverged"
    assert {len(values) for values in record.readings.values()} == {2}  # the start, and one epoch
    monkeypatch.undo()
    assert pnn.Record.from_json(record.to_json()) == record


def test_numbers_are_kept_to_five_digits_and_are_finite():
    values = torch.tensor([[1.23456789, -0.000123456789], [float("nan"), float("-inf")]])
    kept, broken = plain(values)
    assert kept == [1.2346, -0.00012346]
    assert broken == pytest.approx([LARGEST, -LARGEST], rel=1e-4)


# --- noise -----------------------------------------------------------------------------------------------------------


def test_no_noise_is_the_run_and_the_training_without_the_field(tmp_path):
    run = run_of()
    assert run == run_of(noise=0.0)
    assert "noise" not in run.to_dict()["recipe"]
    assert run_of(noise=0.5).to_dict()["recipe"]["noise"] == 0.5
    assert run_of(noise=0.5).id != run.id


def test_noise_is_added_to_the_normalised_rows_of_a_step(tmp_path):
    """One step, written out: the noise is drawn after the weights, from the same generator."""
    run = run_of(QUADRATIC, epochs=1, batch_size=5000, optimiser="sgd", noise=0.5)
    fitted(run, tmp_path)
    data = TASK.load()
    torch.manual_seed(run.seed)
    model = run.network.build(data.form)
    order = draw_epoch(len(data.train), run.seed, 0, False, "cpu").order
    x = data.normalise(data.train.x[order])
    F.cross_entropy(model(x + 0.5 * torch.randn_like(x)), data.train.y[order]).backward()
    for name, parameter in model.named_parameters():
        expected = (parameter - 0.01 * parameter.grad).detach()
        torch.testing.assert_close(weights(run, tmp_path)[name], expected, rtol=1e-4, atol=1e-6)


def test_evaluations_have_no_noise(tmp_path):
    run = run_of(QUADRATIC, noise=5.0)
    record = fitted(run, tmp_path)
    data = TASK.load()
    model = run.network.build(data.form)
    model.load_state_dict(weights(run, tmp_path))
    with torch.no_grad():
        for split in ("train", "validation", "test"):
            rows = getattr(data, split)
            right = (model.eval()(data.normalise(rows.x)).argmax(1) == rows.y).double().mean().item()
            assert record.final[split].accuracy == pytest.approx(right)
    quiet = dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, noise=0.0))
    assert fitted(quiet, tmp_path).curves["train_loss"][0] < record.curves["train_loss"][0]
