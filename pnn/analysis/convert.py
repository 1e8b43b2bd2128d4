"""Any torch network with other activations or neurons, which starts as near to the old one as it can."""

import copy
import fnmatch
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..networks.neurons import NEURONS
from ..nn import activation as activations
from ..nn.learned import ChannelsLast
from .budget import budget
from .call_sites import ACTIVATIONS, evaluating, replace, separate_calls
from .carry_over import fitted, is_element_wise, quantiles, started_as
from .conversion import Conversion, Left, Replaced
from .private_widths import narrow, private_widths

Where = str | type[nn.Module] | tuple[type[nn.Module], ...] | Callable[[str, nn.Module], bool]
MATCHES = ("parameters", "macs")
_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)
_READERS = (nn.TransformerEncoderLayer, nn.MultiheadAttention)  # They read the weights of their children.
_CHANNELS = {nn.Linear: -1, nn.LayerNorm: -1, nn.Conv1d: 1, nn.Conv2d: 1, nn.BatchNorm1d: 1, nn.BatchNorm2d: 1}


def convert(
    model: nn.Module,
    example: Tensor,
    *,
    activation: "activations.Activation | None" = None,
    neuron: str | None = None,
    where: Where | None = None,
    match: str | None = None,
) -> Conversion:
    r"""Replace the activations or the linear and convolution layers of any network, and keep what carries over.

    A new **activation** is fitted to the old one by least squares on the quantiles of the inputs that the example gives
    it. Activations that are called as functions, such as ``torch.relu``, or several times, are replaced too, each call
    by a module of its own, where :mod:`torch.fx` can trace the module that calls them. An activation with parameters
    for every channel finds the channels by the layers before it.

    A new layer of a **neuron** starts with the old weights. Polynomial layers get a product that is zero and has a
    gradient; quadratic and bilinear ones a gate of 1. So the network is the old one up to rounding. The other neurons
    start afresh.

    **match** narrows the network until it costs what it did. This is possible where one layer alone reads what another
    one makes, as inside the blocks of ResNets and transformers; the units with the largest weights stay, and the
    network is no longer the old one. What residual streams join keeps its width.

    Args:
        model: the network; it is left as it is. One tensor goes in, one comes out.
        example: a batch of inputs like those that it is for, shape ``(N, ...)``: it is the calibration.
        activation: what stands for the activations, a choice such as ``pnn.TPGUChoice(3)``; None keeps them.
        neuron: what stands for linear layers and convolutions, a name in ``pnn.networks.neurons.NEURONS``; None keeps
            them.
        where: which of them: a pattern of names (``"layer1.*"``), a type of modules or several, or a function of name
            and module that says whether; None means all. An activation that torch does not have is found by its
            type.
        match: ``"parameters"`` or ``"macs"``; None keeps the widths.

    Returns:
        The converted network with a report; ``print(conversion)`` shows it.

    Raises:
        ValueError: nothing is to be converted, or a name is unknown; the message says what was found.

    When not to use it:
        To compare two neurons or activations: networks trained from their start at a matched width do that, as
        :doc:`Which product? </notebooks/ablations/neurons>` shows.

    Example:
        >>> network = torchvision.models.convnext_tiny(weights="DEFAULT")
        >>> conversion = pnn.convert(network, images, activation=pnn.TPGUChoice(7))
        >>> print(conversion)
        >>> model = conversion.model
    """
    _check(model, example, activation, neuron, match)
    converted = copy.deepcopy(model)
    failed = separate_calls(converted, example) if activation is not None else {}
    selected = _selected(converted, activation, neuron, where, failed)
    before, width = budget(model, example), "as they were"
    if match is not None:
        width = _match(converted, example, selected, activation, neuron, getattr(before, match), match)
    replaced, left = _replace(converted, example, selected, activation, neuron)
    left += [Left(name, type(model.get_submodule(name)).__name__, reason) for name, reason in failed.items()]
    return Conversion(
        converted,
        tuple(replaced),
        tuple(left),
        width,
        before,
        budget(converted, example),
        _difference(model, converted, example),
        model,
        example,
    )


