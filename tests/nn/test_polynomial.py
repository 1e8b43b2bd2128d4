"""y = Ax + (Bx)(Cx): the layers against the equation in plain torch.nn.functional, and against torch's own layers."""

import inspect
import math
import random
from itertools import combinations, pairwise

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.testing import assert_close

import pnn

TORCH = {pnn.PolyLinear: nn.Linear, pnn.PolyConv1d: nn.Conv1d, pnn.PolyConv2d: nn.Conv2d}
DIMS = {pnn.PolyLinear: 0, pnn.PolyConv1d: 1, pnn.PolyConv2d: 2}  # of one channel of one sample
CASES = [
    (pnn.PolyLinear, {}),
    (pnn.PolyLinear, {"bias": False}),
    (pnn.PolyConv1d, {"stride": 2, "padding": "valid"}),
    (pnn.PolyConv1d, {"groups": 2, "padding": "same", "padding_mode": "circular", "bias": False}),
    (pnn.PolyConv2d, {"padding": 1, "bias": False}),
    (pnn.PolyConv2d, {"groups": 2, "stride": (2, 1), "padding": (0, 1), "dilation": 2, "padding_mode": "reflect"}),
]


def label(value):
    """A readable test id; None leaves it to pytest."""
    if isinstance(value, dict):
        return ",".join(f"{name}={setting}" for name, setting in value.items()) or "default"
    return getattr(value, "__name__", None)


every_layer = pytest.mark.parametrize("kind", TORCH, ids=label)
every_case = pytest.mark.parametrize(("kind", "settings"), CASES, ids=label)


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def build(kind, settings, channels=(4, 6), **more):
    """A layer of ours or of torch's, with kernel size 3 if it is a convolution."""
    kernel = () if issubclass(kind, (nn.Linear, pnn.PolyLinear)) else (3,)
    return kind(*channels, *kernel, **settings, **more)


def example(kind, batch=3, channels=4, size=8, **options):
    return torch.randn(batch, channels, *[size] * DIMS[kind], **options)


def weights_and_biases(layers):
    return [parameter for layer in layers for parameter in (layer.weight, layer.bias) if parameter is not None]


# The equation


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(4,), (0, 4), (5, 4), (2, 3, 4), (2, 0, 3, 4)])
def test_linear_is_the_equation(shape, bias, dtype):
    layer = pnn.PolyLinear(4, 6, bias=bias, dtype=dtype)
    x = torch.randn(shape, dtype=dtype)
    a, b, c = (F.linear(x, branch.weight, branch.bias) for branch in layer.branches())
    assert_close(layer(x), a + b * c)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("kind", [pnn.PolyConv1d, pnn.PolyConv2d], ids=label)
def test_convolution_is_the_equation(kind, seed):
    """Settings drawn at random; the statement pads by hand, so that it does not rest on torch's padding either."""
    draw, dims = random.Random(seed), DIMS[kind]

    def int_or_tuple(*values):
        return draw.choice([draw.choice(values), tuple(draw.choice(values) for _ in range(dims))])

    def per_dim(value):
        return (value,) * dims if isinstance(value, int) else value

    groups = draw.choice([1, 2, 3])
    inputs, outputs = groups * draw.randint(1, 4), groups * draw.randint(1, 4)
    padding = draw.choice(["same", "valid", int_or_tuple(0, 1, 2)])
    kernel = int_or_tuple(1, 3) if padding == "same" else int_or_tuple(1, 2, 3)
    stride = 1 if padding == "same" else int_or_tuple(1, 2, 3)
    dilation = int_or_tuple(1, 2)
    mode = draw.choice(["zeros", "reflect", "replicate", "circular"])
    dtype = draw.choice([torch.float32, torch.float64])
    layer = kind(
        inputs, outputs, kernel, stride, padding, dilation, groups, draw.choice([True, False]), mode, dtype=dtype
    )
    batch = draw.choice([(), (0,), (1,), (3,)])
    x = torch.randn(*batch, inputs, *(draw.randint(5, 9) for _ in range(dims)), dtype=dtype)

    if padding == "same":
        margin = [d * (k - 1) // 2 for d, k in zip(per_dim(dilation), per_dim(kernel), strict=True)]
    else:
        margin = per_dim(0 if padding == "valid" else padding)
    sides = [side for m in reversed(margin) for side in (m, m)]
    padded = F.pad(x, sides, "constant" if mode == "zeros" else mode)
    convolve = {1: F.conv1d, 2: F.conv2d}[dims]
    a, b, c = (convolve(padded, m.weight, m.bias, stride, 0, dilation, groups) for m in layer.branches())
    assert_close(layer(x), a + b * c, msg=lambda text: f"{layer}\n{text}")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (pnn.PolyLinear, {}),
        (pnn.PolyLinear, {"bias": False}),
        (pnn.PolyConv1d, {"stride": 2}),
        (pnn.PolyConv1d, {"groups": 2, "padding": "same", "padding_mode": "circular"}),
        (pnn.PolyConv2d, {"groups": 2, "padding": 1, "stride": 2, "bias": False}),
        (pnn.PolyConv2d, {"dilation": (1, 2), "padding": (0, 1)}),
    ],
    ids=label,
)
def test_first_and_second_derivatives(kind, settings):
    layer = build(kind, settings, channels=(2, 2), dtype=torch.float64)
    names, parameters = zip(*layer.named_parameters(), strict=True)
    inputs = (example(kind, 1, 2, 4, dtype=torch.float64, requires_grad=True), *parameters)

    def call(x, *values):
        return functional_call(layer, dict(zip(names, values, strict=True)), x)

    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs)


