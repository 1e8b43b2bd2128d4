"""Checks of what others do to the modules inside a layer: hooks, norms, masks, adapters, quantisation, counters.

A layer that computes with the weight of a child, and never calls it, fails them.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune
from torch.utils.flop_counter import FlopCounterMode

from .case import MAPS, Case, DoesNotApply, NotRun, assert_close, assert_near, joined, weights


def hooks(case: Case) -> None:
    """In one pass forwards and backwards the layer's own hooks fire once, and those of what is inside it at least once.

    Only modules with parameters count: a container is never called.
    """
    for kind in ("forward_pre", "forward", "full_backward"):
        layer, fired = case.fresh(), Counter[str]()

        def fire(name: str, fired: Counter[str] = fired) -> Callable[..., None]:
            return lambda *_: fired.update([name])

        inside = [
            name
            for name, module in layer.named_modules()
            if [*module.parameters(recurse=False)] and not isinstance(module, nn.ParameterList | nn.ParameterDict)
        ]
        for name in {"", *inside}:
            getattr(layer.get_submodule(name), f"register_{kind}_hook")(fire(name))
        y = layer(*case.leaves())
        assert_close(y, case.output(), f"the output with a {kind} hook")
        if kind == "full_backward":
            y.sum().backward()
        assert fired[""] == 1, f"the layer's own {kind} hook fired {fired['']} times"
        for name in inside:
            assert fired[name], f"the {kind} hook of {name!r} never fired"


def weight_norm(case: Case) -> None:
    """torch.nn.utils.parametrizations.weight_norm on every weight."""
    _computed(case, lambda module, name: parametrizations.weight_norm(module, name))


def spectral_norm(case: Case) -> None:
    """torch.nn.utils.parametrizations.spectral_norm on every weight."""
    _computed(case, lambda module, name: parametrizations.spectral_norm(module, name))


def older_weight_norm(case: Case) -> None:
    """torch.nn.utils.weight_norm on every weight, which works by a hook."""
    _computed(case, lambda module, name: nn.utils.weight_norm(module, name))


def older_spectral_norm(case: Case) -> None:
    """torch.nn.utils.spectral_norm on every weight, which works by a hook."""
    _computed(case, lambda module, name: nn.utils.spectral_norm(module, name))


def pruning(case: Case) -> None:
    """torch.nn.utils.prune on every weight, which works by a hook."""
    _computed(case, lambda module, name: prune.l1_unstructured(module, name, amount=0.5))


def adapters(case: Case) -> None:
    """In the place of every map an adapter of low rank starts as the map, and learns."""
    host = nn.Sequential(case.fresh())
    found = case.maps(host)
    if not found:
        raise DoesNotApply("there is no linear map or convolution of torch's inside")
    for path, module in found:
        parent, _, name = path.rpartition(".")
        setattr(host.get_submodule(parent), name, LowRank(module))
    y = host(*case.inputs) if len(case.inputs) == 1 else host[0](*case.inputs)
    assert_close(y, case.output(), "the output with adapters that start at zero")
    assert y.requires_grad, "no adapter is called"
    y.square().sum().backward()
    for path, module in host.named_modules():
        if isinstance(module, LowRank):
            slope = module.up.weight.grad
            assert slope is not None, f"the adapter of {path[2:] or 'the layer'!r} has no gradient"
            assert slope.any(), f"the adapter of {path[2:] or 'the layer'!r} has a gradient of zero"


def dynamic_quantisation(case: Case) -> None:
    """With linear maps of eight bits the output is near what it was."""
    if not any(isinstance(module, nn.Linear) for module in case.layer.modules()):
        raise DoesNotApply("there is no torch.nn.Linear")
    if torch.backends.quantized.engine == "none" or not hasattr(torch.ao.quantization, "quantize_dynamic"):
        raise NotRun("this build of torch has no quantised operations")
    host = torch.ao.quantization.quantize_dynamic(nn.ModuleList([case.fresh()]), {nn.Linear}, torch.qint8)
    with torch.no_grad():
        assert_near(host[0](*case.inputs), case.output(), "the output with quantised maps", 0.1)


def counters(case: Case) -> None:
    """A counter that hooks torch's own layers finds as many multiply-accumulates as one that watches operations."""
    layer, counted = case.fresh(), 0

    def count(module: nn.Module, _: tuple, y: Tensor) -> None:
        nonlocal counted
        counted += y.numel() * module.get_parameter("weight")[0].numel()

    maps = [module for module in layer.modules() if type(module) in MAPS]
    if not maps or any(module not in maps for _, module, _ in weights(layer)):
        raise DoesNotApply("it has weights outside of torch's own linear maps and convolutions")
    for module in maps:
        module.register_forward_hook(count)
    with torch.no_grad(), FlopCounterMode(display=False) as watched:
        layer(*case.inputs)
    found = watched.get_total_flops() // 2
    assert counted == found, f"counted by hooks, {counted:,} multiply-accumulates; by operations, {found:,}"


