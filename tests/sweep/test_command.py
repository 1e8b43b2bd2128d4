"""python -m pnn sweep | table: what they print and leave, their exit status; and sweeps that are stopped, or meet."""

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import pnn
from pnn.sweep import folder, table
from pnn.sweep.folder import Basis, Folder, run_id
from pnn.system import processes

main = importlib.import_module("pnn.__main__").main


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out"


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


# --- sweep -----------------------------------------------------------------------------------------------------------


def test_a_sweep_says_how_its_runs_ended_and_where_they_are(fake, out, capsys):
    command = ["sweep", str(fake), "-p", "act", "ok,fail", "-p", "seed", "0:2", "--out", str(out), "--jobs", "4"]
    assert main(command) == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"2 ok, 2 failed of 4 runs in {out}", f"python -m pnn table {out} shows them"]
    key = run_id(Basis.of(fake), {"act": "fail", "seed": 1})
    assert f"started {key} act=fail, seed=1" in " ".join(said.err.split())
    assert f"failed {key} act=fail, seed=1 in " in " ".join(said.err.split())
    assert said.err.count("ValueError: no good") == 2
    assert {(row["act"], row["seed"], row["outcome"]) for _, row in table(out).iterrows()} == {
        ("ok", 0, "ok"),
        ("ok", 1, "ok"),
        ("fail", 0, "failed"),
        ("fail", 1, "failed"),
    }
    assert main(command) == 1
    assert "4 of 4 runs are done already" in capsys.readouterr().err


def test_only_the_runs_that_were_asked_for_count(fake, out):
    assert main(["sweep", str(fake), "-p", "act", "fail,ok", "--out", str(out)]) == 1
    assert main(["sweep", str(fake), "-p", "act", "ok", "--out", str(out)]) == 0


def test_parameters_in_step_and_from_a_file(fake, tmp_path, out):
    file = tmp_path / "grid.yaml"
    file.write_text("grid: {mode: [fast, slow]}")
    assert (
        main(
            ["sweep", str(fake), "-p", "seed", "0:2", "-p", "rate", "1,2", "--zip", "-f", str(file), "--out", str(out)]
        )
        == 0
    )
    found = {(row["seed"], row["rate"], row["mode"]) for _, row in table(out).iterrows()}
    assert found == {(0, 1.0, "fast"), (1, 2.0, "fast"), (0, 1.0, "slow"), (1, 2.0, "slow")}


def test_bad_endings_are_tried_again_when_asked_for(fake, out, tries_of):
    command = ["sweep", str(fake), "-p", "act", "'fail,ok','killed,killed,ok','memory'", "--out", str(out)]
    assert main(command) == 1
    assert sorted(tries_of(out).values()) == [1, 1, 2]
    assert main([*command, "--retry", "failed,killed"]) == 1
    assert sorted(tries_of(out).values()) == [1, 2, 3]
    assert sorted(table(out)["outcome"]) == ["ok", "ok", "oom"]


def test_so_many_failures_are_status_3(fake, out, capsys, tries_of):
    command = ["sweep", str(fake), "-p", "act", "fail,memory,ok", "--out", str(out)]
    assert main([*command, "--max-failures", "1"]) == 3
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"1 failed, 2 not done of 3 runs in {out}"
    assert said[2] == "2 runs are left (--max-failures 1); the same command goes on from here"
    assert main(command) == 1
    assert list(tries_of(out).values()) == [1, 1, 1]


def test_a_run_that_takes_too_long_is_stopped(fake, out):
    assert main(["sweep", str(fake), "-p", "act", "wait", "--timeout", "0.01m", "--out", str(out)]) == 1
    assert list(table(out)["outcome"]) == ["timeout"]


def test_a_dry_run_writes_nothing_and_starts_nothing(fake, out, capsys, no_process, monkeypatch):
    command = ["sweep", str(fake), "-p", "seed", "0:2", "--out", str(out), "--dry-run"]
    assert main(command) == 0
    keys = [run_id(Basis.of(fake), {"seed": seed}) for seed in range(2)]
    assert lines(capsys.readouterr().out) == [
        f"{keys[0]} seed=0 to do",
        f"{keys[1]} seed=1 to do",
        f"2 runs, 2 to do, in {out}",
    ]
    assert not out.exists()
    assert main([*command, "-p", "sead", "1"]) == 2


