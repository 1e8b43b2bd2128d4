"""LeNet-5 and ConvNeXt: the published sizes, the blocks written out, every neuron and image size."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import pnn
from pnn.networks.neurons import NEURONS
from pnn.tasks.data import Form


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_lenet_has_the_parameters_of_lenet_5():
    model = pnn.LeNet("standard").build(Form((1, 28, 28), 10))
    assert count(model) == (25 * 6 + 6) + (25 * 6 * 16 + 16) + (400 * 120 + 120) + (120 * 84 + 84) + (84 * 10 + 10)
    assert count(model) == 61_706


def test_lenet_written_out():
    model, x = pnn.LeNetModule(1, 10), torch.randn(3, 1, 28, 28)
    first, _, _, second, _, _, _, third, _, fourth, _, head = model
    y = F.max_pool2d(F.conv2d(x, first.weight, first.bias, padding=2).clamp(min=0), 2)
    y = F.max_pool2d(F.conv2d(y, second.weight, second.bias).clamp(min=0), 2).reshape(3, 400)
    y = head(fourth(third(y).clamp(min=0)).clamp(min=0))
    assert_close(model(x), y)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 12, 20), (1, 29, 31)])
def test_lenet_takes_images_of_many_sizes(shape):
    assert pnn.LeNet("standard", 3).build(Form(shape, 10))(torch.randn(2, *shape)).shape == (2, 10)


def test_lenet_refuses_an_image_that_is_too_small():
    assert not pnn.LeNet("standard").fits(Form((1, 8, 8), 10))
    with pytest.raises(ValueError, match="at least 12 x 12 pixels, got 8 x 8"):
        pnn.LeNetModule(1, 10, size=(8, 8))


def norm(x: torch.Tensor, layer: nn.LayerNorm) -> torch.Tensor:
    """LayerNorm over dimension 1."""
    centred = x - x.mean(1, keepdim=True)
    normal = centred / (centred.square().mean(1, keepdim=True) + 1e-6).sqrt()
    shape = (1, -1, *[1] * (x.dim() - 2))
    return normal * layer.weight.view(shape) + layer.bias.view(shape)


def test_convnext_written_out():
    model, x = pnn.ConvNeXtModule(3, 10, 4, depth=1), torch.randn(2, 3, 32, 32)
    for p in model.parameters():
        nn.init.normal_(p, std=0.3)
    stem, stem_norm, *stages, _, head_norm, head = model
    y, sizes = norm(stem(x), stem_norm), []
    for layer in stages:
        if isinstance(layer, nn.LayerNorm):
            y = norm(y, layer)
        elif isinstance(layer, nn.Conv2d):
            y = layer(y)
        else:
            c = y.shape[1]
            z = norm(F.conv2d(y, layer.depthwise.weight, layer.depthwise.bias, padding=3, groups=c), layer.norm)
            z = F.conv2d(F.gelu(F.conv2d(z, layer.expand.weight, layer.expand.bias)), layer.reduce.weight)
            y = y + layer.scale * (z + layer.reduce.bias[:, None, None])
            sizes.append(tuple(y.shape[1:]))
    assert sizes == [(4, 16, 16), (8, 8, 8), *[(16, 4, 4)] * 3]
    assert_close(model(x), head(norm(y.mean((2, 3)), head_norm)), rtol=1e-4, atol=1e-4)


def test_a_convnext_block_is_torchvisions():
    block = pytest.importorskip("torchvision.models.convnext").CNBlock(8, 1e-6, 0.0)
    own = pnn.ConvNeXtModule(3, 10, 8, depth=1)[2]
    for p in block.parameters():
        nn.init.normal_(p)
    depthwise, _, layer_norm, expand, _, reduce, _ = block.block
    with torch.no_grad():
        own.depthwise.load_state_dict(depthwise.state_dict())
        own.norm.load_state_dict(layer_norm.state_dict())
        for to, source in ((own.expand, expand), (own.reduce, reduce)):
            to.weight.copy_(source.weight[:, :, None, None])
            to.bias.copy_(source.bias)
        own.scale.copy_(block.layer_scale)
    x = torch.randn(2, 8, 10, 10)
    assert_close(own(x), block(x), rtol=1e-4, atol=1e-4)


def test_convnext_starts_as_published():
    model = pnn.ConvNeXtModule(3, 10, 32)
    weights = torch.cat([m.weight.flatten() for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)])
    assert weights.abs().max() <= 0.04
    assert 0.016 < weights.std() < 0.019
    assert all(not m.bias.any() for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear))
    assert all(p.unique().tolist() == [pytest.approx(1e-6)] for name, p in model.named_parameters() if "scale" in name)


def test_a_convnext_may_start_as_torchs_own_layers_do():
    """A plain layer of n inputs starts uniform up to the root of 1 / n, and every block takes its part at once."""
    model = pnn.ConvNeXt("standard", 32, start="torch").build(Form((3, 32, 32), 10))
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = module.weight[0].numel() ** -0.5
            assert 0.8 * bound < module.weight.abs().max() <= bound
    assert all((p == 1).all() for name, p in model.named_parameters() if "scale" in name)


def test_an_unknown_start_says_which_there_are():
    with pytest.raises(ValueError, match="start must be one of 'published', 'torch', got 'kaiming'"):
        pnn.ConvNeXtModule(3, 10, 4, start="kaiming")


@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("kind", [pnn.LeNet, pnn.ConvNeXt])
def test_every_neuron_takes_the_place_of_the_plain_one(kind, neuron):
    model = kind(neuron, 2, pnn.TPGUChoice(2)).build(Form((3, 16, 16), 10))
    y = model(torch.randn(4, 3, 16, 16))
    y.square().sum().backward()
    assert y.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(
    "network", [pnn.LeNet("polynomial"), pnn.ConvNeXt("standard", 8, pnn.TPGUChoice(7), start="torch")]
)
def test_a_choice_comes_back_from_its_json(network):
    run = pnn.Run(pnn.CIFAR10(), network, pnn.Recipe(1), 0, "smoke")
    assert pnn.Run.from_dict(run.to_dict()) == run
