"""fit: the same run gives the same bits, however often it is stopped; what is not finite stops it and is named."""

import dataclasses
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from trained import without_time

import pnn
from pnn.system import tensors
from pnn.tasks import augment
from pnn.training import checkpoint, fit, loop, optimiser
from pnn.training.checkpoint import ForeignCheckpointError
from pnn.training.evaluate import LARGEST
from pnn.training.layer_norms import norms
from pnn.training.objective import correct
from pnn.training.state import State

TASK = pnn.Digits(validation=200)
NETWORK = pnn.CNN("polynomial", 4)


def digits_run(**changes) -> pnn.Run:
    recipe = pnn.Recipe(**{"epochs": 2, "augment": "crop-flip", **changes})
    return pnn.Run(TASK, NETWORK, recipe, seed=3, size="smoke")


def weights(folder: Path, run: pnn.Run) -> dict[str, torch.Tensor]:
    return load_file(folder / run.name / "weights.safetensors")


def assert_same_bits(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run = digits_run()
    return pnn.fit(run, folder=folder, device="cpu", progress=False), weights(folder, run)


def test_a_run_says_what_came_of_it(undisturbed):
    record, _ = undisturbed
    assert record.outcome == "ok"
    assert all(len(curve) == 2 for curve in record.curves.values())
    assert record.final.keys() == {"train", "validation", "test"}
    assert record.final["validation"].accuracy == record.curves["validation_accuracy"][-1]
    assert record.used["deterministic"] is True
    assert pnn.Record.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_a_record_says_which_test_rows_it_is_right_on_and_how_healthy_it_is(undisturbed, tmp_path):
    record, ended = undisturbed
    data = TASK.load()
    model = NETWORK.build(data.form)
    model.load_state_dict(ended)
    with torch.no_grad():
        logits = {split: model.eval()(data.normalise(getattr(data, split).x)) for split in ("train", "test")}
    right = logits["test"].argmax(1) == data.test.y
    assert record.hits.array().tolist() == right.tolist()
    assert record.health.train_logit == pytest.approx(logits["train"].abs().max().item(), rel=1e-5)
    assert record.health.test_logit == pytest.approx(logits["test"].abs().max().item(), rel=1e-5)
    assert (record.health.nonfinite, record.health.dead) == (0, 0)


def test_a_network_that_ends_finite_with_a_huge_loss_has_exploded_and_keeps_its_scores(tmp_path):
    recipe = pnn.Recipe(1, learning_rate=30.0, augment="none")
    table = pnn.HIGGS(validation=80, rows="stand-in")
    run = pnn.Run(table, pnn.MLP("standard", 8), recipe, 0, "smoke")
    record = pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    assert record.outcome == "exploded"
    assert record.message.startswith(f"the train loss is {record.final['train'].loss:.4g}, above 6.931")
    assert record.final["train"].loss > 10 * math.log(2)
    assert len(record.curves["train_loss"]) == 1
    assert record.hits.array().mean() == pytest.approx(record.final["test"].accuracy)
    assert record.health.test_logit > 1000
    assert all(tensor.isfinite().all() for tensor in weights(tmp_path, run).values())


def test_logits_that_are_not_finite_explode_their_rows_and_do_not_end_the_training(tmp_path, monkeypatch):
    """From the second epoch on every evaluation has a row of minus infinity, which its loss would not show, and NaN."""

    class Broken(nn.Module):
        def forward(self, logits):
            if self.training or broken.epoch == 0:
                return logits
            logits = logits.clone()
            logits[0] = 0.0
            logits[0, 3:] = -math.inf
            logits[1] = math.nan
            return logits

    def keep(self, run, *rest, **options):
        init(self, run, *rest, **options)
        nonlocal broken
        broken = self
        self.model.append(Broken())

    broken, init = None, loop.Training.__init__
    monkeypatch.setattr(loop.Training, "__init__", keep)
    record = pnn.fit(digits_run(epochs=2, methods=()), folder=tmp_path, device="cpu", progress=False)
    assert record.outcome == "exploded"
    validation, test = broken.data.validation, broken.data.test
    assert len(record.curves["train_loss"]) == 2
    assert record.curves["validation_exploded"] == [0.0, 2 / len(validation)]
    assert record.curves["validation_logit"][0] < record.curves["validation_logit"][1] == LARGEST
    assert record.final["test"].loss == pytest.approx(2 * LARGEST / len(test), rel=1e-6)
    assert (record.health.test_exploded, record.health.train_exploded) == (
        2,
        2 * math.ceil(len(broken.data.train) / 500),
    )
    assert 0 < record.health.test_median < 3
    assert not record.hits.array()[:2].any()
    assert record.health.scaled_largest == [LARGEST] * 5
    assert all(0 < value < LARGEST for value in record.health.scaled_median)
    assert pnn.Record.from_json(record.to_json()) == record


def test_logits_by_scale_are_those_of_inputs_multiplied(undisturbed):
    record, ended = undisturbed
    data = record.run.task.load()
    network = record.run.network.build(data.form)
    network.load_state_dict(ended)
    x = data.normalise(data.validation.x[:256])
    with torch.no_grad():
        rows = torch.stack([network.eval()(scale * x).abs().amax(1) for scale in (1, 1.5, 2, 2.5, 3)])
    assert record.health.scaled_median == pytest.approx(rows.median(1).values.tolist(), rel=1e-5)
    assert record.health.scaled_largest == pytest.approx(rows.amax(1).tolist(), rel=1e-5)


def test_the_same_run_twice_gives_the_same_bits(undisturbed, tmp_path):
    record, ended = undisturbed
    run = digits_run()
    again = pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    assert without_time(again) == without_time(record)
    assert_same_bits(weights(tmp_path, run), ended)


def test_another_seed_gives_another_network(undisturbed, tmp_path):
    run = pnn.Run(TASK, NETWORK, digits_run().recipe, seed=4, size="smoke")
    record = pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    assert record.curves["train_loss"] != undisturbed[0].curves["train_loss"]


def test_one_step_is_the_recipe_written_in_plain_torch(tmp_path):
    """One epoch of one batch, no augmentation: Adam at its full rate on the normalised rows, in the drawn order."""
    run = digits_run(epochs=1, batch_size=2000, augment="none", channels_last=False)
    pnn.fit(run, folder=tmp_path, device="cpu", progress=False)

    data = TASK.load()
    torch.manual_seed(3)
    model = pnn.CNNModule(1, 10, 4, "polynomial")
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    order = pnn.tasks.augment.draw_epoch(len(data.train), 3, 0, False, "cpu").order
    pixels = data.train.x.float() / 255
    x = (pixels - pixels.mean()) / pixels.std(correction=0)
    F.cross_entropy(model(x[order]), data.train.y[order]).backward()
    optimiser.step()
    for name, value in weights(tmp_path, run).items():
        torch.testing.assert_close(value, model.state_dict()[name], rtol=2e-4, atol=2e-6)


def test_learning_rate_is_torchs_cosine():
    adam = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=1e-3)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, T_max=7)
    for epoch in range(7):
        assert 1e-3 * optimiser.schedule(pnn.Recipe(7), epoch) == pytest.approx(adam.param_groups[0]["lr"], rel=1e-9)
        adam.step()
        cosine.step()


