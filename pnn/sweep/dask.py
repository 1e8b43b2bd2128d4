"""Runs on the workers of a Dask cluster: this machine's, or one that is running already."""

import contextlib
import dataclasses
import os
import queue
import threading
import time
import uuid
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from ..system.extras import needs
from ..system.machine import cores
from ..system.processes import threads_of
from .engine import BUSY, LOST, End, shares, visible_gpus
from .folder import Busy, Folder, Outcome, SweepError
from .supervise import DIED, STOPPED_RUN, Supervised

LOOK_SECONDS = 0.1  # A worker waits this long between two looks at its run.
NO_INTERRUPT = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"  # The sweep passes Ctrl-C on.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")  # Dask sets them to 1 on its workers.
GONE_SECONDS = 30.0  # After so long without it the scheduler is taken for gone.


class DaskEngine:
    """Each run is a task of Dask, and on its worker a process of its own. A lost worker's runs go to others.

    Every worker must see the sweep's folder and the notebook's under the same path, and have this version of pnn.

    Args:
        folder: the sweep's.
        jobs: workers of a cluster on this machine, of one run at once each; 0 for one a GPU share, or one a core.
        gpus_per_run: as for :class:`pnn.sweep.engine.LocalEngine`, out of the GPUs that a worker sees; 0 where each
            worker has its own GPU already, as dask-cuda's have.
        timeout: seconds a run may take.
        scheduler: an address such as ``tls://host:8786``, or a scheduler file; None makes a cluster on this machine,
            which listens on 127.0.0.1 only. Certificates are those of Dask's own configuration.
    """

    def __init__(
        self, folder: Folder, jobs: int, gpus_per_run: float, timeout: float | None, scheduler: str | None
    ) -> None:
        with needs("cluster", "the engine dask"):
            from distributed import Client
        self.cluster = None
        if scheduler is None:
            jobs = jobs_here(jobs, gpus_per_run)
            self.cluster = _cluster_here(jobs, bool(gpus_per_run))
            self.client = Client(self.cluster)
        else:
            if jobs:
                raise ValueError(f"a running cluster's workers decide how many runs go on at once; got jobs={jobs}")
            where = {"scheduler_file" if Path(scheduler).is_file() else "address": scheduler}
            try:
                self.client = Client(**where, timeout=GONE_SECONDS)
            except (OSError, ValueError, TypeError) as error:  # TypeError is of a tls:// address without certificates.
                raise SweepError(f"no Dask scheduler could be reached at {scheduler}: {error}") from error
        # They are set where the user says how many: what the variable is on a worker is Dask's doing.
        self.threads = threads_of(jobs) if scheduler is None else os.environ.get("OMP_NUM_THREADS", "")
        self.folder, self.gpus_per_run, self.timeout = folder, gpus_per_run, timeout
        self.stop_file = folder.path / f"stop-{uuid.uuid4().hex}"
        self.running: dict[str, Any] = {}  # futures by run
        self.ends: list[tuple[str, End]] = []  # These are not yet told.
        self.stopping = False
        self.workers = 0  # These are the threads of all workers, when last heard of.
        self.connected = time.monotonic()

    @property
    def slots(self) -> int:
        """Twice the threads of the workers that are there, and one, so that a cluster that can grow has a reason.

        Without a connection there is none: no run is started that nobody would hear of.
        """
        if self.client.status != "running":
            return 0
        with contextlib.suppress(OSError):  # The scheduler may be gone for a moment.
            self.workers = sum(self.client.nthreads().values())
        return 2 * self.workers + 1

    @property
    def note(self) -> str:
        if self.client.status != "running":
            return "the connection to the scheduler is lost, waiting for it"
        return "" if self.workers else "the cluster has no worker yet, waiting for one"

    def start(self, key: str) -> None:
        arguments = str(self.folder.path), key, self.timeout, self.gpus_per_run, self.threads, str(self.stop_file)
        self.running[key] = self.client.submit(work, *arguments, key=f"pnn-{key}-{uuid.uuid4().hex}", pure=False)

    def ended(self) -> list[tuple[str, End]]:
        if not self._is_there():
            self.running.clear()
            raise SweepError(
                "the Dask scheduler is gone. What its workers finished is kept; start the sweep again to go on"
            )
        from distributed import KilledWorker

        if self.stopping:
            self._cancel_waiting()
        for key, future in list(self.running.items()):
            if not future.done():
                continue
            del self.running[key]
            if future.status == "error" and isinstance(future.exception(), KilledWorker):
                self.ends.append((key, DIED))
            elif future.status in ("cancelled", "lost"):
                self.ends.append((key, self.folder.outcome(key) or LOST))
            else:
                try:
                    end = future.result()
                except (ImportError, RuntimeError) as error:
                    if isinstance(error, RuntimeError) and "deserializ" not in str(error):
                        raise
                    where = "where workers and the scheduler run"
                    raise SweepError(f"the cluster cannot import pnn: {error}. Install it {where}") from error
                except (OSError, CancelledError):  # It ended, but the scheduler is gone before it told how.
                    if future.status == "error":
                        raise
                    end = self.folder.outcome(key) or LOST
                self.ends.append((key, Outcome(**end) if isinstance(end, dict) else end))
        told, self.ends = self.ends, []
        return told

    def stop(self) -> None:
        self.stopping = True
        if self.running:
            with contextlib.suppress(OSError):
                self.stop_file.touch()

    def close(self) -> None:
        self.client.close()
        if self.cluster:
            self.cluster.close()
        if not self.running:  # Else a worker is still to see it.
            self.stop_file.unlink(missing_ok=True)

    def _cancel_waiting(self) -> None:
        """Give up the runs that no worker has begun: perhaps there is none, or none any more."""
        with contextlib.suppress(OSError):
            begun = {name for names in self.client.processing().values() for name in names}
            waiting = [future for future in self.running.values() if future.key not in begun and not future.done()]
            self.client.cancel(waiting)

    def _is_there(self) -> bool:
        now = time.monotonic()
        if self.client.status == "running":
            self.connected = now
        return now - self.connected < GONE_SECONDS and self.client.status != "closed"


