"""A scale and a shift of each channel, against their equation and against torch's batch norm."""

import math

import torch
from torch import nn

import pnn
from pnn.analysis.channel_affine import Affine


def test_a_channel_affine_is_its_equation():
    x = torch.arange(12.0).view(1, 3, 4)
    scale, shift = torch.tensor([1.0, 0.0, -2.0]), torch.tensor([0.5, math.pi, 0.0])
    expected = torch.stack([x[0, 0] + 0.5, torch.full((4,), math.pi), -2 * x[0, 2]])[None]
    torch.testing.assert_close(pnn.ChannelAffine(scale, shift)(x), expected)
    assert torch.equal(pnn.ChannelAffine(None, None)(x), x)
    assert repr(pnn.ChannelAffine(scale, None)) == "ChannelAffine(scale of 3 channels)"


def test_it_is_a_batch_norm_in_evaluation_and_two_of_them_one_after_the_other():
    torch.manual_seed(0)
    norms = [nn.BatchNorm1d(3).double(), nn.BatchNorm1d(3, affine=False).double()]
    x = torch.randn(20, 3, dtype=torch.float64)
    for norm in norms:
        norm(3 * x + 1)
        norm.eval()
    norms[0].weight.data.normal_()
    norms[0].bias.data.normal_()
    affine = Affine.of(norms[1]).after(Affine.of(norms[0]))
    torch.testing.assert_close(affine.scale * x + affine.shift, norms[1](norms[0](x)), rtol=1e-12, atol=1e-12)
