"""Checks of what copies a layer, or moves it to another type or device."""

import copy
import io
import pickle

import torch
from torch import nn

from .case import Case, DoesNotApply, assert_close


def deep_copy(case: Case) -> None:
    """A copy gives the same, is described as the same, and shares no memory."""
    twin = copy.deepcopy(case.layer).eval()
    assert str(twin) == str(case.fresh()), "the copy is described as another layer"
    _same(case, twin, "the copy's output")
    own = {p.data_ptr() for p in case.layer.parameters() if p.numel()}
    assert not own & {p.data_ptr() for p in twin.parameters() if p.numel()}, "the copy shares parameters"


def pickling(case: Case) -> None:
    """What comes back from a pickle gives the same."""
    twin = pickle.loads(pickle.dumps(case.fresh()))
    assert str(twin) == str(case.fresh()), "what comes back is described as another layer"
    _same(case, twin, "the output of what comes back")


def state_dict(case: Case) -> None:
    """A saved state makes another layer of the kind give the same."""
    twin = _changed(case)
    twin.load_state_dict(_saved(case))
    _same(case, twin, "the output with the loaded state")


def state_dict_assigned(case: Case) -> None:
    """The same where the tensors of the state themselves become those of the layer."""
    twin, state = _changed(case), _saved(case)
    twin.load_state_dict(state, assign=True)
    _same(case, twin, "the output with the assigned state")
    for name, parameter in twin.named_parameters():
        assert isinstance(parameter, nn.Parameter), f"{name} is no parameter any more"
        assert parameter.data_ptr() == state[name].data_ptr(), f"{name} is another tensor than was assigned"


def factories(case: Case) -> None:
    """The layer is made on the device and of the type that its constructor is told, or that torch is."""
    if case.make is None:
        raise DoesNotApply("give a function that makes the layer, such as functools.partial(Kind, 4, 6)")
    told = case.make(device="meta", dtype=torch.float64).eval()
    for name, tensor in _floating(told).items():
        assert tensor.is_meta, f"{name} is on {tensor.device}, not on the device that was told"
        assert tensor.dtype == torch.float64, f"{name} is of {tensor.dtype}, not of the type that was told"
    with torch.device("meta"):
        for name, tensor in _floating(case.make()).items():
            assert tensor.is_meta, f"{name} is on {tensor.device}, not on torch's default device"
    y = told(*(x.to("meta") for x in case.of(torch.float64)))
    assert y.shape == case.output().shape, f"on the device meta the shape is {tuple(y.shape)}"


def double(case: Case) -> None:
    """In float64 it gives the same, in float64."""
    y = case.fresh().double()(*case.of(torch.float64))
    assert y.dtype == torch.float64, f"in float64 the output is of {y.dtype}"
    assert_close(y.float(), case.output(), "the output in float64", rtol=1e-3, atol=1e-4)


def meta(case: Case) -> None:
    """Without memory it gives the shape; with memory and a state again, the same."""
    layer = case.fresh().to("meta")
    y = layer(*(x.to("meta") for x in case.inputs))
    assert y.is_meta, f"on the device meta the output is on {y.device}"
    assert y.shape == case.output().shape, f"on the device meta the shape is {tuple(y.shape)}"
    layer = layer.to_empty(device="cpu")
    layer.load_state_dict(_saved(case))
    _same(case, layer, "the output after the way back")


def _same(case: Case, twin: nn.Module, what: str) -> None:
    with torch.no_grad():
        assert_close(twin(*case.inputs), case.output(), what, rtol=0, atol=0)


def _changed(case: Case) -> nn.Module:
    """Another layer of the kind, if one can be made, or else a copy; every number in it is another one."""
    twin = case.make().eval() if case.make else case.fresh()
    with torch.no_grad():
        for tensor in twin.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(1)
    return twin


def _saved(case: Case) -> dict:
    file = io.BytesIO()
    torch.save(case.layer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def _floating(layer: nn.Module) -> dict[str, torch.Tensor]:
    named = [*layer.named_parameters(), *layer.named_buffers()]
    return {name: tensor for name, tensor in named if tensor.is_floating_point()}
