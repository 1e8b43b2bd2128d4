"""python -m pnn: what it prints, what it leaves, and its exit status, which scripts rely on."""

import contextlib
import dataclasses
import importlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from whole import whole_record

import pnn
from pnn.experiments import EXPERIMENTS
from pnn.runs import store
from pnn.runs.run import SIZES
from pnn.runs.store import UnwritableRecordError, record_path, save_record
from pnn.training.checkpoint import UnwritableCheckpointError

command_line = importlib.import_module("pnn.__main__")
main = command_line.main
study_command = importlib.import_module("pnn.studies.command")
study_module = importlib.import_module("pnn.studies.study")
sweep_command = importlib.import_module("pnn.sweep.command")

ROOT = Path(__file__).parents[1]
RUN = pnn.Run(
    pnn.Digits(validation=1300),
    pnn.CNN("polynomial", 2),
    pnn.Recipe(1, batch_size=64),
    seed=0,
    size="smoke",
)


def tiny(size: str, *, seeds: int = 0) -> dict[str, list[pnn.Run]]:
    """An experiment of so many runs, two of its own accord."""
    return {"standard": [dataclasses.replace(RUN, seed=seed, size=size) for seed in range(seeds or 2)]}


def record_of(run: pnn.Run, outcome: str = "ok") -> pnn.Record:
    if outcome == "ok":
        return whole_record(run, 0.875, seconds=90.0)
    return dataclasses.replace(pnn.Record.of_failure(run, outcome, "why"), seconds=90.0, used={"device": "an abacus"})


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """An empty folder for Records, and no experiment but a tiny one."""
    monkeypatch.setenv("PNN_RESULTS", str(tmp_path / "results"))
    monkeypatch.delenv("PNN_DATA", raising=False)
    for name in list(EXPERIMENTS):
        monkeypatch.delitem(EXPERIMENTS, name)
    monkeypatch.setitem(EXPERIMENTS, "tiny", tiny)
    return tmp_path / "results"


@pytest.fixture
def trained(monkeypatch) -> list[tuple]:
    """Every training with the options that the command line gave it; it ends at once."""
    calls = []

    def fit(run, **options):
        calls.append((run, options))
        return record_of(run)

    monkeypatch.setattr(study_module, "fit", fit)
    return calls


def no_training(*_, **__):
    raise AssertionError("it was trained again")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(RUN.to_dict()))
    return path


# --- what is imported ------------------------------------------------------------------------------------------------


def imported_by(*words: str) -> set[str]:
    done = subprocess.run([sys.executable, "-X", "importtime", *words], cwd=ROOT, capture_output=True, text=True)
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("words", [["--help"], ["study", "--help"], ["sweep", "--help"], ["train"]], ids=" ".join)
def test_to_read_the_words_is_quick(words):
    """Torch takes more than a second."""
    found = imported_by("-m", "pnn", *words) - imported_by("-c", "")
    assert "pnn.system.extras" in found
    assert {name.partition(".")[0] for name in found} <= {"pnn", *sys.stdlib_module_names}


def test_trainings_import_nothing_of_notebooks():
    found = imported_by("-c", "import pnn.studies.command")
    assert "torch" in found
    assert not found & {"datasets", "matplotlib", "nbformat", "pandas", "papermill", "pnn.sweep", "rich", "scipy"}


def test_the_sizes_are_those_of_a_run():
    assert command_line.SIZES == SIZES


# --- run -------------------------------------------------------------------------------------------------------------


def test_run_trains_a_run_from_a_file_keeps_its_record_and_does_not_train_it_twice(file, results, capsys, monkeypatch):
    assert main(["run", str(file), "--device", "cpu", "--quiet"]) == 0
    record = pnn.Record.from_dict(json.loads(record_path(RUN, results).read_text()))
    assert (record.run, record.outcome) == (RUN, "ok")
    kept = {path.name for path in (results.parent / "runs" / RUN.name).iterdir()}
    assert kept == {"lock", "weights.safetensors"}
    first = capsys.readouterr()
    assert first.out.startswith(f"test accuracy {record.final['test'].accuracy:.4f} in ")
    assert first.err == ""

    monkeypatch.setattr(study_module, "fit", no_training)
    assert main(["run", str(file)]) == 0
    assert capsys.readouterr().out == first.out