def test_a_dry_run_says_what_is_done_already(fake, out, capsys):
    sweep = ["sweep", str(fake), "--out", str(out)]
    assert main([*sweep, "-p", "act", "ok,fail"]) == 1
    before = sorted((path, path.stat().st_mtime_ns) for path in out.rglob("*"))
    capsys.readouterr()
    assert main([*sweep, "-p", "act", "ok,fail,memory", "--dry-run"]) == 0
    assert [line.split(maxsplit=1)[1] for line in lines(capsys.readouterr().out)[:3]] == [
        "act=ok ok",
        "act=fail failed",
        "act=memory to do",
    ]
    assert main([*sweep, "-p", "act", "ok,fail,memory", "--dry-run", "--retry", "failed"]) == 0
    assert lines(capsys.readouterr().out)[-1] == f"3 runs, 2 to do, in {out}"
    assert sorted((path, path.stat().st_mtime_ns) for path in out.rglob("*")) == before


def test_a_notebook_edited_while_its_runs_go_on_does_not_matter_to_them(fake, out, capsys, monkeypatch, notebook_of):
    def popen(*arguments, **options):
        process = start(*arguments, **options)
        notebook_of(fake, "print('edited')")
        return process

    start = subprocess.Popen
    monkeypatch.setattr(processes.subprocess, "Popen", popen)
    assert main(["sweep", str(fake), "-p", "seed", "0", "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"1 ok of 1 runs in {out}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "a sweep needs parameters: -p NAME VALUES, or -f FILE"),
        (["-p", "seed", "1", "-p", "rate", "2", "-p", "seed", "3"], "-p seed is given twice; write its values in one"),
        (["-p", "sead", "1"], "has no parameter 'sead' (did you mean 'seed'?)"),
        (["-p", "seed", "0.5"], "seed must be of type int, got 0.5 of type float"),
        (["-p", "rate", "nan"], "rate must be of type float, got 'nan' of type str"),
        (["-p", "rate", "1,1e999"], "rate must be a finite number, got inf"),
        (["-p", "rate", "1" + "0" * 400], "rate must be a finite number, got 1000"),
        (["-p", "mode", "fast,medium"], 'mode must be one of "fast", "slow"'),
        (["-p", "seed", "0:2", "-p", "rate", "1", "--zip"], "as many values each, got seed 2, rate 1"),
        (["-f", "nowhere.yaml"], "nowhere.yaml cannot be read as YAML"),
        (["-p", "seed", "0", "--timeout", "soon"], "90s, 25m or 2h; got 'soon'"),
        (
            ["-p", "seed", "0", "--retry", "crashed"],
            "retry takes bad outcomes (failed, diverged, exploded, oom, timeout, killed)",
        ),
        (["-p", "seed", "0", "--max-failures", "0"], "max_failures must be at least 1, got 0"),
        (["-p", "seed", "0", "--jobs", "-1"], "jobs must be at least 0, got -1"),
        (["-p", "seed", "0", "--scheduler", "tcp://127.0.0.1:1"], 'a scheduler is for engine "dask"'),
    ],
)
def test_a_wrong_sweep_is_status_2_and_says_what_is_allowed(fake, out, capsys, no_process, words, message):
    """A dry run checks what a run does."""
    for dry in (["--dry-run"], []):
        assert main(["sweep", str(fake), "--out", str(out), *words, *dry]) == 2
        assert message in capsys.readouterr().err
    assert not list(out.glob("runs/*/outcome.json"))


@pytest.mark.parametrize("engine", ["local", "dask"])
def test_gpus_that_are_not_there_are_told_by_a_dry_run_too(fake, out, capsys, monkeypatch, no_process, engine):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    words = ["sweep", str(fake), "-p", "seed", "0", "--out", str(out), "--gpus-per-run", "1", "--engine", engine]
    assert main([*words, "--dry-run"]) == 2
    assert "torch sees none here" in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_that_cannot_be_one_is_told_by_a_dry_run_too(fake, tmp_path, capsys, no_process, notebook_of):
    (tmp_path / "file").touch()
    other = notebook_of(tmp_path / "other.ipynb")
    Folder(tmp_path / "taken").begin(Basis.of(other), [{"seed": 0}])
    for out, message in (
        ("file", "file is no folder of yours"),
        ("taken", "is the sweep of"),
        ("file/in", "no folder"),
    ):
        for dry in (["--dry-run"], []):
            assert main(["sweep", str(fake), "-p", "seed", "0", "--out", str(tmp_path / out), *dry]) == 2
            assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "points"),
    [
        (["-p", "rate", "-1,2"], [{"rate": -1.0}, {"rate": 2.0}]),
        (["-p", "rate", "-1e-3"], [{"rate": -1e-3}]),
        (["-p", "rate=-1,2"], [{"rate": -1.0}, {"rate": 2.0}]),
        (["-prate=-1"], [{"rate": -1.0}]),
        (["--parameters", "seed", "-2:0"], [{"seed": -2}, {"seed": -1}]),
        (["--parameters=act=a=b"], [{"act": "a=b"}]),
        (["-p", "act", "1,--zip"], [{"act": "1"}, {"act": "--zip"}]),
        (["-p", "act", ""], None),
        (["-p", "act="], None),
        (["-f", "{a}", "-f", "{b}", "-p", "act", "x"], [{"rate": 0.1, "seed": 1, "act": "x"}]),
        (["-f", "{a}", "-f", "{a}"], None),
    ],
    ids=repr,
)
def test_parameters_however_they_are_given(fake, out, tmp_path, capsys, words, points):
    (tmp_path / "a").write_text("grid: {rate: 1e-1}")
    (tmp_path / "b").write_text("grid: {seed: 1}")
    words = [word.format(a=tmp_path / "a", b=tmp_path / "b") for word in words]
    assert main(["sweep", str(fake), "--out", str(out), "--dry-run", *words]) == (0 if points else 2)
    said = capsys.readouterr()
    if points:
        keys = [run_id(Basis.of(fake), point) for point in points]
        assert [line.split()[0] for line in said.out.splitlines()[:-1]] == keys
    else:
        assert "needs at least one value" in said.err or "rate is given twice" in said.err


