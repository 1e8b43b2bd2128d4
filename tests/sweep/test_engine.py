"""The engine of this machine: GPUs shared out, a place for each run."""

import pytest

from pnn.sweep import engine
from pnn.sweep import run as sweep
from pnn.sweep.engine import LocalEngine, shares, visible_gpus
from pnn.sweep.folder import Folder


@pytest.mark.parametrize(
    ("gpus", "per_run", "given"),
    [
        (["0"], 1, ["0"]),
        (["0", "1"], 1, ["0", "1"]),
        (["0", "1"], 0.5, ["0", "1", "0", "1"]),
        (["0", "1"], 1 / 3, ["0", "1"] * 3),
        (["3"], 0.1, ["3"] * 10),  # 1 / 0.1 is below 10 in some roundings
        (["0"], 0.3, ["0"] * 3),
        (["0"], 0.7, ["0"]),
        (["2", "0", "1"], 2, ["2,0"]),
        (["0", "1", "2", "3"], 2.0, ["0,1", "2,3"]),
        (["GPU-ab", "GPU-cd"], 2, ["GPU-ab,GPU-cd"]),
    ],
)
def test_shares_of_gpus(gpus, per_run, given):
    assert shares(gpus, per_run) == given


@pytest.mark.parametrize(
    ("gpus", "per_run", "message"),
    [
        (["0"], 0.0, "a share such as 0.25, or a whole number, got 0"),
        (["0"], -0.5, "got -0.5"),
        (["0", "1"], 1.5, "a share such as 0.25, or a whole number, got 1.5"),
        (["0"], float("nan"), "got nan"),
        (["0"], float("inf"), "got inf"),
        ([], 0.5, "torch sees none here; leave --gpus-per-run out"),
        (["0", "1"], 3, "a run needs 3 GPUs, but there are 2"),
    ],
)
def test_gpus_that_cannot_be_shared_out_so_say_why(gpus, per_run, message):
    with pytest.raises(ValueError, match=message):
        shares(gpus, per_run)


@pytest.mark.parametrize(
    ("given", "count", "gpus"),
    [
        (None, 2, ["0", "1"]),
        (None, 0, []),
        ("", 0, []),
        ("1", 1, ["1"]),
        ("3, 1", 2, ["3", "1"]),
        ("GPU-8f,GPU-2c", 2, ["GPU-8f", "GPU-2c"]),
        ("-1", 0, []),
        ("0,7", 1, ["0"]),  # the second is not there
    ],
)
def test_gpus_are_those_that_the_environment_names_and_torch_sees(monkeypatch, given, count, gpus):
    if given is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    assert visible_gpus() == gpus


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(engine, "visible_gpus", lambda: ["0", "1"])


@pytest.mark.parametrize(("jobs", "per_run", "slots"), [(0, 0.0, 1), (5, 0.0, 5), (0, 0.5, 4), (3, 0.5, 3), (0, 2, 1)])
def test_places_for_runs(tmp_path, two_gpus, jobs, per_run, slots):
    assert LocalEngine(Folder(tmp_path), jobs, per_run, None).slots == slots


def test_more_jobs_than_shares_are_refused(tmp_path, two_gpus):
    with pytest.raises(ValueError, match=r"5 jobs of 0\.5 GPUs each need more than the 2 GPUs here; at most 4 fit"):
        LocalEngine(Folder(tmp_path), 5, 0.5, None)


def test_every_run_is_given_its_share_and_gives_it_back(fake, tmp_path, two_gpus):
    """At first neighbours are on different GPUs; whoever comes later takes what is free."""
    points = [{"act": act, "seed": seed} for seed in range(3) for act in ("ok", "killed,ok")]
    frame = sweep(fake, points, out=tmp_path / "sweep", gpus_per_run=0.5, progress=False)
    assert set(frame["outcome"]) == {"ok"}
    assert set(frame["run device"]) == {"0", "1"}
    for key, row in frame.iterrows():
        told = (tmp_path / "sweep" / "runs" / key / "tries").read_text().split()
        assert told[-1] == row["run device"]


def test_without_shares_the_gpus_are_left_as_they_are(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.setattr(engine, "visible_gpus", lambda: pytest.fail("it was looked for GPUs"))
    (row,) = (row for _, row in sweep(fake, [{"seed": 0}], out=tmp_path / "a", progress=False).iterrows())
    assert row["run device"] == "7"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    (row,) = (row for _, row in sweep(fake, [{"seed": 0}], out=tmp_path / "b", progress=False).iterrows())
    assert row["run device"] == ""