def test_run_reads_a_run_from_standard_input(results, trained, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(RUN.to_dict())))
    elsewhere = tmp_path / "elsewhere" / "results"
    assert main(["run", "-", "--data", "here", "--results", str(elsewhere)]) == 0
    folder = elsewhere.parent / "runs"
    assert trained == [(RUN, {"data": "here", "device": "auto", "folder": folder, "progress": True})]
    assert record_path(RUN, elsewhere).exists()
    assert not results.exists()


def test_run_trains_again_what_ended_badly(file, results, trained):
    save_record(record_of(RUN, "killed"), results)
    assert main(["run", str(file)]) == 0
    assert len(trained) == 1


def test_run_waits_for_another_process_and_takes_what_that_made(file, results, trained, monkeypatch, capsys):
    """Whatever its outcome."""
    with contextlib.ExitStack() as other:
        other.enter_context(store.run_lock(RUN, results))

        def sleep(_):
            save_record(record_of(RUN, "diverged"), results)
            other.close()

        monkeypatch.setattr(store, "time", SimpleNamespace(sleep=sleep))
        assert main(["run", str(file)]) == 1
    assert trained == []
    assert f"waiting for {RUN.name}, which another process trains" in capsys.readouterr().err


def test_a_run_that_ends_badly_is_status_1(file, monkeypatch, capsys):
    monkeypatch.setattr(study_module, "fit", lambda run, **_: record_of(run, "diverged"))
    assert main(["run", str(file)]) == 1
    assert capsys.readouterr().out == "diverged: why\n"


def test_a_mistyped_field_is_status_2_and_a_hint(file, capsys, trained):
    file.write_text(file.read_text().replace("batch_size", "batchsize"))
    assert main(["run", str(file)]) == 2
    assert "error: Run.recipe has no field 'batchsize' (did you mean 'batch_size'?)" in capsys.readouterr().err
    assert trained == []


