"""Batch normalisation in evaluation is an affine map of each channel: here it is folded into the maps beside it."""

import copy
import operator
from collections import Counter
from typing import Any

import torch
from torch import fx, nn
from torch.nn.utils import parametrize

from .channel_affine import Affine, ChannelAffine, pads_with_zeros, scale_inputs, scale_outputs

# A subclass of any of these may calculate something else, and is left as it is.
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
MAPS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
PASSING = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
POOLS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
ADAPTIVE_POOLS = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
RANKS = {nn.Conv1d: 3, nn.Conv2d: 4, nn.Conv3d: 5}
SMALLEST = 1e-6  # A channel that is scaled by less than this share of the largest is as good as 0: no division by it.


def fold_batch_norm(model: nn.Module) -> nn.Module:
    r"""The same function in evaluation, without a batch normalisation: each is folded into the maps beside it.

    In evaluation a BatchNorm is :math:`a x + b` with :math:`a = \gamma / \sqrt{\sigma^2 + \epsilon}` and
    :math:`b = \beta - a \mu`. Where it follows a linear map or a convolution, it becomes part of that one. Where it
    follows an activation, as networks for encrypted numbers have it, it can **not** go into the map before the
    activation; it goes into the map or maps that follow,

    .. math:: W (a x + b) + c = (W \operatorname{diag} a)\, x + (W b + c) ,

    past average pooling, means over positions, flattening and dropout. What no map can take stays, as a
    :class:`pnn.ChannelAffine` before the layer that needs it:

    - the shift before a convolution that pads with zeros, as the padding is not shifted (the scale goes into it);
    - the scale on a shortcut that is added to something else as it is; its shift goes into what it is added to if that
      is a map;
    - both before what is no map: an activation, max-pooling, a polynomial neuron, the output.

    A linear layer beside a BatchNorm is taken to have rows ``(N, features)``, unless a convolution before it says
    otherwise. A layer that normalises inside, as :class:`pnn.HermiteBatchNorm`, stays as it is. What layers do in place
    is done to a copy; torch.fx reads ``y += x`` as a sum that changes nothing, so that ``y`` must not be read again
    under another name. All of it is calculated in float64 and
    rounded to the type of the layers: in float64 the outputs agree to 1e-10 of their largest, in float32 to its
    rounding.

    Args:
        model: a network that :func:`torch.fx.symbolic_trace` can follow down to its layers. It is left as it is.

    Returns:
        A copy in evaluation mode, a :class:`torch.fx.GraphModule` with the layers under their old names.

    Raises:
        ValueError: torch.fx cannot trace it, a BatchNorm has no running statistics, the weight of a map is computed
            from others, or a value that is read elsewhere is changed in place; the message names the layer.
    """
    for name, module in model.named_modules():
        _refuse(name, module)
    model = copy.deepcopy(model).eval()
    for module in model.modules():
        if getattr(module, "inplace", False):  # What it would change may be read later than it was.
            module.inplace = False  # type: ignore[assignment]
    try:
        graph = _Tracer().trace(model)
    except Exception as error:  # Tracing runs the model's own code with symbols, which may do anything.
        raise ValueError(f"torch.fx cannot trace {type(model).__name__}: {error}. Fold its parts one by one") from error
    return _Folding(fx.GraphModule(model, graph)).done()


def _refuse(name: str, module: nn.Module) -> None:
    """Refuse a layer that cannot be folded, or that would be another one after it."""
    if type(module) in NORMS and module.running_mean is None:
        raise ValueError(
            f"the batch norm {name!r} has no running statistics, so that its map depends on the other rows: "
            "use track_running_stats=True"
        )
    if isinstance(module, MAPS) and parametrize.is_parametrized(module):
        raise ValueError(
            f"the layer {name!r} is parametrised, so that its weight cannot be set: call "
            "torch.nn.utils.parametrize.remove_parametrizations on it first"
        )
    if type(module) in MAPS and module._forward_pre_hooks:
        raise ValueError(
            f"the layer {name!r} has a hook before it, which may set its weight: remove it first, by "
            "torch.nn.utils.remove_spectral_norm or remove_weight_norm if that made it"
        )


class _Tracer(fx.Tracer):
    """It stops at layers: torch's, this package's, and any module without children that has numbers of its own.

    It goes into those of this package that hold a BatchNorm.
    """

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        own = next(m.parameters(), None) is not None or next(m.buffers(), None) is not None
        normalises = any(type(child) in NORMS for child in m.children())
        layer = (type(m).__module__.startswith("pnn.nn.") and not normalises) or (own and not [*m.children()])
        return layer or super().is_leaf_module(m, module_qualified_name)


