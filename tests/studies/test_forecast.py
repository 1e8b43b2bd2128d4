"""forecast: what is missing is counted, times are added up as a fake clock says, memory is what torch really holds."""

import dataclasses
import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import torch
from whole import whole_record

import pnn
from pnn.experiments.common import baseline_runs
from pnn.networks import Baseline
from pnn.runs.store import save_record
from pnn.studies.study import in_turn
from pnn.training import loop, timing
from pnn.training.divergence import Diverged
from pnn.training.evaluate import Evaluation

module = importlib.import_module("pnn.studies.forecast")  # `pnn.forecast` is the function
ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
DIGITS = pnn.Digits(validation=1300)  # leaves 137 training rows: three steps of 64


def run_of(seed: int = 0, width: int = 2, neuron: str = "polynomial", **recipe) -> pnn.Run:
    network = pnn.CNN(neuron, width)
    return pnn.Run(DIGITS, network, pnn.Recipe(**{"epochs": 2, "batch_size": 64} | recipe), seed, "smoke")


@pytest.fixture
def results(tmp_path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def timed(monkeypatch) -> list[pnn.Run]:
    """What was timed; each step takes as many seconds as the network has channels."""
    runs = []

    def time_steps(run, *_):
        runs.append(run)
        return [1.0 * run.network.width] * 3

    monkeypatch.setattr(module, "time_steps", time_steps)
    return runs


def keep(run: pnn.Run, results: Path) -> None:
    save_record(whole_record(run), results)


# --- counting --------------------------------------------------------------------------------------------------------


def test_what_has_a_record_takes_no_time(results, timed):
    runs = [run_of(seed) for seed in range(3)]
    for run in runs:
        keep(run, results)
    found = pnn.forecast(runs, results=results)
    assert str(found) == "all 3 Records are there"
    assert (found.missing, found.seconds, timed) == (0, 0.0, [])


def test_lists_by_name_are_counted_as_a_study_counts_them(results, timed):
    arms = {"a": [run_of(0), run_of(1)], "b": (run_of(seed) for seed in (1, 2))}
    keep(run_of(1), results)
    found = pnn.forecast(arms, results=results)
    assert (found.runs, found.missing) == (3, 2)


def test_records_are_looked_for_where_the_environment_says(results, timed, monkeypatch):
    monkeypatch.setenv("PNN_RESULTS", str(results))
    keep(run_of(), results)
    assert pnn.forecast([run_of()]).missing == 0


def test_baselines_are_to_be_done_but_not_timed(results, timed):
    found = pnn.forecast(baseline_runs(DIGITS, pnn.Majority(), "smoke", 2), results=results)
    assert str(found) == "2 of 2 trainings are to be done: scikit-learn's, which are not timed"
    assert timed == []


def test_what_cannot_be_built_is_counted_apart_and_stops_nothing(results, timed):
    found = pnn.forecast([run_of(0, width=2**62), run_of(1)], results=results)
    assert (found.missing, found.networks, found.broken, found.seconds) == (2, 1, 1, 2 * 3 * 2)
    assert str(found).endswith("Of them 1 cannot be trained, the first as of " + found.reason)
    assert found.reason.startswith("TypeError: ")


def test_a_step_that_cannot_be_taken_is_counted_apart_and_stops_nothing(results, monkeypatch):
    def time_steps(run, *_):
        if run.network.width == 3:
            raise ValueError("no such step")
        return [1.0] * 3

    monkeypatch.setattr(module, "time_steps", time_steps)
    found = pnn.forecast([run_of(0, width=3), run_of(1, width=3), run_of(0)], results=results)
    assert (found.timed, found.broken, found.reason) == (1, 2, "ValueError: no such step")


def test_bad_input(results):
    with pytest.raises(ValueError, match=r"takes Runs, or lists of them by name.* got Record"):
        pnn.forecast([whole_record(run_of())], results=results)
    with pytest.raises(ValueError, match=r"takes Runs.* got cnn"):
        pnn.forecast({"a": ["cnn"]}, results=results)
    with pytest.raises(ValueError, match='device must be "auto"'):
        pnn.forecast([], device="gpu", results=results)


# --- time ------------------------------------------------------------------------------------------------------------


def test_the_time_is_that_of_all_steps_of_all_epochs(results, timed):
    runs = [run_of(0), run_of(1), run_of(0, learning_rate=1e-2), run_of(0, width=5, epochs=7)]
    found = pnn.forecast(runs, results=results)
    assert found.seconds == 3 * 2 * 3 * 2 + 7 * 3 * 5  # trainings x epochs x steps x seconds
    assert (found.networks, found.timed, found.steps) == (2, 2, 6)  # neither seeds nor rates are timed apart
    assert len(timed) == 2


@pytest.mark.parametrize(
    "change", [{"batch_size": 32}, {"augment": "none"}, {"precision": "bfloat16"}, {"optimiser": "sgd"}]
)
def test_what_changes_a_step_is_timed_apart(change, results, timed):
    assert pnn.forecast([run_of(), run_of(**change)], results=results).networks == 2


def test_a_start_from_a_standard_network_is_two_trainings(results, timed):
    network, method = pnn.MLP("quadratic", 4), pnn.ReLinear(0.1, standard_epochs=2)
    recipe = pnn.Recipe(3, source="fan-2023", methods=(method,), batch_size=100, augment="none")
    run = pnn.Run(pnn.HIGGS(55, "stand-in"), network, recipe, 0, "smoke")
    assert pnn.forecast([run], results=results).seconds == (3 + 2) * 4 * 4  # epochs x steps of 400 rows x seconds
    assert {run.network.neuron for run in timed} == {"standard", "quadratic"}


@pytest.mark.parametrize(
    ("task", "network"), [(pnn.CIFAR10, pnn.CNN), (pnn.BoolQWords, pnn.PairCNN), (pnn.HIGGS, pnn.MLP)]
)
def test_steps_of_an_epoch_are_those_of_the_training(task, network, tmp_path):
    recipe = pnn.Recipe(1, batch_size=60, augment="none")
    run = pnn.Run(task(50, "stand-in"), network("standard", 2), recipe, 0, "smoke")
    training = loop.Training(run, run.task.load(), CPU, tmp_path / "checkpoint.safetensors", 1e9)
    assert module._steps_of_an_epoch(run) == training.steps


def test_when_time_is_up_the_rest_follows_from_its_multiply_accumulates(results, timed, monkeypatch):
    now = iter(range(0, 1000, 4))  # each look at the clock is four seconds later
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: next(now)))
    runs = [run_of(width=width, neuron=neuron) for neuron in ("standard", "polynomial") for width in (2, 3, 8)]
    found = pnn.forecast(runs, results=results)
    assert [(run.network.neuron, run.network.width) for run in timed] == [("polynomial", 8), ("standard", 8)]
    assert (found.networks, found.timed, found.steps) == (6, 2, 6)
    assert "(measured: 6 steps of 2 of 6 networks)" in str(found)
    macs = {
        (run.network.neuron, run.network.width): pnn.budget(
            run.network.build(run.task.form), torch.zeros(1, 1, 8, 8)
        ).macs
        for run in runs
    }
    seconds = sum(8 * macs[key] / macs[key[0], 8] for key in macs)
    assert found.seconds == pytest.approx(seconds * 2 * 3)


