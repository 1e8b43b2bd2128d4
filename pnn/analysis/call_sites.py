"""Every call of an activation becomes a module of its own, so that each can be replaced by another."""

import copy
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

# What stands between layers. Sigmoid and Hardsigmoid are not among them: in image networks they are gates.
ACTIVATIONS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
    nn.Softplus,
    nn.Tanh,
)
# The functions take the arguments of their modules in the same order, after the input.
FUNCTIONS: dict[Any, type[nn.Module]] = {
    F.relu: nn.ReLU,
    F.relu6: nn.ReLU6,
    F.leaky_relu: nn.LeakyReLU,
    F.elu: nn.ELU,
    F.celu: nn.CELU,
    F.selu: nn.SELU,
    F.gelu: nn.GELU,
    F.silu: nn.SiLU,
    F.mish: nn.Mish,
    F.hardswish: nn.Hardswish,
    F.softplus: nn.Softplus,
    F.tanh: nn.Tanh,
    torch.relu: nn.ReLU,
    torch.relu_: nn.ReLU,
    torch.tanh: nn.Tanh,
    Tensor.relu: nn.ReLU,
    Tensor.relu_: nn.ReLU,
    Tensor.tanh: nn.Tanh,
}
METHODS = {"relu": nn.ReLU, "relu_": nn.ReLU, "tanh": nn.Tanh}


def separate_calls(model: nn.Module, example: Tensor) -> dict[str, str]:
    """Give every call of an activation a module of its own, in place.

    A module that calls functions such as ``torch.relu``, or one activation several times, is traced by itself with its
    children as leaves (:class:`torch.fx.Tracer`), and stands as a :class:`torch.fx.GraphModule` in its old place, with
    its parameters under their old names.

    Returns:
        The modules whose calls could not be told apart, by name, with the reason.
    """
    _unshare(model)
    reused, functional = _watch(model, example)
    failed = {}
    for name in {**dict.fromkeys(reused), **functional}:
        module = model.get_submodule(name)
        if module is model:
            failed[name] = "its own forward cannot be replaced: wrap it in torch.nn.Sequential(model)"
            continue
        try:
            traced = _split(module)
        except Exception as error:  # Tracing runs the module's own code with symbols, which may do anything.
            what = ", ".join(functional.get(name, {})) or "an activation several times"
            failed[name] = f"it calls {what}, and torch.fx cannot trace it: {error}"
            continue
        replace(model, name, traced)
    return failed


def replace(model: nn.Module, name: str, new: nn.Module) -> None:
    """Put a module in the place of another, in the mode of the other."""
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, new.train(model.get_submodule(name).training))


def _unshare(model: nn.Module) -> None:
    """Give every name of an activation a module of its own; those with parameters stay shared."""
    taken = set()
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if isinstance(module, ACTIVATIONS) and not any(module.parameters()):
            if module in taken:
                replace(model, name, copy.deepcopy(module))
            taken.add(module)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients, and afterwards every module's own mode again."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _watch(model: nn.Module, example: Tensor) -> tuple[list[str], dict[str, Counter[str]]]:
    """The parents of activations that are called more than once a pass, and the modules that call functions."""
    stack: list[str] = []
    calls: Counter[str] = Counter()
    functional: dict[str, Counter[str]] = {}
    entered: Counter[str] = Counter()

    class Watch(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            if function in FUNCTIONS and stack and not isinstance(model.get_submodule(stack[-1]), ACTIVATIONS):
                functional.setdefault(stack[-1], Counter())[function.__name__] += 1
            return function(*args, **(kwargs or {}))

    with ExitStack() as hooks:
        for name, module in model.named_modules():

            def enter(module, inputs, name=name):
                stack.append(name)
                entered[name] += 1
                if isinstance(module, ACTIVATIONS):
                    calls[name] += 1

            def leave(module, inputs, output):
                stack.pop()

            for handle in (module.register_forward_pre_hook(enter), module.register_forward_hook(leave)):
                hooks.callback(handle.remove)
        with evaluating(model), Watch():
            model(example)
    parents = {name: name.rpartition(".")[0] for name in calls}
    return [parent for name, parent in parents.items() if calls[name] > max(1, entered[parent])], functional


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


def _split(module: nn.Module) -> fx.GraphModule:
    """The module as a graph in which every activation is a child of its own, called once."""
    codes, was_training = [], module.training
    for training in (True, False):
        module.train(training)
        graph = _Tracer().trace(module)
        codes.append(str(graph))
    module.train(was_training)
    if codes[0] != codes[1]:
        raise ValueError("its forward differs between training and evaluation, which a graph cannot")
    called: Counter[str] = Counter()
    for node in graph.nodes:
        if node.op == "call_module" and isinstance(module.get_submodule(node.target), ACTIVATIONS):
            called[node.target] += 1
            if called[node.target] > 1:
                node.target = _add(module, node.target, copy.deepcopy(module.get_submodule(node.target)))
            continue
        kind = {"call_function": FUNCTIONS, "call_method": METHODS}.get(node.op, {}).get(node.target)
        if kind is None:
            continue
        given, *rest = [*node.args, *([node.kwargs["input"]] if "input" in node.kwargs else [])]
        settings = {key: value for key, value in node.kwargs.items() if key != "input"}
        own = getattr(node.target, "__name__", node.target)
        with graph.inserting_after(node):
            new = graph.call_module(_add(module, own, kind(*rest, **settings)), (given,))
        node.replace_all_uses_with(new)
        graph.erase_node(node)
    graph.lint()
    traced = fx.GraphModule(module, graph, type(module).__name__)
    return traced.train(was_training)


def _add(module: nn.Module, wanted: str, child: nn.Module) -> str:
    """Add a child under a name that is free."""
    parent, _, own = wanted.rpartition(".")
    place, number = module.get_submodule(parent), 1
    name = own
    while hasattr(place, name):
        name, number = f"{own}_{number}", number + 1
    place.add_module(name, child)
    return f"{parent}.{name}".lstrip(".")