class _Folding:
    """One walk along the graph, which keeps in mind what each value lacks until something takes it."""

    def __init__(self, module: fx.GraphModule) -> None:
        self.module, self.graph = module, module.graph
        self.calls = Counter(node.target for node in self.graph.nodes if node.op == "call_module")
        self.read = [str(node.target) for node in self.graph.nodes if node.op == "get_attr"]
        self.lacks: dict[fx.Node, Affine] = {}
        self.base: dict[fx.Node, fx.Node] = {}  # of what lacks something: the node that has the rest
        self.settled: dict[fx.Node, fx.Node] = {}
        self.rank: dict[fx.Node, int | None] = {}  # how many dimensions a value has, where that is known
        self.flat: set[fx.Node] = set()  # whose channels lie side by side with their positions

    def done(self) -> fx.GraphModule:
        for node in [*self.graph.nodes]:
            layer = self.layer(node)
            _refuse_in_place(node)
            if type(layer) in NORMS:
                self.batch_norm(node, layer)
            elif type(layer) in MAPS:
                self.map(node, layer)
            elif self.passes(node, layer):
                (source,) = node.all_input_nodes
                if source in self.lacks:
                    node.replace_input_with(source, self.base[source])
                    self.lacks[node], self.base[node] = self.lacks[source], node
            else:
                if node.target in (operator.add, torch.add) and len(node.all_input_nodes) == 2:
                    self.add(node)
                for source in node.all_input_nodes:
                    self.settle(node, source)
                self.rank.setdefault(node, self.kept_rank(node, layer))
        for node in reversed([*self.graph.nodes]):
            if type(self.layer(node)) in NORMS:  # Nothing uses it any more.
                self.graph.erase_node(node)
        self.graph.lint()
        self.module.delete_all_unused_submodules()
        self.module.recompile()
        return self.module

    def layer(self, node: fx.Node) -> nn.Module | None:
        """The module that a node calls."""
        return self.module.get_submodule(str(node.target)) if node.op == "call_module" else None

    def alone(self, node: fx.Node) -> bool:
        """Whether a layer is called once only and its numbers are read nowhere else, so that it may be changed."""
        return self.calls[node.target] == 1 and not any(name.startswith(f"{node.target}.") for name in self.read)

    def batch_norm(self, node: fx.Node, norm: Any) -> None:
        """Fold it into the map right before it, or keep it in mind for what follows."""
        (source,) = node.all_input_nodes
        before, affine = self.layer(source), Affine.of(norm)
        rows = type(before) is not nn.Linear or self.rank[source] == 2  # Otherwise its features are no channels.
        if type(before) in MAPS and rows and len(source.users) == 1 and self.alone(source):
            scale_outputs(before, affine)
            node.replace_all_uses_with(source)
            self.graph.erase_node(node)
            return
        self.lacks[node] = affine.after(self.lacks.get(source))
        self.base[node] = self.base.get(source, source)
        self.rank[node] = {nn.BatchNorm2d: 4, nn.BatchNorm3d: 5}.get(type(norm), self.rank.get(source))

    def map(self, node: fx.Node, layer: Any) -> None:
        """Fold what its input lacks into a map, as far as it can take it."""
        (source,) = node.all_input_nodes
        self.rank[node] = RANKS.get(type(layer)) or self.rank.get(source) or 2
        if source not in self.lacks:
            return
        affine = self.lacks[source]
        dimensions = self.rank.get(source)
        # The features of a linear layer are channels in rows (N, features), and in what was flattened.
        misplaced = type(layer) is nn.Linear and (
            dimensions not in (2, None) or (layer.in_features != len(affine.scale) and source not in self.flat)
        )
        if misplaced or not self.alone(node):
            return self.settle(node, source)
        if pads_with_zeros(layer) and affine.shift.any():
            if affine.scale.abs().min() <= SMALLEST * affine.scale.abs().max():
                return self.settle(node, source)
            shift = ChannelAffine(None, (affine.shift / affine.scale).to(layer.weight.dtype))
            node.replace_input_with(source, self.insert(node, source, shift))
            affine = Affine(affine.scale, torch.zeros_like(affine.shift))
        else:
            node.replace_input_with(source, self.base[source])
        scale_inputs(layer, affine)

    def add(self, node: fx.Node) -> None:
        """Give the shifts of what is added to the maps that they are added to; the scales stay to be settled."""
        if node.kwargs:
            return
        for source, other in (node.args, node.args[::-1]):
            before = self.layer(other)
            takes = type(before) in MAPS and len(other.users) == 1 and self.alone(other)
            if source in self.lacks and takes and self.rank.get(source) == self.rank[other]:
                own = self.lacks[source]
                if len(own.shift) != before.weight.shape[0]:
                    continue
                scale_outputs(before, Affine(torch.ones_like(own.scale), own.shift))
                scale = ChannelAffine(own.scale.to(before.weight.dtype), None)
                node.replace_input_with(source, self.insert(node, source, scale))

    def settle(self, node: fx.Node, source: fx.Node) -> None:
        """Give a node the whole of an input, by a scale and a shift of their own."""
        if source not in self.lacks:
            return
        if source not in self.settled:
            own, kind = self.lacks[source], self.kind
            self.settled[source] = self.insert(node, source, ChannelAffine(own.scale.to(kind), own.shift.to(kind)))
        node.replace_input_with(source, self.settled[source])

    @property
    def kind(self) -> torch.dtype:
        """The type of the model's numbers."""
        return next(p.dtype for p in (*self.module.parameters(), *self.module.buffers()) if p.is_floating_point())

    def insert(self, node: fx.Node, source: fx.Node, affine: ChannelAffine) -> fx.Node:
        """A call of a module on the base of an input, right before the node that needs it."""
        name = f"affine_{source.name.lstrip('_')}_to_{node.name.lstrip('_')}"
        self.module.add_submodule(name, affine)
        with self.graph.inserting_before(node):
            return self.graph.call_module(name, (self.base[source],))

    def passes(self, node: fx.Node, layer: nn.Module | None) -> bool:
        """Whether a scale and a shift of channels may come after a node as well as before it.

        That is so where every output is a mean of one channel's inputs, the padding not among them.
        """
        if len(node.all_input_nodes) != 1:
            return False
        (source,) = node.all_input_nodes
        rank = self.rank.get(source)
        if type(layer) in PASSING:
            self.rank[node] = rank
            if source in self.flat:
                self.flat.add(node)
            return True
        if type(layer) in POOLS:
            self.rank[node] = 3 + POOLS.index(type(layer))
            padded = any(_each(layer.padding)) and layer.count_include_pad
            return not padded and not getattr(layer, "divisor_override", None)
        if type(layer) in ADAPTIVE_POOLS:
            self.rank[node] = 3 + ADAPTIVE_POOLS.index(type(layer))
            return True
        if node.target in ("mean", torch.mean) and rank:
            dims = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
            if dims is not None and all(dim % rank > 1 for dim in _each(dims)):
                keeps = node.kwargs.get("keepdim", node.args[2] if len(node.args) > 2 else False)
                self.rank[node] = rank if keeps else rank - len(_each(dims))
                return True
        if _flattens(node, layer) and (source not in self.lacks or self.only_linear(node, source)):
            self.rank[node] = 2
            self.flat.add(node)
            return True
        return False

    def only_linear(self, node: fx.Node, source: fx.Node) -> bool:
        """Whether what was flattened goes to linear layers alone, which can tell its channels apart."""
        channels = len(self.lacks[source].scale)
        users = [self.layer(user) for user in node.users]
        able = all(type(user) is nn.Linear and user.in_features % channels == 0 for user in users)
        return able and all(map(self.alone, node.users))

    def kept_rank(self, node: fx.Node, layer: nn.Module | None) -> int | None:
        """How many dimensions a layer's result has: this package's and torch's activations keep their number."""
        home = type(layer).__module__
        keeps = home.startswith("pnn.nn.") or home == "torch.nn.modules.activation"
        sources = node.all_input_nodes
        same = keeps or node.target in (operator.add, torch.add)
        return self.rank.get(sources[0]) if same and sources else None


def _each(value: Any) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _flattens(node: fx.Node, layer: nn.Module | None) -> bool:
    """Whether a node flattens everything after the rows, which puts the positions of a channel side by side."""
    if type(layer) is nn.Flatten:
        return (layer.start_dim, layer.end_dim) == (1, -1)
    given = dict(zip(("start_dim", "end_dim"), node.args[1:], strict=False)) | node.kwargs
    flattens = node.target in ("flatten", torch.flatten)
    return flattens and (given.get("start_dim", 0), given.get("end_dim", -1)) == (1, -1)


def _refuse_in_place(node: fx.Node) -> None:
    """Refuse a change in place of what is read elsewhere, as the other reading may come later after folding."""
    method = node.op == "call_method" and str(node.target).endswith("_") and not str(node.target).endswith("__")
    changes = method or node.kwargs.get("inplace") is True
    source = node.args[0] if node.args else None
    if changes and isinstance(source, fx.Node) and len(source.users) > 1:
        raise ValueError(
            f"{node.name!r} changes {source.name!r} in place, which is read elsewhere, too: calculate a new tensor"
        )