def test_a_clock_of_its_own_for_every_step_but_the_first(monkeypatch):
    ticks = iter([0, 100, 100, 100.5, 200, 200.25, 300, 300.5])
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    data = DIGITS.load()
    assert timing.time_steps(run_of(), data, CPU, 3, 1000) == [0.5, 0.25, 0.5]
    ticks = iter([0, 100, 100, 103])  # a slow network: one step after the first must do
    assert timing.time_steps(run_of(), data, CPU, 3, 2) == [3]


@pytest.mark.parametrize(
    "run",
    [
        run_of(),
        run_of(augment="rand-augment", mix="mixup-cutmix", average=0.9, optimiser="adamw", batch_size=500),
        pnn.Run(
            pnn.BoolQWords(50, "stand-in"),
            pnn.PairCNN("standard", 2),
            pnn.Recipe(1, augment="none", patience=2, batch_size=500),  # more than there are rows
            0,
            "smoke",
        ),
    ],
    ids=["plain", "modern", "text"],
)
def test_steps_are_really_taken_and_leave_nothing_behind(run, results, tmp_path, monkeypatch):
    sizes, step = [], loop.Training.take_step
    monkeypatch.setattr(loop.Training, "take_step", lambda self, x, y: (sizes.append(len(x)), step(self, x, y)))
    monkeypatch.chdir(tmp_path)
    found = pnn.forecast([run], device="cpu", results=results)
    assert found.seconds > 0
    assert found.timed == 1
    assert sizes == [run.recipe.batch_size] * (1 + found.steps)
    assert list(tmp_path.iterdir()) == []
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_step_that_diverges_is_timed_like_any_other(monkeypatch):
    def diverge(*_):
        raise Diverged("at once")

    monkeypatch.setattr(loop.Training, "take_step", diverge)
    assert len(timing.time_steps(run_of(), DIGITS.load(), CPU, 3, 1000)) == 3


