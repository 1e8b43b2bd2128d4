"""The widths of a network that one layer makes and one other reads: they can change without any other layer."""

from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from ..nn.plain import owns_its_weight
from .call_sites import ACTIVATIONS, replace

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_BETWEEN = (*ACTIVATIONS, nn.Identity, nn.Dropout, nn.Dropout2d)


@dataclass(frozen=True)
class PrivateWidth:
    """The outputs of one layer, which pass activations and BatchNorms on their way to one other layer."""

    maker: str
    norms: tuple[str, ...]
    reader: str


def private_widths(model: nn.Module) -> list[PrivateWidth]:
    """All such widths of a network, found in its graph.

    Raises:
        ValueError: torch.fx cannot trace the network.
    """
    try:
        graph = fx.symbolic_trace(model).graph
    except Exception as error:  # Tracing runs the network's own code with symbols, which may do anything.
        raise ValueError(f"torch.fx cannot trace {type(model).__name__}, so that no width is known: {error}") from error
    modules = dict(model.named_modules())
    uses: dict[str, int] = {}
    for node in graph.find_nodes(op="call_module"):
        uses[node.target] = uses.get(node.target, 0) + 1
    found = []
    for node in graph.find_nodes(op="call_module"):
        if not _is_plain(modules[node.target]):
            continue
        norms, at = [], node
        while len(at.users) == 1 and uses[at.target] == 1:
            (at,) = at.users
            if at.op != "call_module" or len(at.all_input_nodes) != 1:
                break
            module = modules[at.target]
            if _is_plain(module) and uses[at.target] == 1 and isinstance(module, type(modules[node.target])):
                found.append(PrivateWidth(node.target, tuple(norms), at.target))
                break
            if isinstance(module, _NORMS):
                norms.append(at.target)
            elif not isinstance(module, _BETWEEN):
                break
    return found


def _is_plain(module: nn.Module) -> bool:
    return type(module) in _LAYERS and owns_its_weight(module) and getattr(module, "groups", 1) == 1


def narrow(model: nn.Module, widths: list[PrivateWidth], share: float) -> None:
    """Keep a share of the units of every private width, in place: those with the largest weights in and out."""
    for width in widths:
        maker, reader = model.get_submodule(width.maker), model.get_submodule(width.reader)
        size = maker.weight.flatten(1).norm(dim=1) * reader.weight.transpose(0, 1).flatten(1).norm(dim=1)
        kept = size.topk(max(1, round(share * len(size)))).indices.sort().values
        for name, dim in {width.maker: 0, width.reader: 1}.items():
            replace(model, name, _cut(model.get_submodule(name), kept, dim))
        for name in width.norms:
            replace(model, name, _cut_norm(model.get_submodule(name), kept))


def _cut(layer: nn.Module, kept: Tensor, dim: int) -> nn.Module:
    """A layer with some of the outputs (dimension 0 of the weight) or inputs (1) of another."""
    sizes = list(layer.weight.shape[:2])
    sizes[dim] = len(kept)
    rest = {"bias": layer.bias is not None, "device": layer.weight.device, "dtype": layer.weight.dtype}
    if not isinstance(layer, nn.Linear):
        for name in ("kernel_size", "stride", "padding", "dilation", "padding_mode"):
            rest[name] = getattr(layer, name)
    new = type(layer)(sizes[1], sizes[0], **rest)
    with torch.no_grad():
        new.weight.copy_(layer.weight.index_select(dim, kept))
        if new.bias is not None:
            new.bias.copy_(layer.bias if dim else layer.bias[kept])
    return new


def _cut_norm(norm: nn.Module, kept: Tensor) -> nn.Module:
    new = type(norm)(len(kept), norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    state = {name: value[kept] if value.dim() else value for name, value in norm.state_dict().items()}
    new.load_state_dict(state, assign=True)  # So they keep their device and type.
    return new