# --- stopped ---------------------------------------------------------------------------------------------------------

PROGRAM = """
import json, sys, pnn
run = pnn.Run.from_dict(json.loads(sys.argv[1]))
record = pnn.fit(run, folder=sys.argv[2], device="cpu", checkpoint_seconds=float(sys.argv[3]), progress=False)
open(sys.argv[2] + "/record.json", "w").write(json.dumps(record.to_dict()))
"""


def start(run: pnn.Run, folder: Path, checkpoint_seconds: float) -> subprocess.Popen:
    arguments = [json.dumps(run.to_dict()), str(folder), str(checkpoint_seconds)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], env=environment)


def wait_for_checkpoint(path: Path, process: subprocess.Popen) -> None:
    while not path.exists():
        assert process.poll() is None, "the training ended before it was stopped"
        time.sleep(0.005)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 1)])  # 1: KeyboardInterrupt
def test_sigterm_and_ctrl_c_save_and_the_run_goes_on(number, status, tmp_path):
    run = digits_run(epochs=40)
    process = start(run, tmp_path, 0.0)
    path = tmp_path / run.name / "checkpoint.safetensors"
    wait_for_checkpoint(path, process)
    process.send_signal(number)
    assert process.wait(60) == status
    _, state = checkpoint.load(path)
    assert 0 < state["epoch"] * 10 + state["step"] < 400