# --- memory ----------------------------------------------------------------------------------------------------------

HELD = [
    run_of(),
    run_of(optimiser="sgd"),
    run_of(average=0.9, optimiser="adamw"),
    run_of(patience=1),
    pnn.Run(
        pnn.HIGGS(55, "stand-in"),
        pnn.MLP("quadratic", 9, depth=4),
        pnn.Recipe(1, augment="none"),
        0,
        "smoke",
    ),
    pnn.Run(
        pnn.BoolQWords(50, "stand-in"),
        pnn.PairCNN("polynomial", 3),
        pnn.Recipe(1, augment="none"),
        0,
        "smoke",
    ),
]


@pytest.mark.parametrize("run", HELD, ids=["adam", "sgd", "average", "patience", "table", "text"])
def test_the_memory_is_what_torch_holds_after_a_forward_pass(run, tmp_path):
    data = run.task.load()
    training = loop.Training(run, data, CPU, tmp_path / "checkpoint.safetensors", 1e9)
    training.model.train()
    x, y = data.train.x[: run.recipe.batch_size], data.train.y[: run.recipe.batch_size]
    training.take_step(x, y)
    tensors = [*training.model.state_dict().values(), *(p.grad for p in training.model.parameters())]
    for state in training.optimiser.state.values():
        tensors += [value for value in state.values() if torch.is_tensor(value) and value.dim()]
    if training.average:
        tensors += training.average.module.state_dict().values()
    if run.recipe.patience:
        training._end_epoch(Evaluation(pnn.Score(0.0, 0.0), torch.zeros(1), logit=0.0, median=0.0, exploded=0))
        tensors += training.best.values()
    tensors += [tensor for split in (data.train, data.validation, data.test) for tensor in (split.x, split.y)]
    tensors += [] if data.vectors is None else [data.vectors]
    x = training._inputs(x)
    own = {tensor.untyped_storage().data_ptr() for tensor in (*training.model.state_dict().values(), x)}
    saved = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = training.model(x)
    held = sum(tensor.nbytes for tensor in tensors) + sum(storage.nbytes() for storage in saved.values())
    del output
    assert module.memory_bytes(run) == pytest.approx(held, rel=0.01)


def test_real_data_sets_count_with_all_their_rows():
    small = pnn.Run(pnn.CIFAR10(), pnn.CNN("standard", 2), pnn.Recipe(1), 0, "laptop")
    digits = dataclasses.replace(small, task=pnn.CIFAR10(200, "stand-in"))
    assert module.memory_bytes(small) - module.memory_bytes(digits) == (60_000 - 1_797) * (3 * 32 * 32 + 8)
    assert module._counts(pnn.HIGGS(rows="35k")) == {"train": 28_237, "test": 7_059}