def _check(model: nn.Module, example: Tensor, activation, neuron: str | None, match: str | None) -> None:
    if activation is None and neuron is None:
        raise ValueError("say what to convert: convert(model, example, activation=...) or neuron=..., or both")
    if activation is not None and not hasattr(activation, "build"):
        raise ValueError(f"activation must be a choice such as pnn.TPGUChoice(3), got {activation!r}")
    if neuron is not None and neuron not in NEURONS:
        raise ValueError(f"neuron must be one of {', '.join(map(repr, NEURONS))}, got {neuron!r}")
    if match is not None and match not in MATCHES:
        raise ValueError(f"match must be None or one of {', '.join(map(repr, MATCHES))}, got {match!r}")
    with evaluating(model):
        output = model(example)
    if not isinstance(output, Tensor):
        raise ValueError(f"{type(model).__name__} must return one tensor, got {type(output).__name__}")


def _selected(model: nn.Module, activation, neuron, where: Where | None, failed: dict[str, str]) -> dict[str, str]:
    """What is to be converted: the names of modules, each with ``"activation"`` or ``"layer"``."""
    found = {}
    for name, module in model.named_modules():
        if activation is not None and isinstance(module, ACTIVATIONS):
            found[name] = "activation"
        elif neuron is not None and isinstance(module, _LAYERS):
            found[name] = "layer"
        elif activation is not None and isinstance(where, type | tuple) and not any(module.children()):
            found[name] = "candidate"
    selected = {}
    for name, role in found.items():
        if _is_meant(where, name, model.get_submodule(name)):
            selected[name] = "activation" if role == "candidate" else role
    if not selected:
        kinds = Counter(type(model.get_submodule(name)).__name__ for name, role in found.items() if role != "candidate")
        there = ", ".join(f"{n} x {kind}" for kind, n in kinds.items()) or "nothing that can be converted"
        reasons = "".join(f"; {name or 'the model'}: {reason}" for name, reason in failed.items())
        asked = "" if where is None else f"where={where!r} selects nothing; "
        raise ValueError(f"{asked}{type(model).__name__} has {there}{reasons}")
    return selected


def _is_meant(where: Where | None, name: str, module: nn.Module) -> bool:
    if where is None:
        return True
    if isinstance(where, str):
        return fnmatch.fnmatchcase(name, where)
    if isinstance(where, type | tuple):
        return isinstance(module, where)
    return bool(where(name, module))


def _replace(model: nn.Module, example: Tensor, names: dict[str, str], activation, neuron):
    """Replace the selected modules in place, in the order of computation.

    In one pass each new module computes the output in the stead of the old one, so that those after it are fitted to
    what the converted network will give them.
    """
    made: dict[str, tuple[nn.Module, str]] = {}
    outputs: dict[str, Tensor] = {}
    left: dict[str, str] = {}
    layout: dict[torch.Size, int] = {}  # The dimension of the channels in the last output of each shape.
    handles = []
    # These copies are without the hooks below, which would see the fit, too.
    plain = {name: copy.deepcopy(model.get_submodule(name)) for name, role in names.items() if role == "activation"}

    def before(name: str, module: nn.Module, x: Tensor) -> None:  # Afterwards it may have overwritten its input.
        if name not in names or name in left:
            return
        try:
            parent = model.get_submodule(name.rpartition(".")[0])
            if names[name] == "layer" and isinstance(parent, _READERS):
                raise ValueError(f"torch's {type(parent).__name__} reads its weight")
            if name not in made:
                channels = 1 if x.dim() == 2 else layout.get(x.shape)
                made[name] = (
                    _activation(plain[name], x, channels, activation)
                    if names[name] == "activation"
                    else started_as(module, neuron)
                )
            outputs[name] = made[name][0].eval()(x)
        except ValueError as reason:
            left[name] = str(reason)

    def after(name: str, module: nn.Module, output) -> Tensor | None:
        for kind, dim in _CHANNELS.items():
            if isinstance(module, kind):
                layout[output.shape] = dim
        new = outputs.pop(name, None)
        if new is not None and new.shape != output.shape:
            left[name] = f"its output has the shape {tuple(output.shape)}, which the new module would not give"
            return None
        return new

    for name, module in model.named_modules():
        if isinstance(module, parametrize.ParametrizationList):  # It is called for a weight, with no input.
            continue
        handles.append(module.register_forward_pre_hook(lambda m, inputs, name=name: before(name, m, *inputs[:1])))
        handles.append(module.register_forward_hook(lambda m, _, output, name=name: after(name, m, output)))
    try:
        with evaluating(model):
            model(example)
    finally:
        for handle in handles:
            handle.remove()
    replaced = []
    for name in names:
        old = type(model.get_submodule(name)).__name__
        if name in made and name not in left:
            new, kept = made[name]
            replace(model, name, new)
            new = new.activation if isinstance(new, ChannelsLast) else new
            replaced.append(Replaced(name, old, type(new).__name__, kept))
        else:
            left.setdefault(name, "it is never called: another module reads its weights, or none does")
    return replaced, [Left(name, type(model.get_submodule(name)).__name__, reason) for name, reason in left.items()]


