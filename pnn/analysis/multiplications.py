"""How many multiply-accumulates a network takes, operation by operation, and which operations nobody can count."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from .operations import LINEAR, NORMALISATIONS, OBSTACLES, SHAPE_ONLY, words


def _dot(a: Tensor, b: Tensor, *_, **__) -> int:
    return math.prod(torch.broadcast_shapes(a.shape, b.shape))


def _distances(a: Tensor, b: Tensor, *_, **__) -> int:
    return math.prod(torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])) * a.shape[-2] * b.shape[-2] * a.shape[-1]


# Operations that sum products and are not in torch's own registry: their multiply-accumulates, from their arguments.
COUNTED: dict[str, Callable[..., int]] = {
    "_cdist_forward": _distances,
    "_euclidean_dist": _distances,
    "_int_mm": lambda a, b, *_, **__: len(a) * b.numel(),
    "_pdist_forward": lambda x, *_, **__: len(x) * (len(x) - 1) // 2 * x.shape[1],
    "_sparse_addmm": lambda _, a, b, **__: a.numel() * b.shape[-1],
    # Three factors a term: the broadcast sum of them all is what torch computes.
    "_trilinear": lambda a, b, c, expand1, expand2, expand3, *_, **__: math.prod(
        torch.broadcast_shapes(*(_unsqueezed(t, places) for t, places in ((a, expand1), (b, expand2), (c, expand3))))
    ),
    "addbmm": lambda _, a, b, **__: a.numel() * b.shape[-1],
    "addmv": lambda _, a, b, **__: a.numel(),
    "conv_tbc": lambda x, weight, bias, pad=0: (len(x) + 2 * pad - len(weight) + 1) * x.shape[1] * weight.numel(),
    "dot": _dot,
    "linalg_vecdot": _dot,
    # The tokens of the sequences, times the weights from the input and those from the state before.
    "mkldnn_rnn_layer": lambda x, w, v, *_, **__: x.numel() // x.shape[-1] * (w.numel() + v.numel()),
    "mv": lambda a, b: a.numel(),
    "vdot": _dot,
}
# Operations without sums of products, besides those that work element by element, views, factories, and those that the
# audit has a rule for. A Fourier transform is not among them: it multiplies by constants, and has no agreed number.
FREE = (
    LINEAR
    | NORMALISATIONS
    | SHAPE_ONLY
    | set(OBSTACLES)
    | words(
        """
        _resize_output _safe_softmax _unique2 _unsafe_index
        _unsafe_index_put _unsafe_masked_index _unsafe_view _upsample_bicubic2d_aa _upsample_nearest_exact1d
        _upsample_nearest_exact2d _upsample_nearest_exact3d _weight_norm_interface addr
        aminmax bincount channel_shuffle copy count_nonzero cumprod diag_embed embedding embedding_renorm equal
        grid_sampler_2d grid_sampler_3d histc im2col index_add index_copy index_fill index_reduce lift lift_fresh
        linalg_cross masked_fill masked_select max_unpool2d max_unpool3d native_batch_norm new_empty norm
        new_empty_strided new_full new_ones new_zeros ones_like pixel_shuffle pixel_unshuffle prod put renorm resize
        roll rot90 scatter_reduce segment_reduce stack std std_mean t take trace transpose tril triu unique_consecutive
        unique_dim unsafe_split unsafe_split_with_sizes upsample_bicubic2d upsample_linear1d upsample_nearest1d
        upsample_nearest3d upsample_trilinear3d var var_mean zero zeros_like
        """
    )
) - words("linalg_inv_ex _fft_c2c _fft_c2r _fft_r2c cdist gru lstm rnn_relu rnn_tanh")


def _unsqueezed(tensor: Tensor, places: Iterable[int]) -> list[int]:
    shape = list(tensor.shape)
    for place in sorted(places):
        shape.insert(place, 1)
    return shape


class Multiplications(TorchDispatchMode):
    """Counts the multiply-accumulates of what is computed in its context, which `counting` makes.

    An operation is counted by its entry in `COUNTED` or half the formula in torch's own registry
    (``torch.utils.flop_counter``), to which ``torch.utils.flop_counter.register_flop_formula`` adds others.

    Attributes:
        macs: the multiply-accumulates so far. Of parameters and buffers alone, as where a weight is computed from
            others, nothing is counted.
        unknown: names of operations on what depends on the inputs that are known neither as counted nor as free of sums
            of products.
    """

    def __init__(self, inputs: Iterable[Tensor]) -> None:
        super().__init__()
        self.macs = 0
        self.unknown: set[str] = set()
        # By the addresses of storages, which are held so that no other one can take those.
        self._from_inputs: dict[int, torch.UntypedStorage] = {}
        self._made: dict[int, torch.UntypedStorage] = {}  # Here are those with what was made anew, such as zeros.
        self._mark(self._from_inputs, inputs)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func.namespace == "prim":
            return NotImplemented  # A tensor is asked where it lies.
        if _formula(func) is None and _name(func) not in COUNTED:
            with self:
                inside = func.decompose(*args, **kwargs)  # What is made of other operations alone is counted as those.
            if inside is not NotImplemented:
                return inside
        out = func(*args, **kwargs)
        self._count(func, args, kwargs, out)
        return out

    def _count(self, func, args, kwargs, out) -> None:
        depends = self.depends((args, kwargs))
        if depends:
            self._mark(self._from_inputs, tree_leaves(out))
        elif self._is_made((args, kwargs)):
            self._mark(self._made, tree_leaves(out))
        else:
            return
        formula = _formula(func)
        if formula is not None:
            self.macs += formula(*args, **kwargs, out_val=out) // 2
        elif _name(func) in COUNTED:
            self.macs += COUNTED[_name(func)](*args, **{name: v for name, v in kwargs.items() if name != "out"})
        elif depends and not _is_free(func, args, kwargs):
            self.unknown.add(_name(func))

    def depends(self, arguments) -> bool:
        """Whether some of an operation's arguments are computed from the inputs."""
        return any(tensor.untyped_storage()._cdata in self._from_inputs for tensor in _stored(tree_leaves(arguments)))

    def follows(self, storage: torch.UntypedStorage) -> bool:
        """Whether what is stored there is more than was computed from parameters and buffers alone."""
        return storage._cdata in self._from_inputs or storage._cdata in self._made

    def _is_made(self, arguments) -> bool:
        """Whether more than parameters and buffers is in the arguments, such as the first state of a recurrent net."""
        tensors = _stored(tree_leaves(arguments))
        return not tensors or any(tensor.untyped_storage()._cdata in self._made for tensor in tensors)

    def _mark(self, storages: dict[int, torch.UntypedStorage], values: Iterable) -> None:
        for tensor in _stored(values):
            storage = tensor.untyped_storage()
            storages[storage._cdata] = storage