@pytest.mark.parametrize("words", [["-p"], ["-p", "seed"], ["-p", "=1"], ["-f"]], ids=" ".join)
def test_a_parameter_without_a_value_is_told(fake, capsys, words):
    with pytest.raises(SystemExit) as stopped:
        main(["sweep", str(fake), *words])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "a name and its values are expected, as in -p seed 0:3" in said or "expected one argument" in said


def test_an_output_is_not_written_over_its_notebook(fake, tmp_path, capsys, monkeypatch, no_process):
    before = fake.read_bytes()
    (tmp_path / "link.ipynb").symlink_to(fake)
    os.link(fake, tmp_path / "hard.ipynb")
    monkeypatch.chdir(tmp_path)
    for name in (str(fake), "fake.ipynb", "./fake.ipynb", "link.ipynb", "hard.ipynb"):
        assert main(["notebook", str(fake), name]) == 2
        assert f"the output {name} is the notebook itself" in capsys.readouterr().err
    assert fake.read_bytes() == before


def test_a_full_disk_is_status_2_and_says_what_to_do(fake, out, capsys, monkeypatch):
    def full_disk(path, write):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "write_atomically", full_disk)
    assert main(["sweep", str(fake), "-p", "seed", "0", "--out", str(out)]) == 2
    assert "No space left on device. Make room, and start the sweep again" in capsys.readouterr().err


# --- table -----------------------------------------------------------------------------------------------------------


def test_a_table_is_printed_and_written(fake, out, tmp_path, capsys, notebook_of):
    main(["sweep", str(fake), "-p", "act", "glue,fail", "--out", str(out)])
    capsys.readouterr()
    assert main(["table", str(out)]) == 0
    printed = lines(capsys.readouterr().out)
    assert printed[0] == "act outcome message score run seconds run trainings"
    assert [line.split()[1:3] for line in printed[2:]] == [["fail", "failed"], ["glue", "ok"]]

    assert main(["table", str(out), "--export", str(tmp_path / "new" / "table.csv")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'new' / 'table.csv'}\n"
    assert main(["table", str(tmp_path / "new" / "table.csv")]) == 0
    assert lines(capsys.readouterr().out) == printed

    notebook_of(fake, "print(seed)")
    main(["sweep", str(fake), "-p", "act", "ok", "--out", str(out)])
    capsys.readouterr()
    assert main(["table", str(out)]) == 0
    assert "(2 runs of an earlier state of notebook, pnn or data are left out)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere is no sweep's folder: it has no sweep.json"),
        (["{out}", "--export", "table.xlsx"], "written as .csv, .parquet or a folder for TensorBoard (no suffix), got"),
    ],
)
def test_a_wrong_table_is_status_2(fake, out, capsys, words, message):
    main(["sweep", str(fake), "-p", "seed", "0", "--out", str(out)])
    assert main(["table", *(word.format(out=out) for word in words)]) == 2
    assert message in capsys.readouterr().err


# --- real processes --------------------------------------------------------------------------------------------------


def start(*words: str, environment: dict[str, str]) -> subprocess.Popen:
    """The command line in a process, and a session, of its own."""
    command = [sys.executable, "-m", "pnn", *words]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)


def executed(log: Path) -> list[int]:
    return sorted(map(int, log.read_text().split())) if log.exists() else []


