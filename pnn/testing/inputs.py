"""Checks of inputs that lie otherwise in memory, are empty, or are of fewer bits."""

import torch

from .case import Case, DoesNotApply, assert_close, assert_near


def not_contiguous(case: Case) -> None:
    """Where every second number in memory is the input's, and where it is stored transposed, the output is the same."""
    spread = tuple(torch.stack([x, torch.zeros_like(x)], -1)[..., 0] for x in case.inputs)
    turned = tuple(x.transpose(0, -1).contiguous().transpose(0, -1) for x in case.inputs)
    for inputs in (spread, turned):
        assert_close(case.fresh()(*inputs), case.output(), "the output of a strided input")


def channels_last(case: Case) -> None:
    """Images whose channels lie innermost in memory give the same."""
    if not any(x.dim() == 4 for x in case.inputs):
        raise DoesNotApply("no input has four dimensions")
    layer = case.fresh().to(memory_format=torch.channels_last)
    inputs = (x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in case.inputs)
    assert_close(layer(*inputs), case.output(), "the output of channels_last")


def empty_batch(case: Case) -> None:
    """No row in gives no row out, and a backward pass."""
    y = case.fresh()(*(x[:0] for x in case.inputs))
    expected = (0, *case.output().shape[1:])
    assert tuple(y.shape) == expected, f"the shape of an empty batch is {tuple(y.shape)}, expected {expected}"
    if y.requires_grad:
        y.sum().backward()


def float16(case: Case) -> None:
    """In float16 it gives float16, near what it gives in float32."""
    _low(case, torch.float16, 0.02)


def bfloat16(case: Case) -> None:
    """In bfloat16 it gives bfloat16, near what it gives in float32."""
    _low(case, torch.bfloat16, 0.1)


def autocast(case: Case) -> None:
    """Under autocast to bfloat16 it is near itself, and gradients have the parameters' type."""
    layer, inputs = case.fresh(), case.leaves()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(*inputs)
    assert_near(y, case.output(), "the output under autocast", 0.1)
    if not y.requires_grad:
        return
    y.float().sum().backward()
    for name, parameter in layer.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.dtype == parameter.dtype, f"the gradient of {name} is of {parameter.grad.dtype}"
            assert parameter.grad.isfinite().all(), f"the gradient of {name} is not finite"


def _low(case: Case, dtype: torch.dtype, share: float) -> None:
    with torch.no_grad():
        y = case.fresh().to(dtype)(*case.of(dtype))
    assert y.dtype == dtype, f"in {dtype} the output is of {y.dtype}"
    assert_near(y, case.output(), f"the output in {dtype}", share)