class _Composed(TorchFunctionMode):
    """Counts what torch takes apart into a product and a sum before it is dispatched."""

    def __init__(self, counter: Multiplications) -> None:
        super().__init__()
        self.counter = counter

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if func is torch.linalg.vecdot and self.counter.depends((args, kwargs)):
            factors = [*args, *(kwargs[name] for name in ("x", "y") if name in kwargs)]
            self.counter.macs += _dot(*factors[:2])
        return out


@contextmanager
def counting(inputs: Iterable[Tensor]) -> Iterator[Multiplications]:
    """Counts the multiply-accumulates of what is computed in this context from the inputs of a network."""
    with Multiplications(inputs) as counter, _Composed(counter):
        yield counter


def _stored(values: Iterable) -> list[Tensor]:
    """The tensors among some values, but sparse ones, which have no storage."""
    return [value for value in values if isinstance(value, Tensor) and value.layout is torch.strided]


def _formula(func) -> Callable[..., int] | None:
    """What torch's own registry has for an operation."""
    return flop_registry.get(func.overloadpacket, flop_registry.get(func))


def _name(func) -> str:
    """``add`` for ``aten.add_.Tensor``, and the whole name for an operation of another library."""
    library, _, name = str(func.overloadpacket).partition(".")
    return name.rstrip("_") if library == "aten" else f"{library}.{name}"


def _is_free(func, args, kwargs) -> bool:
    """Whether an operation has no sum of products: it works element by element, hands on, or has no tensor of reals."""
    tags = {torch.Tag.pointwise, torch.Tag.nondeterministic_seeded}
    if func.namespace == "aten" and (func.is_view or not tags.isdisjoint(func.tags) or _name(func) in FREE):
        return True
    if _name(func).startswith("_embedding_bag"):  # Without weights for single rows it adds them up, and no more.
        return len(args) < 7 or args[6] is None
    return not any(
        isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())
        for value in tree_leaves((args, kwargs))
    )