def jobs_here(jobs: int, gpus_per_run: float) -> int:
    """How many runs a cluster of this machine works on at once.

    Raises:
        MissingExtraError: Dask is not installed.
        ValueError: the GPUs cannot be shared out so.
    """
    with needs("cluster", "the engine dask"):
        import distributed  # noqa: F401
    places = len(shares(visible_gpus(), gpus_per_run)) if gpus_per_run else cores()
    return jobs or places


def _cluster_here(jobs: int, share_gpus: bool) -> Any:
    """A cluster on this machine that works on so many runs at once."""
    import dask
    from distributed import LocalCluster

    # Where GPUs are shared out there is one worker with a thread a run, else a worker a run.
    workers, threads = (1, jobs) if share_gpus else (jobs, 1)
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {}}):  # It would be set in this process, too.
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=threads,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # The port is free, so that two sweeps do not meet at one.
            preload=NO_INTERRUPT,
        )


# These of the worker's GPUs are free, by the share that a run takes; the first is on top.
_free: dict[float, queue.LifoQueue] = {}
_free_lock = threading.Lock()


def work(
    path: str, key: str, timeout: float | None, gpus_per_run: float, threads: str, stop_file: str
) -> dict[str, Any] | str:
    """Do one run, on a worker; return the fields of its outcome, or how it ended without one."""
    from distributed import get_worker

    threads = threads or str(max(1, cores() // get_worker().state.nthreads))
    with _device(gpus_per_run) as device:
        environment = device | dict.fromkeys(THREADS, threads)
        if os.path.exists(stop_file):
            return STOPPED_RUN
        try:
            run = Supervised(Folder(Path(path)), key, timeout, environment)
        except Busy:
            return BUSY
        while (end := run.poll()) is None:
            if os.path.exists(stop_file):
                run.stop()
            time.sleep(LOOK_SECONDS)
    return dataclasses.asdict(end) if isinstance(end, Outcome) else end


@contextlib.contextmanager
def _device(gpus_per_run: float):
    """The environment of a run with its GPUs, waited for if all are taken."""
    if not gpus_per_run:
        yield {}
        return
    with _free_lock:
        if gpus_per_run not in _free:
            devices = shares(visible_gpus(), gpus_per_run)
            _free[gpus_per_run] = queue.LifoQueue()
            for device in reversed(devices):
                _free[gpus_per_run].put(device)
    device = _free[gpus_per_run].get()
    try:
        yield {"CUDA_VISIBLE_DEVICES": device}
    finally:
        _free[gpus_per_run].put(device)