@pytest.mark.slow
def test_sigkill_at_random_moments_changes_no_bit(tmp_path):
    """Twenty kills, mid-epoch and mid-checkpoint, each followed by a continuation in a new process."""
    run = digits_run(epochs=60)
    alone = tmp_path / "alone"
    expected = pnn.fit(run, folder=alone, device="cpu", progress=False)
    path = tmp_path / run.name / "checkpoint.safetensors"
    moments, kills = random.Random(0), 0
    while kills < 20:
        before = path.stat().st_mtime_ns if path.exists() else 0
        process = start(run, tmp_path, 0.02)
        while not path.exists() or path.stat().st_mtime_ns == before:  # it trains again
            assert process.poll() is None, f"the training ended after {kills} kills"
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.15))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        kills += 1
    assert start(run, tmp_path, 0.02).wait() == 0
    record = pnn.Record.from_dict(json.loads((tmp_path / "record.json").read_text()))
    assert record.sessions == 21
    assert without_time(record) == without_time(expected)
    assert_same_bits(weights(tmp_path, run), weights(alone, run))


# --- checkpoints that must not be trusted, disks that are full -------------------------------------------------------


def stop_after_first_step(run: pnn.Run, folder: Path, device: str) -> Path:
    """Leaves the run's checkpoint, and returns its path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "act_on", _stop)
        patch.setattr(fit, "held_signals", _already_signalled)
        with pytest.raises(_Stopped):
            pnn.fit(run, folder=folder, device=device, progress=False)
    return folder / run.name / "checkpoint.safetensors"


@pytest.fixture
def stopped(tmp_path):
    """A run stopped after its first step, and the path of its checkpoint."""
    run = digits_run()
    return run, stop_after_first_step(run, tmp_path, "cpu")


class _Stopped(Exception):
    pass


def _stop(number):
    raise _Stopped


class _already_signalled:
    def __enter__(self):
        return [signal.SIGTERM]

    def __exit__(self, *_):
        return None


def test_a_stopped_run_goes_on_to_the_same_bits(stopped, undisturbed):
    run, path = stopped
    record = pnn.fit(run, folder=path.parents[1], device="cpu", progress=False)
    assert record.sessions == 2
    assert without_time(record) == without_time(undisturbed[0])
    assert_same_bits(weights(path.parents[1], run), undisturbed[1])


def test_a_checkpoint_keeps_all_that_is_counted(tmp_path):
    one, other = (State(digits_run(epochs=20), NETWORK.build(TASK.form), torch.device("cpu")) for _ in range(2))
    for parameter in one.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    one.optimiser.step()
    counted = [name for name, value in vars(one).items() if isinstance(value, int | float | dict) and name != "best"]
    for number, name in enumerate(counted, 1):
        value = getattr(one, name)
        setattr(one, name, {"a": [number] * one.epoch} if isinstance(value, dict) else type(value)(number))
    one.save(tmp_path / "checkpoint.safetensors")
    one.sessions += 1
    other.restore(tmp_path / "checkpoint.safetensors")
    for name in counted:
        assert getattr(other, name) == getattr(one, name), name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_on_cuda_too_a_stopped_run_goes_on_to_the_same_bits(tmp_path, precision):
    run = digits_run(precision=precision)
    alone = pnn.fit(run, folder=tmp_path / "alone", device="cuda", progress=False)
    stop_after_first_step(run, tmp_path, "cuda")
    assert without_time(pnn.fit(run, folder=tmp_path, device="cuda", progress=False)) == without_time(alone)
    assert_same_bits(weights(tmp_path, run), weights(tmp_path / "alone", run))


def _flip(path):
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-1000])


def _pickle(path):
    torch.save({"model": {}}, path)


def _huge_header(path):
    path.write_bytes((1 << 60).to_bytes(8, "little") + path.read_bytes()[8:])


def _rewrite(change):
    def apply(path):
        tensors, state = checkpoint.load(path)
        change(tensors, state)
        checkpoint.save(path, tensors, state)

    return apply


def _shape(tensors, state):
    tensors["model/0.maps.weight"] = tensors["model/0.maps.weight"][1:]


def _other_type(tensors, state):
    tensors["model/0.maps.weight"] = tensors["model/0.maps.weight"].double()


def _another_tensor(tensors, state):
    tensors["model/0.maps.more"] = torch.zeros(1)


def _beyond(tensors, state):
    state["epoch"] = 3


def _half_a_step(tensors, state):
    state["step"] = 0.5


def _short_curve(tensors, state):
    state["curves"]["train_loss"] = [0.1]


def _missing(tensors, state):
    del tensors["optimiser/0/exp_avg"]


def _other_torch(tensors, state):
    state["identity"]["torch"] = "0.4"


def _no_state(tensors, state):
    state.clear()


def _foreign(path):
    save_file({"weight": torch.zeros(2)}, path)


def test_a_good_checkpoint_of_elsewhere_is_told_from_a_damaged_one(stopped):
    run, path = stopped
    _rewrite(_other_torch)(path)
    with pytest.raises(ForeignCheckpointError, match=r"torch: .* there, .* here") as caught:
        pnn.fit(run, folder=path.parents[1], device="cpu", progress=False)
    assert caught.value.path == path


def test_a_damaged_checkpoint_is_not_taken_for_one_of_elsewhere(stopped):
    run, path = stopped
    _rewrite(_shape)(path)
    with pytest.raises(pnn.CheckpointError) as caught:
        pnn.fit(run, folder=path.parents[1], device="cpu", progress=False)
    assert not isinstance(caught.value, ForeignCheckpointError)


@pytest.mark.parametrize(
    "damage",
    [
        _flip,
        _truncate,
        _pickle,
        _huge_header,
        _foreign,
        _rewrite(_shape),
        _rewrite(_other_type),
        _rewrite(_another_tensor),
        _rewrite(_beyond),
        _rewrite(_half_a_step),
        _rewrite(_short_curve),
        _rewrite(_missing),
        _rewrite(_other_torch),
        _rewrite(_no_state),
    ],
)
def test_a_damaged_checkpoint_is_refused_by_name(stopped, damage):
    run, path = stopped
    damage(path)
    with pytest.raises(pnn.CheckpointError, match=r"checkpoint\.safetensors .*[Dd]elete it"):
        pnn.fit(run, folder=path.parents[1], device="cpu", progress=False)


def test_a_full_disk_leaves_the_previous_checkpoint(stopped, monkeypatch):
    run, path = stopped
    before = path.read_bytes()

    def full(_, part, __):
        part.write_bytes(b"half a")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensors, "save_file", full)
    with pytest.raises(pnn.CheckpointError, match=r"No space left .* disk has space"):
        pnn.fit(run, folder=path.parents[1], device="cpu", checkpoint_seconds=0, progress=False)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    monkeypatch.undo()
    assert pnn.fit(run, folder=path.parents[1], device="cpu", progress=False).outcome == "ok"


# --- divergence ------------------------------------------------------------------------------------------------------


def fit_with(monkeypatch, tmp_path, break_it, **changes) -> pnn.Record:
    """Train with `break_it(training)` called before the third step."""
    step = loop.Training.take_step

    def broken(self, x, y):
        if self.step == 2:
            break_it(self)
        step(self, x, y)

    monkeypatch.setattr(loop.Training, "take_step", broken)
    return pnn.fit(digits_run(**changes), folder=tmp_path, device="cpu", progress=False)


def _bad_weight(training):
    training.model[4].maps.weight.data[0, 0, 0, 0] = math.inf


def _bad_input(training):
    training.data.mean.fill_(math.nan)


def _bad_output(training):
    training.model[5].register_forward_hook(lambda *_: torch.full((), math.nan) * _[2])


def _bad_gradient(training):
    training.model[8].maps.weight.register_hook(lambda gradient: gradient * math.inf)


@pytest.mark.parametrize(
    ("break_it", "named"),
    [
        (_bad_weight, "weight '4.maps.weight'"),
        (_bad_input, "input"),
        (_bad_output, "layer '5' (BatchNorm2d)"),
        (_bad_gradient, "gradient of '8.maps.weight'"),
    ],
)
def test_what_is_not_finite_stops_the_run_within_the_step(monkeypatch, tmp_path, break_it, named):
    record = fit_with(monkeypatch, tmp_path, break_it)
    assert record.outcome == "diverged"
    assert record.message.startswith("step 3 of epoch 1: ")
    assert named in record.message
    assert record.final == {}


def test_a_bad_running_statistic_explodes_the_evaluation(monkeypatch, tmp_path):
    record = fit_with(monkeypatch, tmp_path, lambda training: training.model[1].running_var.fill_(math.nan))
    assert record.outcome == "exploded"
    assert record.health.nonfinite > 0
    assert record.curves["validation_exploded"] == [1.0] * len(record.curves["train_loss"])
    assert record.health.test_exploded == record.hits.rows
    assert record.final["test"].accuracy == 0.0


def _bad_statistic(training):
    training.model[1].running_var[0] = math.inf


def _bad_moment(training):
    training.optimiser.state[training.model[0].maps.weight]["exp_avg_sq"][0, 0] = math.inf


def _bad_averaged_statistic(training):
    training.average.module[1].running_var[0] = math.inf


def _bad_average(training):
    training.average.module[1].weight.data[0] = math.inf


SILENT = {  # what is broken, what the recipe has besides, how it ends, and what the message says
    "statistic": (_bad_statistic, {}, "exploded", "1 entries of statistics and other buffers are not finite"),
    "moment": (_bad_moment, {}, "exploded", "9 entries of the optimiser's state are not finite"),
    "statistic of the average": (_bad_averaged_statistic, {"average": 0.9}, "exploded", "the train loss is 3.4"),
    "weight": (_bad_weight, {}, "diverged", "step 3 of epoch 1: .* the weight '4.maps.weight' is not finite"),
    "weight of the average": (_bad_average, {"average": 0.9}, "diverged", "the weight '1.weight' is not finite"),
}


@pytest.mark.parametrize("case", SILENT)
def test_what_is_not_finite_is_found_though_the_loss_is_and_a_stopped_twin_ends_alike(tmp_path, monkeypatch, case):
    """It is broken between the second step and the third, when the stopped twin has written its checkpoint."""
    break_it, changes, outcome, message = SILENT[case]
    run = digits_run(**changes)
    step = loop.Training.take_step

    def broken(self, x, y):
        if self.epoch == 0 and self.step == 2 and self.sessions == 1:
            break_it(self)
            if stop:
                self.save(self.path)
                raise _Stopped
        step(self, x, y)

    monkeypatch.setattr(loop.Training, "take_step", broken)
    stop = False
    alone = pnn.fit(run, folder=tmp_path / "alone", device="cpu", progress=False)
    stop = True
    with pytest.raises(_Stopped):
        pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    twin = pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    assert (alone.outcome, twin.sessions) == (outcome, 2)
    assert re.search(message, alone.message)
    assert without_time(twin) == without_time(alone)
    assert pnn.Record.from_json(alone.to_json()) == alone
    if outcome == "exploded":
        count = alone.health.nonfinite + alone.health.nonfinite_optimiser
        assert alone.curves["nonfinite"][-1] >= count > 0
    if "entries" in message:
        assert alone.final["test"].loss < 10


def test_the_curve_of_what_is_not_finite_says_since_when(tmp_path, monkeypatch):
    step = loop.Training.take_step

    def broken(self, x, y):
        step(self, x, y)
        if self.epoch == 1:
            _bad_statistic(self)

    monkeypatch.setattr(loop.Training, "take_step", broken)
    assert pnn.fit(digits_run(epochs=3), folder=tmp_path, progress=False).curves["nonfinite"] == [0, 1, 1]


def test_a_weight_under_an_average_that_is_not_finite_after_the_last_step_is_a_divergence(tmp_path, monkeypatch):
    step = loop.Training.take_step

    def broken(self, x, y):
        step(self, x, y)
        self.model[1].running_var[0] = math.inf  # The epoch before has a count of it.
        if self.epoch == 1 and self.step == self.steps:
            self.model[4].maps.weight.data[0, 0, 0, 0] = math.nan

    monkeypatch.setattr(loop.Training, "take_step", broken)
    record = pnn.fit(digits_run(epochs=2, average=0.9), folder=tmp_path, progress=False)
    assert record.outcome == "diverged"
    assert len(record.curves["nonfinite"]) == 2
    assert record.message == "no step can be taken after epoch 2; the weight '4.maps.weight' is not finite"


def test_a_weight_that_is_not_finite_after_the_last_step_is_a_divergence(monkeypatch, tmp_path):
    evaluate = loop.Training._evaluate

    def spoiled(self, split, name):
        self.model[4].maps.weight.data[0, 0, 0, 0] = math.nan
        return evaluate(self, split, name)

    monkeypatch.setattr(loop.Training, "_evaluate", spoiled)
    record = pnn.fit(digits_run(), folder=tmp_path, device="cpu", progress=False)
    assert record.outcome == "diverged"
    assert record.message == (
        "no validation rows can be evaluated after epoch 1; the weight '4.maps.weight' is not finite"
    )


def test_out_of_memory_is_an_outcome(monkeypatch, tmp_path):
    def exhaust(_):
        raise torch.OutOfMemoryError("tried to allocate too much")

    record = fit_with(monkeypatch, tmp_path, exhaust)
    assert (record.outcome, record.message) == ("oom", "tried to allocate too much")


CPU_MEMORY = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate"
)
PLACES = {"load": (pnn.Digits, "load"), "build": (pnn.CNN, "build"), "step": (loop.Training, "take_step")}
OTHERS = [pnn.RunError("r"), pnn.DataError("d"), pnn.CheckpointError("c"), OSError("o"), ImportError("i")]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("error", "outcome", "message"),
    [
        (RuntimeError(f"{CPU_MEMORY} 108000000000 bytes."), "oom", f"{CPU_MEMORY} 108000000000 bytes."),
        (MemoryError(), "oom", "MemoryError"),
        (torch.OutOfMemoryError("CUDA out of memory"), "oom", "CUDA out of memory"),
        (ValueError("one row\nand more"), "failed", "ValueError: one row"),
        (TypeError("a width"), "failed", "TypeError: a width"),
        (AssertionError(), "failed", "AssertionError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_goes_wrong_in_a_run_is_its_outcome_wherever_it_does(
    monkeypatch, tmp_path, place, error, outcome, message
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(*PLACES[place], fail)
    record = pnn.fit(digits_run(), folder=tmp_path, device="cpu", progress=False)
    assert (record.outcome, record.message) == (outcome, message)
    assert pnn.Record.from_json(record.to_json()) == record


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_what_is_no_fault_of_the_run_is_raised(monkeypatch, tmp_path, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(pnn.CNN, "build", fail)
    with pytest.raises(type(error)):
        pnn.fit(digits_run(), folder=tmp_path, device="cpu", progress=False)


TABLE = pnn.HIGGS(validation=80, rows="stand-in")


@pytest.mark.parametrize(
    ("network", "recipe", "outcome"),
    [
        (
            pnn.MLP("standard", 8),
            {"batch_size": len(TABLE.load().train) - 1},
            "failed",
        ),  # BatchNorm of the one row left
        (pnn.MLP("standard", 2**62), {}, "failed"),
        (pnn.MLP("standard", 10**12), {}, "oom"),
        (pnn.MLP("standard", 8), {"learning_rate": 1e300}, "failed"),
        (pnn.MLP("standard", 8), {"weight_decay": 1e308}, "failed"),
    ],
    ids=str,
)
def test_what_cannot_be_built_or_stepped_is_an_error_of_that_run(tmp_path, network, recipe, outcome):
    run = pnn.Run(TABLE, network, pnn.Recipe(1, augment="none", **recipe), 0, "smoke")
    record = pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    assert record.outcome == outcome
    assert record.message


def test_a_baseline_that_cannot_be_fitted_is_a_failed_run(monkeypatch, tmp_path):
    def fail(*_):
        raise ValueError("no such rows")

    monkeypatch.setattr(pnn.Majority, "predictions", fail)
    run = pnn.Run(TASK, pnn.Majority(), pnn.Recipe(1, source="scikit-learn", augment="none"), 0, "smoke")
    record = pnn.fit(run, folder=tmp_path, progress=False)
    assert (record.outcome, record.message) == ("failed", "ValueError: no such rows")


def test_bfloat16_and_contiguous_layouts_train(tmp_path):
    for changes in ({"precision": "bfloat16"}, {"channels_last": False}):
        record = pnn.fit(digits_run(epochs=1, **changes), folder=tmp_path, device="cpu", progress=False)
        assert record.outcome == "ok"
        assert record.used.items() >= changes.items()


@pytest.mark.parametrize("name", ["gpu", "cuda:x", ""])
def test_a_mistyped_device_says_what_is_allowed(name, tmp_path):
    with pytest.raises(ValueError, match='"auto", "cpu" or "cuda'):
        pnn.fit(digits_run(), folder=tmp_path, device=name)


# --- early stopping --------------------------------------------------------------------------------------------------

WORDS = pnn.Run(
    pnn.BoolQWords(validation=80, rows="stand-in"),
    pnn.PairCNN("polynomial", 4),
    pnn.Recipe(
        14,
        source="book",
        batch_size=64,
        learning_rate=0.3,
        augment="none",
        schedule="constant",
        embedding_learning_rate=1.0,
        patience=1,
    ),
    seed=0,
    size="smoke",
)


def test_early_stopping_keeps_the_network_of_the_lowest_validation_loss(tmp_path):
    record = pnn.fit(WORDS, folder=tmp_path, progress=False)
    losses = record.curves["validation_loss"]
    best = losses.index(min(losses))
    assert len(losses) == best + 2 < 14  # one epoch more than the best, and not all
    assert record.used["best_epoch"] == best + 1
    assert record.final["validation"].loss == pytest.approx(losses[best], rel=1e-6)
    held = record.curves["learning_rate"]
    assert held == [0.3] * len(losses)


def test_an_embedding_may_have_a_rate_of_its_own(tmp_path):
    data = WORDS.task.load()
    training = loop.Training(WORDS, data, torch.device("cpu"), tmp_path / "checkpoint.safetensors", 1e9)
    rates = {id(parameter): group["lr"] for group in training.optimiser.param_groups for parameter in group["params"]}
    for name, parameter in training.model.named_parameters():
        assert rates[id(parameter)] == (1.0 if name == "embedding.weight" else 0.3)
    torch.testing.assert_close(training.model.embedding.weight.detach(), data.vectors)


# --- other recipes ---------------------------------------------------------------------------------------------------

MODERN = pnn.Run(
    TASK,
    pnn.CNN("bilinear", 4),
    pnn.Recipe(
        2,
        source="modern",
        optimiser="adamw",
        weight_decay=0.05,
        augment="rand-augment",
        mix="mixup-cutmix",
        label_smoothing=0.1,
        average=0.9,
    ),
    seed=0,
    size="smoke",
)
HELD_BACK = pnn.Run(
    TASK,
    pnn.CNN("quadratic", 4),
    pnn.Recipe(
        2,
        source="fan-2023",
        optimiser="sgd",
        learning_rate=0.1,
        schedule="steps",
        weight_decay=1e-4,
        augment="none",
        methods=(pnn.ReLinear(1e-2, standard_epochs=1),),
    ),
    seed=0,
    size="smoke",
)


@pytest.fixture(scope="module", params=[WORDS, MODERN, HELD_BACK], ids=lambda run: run.recipe.source)
def whole(request, tmp_path_factory):
    """A run, its Record when nothing stopped it, and its weights."""
    folder = tmp_path_factory.mktemp("whole")
    return request.param, pnn.fit(request.param, folder=folder, progress=False), weights(folder, request.param)


@pytest.mark.parametrize("stop", [3, 9, 14])  # there are 14 steps at least
def test_what_a_recipe_adds_continues_to_the_same_bits(tmp_path, whole, stop, monkeypatch):
    run, expected, ended = whole
    step, steps = loop.Training.take_step, []

    def stopped(self, x, y):
        step(self, x, y)
        steps.append(1)
        if len(steps) == stop:
            self.save(self.path)
            raise SystemExit(143)

    monkeypatch.setattr(loop.Training, "take_step", stopped)
    with pytest.raises(SystemExit):
        pnn.fit(run, folder=tmp_path / "cut", progress=False)
    again = pnn.fit(run, folder=tmp_path / "cut", progress=False)
    assert len(steps) > stop
    assert again.final == expected.final
    assert without_time(again) == without_time(expected)
    assert_same_bits(weights(tmp_path / "cut", run), ended)


def test_the_average_of_the_weights_is_what_is_evaluated(tmp_path, monkeypatch):
    step, expected = loop.Training.take_step, {}

    def watched(self, x, y):
        step(self, x, y)
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                before = expected.get(name, value)
                expected[name] = 0.9 * before.double() + 0.1 * value.double()

    monkeypatch.setattr(loop.Training, "take_step", watched)
    record = pnn.fit(MODERN, folder=tmp_path, progress=False)
    kept = weights(tmp_path, MODERN)
    for name, value in expected.items():
        torch.testing.assert_close(kept[name].double(), value, rtol=1e-5, atol=1e-6)
    data = MODERN.task.load()
    model = MODERN.network.build(data.form)
    model.load_state_dict(kept)
    with torch.no_grad():
        hits = correct(model.eval()(data.normalise(data.test.x)), data.test.y)
    assert record.final["test"].accuracy == hits.item() / len(data.test)


def test_a_quadratic_network_starts_as_the_standard_one_that_was_trained_before(tmp_path, monkeypatch):
    seen = []
    step = loop.Training.take_step

    def watched(self, x, y):
        if self.run == HELD_BACK and not seen:
            seen.append({k: v.clone() for k, v in self.model.state_dict().items()})
        step(self, x, y)

    monkeypatch.setattr(loop.Training, "take_step", watched)
    record = pnn.fit(HELD_BACK, folder=tmp_path, progress=False)
    assert len(record.curves["train_loss"]) == 2
    data = HELD_BACK.task.load()
    start = HELD_BACK.network.build(data.form)
    start.load_state_dict(seen[0])
    (home,) = (path for path in (tmp_path / HELD_BACK.name).iterdir() if path.is_dir())
    learnt = pnn.CNN("standard", 4).build(data.form)
    learnt.load_state_dict(load_file(home / "weights.safetensors"))
    x = data.normalise(data.test.x)
    with torch.no_grad():
        torch.testing.assert_close(start.eval()(x), learnt.eval()(x), rtol=1e-4, atol=1e-4)
        assert correct(learnt(x), data.test.y) / len(x) > 0.3  # it has learnt something


def test_quadratic_parts_have_a_rate_and_a_decay_of_their_own(tmp_path):
    run = dataclasses.replace(
        HELD_BACK, recipe=dataclasses.replace(HELD_BACK.recipe, methods=(pnn.ReLinear(1e-2, weight_decay=0.5),))
    )
    training = loop.Training(run, run.task.load(), torch.device("cpu"), tmp_path / "checkpoint.safetensors", 1e9)
    assert isinstance(training.optimiser, torch.optim.SGD)
    groups = {id(p): group for group in training.optimiser.param_groups for p in group["params"]}
    for name, parameter in training.model.named_parameters():
        part = name.split(".")[1]
        group = groups[id(parameter)]
        assert group["momentum"] == 0.9
        assert group["lr"] == pytest.approx(1e-3 if part in ("g", "b") else 0.1)
        decay = 0.0 if name.endswith("g.bias") else 0.5 if part in ("g", "b") else 1e-4
        assert group["weight_decay"] == decay, name


def test_the_steps_of_a_schedule_are_at_a_half_and_at_three_quarters():
    recipe = pnn.Recipe(200, schedule="steps")
    shares = [optimiser.schedule(recipe, epoch) for epoch in range(200)]
    assert shares == pytest.approx([1.0] * 100 + [0.1] * 50 + [0.01] * 50)


def test_mixed_rows_have_mixed_targets():
    torch.manual_seed(0)
    x, y = torch.rand(6, 3, 8, 8), torch.arange(6)
    ways = set()
    for _ in range(20):
        mixed, target = augment.mixup_or_cutmix(x, y, 6)
        share = target.diagonal()  # of the row itself; the rest is of the row before
        torch.testing.assert_close(target.sum(1), torch.ones(6))
        torch.testing.assert_close(
            target, share[:, None] * torch.eye(6) + (1 - share[:, None]) * torch.eye(6).roll(1, 0)
        )
        pasted = (mixed == x.roll(1, 0)).float().mean((1, 2, 3))
        if torch.allclose(mixed, share.view(-1, 1, 1, 1) * x + (1 - share).view(-1, 1, 1, 1) * x.roll(1, 0), atol=1e-6):
            ways.add("mixup")
        else:
            torch.testing.assert_close(pasted, 1 - share)
            ways.add("cutmix")
    assert ways == {"mixup", "cutmix"}


def test_rand_augment_keeps_the_form_and_draws_for_few_at_a_time():
    x = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8).expand(32, -1, -1, -1).contiguous()
    torch.manual_seed(0)
    y = augment.rand_augment(x)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    kinds = y.flatten(1).unique(dim=0)
    assert 2 <= len(kinds) <= 32 / augment.SHARED
    assert not torch.equal(y, x)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_norm_that_is_not_finite_stands_as_the_largest_number(tmp_path, monkeypatch, value):
    monkeypatch.setattr(loop, "norms", lambda *_: {"gradient_rms.1": 1.0, "gradient_rms.2": value})
    record = pnn.fit(MODERN, folder=tmp_path, progress=False)
    assert record.outcome == "ok"
    assert record.curves["gradient_rms.2"] == [LARGEST] * len(record.curves["train_loss"])
    json.dumps(record.to_dict(), allow_nan=False)


def test_the_norms_are_those_of_the_network_that_is_evaluated(tmp_path, monkeypatch):
    weights_then = []

    def watched(model, loss_of):
        weights_then.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return norms(model, loss_of)

    monkeypatch.setattr(loop, "norms", watched)
    record = pnn.fit(MODERN, folder=tmp_path, progress=False)
    assert_same_bits(weights_then[-1], weights(tmp_path, MODERN))  # those that are kept, the averaged ones
    assert record.curves["gradient_rms.1"][-1] > 0