class LowRank(nn.Module):
    """A frozen map plus a learned one of low rank that starts at zero, as LoRA has it.

    As with the adapters of other libraries, its ``weight`` is that of the frozen map.
    """

    base: Any  # These three are all of one kind, torch's linear map or one of its convolutions.
    down: Any
    up: Any

    def __init__(self, base: Any) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        own = {"bias": False, "device": base.weight.device, "dtype": base.weight.dtype}
        if isinstance(base, nn.Linear):
            self.down = nn.Linear(base.in_features, 2, **own)
            self.up = nn.Linear(2, base.out_features, **own)
        else:
            kept = ("stride", "padding", "dilation", "groups", "padding_mode")
            settings = {name: getattr(base, name) for name in kept}
            self.down = type(base)(base.in_channels, 2 * base.groups, base.kernel_size, **settings, **own)
            self.up = type(base)(2 * base.groups, base.out_channels, 1, groups=base.groups, **own)
        nn.init.zeros_(self.up.weight)

    @property
    def weight(self) -> Tensor:
        return self.base.weight

    @property
    def bias(self) -> Tensor | None:
        return self.base.bias

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.up(self.down(x))


def _computed(case: Case, compute: Callable[[nn.Module, str], object]) -> None:
    """Compute every weight from others, take two steps, and compare with a layer that has the results as weights."""
    layer = _off_zero(case)
    found = weights(layer)
    if not found:
        raise DoesNotApply("no parameter is a matrix")
    used = _with_gradient(case)
    for _, module, name in found:
        compute(module, name)
    layer.train()
    optimiser = torch.optim.SGD(layer.parameters(), lr=1e-3)
    for step in ("first", "second"):
        optimiser.zero_grad()
        layer(*case.inputs).square().mean().backward()
        for path, module, name in found:
            if joined(path, name) in used:
                slopes = [p.grad for key, p in module.named_parameters() if key.startswith(_sources(name))]
                learns = any(slope is not None for slope in slopes)
                assert learns, f"{joined(path, name)!r} has no gradient in the {step} step"
        optimiser.step()
    layer.eval()
    with torch.no_grad():
        y = layer(*case.inputs)
        plain = case.fresh()
        state = dict([*layer.named_parameters(), *layer.named_buffers()])
        state |= {joined(path, name): getattr(module, name) for path, module, name in found}
        for key, tensor in [*plain.named_parameters(), *plain.named_buffers()]:
            tensor.copy_(state[key])
        assert_close(y, plain(*case.inputs), "the output and that of a layer with the computed weights", rtol=1e-3)


def _sources(name: str) -> tuple[str, ...]:
    """How the names begin of what a weight is computed from: by hooks, ``weight_orig`` or ``weight_g``."""
    return f"parametrizations.{name}.", f"{name}_"


def _off_zero(case: Case) -> nn.Module:
    """A copy with all weights a little changed: nothing can be divided by the norm of zeros."""
    layer, draw = case.fresh(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=draw))
    return layer


def _with_gradient(case: Case) -> set[str]:
    """The parameters that learn at all."""
    layer = _off_zero(case).train()
    layer(*case.inputs).square().mean().backward()
    return {name for name, p in layer.named_parameters() if p.grad is not None and p.grad.any()}
