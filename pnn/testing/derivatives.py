"""Checks of derivatives: against differences, forwards and backwards, and of every row by itself."""

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from .case import Case, DoesNotApply, assert_close


def gradients(case: Case) -> None:
    """Both modes of differentiation agree with differences, with respect to inputs and parameters, in float64."""
    _refuse_whole_numbers(case)
    layer = case.fresh().double()
    names = [name for name, p in layer.named_parameters() if p.requires_grad]
    values = [p.detach().clone().requires_grad_() for p in layer.parameters() if p.requires_grad]
    inputs = [x[:2].double().requires_grad_() for x in case.inputs]

    def call(*tensors: Tensor) -> Tensor:
        return functional_call(layer, dict(zip(names, tensors[len(inputs) :], strict=True)), tensors[: len(inputs)])

    if not call(*inputs, *values).requires_grad:
        raise DoesNotApply("the output has no gradient")
    torch.autograd.gradcheck(call, (*inputs, *values), fast_mode=True, check_forward_ad=True)


def gradients_by_row(case: Case) -> None:
    """vmap over the rows gives every row's output, and every row's own gradients as one pass a row does."""
    _refuse_whole_numbers(case)
    layer = case.fresh()
    parameters = {name: p.detach() for name, p in layer.named_parameters() if p.requires_grad}

    def call(parameters: dict[str, Tensor], rows: tuple[Tensor, ...]) -> Tensor:
        return functional_call(layer, parameters, tuple(x.unsqueeze(0) for x in rows))[0]

    def loss(parameters: dict[str, Tensor], rows: tuple[Tensor, ...]) -> Tensor:
        return call(parameters, rows).square().sum()

    assert_close(vmap(call, (None, 0))(parameters, case.inputs), case.output(), "the output under vmap")
    found = vmap(grad(loss, (0, 1)), (None, 0))(parameters, case.inputs)
    for row in range(len(case.inputs[0])):
        alone = case.fresh()
        inputs = tuple(x[row : row + 1].clone().requires_grad_() for x in case.inputs)
        alone(*inputs).square().sum().backward()
        for name, p in alone.named_parameters():
            if not p.requires_grad:
                continue
            expected = torch.zeros_like(p) if p.grad is None else p.grad
            assert_close(found[0][name][row], expected, f"the gradient of {name} of one row", rtol=1e-3, atol=1e-4)
        for x, of_x in zip(inputs, found[1], strict=True):
            assert x.grad is not None
            assert_close(of_x[row], x.grad[0], "the gradient of an input of one row", rtol=1e-3, atol=1e-4)


def _refuse_whole_numbers(case: Case) -> None:
    if not all(x.is_floating_point() for x in case.inputs):
        raise DoesNotApply("an input is of whole numbers")
