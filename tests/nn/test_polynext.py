"""PolyNeXt's block against its equation in plain torch, its cost and its degree."""

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import pnn


def trained(block: pnn.PolyNeXtBlock) -> pnn.PolyNeXtBlock:
    """With numbers that are not those of the start, in evaluation mode."""
    with torch.no_grad():
        for name, tensor in [*block.named_parameters(), *block.named_buffers()]:
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 2) if name.endswith("running_var") else tensor.normal_(0, 0.4)
    return block.eval()


def affine(norm, x):
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, False, 0, norm.eps)


CHANGED = {
    "product": ({}, lambda a, b: a * b),
    "sum": ({"merge": "sum"}, lambda a, b: a + b),
    "relu": ({"activation": torch.nn.ReLU}, lambda a, b: (a * b).clamp(min=0)),
    "gelu, sum": ({"activation": torch.nn.GELU, "merge": "sum"}, lambda a, b: F.gelu(a + b)),
}


@pytest.mark.parametrize("changed", CHANGED)
@pytest.mark.parametrize(("kernel", "dilation", "expansion"), [(3, 2, 2), (5, 1, 1), (3, 3, 3)])
def test_it_is_the_equation(kernel, dilation, expansion, changed):
    torch.manual_seed(0)
    options, merged = CHANGED[changed]
    block = trained(pnn.PolyNeXtBlock(4, kernel, dilation, expansion, dtype=torch.float64, **options))
    x = torch.randn(2, 4, 9, 9, dtype=torch.float64)
    y = affine(block.norm1, x)
    near = F.conv2d(y, block.near.weight, block.near.bias, padding=kernel // 2, groups=4)
    far = F.conv2d(y, block.far.weight, block.far.bias, padding=dilation * (kernel // 2), dilation=dilation, groups=4)
    first = F.conv2d(affine(block.norm2, merged(near, far)), block.mix.weight, block.mix.bias)
    expected = x + first / (1 + (-block.scale1.logit).exp())
    z = affine(block.norm3, expected)
    high = F.conv2d(z, block.maps.weight[: 4 * expansion], block.maps.bias[: 4 * expansion])
    low = F.conv2d(z, block.maps.weight[4 * expansion :], block.maps.bias[4 * expansion :])
    second = F.conv2d(affine(block.norm4, merged(high, low)), block.back.weight, block.back.bias)
    expected = expected + second / (1 + (-block.scale2.logit).exp())
    assert_close(block(x), expected)


@pytest.mark.parametrize(("channels", "kernel", "expansion"), [(4, 3, 2), (6, 5, 1)])
def test_cost_is_that_of_the_documentation(channels, kernel, expansion):
    block = pnn.PolyNeXtBlock(channels, kernel, expansion=expansion)
    cost = pnn.budget(block, torch.zeros(1, channels, 8, 8))
    assert cost.parameters == channels**2 * (1 + 3 * expansion) + channels * (2 * kernel**2 + 4 * expansion + 12)
    assert cost.macs == 64 * (channels**2 * (1 + 3 * expansion) + 2 * kernel**2 * channels)


@pytest.mark.parametrize("scale", [0.5, 0.05])
def test_its_branches_start_scaled_as_told(scale):
    block = pnn.PolyNeXtBlock(4, scale=scale)
    for own in (block.scale1, block.scale2):
        assert_close(own(torch.ones(1, 4, 2, 2)), torch.full((1, 4, 2, 2), scale))


def test_bad_arguments_say_what_is_allowed():
    with pytest.raises(ValueError, match=r"kernel_size must be odd.*got 4"):
        pnn.PolyNeXtBlock(4, 4)
    with pytest.raises(ValueError, match="merge must be one of 'product', 'sum', got 'mean'"):
        pnn.PolyNeXtBlock(4, merge="mean")
    for scale in (0, 1, -0.5):
        with pytest.raises(ValueError, match=f"scale must be between 0 and 1.*got {scale}"):
            pnn.PolyNeXtBlock(4, scale=scale)


def test_a_reset_draws_the_activation_anew_too():
    block = pnn.PolyNeXtBlock(4, activation=torch.nn.PReLU)
    with torch.no_grad():
        block.activation.weight.fill_(7)
    block.reset_parameters()
    assert block.activation.weight.item() == 0.25
