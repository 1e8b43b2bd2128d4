"""Checks of training on several processes: DDP and FSDP, each on two of them, over gloo.

Each of the two reads the layer and its inputs from a folder, takes its half of the rows, and compares its gradients
with those that one process alone has written there.
"""

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch.distributed as dist
from torch import Tensor, nn

from .case import Case, DoesNotApply, NotRun, assert_close

WORLD = 2
SECONDS = 120


def data_parallel(case: Case) -> None:
    """DistributedDataParallel on two processes has the gradients of one."""
    _on_two(case, "data_parallel")


def fully_sharded(case: Case) -> None:
    """fully_shard on two processes, on every module inside and on the layer, has the gradients of one."""
    _on_two(case, "fully_sharded")


def _on_two(case: Case, how: str) -> None:
    if not (dist.is_available() and dist.is_gloo_available()):
        raise NotRun("this build of torch has no gloo")
    if not any(p.requires_grad for p in case.layer.parameters()):
        raise DoesNotApply("it has no parameters to share")
    inputs = case.rows(2 * WORLD)
    layer = case.fresh()
    layer(*inputs).square().sum().backward()
    gradients = {name: p.grad for name, p in layer.named_parameters() if p.grad is not None}
    try:
        pickled = pickle.dumps((how, case.fresh(), inputs, gradients))
    except Exception as error:
        raise NotRun(f"another process cannot get the layer: {type(error).__name__}: {error}") from error
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "case").write_bytes(pickled)
        # They find the modules of a layer where this process does, once Python itself has started.
        start = f"import sys; sys.path[:] = {sys.path!r}; from pnn.testing.distributed import _main; _main()"
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", start, folder]
        both: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        ranks = [subprocess.Popen([*command, str(rank)], env=environment, text=True, **both) for rank in range(WORLD)]
        try:
            said = [rank.communicate(timeout=SECONDS)[0] for rank in ranks]
        finally:
            for rank in ranks:
                rank.kill()
    for rank, text in zip(ranks, said, strict=True):
        assert rank.returncode == 0, (text.strip().splitlines() or ["it ended without a word"])[-1]


def _of_rank(folder: str, rank: int) -> None:
    how, layer, inputs, gradients = pickle.loads((Path(folder) / "case").read_bytes())
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=WORLD)
    try:
        mine = tuple(x.chunk(WORLD)[rank] for x in inputs)
        parallel = {"data_parallel": _replicated, "fully_sharded": _sharded}[how](layer)
        parallel(*mine).square().sum().backward()
        for name, parameter in layer.named_parameters():
            if name in gradients:
                assert parameter.grad is not None, f"{name} has no gradient"
                # Both take the mean over the processes, of losses that are sums.
                assert_close(WORLD * _whole(parameter.grad), gradients[name], f"the gradient of {name}", rtol=1e-3)
    finally:
        dist.destroy_process_group()


def _replicated(layer: nn.Module) -> nn.Module:
    return nn.parallel.DistributedDataParallel(layer, find_unused_parameters=True)


def _sharded(layer: nn.Module) -> Any:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (WORLD,))
    for module in [m for m in layer.modules() if m is not layer and [*m.parameters(recurse=False)]]:
        fully_shard(module, mesh=mesh)
    return fully_shard(layer, mesh=mesh)


def _whole(gradient: Any) -> Tensor:
    return gradient.full_tensor() if hasattr(gradient, "full_tensor") else gradient


def _main() -> None:
    """One of the two processes; the last line of what it says is the error, if there is one."""
    try:
        _of_rank(sys.argv[1], int(sys.argv[2]))
    except Exception as error:
        first = next(iter(str(error).splitlines()), "")
        print(first if isinstance(error, AssertionError) else f"{type(error).__name__}: {first}")
        sys.exit(1)