LOG = """
import os, time
from pathlib import Path

file = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(file, f"{seed}\\n".encode())
"""
MEET = """
deadline = time.monotonic() + 300
while len(Path("log").read_text().split()) < 2:  # of one sweep there is one run at once
    assert time.monotonic() < deadline
    time.sleep(0.02)
"""


@pytest.mark.slow
def test_two_sweeps_at_once_do_every_run_once(tmp_path, out, notebook_of, environment):
    notebook = notebook_of(tmp_path / "notebook.ipynb", LOG, MEET)
    words = ["sweep", str(notebook), "-p", "seed", "0:4", "--jobs", "1", "--out", str(out)]
    with start(*words, environment=environment) as one, start(*words, environment=environment) as other:
        said = [process.communicate(timeout=400)[1] for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), said
    assert executed(tmp_path / "log") == [0, 1, 2, 3]
    frame = table(out)
    assert list(frame["seed"]) == [0, 1, 2, 3]
    assert set(frame["outcome"]) == {"ok"}
    assert any("another sweep works on it" in text for text in said)  # the one that began its first run later


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_sweep_that_is_stopped_leaves_no_process_and_goes_on(
    tmp_path, out, notebook_of, waiting_cell, environment, until, number, status
):
    notebook = notebook_of(tmp_path / "notebook.ipynb", LOG, waiting_cell)
    words = ["sweep", str(notebook), "-p", "seed", "0:2", "--out", str(out)]
    with start(*words, environment=environment) as process:
        try:
            until((tmp_path / "began").exists, 300)
            began = psutil.Process(process.pid).children(recursive=True)
            os.killpg(process.pid, number)  # as a terminal does
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == status
    assert len(began) == 2  # the notebook's process and its kernel
    assert psutil.wait_procs(began, timeout=60)[1] == []
    assert (tmp_path / "saved").exists()
    assert ("goes on from here" in said) == (number == signal.SIGINT)
    assert sorted(table(out)["outcome"]) == ["not done", "ok"]

    (tmp_path / "go").touch()
    assert main(words) == 0
    assert executed(tmp_path / "log") == [0, 1, 1]  # what had an outcome was not done again
    assert list(table(out)["outcome"]) == ["ok", "ok"]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_notebook_that_is_stopped_saves_and_says_so(
    tmp_path, notebook_of, waiting_cell, environment, until, number, status
):
    notebook = notebook_of(tmp_path / "notebook.ipynb", LOG, waiting_cell)
    words = ["notebook", str(notebook), str(tmp_path / "out.ipynb"), "-p", "seed", "1"]
    with start(*words, environment=environment) as process:
        try:
            until((tmp_path / "began").exists, 300)
            began = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(number)
            process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == status
    assert psutil.wait_procs(began, timeout=60)[1] == []
    assert (tmp_path / "saved").exists()


TRAIN = """
import time
from pathlib import Path
import pnn
from pnn.training import loop

step = loop.Training.take_step

def slow_step(self, x, y):
    step(self, x, y)
    if self.epoch == 1 and not Path("go").exists():
        Path("began").touch()
        time.sleep(0.2)

loop.Training.take_step = slow_step
task, recipe = pnn.Digits(validation=1300), pnn.Recipe(3, batch_size=16)
run = pnn.Run(task, pnn.CNN("polynomial", 2), recipe, seed, "smoke")
(record,) = pnn.study([run], device="cpu", progress=False)
pnn.glue("epochs", len(record.curves["train_loss"]))
pnn.glue("sessions", record.sessions)
"""


@pytest.mark.slow
def test_a_training_in_a_sweep_that_is_stopped_goes_on_from_its_checkpoint(
    tmp_path, out, notebook_of, environment, until, monkeypatch
):
    monkeypatch.setenv("PNN_RESULTS", str(tmp_path / "results"))
    notebook = notebook_of(tmp_path / "notebook.ipynb", TRAIN)
    words = ["sweep", str(notebook), "-p", "seed", "3", "--out", str(out)]
    with start(*words, environment={**environment, "PNN_RESULTS": str(tmp_path / "results")}) as process:
        try:
            until((tmp_path / "began").exists, 300)
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130
    assert len(list(tmp_path.glob("runs/*/checkpoint.safetensors"))) == 1
    assert not list(tmp_path.glob("results/*/*/*.json"))

    (tmp_path / "go").touch()
    assert main(words) == 0
    (path,) = tmp_path.glob("results/*/*/*.json")
    assert pnn.Record.from_dict(json.loads(path.read_text())).sessions == 2
    (row,) = (row for _, row in table(out).iterrows())
    assert (row["outcome"], row["sessions"], row["run trainings"]) == ("ok", 2, 1)
