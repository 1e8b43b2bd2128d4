"""A copy of a network without data: shapes and types go through it, and no number is computed."""

import copy
import logging
import random
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.prune import BasePruningMethod

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def tensors_of(example) -> tuple[Tensor, ...]:
    """The inputs of a network, of which an example is the only one or their tuple.

    Raises:
        ValueError: the example is something else.
    """
    inputs = example if isinstance(example, tuple) else (example,)
    if not inputs or not all(isinstance(t, Tensor) for t in inputs):
        given = ", ".join(type(t).__name__ for t in inputs) or "an empty tuple"
        raise ValueError(f"the example must be a tensor or a tuple of tensors, got {given}")
    return inputs


def copied(model: nn.Module, memo: dict | None = None) -> nn.Module:
    """A copy of a network, also of one whose weights torch computes anew in every forward pass.

    Pruning and the old ``weight_norm`` leave a computed tensor behind in place of the weight. Before its next use it
    is computed again, so that the copy may get it as a constant. Sparse tensors become dense, which torch can read.

    Args:
        model: any module.
        memo: what stands for objects of the model, by their ``id``, as for ``copy.deepcopy``.

    Raises:
        ValueError: Python cannot copy it.
    """
    memo = {} if memo is None else memo
    for module in model.modules():
        for value in (*vars(module).values(), *module._buffers.values()):
            if isinstance(value, Tensor) and id(value) not in memo:
                if value.layout is not torch.strided:
                    memo[id(value)] = value.detach().to_dense()
                elif value.grad_fn is not None:
                    memo[id(value)] = value.detach().clone()
    try:
        return copy.deepcopy(model, memo)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"{type(model).__name__} cannot be copied: {error}\nKeep in its attributes only what copy.deepcopy "
            "copies: no locks, files or generators, and no lists of tensors with a gradient (detach them)."
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep off the terminal what torch logs of an operation that fails: the error says it."""
    names = ("torch", *(name for name in logging.root.manager.loggerDict if name.startswith("torch.")))
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    try:
        for logger in loggers:
            logger.handlers = [logging.NullHandler()] if logger.name == "torch" else []
            logger.propagate = logger.name != "torch"
        yield
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


@contextmanager
def _no_global_hooks() -> Iterator[None]:
    """Keep the hooks that someone has put on all modules from firing."""
    stores = [getattr(nn.modules.module, f"_global{name}") for name in _HOOKS]
    before = [dict(store) for store in stores]
    try:
        for store in stores:
            store.clear()
        yield
    finally:
        for store, hooks in zip(stores, before, strict=True):
            store.update(hooks)


@contextmanager
def shapes_only() -> Iterator[FakeTensorMode]:
    """In this context what is computed has shapes and types alone, and random numbers stay as they were.

    Composed operations are taken apart as far as they can be: attention into matrix products, a recurrent network into
    its steps.
    """
    drawn = random.getstate()
    try:
        with (
            quiet(),
            _no_global_hooks(),
            warnings.catch_warnings(),
            torch.random.fork_rng(devices=[]),
            torch.device("cpu"),
            sdpa_kernel(SDPBackend.MATH),
            FakeTensorMode(allow_non_fake_inputs=True, shape_env=ShapeEnv()) as mode,
        ):
            # An autograd.Function makes torch look where a tensor's numbers are.
            warnings.filterwarnings("ignore", "Accessing the data pointer of FakeTensor", UserWarning)
            yield mode
    finally:
        random.setstate(drawn)


def without_data(model: nn.Module) -> nn.Module:
    """A copy in training mode whose parameters and buffers have no data, to be used in `shapes_only`.

    Hooks are the caller's, and are left out, but for those by which torch computes a weight (pruning, ``weight_norm``,
    ``spectral_norm``).

    Raises:
        ValueError: see `copied`.
    """
    memo: dict[int, object] = {}
    for module in model.modules():
        for tensor in (*module._parameters.values(), *module._buffers.values()):
            if tensor is not None and id(tensor) not in memo:
                bare = empty(tensor)
                memo[id(tensor)] = (
                    nn.Parameter(bare, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else bare
                )
        for value in vars(module).values():
            if isinstance(value, Tensor) and value.is_meta:
                memo[id(value)] = empty(value)
        for hooks in (getattr(module, name) for name in _HOOKS):
            memo[id(hooks)] = OrderedDict((key, hook) for key, hook in hooks.items() if _computes_a_weight(hook))
    with unset_fake_temporarily():
        return copied(model, memo).train()


def _computes_a_weight(hook) -> bool:
    return isinstance(hook, BasePruningMethod) or type(hook).__module__.startswith("torch.nn.utils.")


def empty(tensor: Tensor, rows: int | None = None) -> Tensor:
    """A tensor without data like a given one, or one of another number of rows; on the CPU, wherever that one is."""
    if rows is not None:
        return torch.empty((rows, *tensor.shape[1:]), dtype=tensor.dtype)
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")
