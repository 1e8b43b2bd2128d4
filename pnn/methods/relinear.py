"""How a quadratic network starts as a conventional one, and stays near it (ReLinear)."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..nn import QuadraticConv1d, QuadraticConv2d, QuadraticLinear
from ..nn.plain import owns_its_weight
from ..system.choice import RunError, check_at_least, check_types
from .method import MethodBase, Recipe, Run

_QUADRATIC = (QuadraticLinear, QuadraticConv1d, QuadraticConv2d)
_SAME = "; the two networks must be the same, but for quadratic layers in the place of torch's"


@dataclass(frozen=True)
class ReLinear(MethodBase):
    """A quadratic network starts as the conventional one, and its quadratic parts learn at a rate of their own.

    See :func:`pnn.relinear_` and :func:`pnn.relinear_groups`. Source: :cite:t:`fan2023`.
    """

    ratio: float = 1.0  # learning rate of the quadratic parts over that of the rest
    weight_decay: float | None = None  # of the quadratic parts, None for that of the rest
    # The standard network is trained for so many epochs before, and the quadratic one starts as what it has learnt.
    standard_epochs: int = 0
    name: ClassVar[str] = "relinear"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, "ratio", "standard_epochs")
        if self.weight_decay is not None:
            check_at_least(self, 0, "weight_decay")

    def check(self, run: Run) -> None:
        """It is for quadratic neurons; see :meth:`~pnn.methods.method.MethodBase.check`."""
        neuron = getattr(run.network, "neuron", None)
        if neuron != "quadratic":
            raise RunError(f'the method "relinear" is for networks of the neuron "quadratic", got {neuron!r}')

    def phases(self, run: Run) -> list[Run]:
        """The conventional network by the same recipe; see :meth:`~pnn.methods.method.MethodBase.phases`."""
        if not self.standard_epochs:
            return []
        network: Any = dataclasses.replace(run.network, neuron="standard")  # type: ignore[call-arg]
        others = tuple(method for method in run.recipe.methods if method != self)
        recipe = dataclasses.replace(run.recipe, epochs=self.standard_epochs, methods=others)
        return [dataclasses.replace(run, network=network, recipe=recipe)]

    def start(self, model: nn.Module, learnt: list[nn.Module]) -> None:
        """See :meth:`~pnn.methods.method.MethodBase.start`."""
        relinear_(model, *learnt)

    def groups(self, model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
        """See :meth:`~pnn.methods.method.MethodBase.groups`."""
        return relinear_groups(
            model,
            recipe.learning_rate,
            ratio=self.ratio,
            weight_decay=recipe.weight_decay,
            shrink=self.weight_decay,
        )


def relinear_(model: nn.Module, source: nn.Module | None = None) -> nn.Module:
    r"""Make a quadratic network start as the conventional one, in place.

    In every quadratic layer :math:`y = (R x + b)(G x + g) + B (x \odot x) + c` (the last two terms only in the form
    ``"full"``) it sets :math:`G = 0, g = 1, B = 0, c = 0`, so that :math:`y = R x + b` for every finite :math:`x` whose
    square is finite. R and b keep their values, or get those of ``source``: a network, trained as a rule, that has
    torch's own layers where the model has quadratic ones and is otherwise the same, module by module under the same
    names. All other parameters and buffers are then copied, too; where ``source`` has no bias, :math:`b = 0`. Settings
    that are no tensors, such as the size of a pool, are not compared.

    The equality is one of equations. R and G are computed as one map, which torch may sum in another order than R
    alone; so the two networks agree to rounding, and bit for bit where sums are exact.

    Polynomial layers, :math:`y = A x + (B x)(C x)`, get no such start: their three maps are one parameter, of which
    :func:`relinear_groups` could not hold back a part. (:meth:`PolyLinear.from_branches` with zero for one of B and C
    starts such a layer as :math:`A x`. With zero for both, neither would ever get a gradient.)

    Args:
        model: a network with quadratic layers of the form ``"full"`` or ``"compact"``, with bias.
        source: the conventional network to start as.

    Returns:
        The model.

    Raises:
        ValueError: there is no quadratic layer, one has another form or no bias (its :math:`g` could not be 1, and the
            layer would be 0), one has a weight that is computed from other parameters (by weight or spectral
            normalisation, a mask, an adapter), or the two networks differ; the message names the module. Nothing has
            been changed then.

    Source: :cite:t:`fan2023`.

    Example:
        >>> conventional = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> model = nn.Sequential(pnn.QuadraticLinear(4, 8), nn.ReLU(), pnn.QuadraticLinear(8, 2))
        >>> model = pnn.relinear_(model, source=conventional)
    """
    layers = list(_quadratic_layers(model))
    for name, layer in layers:
        for letter in "rgb" if layer.form == "full" else "rg":
            _refuse_computed(name, letter, getattr(layer, letter))
        if layer.g.bias is None:
            raise ValueError(
                f"{name} has no bias, so that it would start as (R x)(0 x) = 0: build it with bias=True, also where a "
                "BatchNorm follows"
            )
    pairs = [] if source is None else list(_pairs(model, source))
    _agree_where_shared(pairs)
    with torch.no_grad():
        for _, to, value in pairs:
            to.copy_(value)
        for _, layer in layers:
            layer.g.weight.zero_()
            layer.g.bias.fill_(1)
            if layer.form == "full":
                layer.b.weight.zero_()
                layer.b.bias.zero_()
    return model


def relinear_groups(
    model: nn.Module, lr: float, *, ratio: float, weight_decay: float = 0.0, shrink: float | None = None
) -> list[dict]:
    r"""Parameter groups for a torch optimiser that hold the quadratic parts of a network back.

    The quadratic parts of a layer :math:`y = (R x + b)(G x + g) + B (x \odot x) + c` are G, g, B and c. Parameters are
    sorted by identity and the layer that they are in, and each is in one group:

    - ``"conventional"``: all others, whole polynomial layers included, with ``lr`` and ``weight_decay``;
    - ``"quadratic"``: G, B and c, with ``ratio * lr`` and ``shrink``;
    - ``"gate"``: g, with ``ratio * lr`` and no weight decay, which would pull it from 1 to 0, and the layer with it.

    Where G or B is normalised, masked or adapted, what it is computed from is in the group that it would be in.

    The two strategies of the source are ``ratio`` below 1 (smaller steps) and ``shrink`` (shrinking weights); they can
    be joined. R and G are parameters of their own, so that the groups are exact for every optimiser, Adam included.
    A schedule that multiplies the learning rates keeps the ratio; one with bounds of its own (``eta_min`` of a cosine,
    ``max_lr`` of a one-cycle) must be given them for each group.

    Args:
        model: a network with quadratic layers of the form ``"full"`` or ``"compact"``; best after :func:`relinear_`.
        lr: learning rate of the conventional parameters.
        ratio: learning rate of the quadratic parts over ``lr``; 0 freezes them. The source used 1e-4 for 20 layers, and
            1e-2 for 56 with ReZero.
        weight_decay: of the conventional parameters.
        shrink: weight decay of G, B and c; None is that of the others.

    Returns:
        Groups with the keys ``name``, ``params``, ``lr`` and ``weight_decay``; an empty one is left out.

    Raises:
        ValueError: there is no quadratic layer, one has another form, or a number is out of its range.

    Source: :cite:t:`fan2023`.

    Example:
        >>> groups = pnn.relinear_groups(model, lr=0.1, ratio=1e-2, weight_decay=1e-4)
        >>> optimiser = torch.optim.SGD(groups, momentum=0.9)
    """
    shrink = weight_decay if shrink is None else shrink
    for name, value in (("lr", lr), ("ratio", ratio), ("weight_decay", weight_decay), ("shrink", shrink)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be a finite number of at least 0, got {value}")

    group_of = {}
    for _, layer in _quadratic_layers(model):
        for name, part in layer.g.named_parameters():
            # A mask calls it "bias_orig", a parametrisation "parametrizations.bias.original", an adapter "base.bias".
            group_of[part] = "gate" if "bias" in name else "quadratic"
        if layer.form == "full":
            group_of |= dict.fromkeys(layer.b.parameters(), "quadratic")
    groups = {
        "conventional": {"lr": lr, "weight_decay": weight_decay},
        "quadratic": {"lr": ratio * lr, "weight_decay": shrink},
        "gate": {"lr": ratio * lr, "weight_decay": 0.0},
    }
    members = {name: [] for name in groups}
    for parameter in model.parameters():  # Each comes once, even if modules share it.
        members[group_of.get(parameter, "conventional")].append(parameter)
    return [{"name": name, "params": members[name], **groups[name]} for name in groups if members[name]]


def _quadratic_layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers that have a conventional start, with their names for messages."""
    found = False
    for name, module in model.named_modules():
        if isinstance(module, _QUADRATIC):
            if module.form not in ("full", "compact"):
                raise ValueError(
                    f"{_called(name, module)} has the form {module.form!r}, which has no conventional part: ReLinear "
                    "needs 'full' or 'compact'"
                )
            found = True
            yield _called(name, module), module
    if not found:
        raise ValueError(
            f"the model ({type(model).__name__}) has no quadratic layer: ReLinear is for QuadraticLinear, "
            "QuadraticConv1d and QuadraticConv2d"
        )