@pytest.fixture
def gpu(monkeypatch) -> SimpleNamespace:
    """A GPU of which nothing is used but its name and size."""
    properties = SimpleNamespace(free=15_800_000_000, reserved=300_000_000, allocated=100_000_000)
    monkeypatch.setattr(module, "pick_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(module, "device_name", lambda device: "Tesla T4")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (properties.free, 16_000_000_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: properties.reserved)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: properties.allocated)
    return properties


def test_on_a_gpu_the_forecast_says_how_much_of_its_memory(gpu, results, timed):
    found = pnn.forecast([run_of()], results=results)
    expected = "1 of 1 trainings is to be done: about 12 s on Tesla T4 (measured: 3 steps of 1 network); "
    assert str(found) == expected + "up to 0.0 of 15.5 GB of free memory"  # 15.8 and 0.2 less 0.5


def test_what_does_not_fit_is_not_timed_and_says_what_to_do(gpu, results, timed):
    gpu.free = module.memory_bytes(run_of()) + 300_000_000 - 1
    found = pnn.forecast([run_of()], results=results)
    assert (found.fits, found.seconds, timed) == (False, 0.0, [])
    assert re.search(r"do not fit Tesla T4: .* Choose a smaller size, or a smaller batch_size", str(found))


def test_what_just_fits_is_timed(gpu, results, timed):
    gpu.free = module.memory_bytes(run_of()) + 300_000_000
    assert pnn.forecast([run_of()], results=results).fits


def test_the_network_that_needs_most_memory_is_tried_first(results, timed, monkeypatch):
    """Though others take longer."""
    runs = [run_of(width=8), run_of(width=3)]
    monkeypatch.setattr(module, "memory_bytes", lambda run: {8: 1, 3: 2}[run.network.width])
    pnn.forecast(runs, results=results)
    assert [run.network.width for run in timed] == [3, 8]


def test_what_does_not_fit_when_tried_says_so_too(gpu, results, monkeypatch):
    def fail(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(module, "time_steps", fail)
    assert not pnn.forecast([run_of()], results=results).fits


@pytest.mark.slow
def test_every_experiment_of_size_paper_fits_a_t4():
    runs = [run for experiment in pnn.experiments.EXPERIMENTS.values() for run in in_turn(experiment("paper"))]
    phases = {
        module._alike(phase) for run in runs if not isinstance(run.network, Baseline) for phase in module._phases(run)
    }
    assert len(phases) > 50
    assert max(map(module.memory_bytes, phases)) < 15e9


# --- text ------------------------------------------------------------------------------------------------------------

LONG = pnn.Forecast(30, 20, 4, 4, 12, 740.0, 1_260_000_000, "Tesla T4", 15_800_000_000, True)


def test_the_text_is_one_line():
    expected = "20 of 30 trainings are to be done: about 12 min on Tesla T4 (measured: 12 steps of 4 networks); "
    assert str(LONG) == expected + "up to 1.3 of 15.8 GB of free memory"
    assert str(dataclasses.replace(LONG, device_bytes=0)).endswith("; up to 1.3 GB of memory")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (40, "40 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7100, "118 min"),
        (7200, "2 h"),
        (5 * 86400, "5 days"),
    ],
)
def test_durations(seconds, text):
    assert f"about {text} on" in str(dataclasses.replace(LONG, seconds=seconds))


def test_every_page_that_may_train_says_before_how_long():
    """They train by one function, which says it (see tests/report/test_page.py), or say it themselves."""
    trained = 0
    for path in ROOT.glob("notebooks/**/*.ipynb"):
        code = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        assert all(
            "print(pnn.forecast(" in source.partition("pnn.study(")[0] for source in code if "pnn.study(" in source
        )
        if any(source.startswith("size: str") for source in code):
            trained += sum("page.trained(" in source for source in code)
    assert trained >= 10


def test_a_network_that_its_rows_do_not_fit_is_counted_apart_and_stops_nothing(results, timed):
    rows = pnn.own_rows(torch.zeros(20, 1, 1, 1, dtype=torch.uint8), torch.arange(20) % 2, validation=4, title="dots")
    broken = pnn.Run(rows, pnn.CNN("standard", 2), pnn.Recipe(1, augment="none"), 0, "smoke")
    found = pnn.forecast([broken, run_of(1)], results=results)
    assert (found.missing, found.networks, found.broken) == (2, 1, 1)
