"""Clipping: the gradients after it, written out; and which parameters it leaves alone."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import pnn


def trained_once() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), pnn.HermiteBatchNorm(5), nn.Linear(5, 3), nn.BatchNorm1d(3))
    (10 * model(torch.randn(6, 4)) * torch.randn(6, 3)).sum().backward()
    return model


def gradients(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters()}


NORMS = ("1.weight", "1.bias", "3.weight", "3.bias")


@pytest.mark.parametrize("selective", [False, True])
@pytest.mark.parametrize("limit", [0.5, 1e6])
def test_the_gradients_have_the_norm_that_is_allowed(selective, limit):
    model = trained_once()
    before = gradients(model)
    clipped = [name for name in before if not (selective and name in NORMS)]
    norm = torch.stack([before[name].square().sum() for name in clipped]).sum().sqrt()
    found = pnn.ClipNorm(limit, selective).after_backward(model)
    assert_close(found["gradient_norm"], norm)
    assert found["clip_rate"] == float(norm > limit)
    for name, gradient in gradients(model).items():
        share = torch.clamp(limit / norm, max=1.0) if name in clipped else 1.0
        assert_close(gradient, before[name] * share, rtol=1e-4, atol=1e-7)


def test_a_limit_must_be_positive():
    with pytest.raises(pnn.RunError, match=r"ClipNorm\.limit must be positive, got 0"):
        pnn.ClipNorm(0.0)
