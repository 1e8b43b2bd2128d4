"""A Dask cluster that Slurm grows and shrinks: `python slurm_cluster.py` on the login node, in tmux or screen.

Writes scheduler.json, which `python -m pnn sweep --engine dask --scheduler scheduler.json` takes. Ctrl-C ends the
cluster and gives its jobs back; what its workers were doing is done again by the next one.
"""

import json
import signal
import threading
from pathlib import Path

from dask_jobqueue import SLURMCluster
from distributed import Security

CLUSTER = {
    "queue": "gpu",  # your partition
    "account": None,  # your account, if Slurm asks for one
    "cores": 4,  # runs at once in one job, which share its GPU
    "processes": 1,
    "job_cpu": 8,  # cores that Slurm gives to the job
    "memory": "32GB",
    "walltime": "04:00:00",
    "worker_extra_args": ["--lifetime", "225m", "--lifetime-stagger", "10m"],  # leave before Slurm kills
    "job_extra_directives": ["--gres=gpu:1"],
    "job_script_prologue": ["export PNN_DATA=$HOME/data"],
    "local_directory": "/tmp",  # Dask's own files, on the node
    "interface": "ib0",  # the network that the nodes share: `ip address` shows its name
    "protocol": "tls://",  # with the certificates of tls.yaml: Dask runs what anyone sends it who may connect
}
MOST_JOBS = 10


def main() -> None:
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    with SLURMCluster(**CLUSTER, security=Security()) as cluster:
        cluster.adapt(minimum_jobs=0, maximum_jobs=MOST_JOBS)
        Path("scheduler.json").write_text(json.dumps({"address": cluster.scheduler_address}))
        print(f"scheduler at {cluster.scheduler_address}; Ctrl-C ends it", flush=True)
        end.wait()
    Path("scheduler.json").unlink()


if __name__ == "__main__":
    main()
