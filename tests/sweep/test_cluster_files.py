"""The files of book/cluster, which readers copy, as they are up to names and paths; commands stand in for Slurm's."""

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pnn.sweep import engine, table

ROOT = Path(__file__).parents[2]
FILES = ROOT / "book/cluster"
WIDTH_SCALING = ROOT / "notebooks/ablations/width_scaling.ipynb"
main = importlib.import_module("pnn.__main__").main


def command(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_the_settings_are_those_that_the_notebook_takes(tmp_path, capsys):
    arguments = ["sweep", str(WIDTH_SCALING), "-f", str(FILES / "grid.yaml"), "--dry-run", "--out", str(tmp_path / "o")]
    assert main(arguments) == 0
    assert "80 runs" in capsys.readouterr().out


# --- one_node.sbatch -------------------------------------------------------------------------------------------------

SWEEP = """#!/bin/sh
# in place of python: says what it was called with, and ends as ACT says
echo "$@" > "$OUT/called"
[ "$ACT" = stop ] || exit "$ACT"
trap 'sleep 0.5; touch "$OUT/saved"; exit 143' TERM
touch "$OUT/running"
while :; do sleep 0.05; done
"""


@pytest.fixture
def node(tmp_path, monkeypatch):
    """Of a cluster: $HOME with the checkout, scontrol."""
    command(tmp_path / "polynomial-neurons/.venv/bin/python", SWEEP)
    command(tmp_path / "bin/scontrol", '#!/bin/sh\necho "$@" > "$OUT/requeued"\n')
    for name, value in {
        "HOME": tmp_path,
        "OUT": tmp_path,
        "SLURM_JOB_ID": 7,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    }.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_job_ends_as_its_sweep_did(node, monkeypatch, status):
    monkeypatch.setenv("ACT", str(status))
    assert subprocess.run(["bash", FILES / "one_node.sbatch"], timeout=60).returncode == status
    assert not (node / "requeued").exists()
    called = (node / "called").read_text().split()
    assert called[:4] == ["-m", "pnn", "sweep", str(WIDTH_SCALING.relative_to(ROOT))]


def test_the_jobs_command_is_one(node, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("ACT", "0")
    subprocess.run(["bash", FILES / "one_node.sbatch"], timeout=60, check=True)
    monkeypatch.chdir(ROOT)
    called = (node / "called").read_text().split()[2:]
    called[called.index("grid.yaml")] = str(FILES / "grid.yaml")
    monkeypatch.setattr(engine, "visible_gpus", lambda: ["0"])  # as on the node
    assert main([*called, "--dry-run", "--out", str(tmp_path / "o")]) == 0
    assert "80 runs" in capsys.readouterr().out


def test_a_job_whose_time_ends_lets_the_sweep_save_and_is_put_back_into_the_queue(node, monkeypatch, until):
    monkeypatch.setenv("ACT", "stop")
    job = subprocess.Popen(["bash", FILES / "one_node.sbatch"])
    until((node / "running").exists)
    job.send_signal(signal.SIGTERM)  # as `--signal=B:TERM@300` does: to the script alone
    assert job.wait(timeout=60) == 143
    assert (node / "saved").exists()
    assert (node / "requeued").read_text().split() == ["requeue", "7"]


# --- slurm_cluster.py and tls.yaml -----------------------------------------------------------------------------------

SBATCH = """#!/bin/sh
# in place of Slurm's: the job begins at once, on this machine
cp "$1" "$OUT/job.sh"  # whoever submits it deletes it
setsid bash "$OUT/job.sh" > "$OUT/job.log" 2>&1 &
echo $! > "$OUT/job"
echo "Submitted batch job $!"
"""


linux = pytest.mark.skipif(sys.platform != "linux", reason="names Linux's loopback")


@pytest.fixture
def cluster_files(tmp_path) -> Path:
    """The files as a reader would change them: names of the network and of the certificates."""
    for path in FILES.iterdir():
        shutil.copy(path, tmp_path)
    script = (tmp_path / "slurm_cluster.py").read_text()
    assert '"interface": "ib0"' in script
    (tmp_path / "slurm_cluster.py").write_text(script.replace('"interface": "ib0"', '"interface": "lo"'))
    tls = (tmp_path / "tls.yaml").read_text()
    (tmp_path / "tls.yaml").write_text(tls.replace("/home/you/.config/dask", str(tmp_path)))
    making = next(line.split("&&")[1] for line in tls.splitlines() if "openssl" in line)
    subprocess.run(making, shell=True, check=True, capture_output=True, cwd=tmp_path)
    return tmp_path


@linux
@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_a_job_asks_slurm_for_a_gpu_and_dask_for_four_runs_on_it(cluster_files, environment):
    pytest.importorskip("dask_jobqueue")
    ask = """
import slurm_cluster
from dask_jobqueue import SLURMCluster
from distributed import Security
with SLURMCluster(**slurm_cluster.CLUSTER, security=Security()) as cluster:
    print(cluster.job_script())
"""
    environment |= {"DASK_CONFIG": str(cluster_files / "tls.yaml")}
    script = subprocess.run(
        [sys.executable, "-c", ask], cwd=cluster_files, env=environment, check=True, capture_output=True, text=True
    ).stdout
    lines = script.strip().splitlines()
    assert "#SBATCH -p gpu" in lines
    assert "#SBATCH --gres=gpu:1" in lines
    assert "#SBATCH --cpus-per-task=8" in lines
    assert "export PNN_DATA=$HOME/data" in lines
    assert "tls://" in lines[-1]
    assert "--nthreads 4" in lines[-1]


@pytest.mark.slow
@linux
@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_a_sweep_by_jobs_of_slurm_with_certificates(cluster_files, environment, notebook_of, until, alive):
    pytest.importorskip("dask_jobqueue")
    notebook = notebook_of(cluster_files / "book.ipynb", "seed + 1")
    command(cluster_files / "bin/sbatch", SBATCH)
    command(cluster_files / "bin/scancel", '#!/bin/sh\nkill -TERM -- "-$1"\n')
    (cluster_files / "data").mkdir()
    environment |= {
        "DASK_CONFIG": str(cluster_files / "tls.yaml"),
        "HOME": str(cluster_files),  # the job exports PNN_DATA=$HOME/data
        "PNN_DATA": str(cluster_files / "data"),
        "OUT": str(cluster_files),
        "PATH": f"{cluster_files / 'bin'}:{environment['PATH']}",
    }
    cluster = subprocess.Popen([sys.executable, "slurm_cluster.py"], cwd=cluster_files, env=environment)
    try:
        until(lambda: cluster.poll() is not None or (cluster_files / "scheduler.json").exists())
        assert cluster.poll() is None
        file = cluster_files / "scheduler.json"
        until(lambda: file.read_text().strip())
        assert json.loads(file.read_text())["address"].startswith("tls://127.0.0.1")
        out = cluster_files / "out"
        arguments = [sys.executable, "-m", "pnn", "sweep", notebook, "-p", "seed", "0:3", "--out", out]
        arguments += ["--engine", "dask", "--scheduler", file]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert list(table(out)["outcome"]) == ["ok"] * 3
        without = {**environment, "DASK_CONFIG": str(cluster_files / "none")}
        arguments[arguments.index("0:3")] = "3"
        done = subprocess.run(arguments, env=without, capture_output=True, text=True, timeout=300)
        assert done.returncode == 2  # whoever has no certificate does not come in
        assert "no Dask scheduler could be reached" in done.stderr
        assert list(table(out)["outcome"].value_counts().items()) == [("ok", 3), ("not done", 1)]
    finally:
        cluster.terminate()
        cluster.wait(timeout=60)
    assert not (cluster_files / "scheduler.json").exists()
    job = int((cluster_files / "job").read_text())
    until(lambda: not alive(job))