def _refuse_computed(here: str, letter: str, layer: nn.Module) -> None:
    """Refuse a map whose weight is computed: what is written into it would be lost."""
    if not owns_its_weight(layer):
        raise ValueError(
            f"the map {letter!r} in {here} is a {type(layer).__name__} whose weight or bias is computed, by a "
            "normalisation, a mask or an adapter: call relinear_ before these are put on the model"
        )


def _called(name: str, module: nn.Module) -> str:
    return f"the module {name!r} ({type(module).__name__})" if name else f"the model ({type(module).__name__})"


def _pairs(model: nn.Module, source: nn.Module) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Each tensor of the model that has a value in the source, and this value."""
    theirs = dict(source.named_modules(remove_duplicate=False))
    within = None  # The quadratic layer that was met last stands here: its maps are no modules of the source.
    for name, module in model.named_modules(remove_duplicate=False):
        if within is not None and name.startswith(within):
            continue
        here = _called(name, module)
        if (twin := theirs.pop(name, None)) is None:
            raise ValueError(f"the source lacks {here}{_SAME}")
        if isinstance(module, _QUADRATIC):
            within = f"{name}." if name else ""
            _agree(here, "type", type(twin).__name__, type(module.r).__name__)
            for setting in module._settings:
                _agree(here, setting, getattr(twin, setting), getattr(module, setting))
            yield here, module.r.weight, twin.weight
            yield here, module.r.bias, twin.weight.new_zeros(len(twin.weight)) if twin.bias is None else twin.bias
            continue
        if not any(module.children()):  # Of containers, only what they hold matters.
            _agree(here, "type", type(twin).__name__, type(module).__name__)
        own, values = _tensors(module), _tensors(twin)
        _agree(here, "tensors", *({key: tuple(t.shape) for key, t in tensors.items()} for tensors in (values, own)))
        yield from ((here, tensor, values[key]) for key, tensor in own.items())
    if theirs:
        raise ValueError(f"the model lacks {_called(*next(iter(theirs.items())))} of the source{_SAME}")


def _agree(here: str, what: str, source, model) -> None:
    if source != model:
        raise ValueError(f"{here} needs {what} {model} in the source, got {source}{_SAME}")


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return dict([*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)])


def _agree_where_shared(pairs: list[tuple[str, Tensor, Tensor]]) -> None:
    """Refuse two values for a tensor that modules of the model share."""
    taken: dict[Tensor, Tensor] = {}
    for here, tensor, value in pairs:
        first = taken.setdefault(tensor, value)
        if first is not value and not torch.equal(first, value):
            raise ValueError(f"{here} shares a tensor with another module, but the source has two values for it{_SAME}")