@pytest.mark.parametrize("zeroed", [1, 2])
@every_case
def test_without_its_quadratic_part_it_is_torchs_layer_bit_for_bit(kind, settings, zeroed):
    """In whole numbers: rounding would depend on the order of the sum, which torch picks by the size of the map."""
    branches = [build(TORCH[kind], settings) for _ in range(3)]
    with torch.no_grad():
        for parameter in weights_and_biases(branches):
            parameter.copy_(torch.randint(-9, 10, parameter.shape))
        for parameter in weights_and_biases([branches[zeroed]]):
            parameter.zero_()
    x = torch.randint_like(example(kind), -9, 10)
    assert torch.equal(kind.from_branches(*branches)(x), branches[0](x))


# Branches


@every_case
def test_branches_round_trip(kind, settings):
    branches = [build(TORCH[kind], settings, dtype=torch.float64) for _ in range(3)]
    layer = kind.from_branches(*branches)
    x = example(kind, dtype=torch.float64)
    a, b, c = (branch(x) for branch in branches)
    assert_close(layer(x), a + b * c)

    returned = layer.branches()
    assert [str(branch) for branch in returned] == [str(branch) for branch in branches]
    for there, back in zip(weights_and_biases(branches), weights_and_biases(returned), strict=True):
        assert torch.equal(there, back)
        assert there.dtype == back.dtype
        assert back.requires_grad

    before = layer(x)
    with torch.no_grad():
        for parameter in weights_and_biases([*branches, *returned]):
            parameter.zero_()
    assert torch.equal(layer(x), before), "the weights are shared, not copied"


@pytest.mark.parametrize("biased", [0, 1, 2])
@every_layer
def test_a_missing_bias_becomes_zero(kind, biased):
    branches = [build(TORCH[kind], {"bias": place == biased}) for place in range(3)]
    for branch, back in zip(branches, kind.from_branches(*branches).branches(), strict=True):
        assert torch.equal(back.weight, branch.weight)
        assert torch.equal(back.bias, torch.zeros(6) if branch.bias is None else branch.bias)


@pytest.mark.parametrize("bias", [True, False])
def test_loads_a_checkpoint_of_the_published_code(bias):
    """There a layer is three convolutions of which only the first may have a bias (Oporture et al. 2026)."""
    published = nn.ModuleDict({f"conv{i}": nn.Conv2d(3, 8, 3, padding=1, bias=bias and i == 1) for i in (1, 2, 3)})
    state = published.state_dict()

    branches = []
    for i in (1, 2, 3):
        own = {key.removeprefix(f"conv{i}."): value for key, value in state.items() if key.startswith(f"conv{i}.")}
        branches.append(nn.Conv2d(3, 8, 3, padding=1, bias="bias" in own))
        branches[-1].load_state_dict(own)
    layer = pnn.PolyConv2d.from_branches(*branches)

    x = torch.randn(2, 3, 8, 8)
    assert_close(layer(x), published.conv1(x) + published.conv2(x) * published.conv3(x))
    assert (layer.maps.bias is not None) == bias


