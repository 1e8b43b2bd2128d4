"""The quadratic with a normalisation of each basis function, written out."""

import math

import pytest
import torch
from torch.testing import assert_close

import pnn


def normalised(h: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    return (h - mean) / (variance + 1e-5).sqrt()


def plainly(layer: pnn.HermiteBatchNorm, x: torch.Tensor) -> torch.Tensor:
    """Of rows of columns, in training: ReLU's coefficients, the two polynomials, their batch statistics."""
    parts = []
    for f, h in ((0.5, x), (1 / (2 * math.sqrt(math.pi)), (x**2 - 1) / math.sqrt(2))):
        parts.append(f * normalised(h, h.mean(0), h.var(0, correction=0)))
    return layer.weight * sum(parts) + layer.bias


@pytest.fixture
def layer() -> pnn.HermiteBatchNorm:
    torch.manual_seed(0)
    layer = pnn.HermiteBatchNorm(5, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.uniform_(0.5, 2)
        layer.bias.normal_()
    return layer


def test_in_training_it_is_its_equation(layer):
    x = 3 * torch.randn(40, 5, dtype=torch.float64) + 1
    assert_close(layer(x), plainly(layer, x))
    image = x.view(2, 4, 5, 5).permute(0, 3, 1, 2)
    assert_close(layer(image).permute(0, 2, 3, 1).reshape(40, 5), plainly(layer, x))


def test_its_coefficients_are_relus():
    z = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    density = (-(z**2) / 2).exp() / math.sqrt(2 * math.pi) * (z[1] - z[0])
    from pnn.nn.hermite_batch_norm import LINEAR, QUADRATIC

    assert (density * z.relu() * z).sum().item() == pytest.approx(LINEAR)
    assert (density * z.relu() * (z**2 - 1) / math.sqrt(2)).sum().item() == pytest.approx(QUADRATIC)


def test_at_inference_it_is_a_quadratic_of_the_running_statistics(layer):
    for _ in range(5):
        layer(torch.randn(30, 5, dtype=torch.float64))
    layer.eval()
    x = torch.randn(7, 5, dtype=torch.float64)
    first = normalised(x, layer.norm1.running_mean, layer.norm1.running_var)
    second = normalised((x**2 - 1) / math.sqrt(2), layer.norm2.running_mean, layer.norm2.running_var)
    expected = layer.weight * (0.5 * first + second / (2 * math.sqrt(math.pi))) + layer.bias
    assert_close(layer(x), expected)
    assert not torch.equal(layer.norm1.running_var, layer.norm2.running_var)


def test_its_gradient_is_right(layer):
    x = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)


@pytest.mark.parametrize("shape", [(5,), (3, 4), (3, 4, 5)])
def test_another_number_of_channels_is_refused(layer, shape):
    with pytest.raises(ValueError, match=r"expected 5 channels in dimension 1, got shape \("):
        layer(torch.randn(shape, dtype=torch.float64))
