"""Checks of what makes a program of a layer: tracing, the compiler, export, and ONNX."""

from typing import Any

import torch

from ..system.extras import MissingExtraError, needs
from .case import Case, NotRun, assert_close

BATCHES = (2, 7)


def trace(case: Case) -> None:
    """torch.jit.trace gives the same, for another number of rows too."""
    traced: Any = torch.jit.trace(case.fresh(), case.inputs)
    for rows in BATCHES:
        assert_close(traced(*case.rows(rows)), case.fresh()(*case.rows(rows)), f"the traced output of {rows} rows")


def compilation(case: Case) -> None:
    """torch.compile takes it as one graph, and gives the same output and the same gradients."""
    torch.compiler.reset()  # Many layers share one forward, of which torch compiles a few variants only.
    layer = case.fresh()
    inputs = case.leaves()
    tensors = [tensor for tensor in (*inputs, *layer.parameters()) if tensor.requires_grad]
    expected = layer(*inputs)
    y = torch.compile(layer, fullgraph=True, backend="aot_eager")(*inputs)
    assert_close(y, expected, "the compiled output")
    if not expected.requires_grad:
        return
    slopes = torch.randn_like(y)
    both = (torch.autograd.grad(output, tensors, slopes, allow_unused=True) for output in (y, expected))
    for found, known in zip(*both, strict=True):
        if known is not None:
            assert_close(found, known, "a gradient of the compiled layer", rtol=1e-3, atol=1e-4)


def export(case: Case) -> None:
    """torch.export with a free number of rows gives the same."""
    program = torch.export.export(case.fresh(), case.inputs, dynamic_shapes=_free(case)).module()
    for rows in BATCHES:
        assert_close(program(*case.rows(rows)), case.fresh()(*case.rows(rows)), f"the exported output of {rows} rows")


def onnx(case: Case) -> None:
    """The layer becomes ONNX with a free number of rows, which ONNX's own evaluator gives the same by."""
    try:
        with needs("dev", "the check"):
            import onnxscript  # noqa: F401 - Torch's exporter needs it.
            from onnx.reference import ReferenceEvaluator
    except MissingExtraError as error:
        raise NotRun(str(error)) from error
    program = torch.onnx.export(case.fresh(), case.inputs, dynamo=True, dynamic_shapes=_free(case), verbose=False)
    assert program is not None
    evaluator: Any = ReferenceEvaluator(program.model_proto)
    for rows in BATCHES:
        inputs = case.rows(rows)
        named = dict(zip(evaluator.input_names, (x.numpy() for x in inputs), strict=True))
        y = torch.as_tensor(evaluator.run(None, named)[0])
        assert_close(y, case.fresh()(*inputs).detach(), f"ONNX's output of {rows} rows", rtol=1e-3, atol=1e-4)


def _free(case: Case) -> tuple[dict[int, object], ...]:
    """Dimension 0 of every input may have any size."""
    rows = torch.export.Dim.DYNAMIC if len(case.inputs) == 1 else torch.export.Dim("rows")
    return tuple({0: rows} for _ in case.inputs)