@pytest.mark.parametrize(
    ("kind", "odd", "error", "message"),
    [
        (pnn.PolyLinear, nn.Conv1d(4, 6, 3), TypeError, "Linear.*Conv1d"),
        (pnn.PolyLinear, pnn.PolyLinear(4, 6), TypeError, "PolyLinear"),
        (pnn.PolyLinear, nn.Linear(3, 6), ValueError, "in_features.*4.*3"),
        (pnn.PolyLinear, nn.Linear(4, 5), ValueError, "out_features.*6.*5"),
        (pnn.PolyLinear, nn.Linear(4, 6, dtype=torch.float64), ValueError, "float32.*float64"),
        (pnn.PolyLinear, nn.Linear(4, 6, device="meta"), ValueError, "cpu.*meta"),
        (pnn.PolyConv1d, nn.Conv2d(4, 6, 3), TypeError, "Conv1d.*Conv2d"),
        (pnn.PolyConv2d, nn.ConvTranspose2d(4, 6, 3), TypeError, "ConvTranspose2d"),
        (pnn.PolyConv2d, nn.Conv2d(4, 6, 5), ValueError, "kernel_size.*3.*5"),
        (pnn.PolyConv2d, nn.Conv2d(4, 6, 3, stride=2), ValueError, "stride.*1.*2"),
        (pnn.PolyConv2d, nn.Conv2d(4, 6, 3, padding="same"), ValueError, "padding.*0.*same"),
        (pnn.PolyConv2d, nn.Conv2d(4, 6, 3, dilation=2), ValueError, "dilation.*1.*2"),
        (pnn.PolyConv2d, nn.Conv2d(4, 6, 3, groups=2), ValueError, "groups.*1.*2"),
        (pnn.PolyConv2d, nn.Conv2d(4, 6, 3, padding_mode="reflect"), ValueError, "padding_mode.*zeros.*reflect"),
        (pnn.PolyConv2d, nn.Conv2d(4, 6, 3, dtype=torch.float64), ValueError, "float32.*float64"),
    ],
)
@pytest.mark.parametrize("place", [1, 2])
def test_branches_that_do_not_fit_are_refused(kind, odd, error, message, place):
    branches = [build(TORCH[kind], {}) for _ in range(3)]
    branches[place] = odd
    with pytest.raises(error, match=message):
        kind.from_branches(*branches)


# A drop-in for torch's layer


@every_layer
def test_signature_is_torchs(kind):
    def arguments(layer):
        return [(p.name, p.kind, p.default) for p in inspect.signature(layer).parameters.values()]

    assert arguments(kind) == arguments(TORCH[kind])


@every_case
def test_representation_is_torchs(kind, settings):
    assert build(kind, settings).extra_repr() == build(TORCH[kind], settings).extra_repr()


@pytest.mark.parametrize("again", [False, True], ids=["constructed", "reset"])
@pytest.mark.parametrize(
    ("kind", "settings"), [(pnn.PolyLinear, {}), (pnn.PolyConv1d, {}), (pnn.PolyConv2d, {"groups": 4})], ids=label
)
def test_initial_weights_are_torchs(kind, settings, again):
    """Each branch on its own, uniform within 1 / sqrt(fan_in) of one branch of one group."""
    layer = build(kind, settings, channels=(32, 256))
    if again:
        torch.nn.utils.vector_to_parameters(torch.zeros(sum(p.numel() for p in layer.parameters())), layer.parameters())
        layer.reset_parameters()
    bound = 1 / math.sqrt(build(TORCH[kind], settings, channels=(32, 256)).weight[0].numel())
    for branch in layer.branches():
        for values in (branch.weight, branch.bias):
            assert 0.95 * bound < values.abs().max() <= bound
            assert_close(values.std().item(), bound / math.sqrt(3), rtol=0.1, atol=0)
    weights = [branch.weight.flatten() for branch in layer.branches()]
    for one, other in combinations(weights, 2):
        assert torch.corrcoef(torch.stack([one, other]))[0, 1].abs() < 5 / math.sqrt(len(one))


@every_layer
def test_branches_are_where_the_layer_is(kind):
    assert all(branch.weight.is_meta for branch in build(kind, {}, device="meta").branches())


@every_case
def test_the_branches_are_one_fused_map(kind, settings):
    program = torch.export.export(build(kind, settings), (example(kind),))
    operations = [str(node.target) for node in program.graph.nodes]
    assert sum("conv" in name or "linear" in name for name in operations) == 1


# The published networks


@pytest.mark.parametrize(
    ("conv", "width", "published"), [(pnn.PolyConv2d, 86, 2_008_540), (nn.Conv2d, 149, 2_010_169)], ids=label
)
def test_published_parameter_counts(conv, width, published):
    """The CIFAR-10 networks of Oporture et al. 2026."""
    network = nn.ModuleList([nn.Linear(4 * width, 10, device="meta")])
    for inputs, outputs in pairwise((3, width, 2 * width, 4 * width)):
        network += [conv(inputs, outputs, 3, bias=False, device="meta"), nn.BatchNorm2d(outputs, device="meta")]
    assert sum(parameter.numel() for parameter in network.parameters()) == published