@pytest.mark.parametrize("content", [None, "{", "\xff", "[" * 100_000], ids=["none", "half", "bytes", "deep"])
def test_a_file_that_is_no_json_is_named(file, capsys, content):
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content.encode("latin-1"))
    assert main(["run", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


def test_a_field_that_is_given_twice_is_told(file, capsys, trained):
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 0, "seed": 1'))
    assert main(["run", str(file)]) == 2
    assert f"error: {file} cannot be read as JSON: the field 'seed' stands there twice" in capsys.readouterr().err
    assert trained == []


@pytest.mark.parametrize(
    "error",
    [
        pnn.CheckpointError,
        pnn.RecordError,
        pnn.StudyError,
        pnn.RunError,
        ValueError,
        OSError,
    ],
)
def test_wrong_input_is_status_2_and_its_message(file, monkeypatch, capsys, error):
    def fail(*_, **__):
        raise error("this and that, do so")

    monkeypatch.setattr(study_module, "fit", fail)
    assert main(["run", str(file)]) == 2
    assert capsys.readouterr().err == "error: this and that, do so\n"


@pytest.mark.parametrize("error", [pnn.DataError, UnwritableCheckpointError, UnwritableRecordError])
def test_what_stops_every_run_of_the_task_has_a_status_of_its_own(file, monkeypatch, capsys, error):
    def fail(*_, **__):
        raise error("this and that, do so")

    monkeypatch.setattr(study_module, "fit", fail)
    assert main(["run", str(file)]) == 4
    assert capsys.readouterr().err == "error: this and that, do so\n"


@pytest.mark.parametrize("command", ["run", "study"])
def test_ctrl_c_is_status_130(command, file, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(study_module, "fit", interrupt)
    assert main({"run": ["run", str(file)], "study": ["study", "tiny", "--size", "smoke"]}[command]) == 130
    assert "goes on from here" in capsys.readouterr().err


# --- study -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [["tiny"], ["--missing"]])
def test_study_trains_what_is_missing(which, results, trained, capsys):
    runs = tiny("smoke", seeds=3)["standard"]
    save_record(record_of(runs[0], "diverged"), results)
    assert main(["study", *which, "--size", "smoke", "--seeds", "3", "--device", "cpu"]) == 1
    assert [run for run, _ in trained] == runs[1:]
    assert {options["device"] for _, options in trained} == {"cpu"}
    assert capsys.readouterr().out.splitlines() == [
        f"{runs[0].name}: diverged: why",
        f"{runs[1].name}: test accuracy 0.8750 in 90 s on an abacus",
        f"{runs[2].name}: test accuracy 0.8750 in 90 s on an abacus",
        f"3 of 3 Records in {results}",
    ]
    assert main(["study", *which, "--size", "smoke", "--seeds", "3", "--retry", "diverged,oom"]) == 0
    assert [run for run, _ in trained] == [*runs[1:], runs[0]]


def test_outcomes_may_be_given_in_several_words(results, trained):
    runs = tiny("smoke", seeds=3)["standard"]
    for run, outcome in zip(runs, ("diverged", "oom", "killed"), strict=True):
        save_record(record_of(run, outcome), results)
    words = ["study", "tiny", "--size", "smoke", "--seeds", "3", "--retry", "diverged", "--retry", "failed, oom"]
    assert main(words) == 1
    assert [run for run, _ in trained] == runs[:2]


def test_again_moves_records_aside_after_asking_and_trains_them(results, trained, capsys, monkeypatch):
    runs = tiny("smoke", seeds=2)["standard"]
    kept = dataclasses.replace(record_of(runs[0]), seconds=7.0)
    save_record(kept, results)
    left = results.parent / "runs" / runs[0].name / "standard" / "checkpoint.safetensors"  # of a phase before it
    left.parent.mkdir(parents=True)
    left.touch()
    words = ["study", "tiny", "--size", "smoke", "--seeds", "2", "--again"]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    assert main(words) == 2  # Nobody is there to answer.
    assert "would move 1 Records aside and asks first; give --yes" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    asked = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "")
    assert main(words) == 2
    assert "nothing was moved" in capsys.readouterr().err
    assert trained == []
    assert store.load_record(runs[0], results) == kept
    assert left.exists()
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "y")
    assert main(words) == 0
    assert not left.exists()
    assert [run for run, _ in trained] == runs
    (aside,) = (results.parent / "runs").glob("aside-*")
    assert f"Move 1 Records to {aside} and train them again?" in asked[-1]
    assert store.load_records(aside) == [kept]
    assert main([*words, "--yes"]) == 0
    assert [run for run, _ in trained] == [*runs, *runs]


def test_yes_without_again_is_refused(results, trained, capsys):
    assert main(["study", "tiny", "--size", "smoke", "--yes"]) == 2
    assert "--yes answers the question of --again, which was not given; add --again" in capsys.readouterr().err
    assert trained == []


def test_a_study_whose_budget_is_spent_first_is_status_3(results, monkeypatch):
    monkeypatch.setattr(study_command, "records_of", lambda runs, **_: [record_of(runs[0], "ok")])
    assert main(["study", "tiny", "--size", "smoke", "--seeds", "3", "--budget", "1s"]) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cifar"], "no experiment 'cifar'; there are tiny"),
        ([], "name experiments (tiny) or give --missing"),
        (["tiny", "--missing"], "name experiments (tiny) or give --missing"),
        (["tiny", "--jobs", "0"], "jobs must be at least 1, got 0"),
        (["tiny", "--budget", "soon"], "90s, 25m or 2h; got 'soon'"),
        (["tiny", "--retry", "crashed"], "failed, diverged, exploded, oom, timeout, killed"),
    ],
)
def test_a_wrong_study_is_status_2_and_says_what_is_allowed(words, message, trained, capsys):
    assert main(["study", *words, "--size", "smoke"]) == 2
    assert message in capsys.readouterr().err
    assert trained == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["study", "tiny", "--size", "big"], "argument --size: invalid choice: 'big'"),
        (["study", "tiny"], "--size"),
        (["train"], "invalid choice: 'train'"),
        ([], "command"),
    ],
)
def test_a_wrong_command_line_is_status_2(words, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


# --- status ----------------------------------------------------------------------------------------------------------


def test_status_counts_records_and_bad_endings(results, capsys):
    save_record(record_of(tiny("laptop")["standard"][0]), results)
    save_record(record_of(tiny("laptop")["standard"][1], "oom"), results)
    save_record(record_of(tiny("paper")["standard"][0]), results)
    assert main(["status"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == ["tiny smoke 0 of 2", "tiny laptop 2 of 2 (1 oom)", "tiny paper 1 of 2"]


def test_status_of_a_damaged_record_names_it(results, capsys):
    path = save_record(record_of(tiny("smoke")["standard"][1]), results)
    path.write_text("{")
    assert main(["status", "--results", str(results)]) == 2
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_who_has_read_enough_of_the_output_is_no_error(results, unbuffered):
    """Such as `pnn status | head -1`."""
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    command, pipes = [sys.executable, "-m", "pnn", "status"], {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, cwd=ROOT, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize(("words", "saved"), [(["study", "tiny", "--size", "smoke"], True), (["status"], False)])
def test_ctrl_c_says_that_it_saved_only_where_it_did(results, monkeypatch, capsys, words, saved):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(study_module, "fit", interrupt)
    monkeypatch.setattr(study_command, "load_record", interrupt)
    assert main(words) == 130
    assert ("saved" in capsys.readouterr().err) == saved


# --- sweep and table; more of them in tests/sweep ---------------------------------------------------------------------


@pytest.fixture
def page(tmp_path):
    cell = nbformat.v4.new_code_cell("seed: int = 0  # a number", metadata={"tags": ["parameters"]})
    path = tmp_path / "page.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), path)
    return str(path)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {}),
        (["--engine", "dask", "--scheduler", "tls://host:8786"], {"engine": "dask", "scheduler": "tls://host:8786"}),
        (["--jobs", "3", "--gpus-per-run", "0.25"], {"jobs": 3, "gpus_per_run": 0.25}),
        (["--timeout", "30m", "--max-failures", "2"], {"timeout": 1800.0, "max_failures": 2}),
        (["--retry", "failed,killed"], {"retry": {"failed", "killed"}}),
    ],
)
def test_sweep_hands_its_options_on(page, tmp_path, monkeypatch, words, options):
    calls = []
    monkeypatch.setattr(sweep_command, "run", lambda *given, **more: calls.append((given, more)))
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", page, "-p", "seed", "0:2", *words]) == 3  # nothing was done
    defaults = {"engine": "local", "scheduler": None, "jobs": 0, "gpus_per_run": 0.0, "timeout": None, "retry": set()}
    expected = {**defaults, "max_failures": None, "out": Path("sweeps/page"), **options}
    assert calls == [((page, [{"seed": 0}, {"seed": 1}]), expected)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sweep"], "the following arguments are required: notebook"),
        (["sweep", "page.ipynb", "--engine", "ray"], "argument --engine: invalid choice: 'ray'"),
        (["sweep", "page.ipynb", "--gpus-per-run", "half"], "argument --gpus-per-run: invalid float value: 'half'"),
        (["sweep", "page.ipynb", "--dry"], "unrecognized arguments: --dry"),
        (["table"], "the following arguments are required: DIR"),
    ],
)
def test_a_wrong_command_line_of_a_sweep_is_status_2(words, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