def _activation(old: nn.Module, x: Tensor, channels: int | None, choice) -> tuple[nn.Module, str]:
    """A new activation for an input whose channels lie in the given dimension, and what it keeps of the old one."""
    pairs = zip(choice.build(2).parameters(), choice.build(1).parameters(), strict=True)
    needs_channels = any(p.shape != q.shape for p, q in pairs) or not is_element_wise(choice.build)
    if needs_channels and channels is None:
        raise ValueError(f"which dimension of its input {tuple(x.shape)} has the channels is not known")
    size = x.shape[channels] if channels is not None else 1
    if x.is_meta or sum(p.numel() for p in old.parameters()) > 1:  # That is more than one function to fit.
        new, kept = choice.build(size), "nothing"
    else:
        new, error = fitted(choice.build, size, old.double().eval(), quantiles(x))
        kept = "nothing" if error is None else f"its values {_rounded(error)} of their root mean square"
    new = new.to(x.device, x.dtype)
    return ChannelsLast(new) if needs_channels and channels == -1 else new, kept


def _rounded(error: float) -> str:
    """An error by its order of magnitude, so that a report can join those that are alike."""
    return next(
        (f"within {bound:g}" for bound in (1e-6, 1e-4, 0.01, 0.03, 0.1, 0.3) if error <= bound), "not within 0.3"
    )


def _match(model: nn.Module, example: Tensor, names, activation, neuron, goal: int, by: str) -> str:
    """Narrow the private widths in place so far that the converted network costs the goal, and say how."""
    try:
        widths = private_widths(model)
    except ValueError as error:
        return f"not matched: {error}"
    if not widths:
        return "not matched: every width is read by more than one layer, or belongs to a weight that is computed"
    meta = copy.deepcopy(model).to("meta")
    x = example.to("meta")

    def cost(share: float) -> int:
        trial = copy.deepcopy(meta)
        if share < 1:
            narrow(trial, widths, share)
        _replace(trial, x, names, activation, neuron)
        return getattr(budget(trial, x), by)

    if cost(1.0) <= goal:
        return f"as they were: the converted network has no more {by}"
    if (least := cost(0.0)) > 1.01 * goal:
        return (
            f"not matched: the {len(widths)} that one layer makes and one reads are too few, one unit in each would "
            f"still leave {least / goal - 1:+.0%} {by}"
        )
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) < goal else (low, middle)
    share = min((low, high), key=lambda one: abs(cost(one) - goal))
    narrow(model, widths, share)
    return f"{len(widths)} of them at {share:.1%} of what they were, for {cost(share) / goal - 1:+.1%} {by}"


def _difference(one: nn.Module, other: nn.Module, example: Tensor) -> float:
    with evaluating(one), evaluating(other):
        y, z = one(example), other(example)
    return ((z - y).abs().max() / y.abs().max().clamp(min=torch.finfo(y.dtype).tiny)).item()
