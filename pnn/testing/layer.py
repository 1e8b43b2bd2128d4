"""Whether a layer does what torch's own do: check_layer."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from . import changes, copies, derivatives, distributed, inputs, programs
from .case import Case, DoesNotApply, NotRun
from .outcome import Check, LayerReport

# These take a fraction of a second each,
QUICK: tuple[Callable[[Case], None], ...] = (
    copies.deep_copy,
    copies.pickling,
    copies.state_dict,
    copies.state_dict_assigned,
    copies.factories,
    copies.double,
    copies.meta,
    inputs.not_contiguous,
    inputs.channels_last,
    inputs.empty_batch,
    inputs.float16,
    inputs.bfloat16,
    inputs.autocast,
    derivatives.gradients,
    derivatives.gradients_by_row,
    changes.hooks,
    changes.weight_norm,
    changes.spectral_norm,
    changes.older_weight_norm,
    changes.older_spectral_norm,
    changes.pruning,
    changes.adapters,
    changes.dynamic_quantisation,
    changes.counters,
    programs.trace,
)
# and these take seconds.
SLOW: tuple[Callable[[Case], None], ...] = (
    programs.compilation,
    programs.export,
    programs.onnx,
    distributed.data_parallel,
    distributed.fully_sharded,
)


def check_layer(
    layer: nn.Module | Callable[..., nn.Module], x: Tensor | tuple[Tensor, ...], *, quick: bool = False
) -> LayerReport:
    """Check whether a layer, of this package or of any other, does what torch's own layers do.

    Each check works on a copy of the layer, on a processor and in evaluation mode unless it is about training, and
    compares with what the layer itself gives. None knows the equation of the layer: test that by itself. The checks
    are:

    - **copies**: deepcopy, pickle, a saved state that is loaded or assigned, the ``device`` and ``dtype`` of the
      constructor, float64, the device ``meta``;
    - **inputs**: strided ones, ``channels_last``, an empty batch, float16, bfloat16, autocast;
    - **derivatives**: against differences in both modes, and of every row by itself under ``vmap``;
    - **changes to what is inside**: hooks, both forms of weight and spectral normalisation, masks, adapters, dynamic
      quantisation, and whether a counter of operations that hooks torch's layers finds them all;
    - **programs**: ``torch.jit.trace``; and unless ``quick``, ``torch.compile``, ``torch.export`` and ONNX with a free
      number of rows;
    - **processes**, unless ``quick``: DistributedDataParallel and fully_shard, on two.

    Args:
        layer: the layer; or a function that makes it and can be told ``device`` and ``dtype``, such as
            ``functools.partial(pnn.PolyLinear, 4, 6)``, with which the arguments are checked, too.
        x: an input on the processor in float32, rows first, at least two of them; or a tuple of several.
        quick: whether to leave out what takes seconds.

    Returns:
        What came of every check. Nothing is raised for a layer that fails; see
        :meth:`pnn.testing.LayerReport.raise_for_failures`. The layer, its gradients and the state of torch's
        random numbers are as they were; what torch had compiled is forgotten.

    Raises:
        ValueError: ``x`` has fewer than two rows, or what the layer gives is not one tensor.

    Example:
        >>> print(pnn.testing.check_layer(torch.nn.Bilinear(4, 5, 6), (torch.randn(3, 4), torch.randn(3, 5))))
        >>> pnn.testing.check_layer(MyLayer(4, 6), torch.randn(3, 4), quick=True).raise_for_failures()
    """
    given = x if isinstance(x, tuple) else (x,)
    if not given or not all(isinstance(tensor, Tensor) and tensor.dim() and len(tensor) > 1 for tensor in given):
        raise ValueError(
            "x must be a tensor of two rows or more, such as torch.randn(3, 4), or a tuple of such tensors"
        )
    with torch.random.fork_rng([]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Torch warns of its own older norms, of tracing, and of quantisation.
        torch.manual_seed(0)
        module, make = (layer, None) if isinstance(layer, nn.Module) else (layer(), layer)
        case = Case(module, tuple(tensor.detach().clone() for tensor in given), make)
        _refuse_other_outputs(case)
        found = [_checked(check, case) for check in QUICK]
        if quick:
            found += [Check(_called(check), "not run", "it takes seconds") for check in SLOW]
        else:
            found += [_checked(check, case) for check in SLOW]
    return LayerReport(_described(module), tuple(found))


def _checked(check: Callable[[Case], None], case: Case) -> Check:
    torch.manual_seed(0)
    name = _called(check)
    try:
        check(case)
    except DoesNotApply as reason:
        return Check(name, "does not apply", str(reason))
    except NotRun as reason:
        return Check(name, "not run", str(reason))
    except AssertionError as error:
        return Check(name, "failed", str(error))
    except Exception as error:  # The code of a layer, and what torch does to it, may raise anything.
        return Check(name, "failed", _reason(error))
    return Check(name, "held")


def _refuse_other_outputs(case: Case) -> None:
    try:
        y = case.output()
    except Exception:  # Every check that calls the layer will say so.
        return
    if not isinstance(y, Tensor):
        raise ValueError(
            f"{type(case.layer).__name__} must give one tensor, got {type(y).__name__}: check a module that calls it "
            "and gives one of its outputs"
        )


def _reason(error: BaseException) -> str:
    """The first sentence of what was raised first."""
    while error.__cause__ is not None:
        error = error.__cause__
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first.partition('. ')[0]}"


def _called(check: Callable[[Case], None]) -> str:
    return check.__name__.replace("_", " ")


def _described(layer: nn.Module) -> str:
    return f"{type(layer).__name__}({layer.extra_repr()})"
