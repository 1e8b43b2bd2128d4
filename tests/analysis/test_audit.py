import copy
import math
import random
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

import pnn
from pnn.analysis.audit import Audit, DegreeStep, Obstacle, _program, audit, degree_along_line
from pnn.analysis.bare import copied
from pnn.analysis.line import degrees


class Call(nn.Module):
    """A function as a network."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *x):
        return self.function(*x)


def network(part):
    return part if isinstance(part, nn.Module) else Call(part)


def with_statistics(norm):
    """A BatchNorm that has seen data."""
    for name, tensor in norm.state_dict().items():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 2) if name in ("weight", "running_var") else tensor.normal_()
    return norm


class LinearAttention(nn.Module):
    """Attention without its softmax."""

    def __init__(self, size):
        super().__init__()
        self.maps = nn.Linear(size, 3 * size)

    def forward(self, x):
        query, key, value = self.maps(x).chunk(3, -1)
        return query @ key.transpose(-2, -1) @ value


class Residual(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.inner = pnn.PolyLinear(size, size)
        self.gate = nn.Parameter(torch.tensor(-1.0))

    def forward(self, x):
        return x + torch.sigmoid(self.gate) * self.inner(x)


class Factored(nn.Module):
    """The product of two parameters is a constant."""

    def __init__(self, size):
        super().__init__()
        self.left, self.right = nn.Parameter(torch.randn(size, 2)), nn.Parameter(torch.randn(2, size))

    def forward(self, x):
        return x @ (self.left @ self.right).exp()


class Powers(nn.Module):
    """A polynomial activation whose exponents are a buffer."""

    def __init__(self, exponents):
        super().__init__()
        self.register_buffer("exponents", torch.tensor(exponents), persistent=False)

    def forward(self, x):
        return (x.unsqueeze(-1) ** self.exponents).sum(-1)


class Observed(nn.Module):
    """What it keeps is no output."""

    def __init__(self):
        super().__init__()
        self.register_buffer("largest", torch.zeros(()))

    def forward(self, x):
        self.largest.copy_(x.abs().max())
        return x * x


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.tensor([0.5, 2.0]).repeat(8))

    def forward(self, x):
        return x * self.scale / self.scale.sum() + self.scale.exp().softmax(-1)


def in_place(x):
    y = x.clone()
    y.mul_(x)
    y[:, 0] = x[:, 1] ** 3
    y[:, [2, 3]] += 1
    return y


def blocks(*layers):
    """Of an image of one channel, 4 x 4."""
    return nn.Sequential(nn.Unflatten(1, (1, 4, 4)), *layers)


def fixed(x, values):
    return torch.tensor(values, dtype=x.dtype)


class Sparse(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("matrix", torch.eye(16).to_sparse())

    def forward(self, x):
        return torch.sparse.mm(self.matrix, (x * x).T) + self.matrix @ x.T


class ComplexWeights(nn.Module):
    """Without the imaginary parts of its weights it is 0."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.full((16,), 1j))

    def forward(self, x):
        return (x * self.weight).imag * x


X = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
PLACES = torch.zeros(2, 16, dtype=torch.int64)

POLYNOMIALS = {  # name: its degree, and the network of X
    # Networks
    "identity": (1, nn.Identity()),
    "linear": (1, nn.Linear(16, 3)),
    "constant": (0, lambda x: torch.ones_like(x)),
    "PolyLinear": (2, pnn.PolyLinear(16, 3)),
    "three PolyLinear": (8, nn.Sequential(*(pnn.PolyLinear(16, 16) for _ in range(3)))),
    "image": (
        4,
        blocks(
            pnn.PolyConv2d(1, 4, 3, padding=1, bias=False),
            with_statistics(nn.BatchNorm2d(4)),
            nn.AvgPool2d(2),
            pnn.PolyConv2d(4, 2, 1),
            nn.Dropout(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        ),
    ),
    "grouped": (2, nn.Sequential(nn.Unflatten(1, (4, 4)), pnn.PolyConv1d(4, 4, 3, groups=2, padding="same"))),
    "transposed": (1, blocks(nn.ConvTranspose2d(1, 2, 3, stride=2))),
    "MLP": (8, pnn.MLPModule(16, 2, 8, "polynomial", pnn.Identity())),
    "residual": (4, nn.Sequential(Residual(16), Residual(16))),
    "linear attention": (3, nn.Sequential(nn.Unflatten(1, (4, 4)), LinearAttention(4))),
    "attention over fixed keys": (
        1,
        lambda x: F.scaled_dot_product_attention(x.new_ones(2, 3, 4), x.new_ones(2, 4, 4), x.view(2, 4, 4)),
    ),
    "factored": (1, Factored(16)),
    "weight norm": (1, nn.utils.parametrizations.weight_norm(nn.Linear(16, 3))),
    "buffer": (1, Scaled()),
    "observed": (2, Observed()),
    "exponents": (5, Powers([0, 5, 2])),
    "exponents as reals": (3, Powers([3.0, 0.0])),
    "instance norm with statistics": (1, blocks(with_statistics(nn.InstanceNorm2d(1, track_running_stats=True)))),
    # Products
    "x * x * x": (3, lambda x: x * x * x),
    "x ** 3": (3, lambda x: x**3),
    "x ** 0": (0, lambda x: x**0),
    "x ** 1.0": (1, lambda x: x**1.0),
    "square": (2, torch.square),
    "float_power": (2, lambda x: torch.float_power(x, 2)),
    "prod": (16, lambda x: x.prod(1)),
    "prod of all": (6, lambda x: x[:, :3].prod()),
    "cumprod": (4, lambda x: x[:, :4].cumprod(-1)),
    "variance": (2, lambda x: x.var(1)),
    "mean beside the variance": (1, lambda x: torch.var_mean(x, 1)[1]),
    "variance beside the mean": (2, lambda x: torch.var_mean(x, 1)[0]),
    "Gram matrix": (2, lambda x: x @ x.T),
    "mv": (2, lambda x: x @ x[0]),
    "bmm": (4, lambda x: x.view(2, 4, 4) @ x.view(2, 4, 4).square() @ x.view(2, 4, 4)),
    "addmm": (5, lambda x: torch.addmm(x[:, :2] ** 3, x, x.T**4)),
    "addbmm": (3, lambda x: torch.addbmm(x[:, :2] ** 3, x[None], x.T[None])),
    "addmv": (3, lambda x: torch.addmv(x[:, 0] ** 3, x, x[0])),
    "addcmul": (4, lambda x: torch.addcmul(x**4, x, x)),
    "einsum": (2, lambda x: torch.einsum("bi,bj->bij", x, x)),
    "einsum of three": (3, lambda x: torch.einsum("bi,bj,bk->ijk", x, x, x)),
    "bilinear": (3, lambda x: F.bilinear(x, x, x.view(2, 1, 16).expand(2, 16, 16))),
    "filter from the input": (2, lambda x: F.conv1d(x[None], x[:, None, :3].expand(2, 2, 3))),
    "squared error": (4, lambda x: F.mse_loss(x, x.square())),
    "cross": (2, lambda x: torch.linalg.cross(x[:, :3], x[:, 3:6])),
    "autocorrelation": (2, lambda x: torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(x).conj())),
    "norm with a weight from the input": (
        2,
        lambda x: F.batch_norm(x, x.new_zeros(16), x.new_ones(16), weight=x[0], bias=x[1]),
    ),
    "item": (2, lambda x: x * (x.sum().item() / 3)),
    # Linear maps
    "affine": (1, lambda x: 1 - x / 3 + -x),
    "sums": (1, lambda x: x.sum(1) + x.mean(1) + x.cumsum(1)[:, 0]),
    "cat": (2, lambda x: torch.cat([x, x * x], 1)),
    "stack": (1, lambda x: torch.stack([x, x]).unbind(0)[1]),
    "indices": (2, lambda x: x[:, [0, 3]] * x[:, 1::2][:, :2]),
    "gather": (1, lambda x: x.gather(1, torch.zeros(2, 3, dtype=torch.int64)) + x.index_select(1, torch.arange(3))),
    "scatter": (2, lambda x: x.scatter_add(1, torch.zeros(2, 16, dtype=torch.int64), x * x)),
    "index_add": (2, lambda x: x.index_add(0, torch.tensor([0]), x[:1] ** 2)),
    "pad": (1, lambda x: F.pad(x, (1, 2), value=3.0)),
    "pads": (1, lambda x: [F.pad(x.view(2, 4, 4), (1, 2), mode) for mode in ("circular", "reflect", "replicate")]),
    "pools": (1, lambda x: [F.avg_pool1d(x, 2), F.adaptive_avg_pool1d(x, 3), F.adaptive_avg_pool2d(x[None], 2)]),
    "upsampling": (
        1,
        lambda x: [F.interpolate(x.view(2, 1, 4, 4), scale_factor=2, mode=m) for m in ("nearest", "bilinear")],
    ),
    "views": (1, lambda x: x.view(2, 4, 4).permute(2, 0, 1).flip(0).roll(1).repeat(1, 2, 1).tril().flatten()),
    "unfold": (1, lambda x: [x.unfold(1, 4, 2), F.unfold(x.view(2, 1, 4, 4), 2)]),
    "where": (3, lambda x: torch.where(torch.arange(16) > 3, x, x**3)),
    "masks": (1, lambda x: x.masked_fill(torch.arange(16) > 3, 2.0) * (torch.arange(16) < 9)),
    "lerp": (2, lambda x: torch.lerp(x, x * x, 0.25)),
    "division": (1, lambda x: x / fixed(x, [2.0]).sqrt()),
    "dropout": (1, lambda x: F.dropout(x, training=False)),
    "in place": (3, in_place),
    "written into zeros": (1, lambda x: torch.zeros_like(x).copy_(x)),
    "overwritten": (0, lambda x: (x * x).fill_(2.0)),
    "embedding": (1, lambda x: F.embedding(torch.tensor([[0, 1]]), x)),
    "two outputs": (4, lambda x: (x, {"other": [x**4]})),
    # Scattered, and put together
    "multiplying scatter": (17, lambda x: x.scatter(1, PLACES, x, reduce="multiply")),
    "scatter_reduce by sums": (2, lambda x: x.scatter_reduce(1, PLACES, x * x, "sum")),
    "scatter_reduce by means": (1, lambda x: x.scatter_reduce(1, PLACES, x, "mean")),
    "scatter_reduce by products": (17, lambda x: x.scatter_reduce(1, PLACES, x, "prod")),
    "index_reduce": (2, lambda x: x.index_reduce(0, PLACES[0, :1], x[:1], "prod")),
    "put": (2, lambda x: x.put(PLACES[0, :1], x[0, :1] ** 2)),
    "masked_select": (1, lambda x: x.masked_select(torch.arange(16) > 3)),
    "segments": (1, lambda x: torch.segment_reduce(x, "sum", lengths=torch.tensor([1, 1]))),
    "sampled at fixed places": (1, lambda x: F.grid_sample(x.view(2, 1, 4, 4), x.new_zeros(2, 3, 3, 2))),
    "sparse weights": (2, Sparse()),
    "determinant": (4, lambda x: torch.linalg.det(x.view(2, 4, 4))),
    "solved for the right side": (1, lambda x: torch.linalg.solve(2 * torch.eye(2), x)),
    "lerp by the input": (3, lambda x: torch.lerp(x, x * x, x)),
    "convolution, time first": (1, lambda x: torch.conv_tbc(x[None], x.new_ones(1, 16, 2), x.new_ones(2))),
    # Roots that are squared
    "norm squared": (2, lambda x: x.norm() ** 2),
    "norms squared": (2, lambda x: torch.linalg.vector_norm(x, dim=1, keepdim=True).expand(2, 3).square()),
    "norm times itself": (2, lambda x: x.norm() * x.norm()),
    "root squared": (1, lambda x: x.sqrt() ** 2),
    "size squared": (2, lambda x: x.abs() ** 2),
    "half a size to the fourth": (4, lambda x: (x.abs() / 2) ** 4),
    "deviation squared": (2, lambda x: x.std(1) ** 2),
    "power of frequencies": (2, lambda x: torch.fft.rfft(x).abs() ** 2),
    "distances squared": (2, lambda x: torch.cdist(x, x + 1) ** 2),
    # No number is undefined
    "sum of the defined": (1, lambda x: x.nansum()),
    "mean of the defined": (1, lambda x: x.nanmean()),
    "defined": (1, lambda x: x.nan_to_num()),
    # Casts
    "in half precision": (2, lambda x: x.half().float() ** 2),
    "in bfloat16": (3, lambda x: (x.bfloat16() ** 3).float()),
    "complex weights": (2, ComplexWeights()),
    # Obstacles out of the output's way
    "unused": (2, lambda x: (x.relu(), x * x)[1]),
    "shape only": (1, lambda x: torch.zeros_like(x.relu()) + x),
    "nothing left of it": (1, lambda x: x.relu() ** 0 + x),
    "constants only": (1, lambda x: x * fixed(x, [-2.0]).abs().log()),
}


def total(output):
    """The sum of all that a network returns."""
    if isinstance(output, torch.Tensor):
        return output.real.sum() if output.is_complex() else output.sum()
    return sum(map(total, output.values() if isinstance(output, dict) else output))


class Digits(nn.Module):
    """The product of the networks' outputs, the i-th one raised to base ** i: its degree has theirs as digits."""

    base = 64

    def __init__(self, networks):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x):
        return math.prod(total(each(x)) ** float(self.base**i) for i, each in enumerate(self.networks))

    def degrees(self, x):
        """Of each network, by one audit: an export takes most of a second."""
        found = audit(self, x)
        assert found.polynomial, found
        return [found.degree // self.base**i % self.base for i in range(len(self.networks))]


def test_degrees():
    expected = {name: degree for name, (degree, _) in POLYNOMIALS.items()}
    degrees = Digits([network(part) for _, part in POLYNOMIALS.values()]).degrees(X)
    assert dict(zip(POLYNOMIALS, degrees, strict=True)) == expected


class Totals(nn.Module):
    """Networks side by side, each with an input of its own, which it may overwrite, and one number of each."""

    def __init__(self, networks):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x):
        return [total(each(x.clone())) for each in self.networks]


def measured(networks, x=X, most=20):
    """The degree of each network along a line, by one export."""
    return degrees(_program(copied(Totals(networks)).eval(), (x,)), (x,), most, 0)


# They have a rule, and no arithmetic without rounding is written for them.
NOT_COMPUTED = (
    "multiplying scatter",
    "scatter_reduce by means",
    "scatter_reduce by products",
    "index_reduce",
    "sampled at fixed places",
    "determinant",
    "solved for the right side",
    "convolution, time first",
    "distances squared",
)


@torch.no_grad()
def test_the_probe_measures_those_degrees():
    found = measured([network(part) for _, part in POLYNOMIALS.values()])
    expected = {name: degree for name, (degree, _) in POLYNOMIALS.items()} | dict.fromkeys(NOT_COMPUTED)
    assert dict(zip(POLYNOMIALS, found, strict=True)) == expected


def circuit(draw):
    """A network of random gates, each of which takes two values that are there and adds one."""
    gates = [(draw.choice("+-**c"), draw.random(), draw.random()) for _ in range(draw.randint(4, 9))]

    def compute(x):
        values = [x[:, :4], x[:, 4:8] + 1]
        for kind, i, j in gates:
            a, b = values[int(i * len(values))], values[int(j * len(values))]
            match kind:
                case "+":
                    values.append(a + 2 * b)
                case "-":
                    values.append(a.roll(1, 1) - b / 3)
                case "*":
                    values.append(a * b.flip(1))
                case "c":
                    values.append(F.conv1d(a[:, None], a.new_ones(1, 1, 3), padding=1)[:, 0])
        return values[-1]

    return Call(compute)


def test_degrees_of_random_networks():
    draw = random.Random(1)
    networks = [circuit(draw) for _ in range(6)]
    with torch.no_grad():
        found = measured(networks)
    assert len(set(found)) > 2, "the draw has become dull"
    assert Digits(networks).degrees(X) == found


# Multiplicative depth


DEPTHS = {  # what one gate multiplies the degree by, and the levels it adds
    "square": (2, 1, lambda x: x * x),
    "x ** 2": (2, 1, lambda x: x**2),
    "x ** 3": (3, 2, lambda x: x**3),
    "x ** 5": (5, 3, lambda x: x**5),
    "x ** 8": (8, 3, lambda x: x**8),
    "x ** 1": (1, 0, lambda x: x**1),
    "matmul": (2, 1, lambda x: x @ x),
    "bmm": (2, 1, lambda x: (x[None] @ x[None])[0]),
    "mv": (2, 1, lambda x: x + x @ x[0]),
    "conv": (2, 1, lambda x: F.conv1d(x[None], x[:, :, None])[0]),
    "bilinear": (3, 2, lambda x: F.bilinear(x, x, torch.stack([x] * 4))),
    "prod": (4, 2, lambda x: x + x.prod(0)),
    "prod of all": (16, 4, lambda x: x + x.prod()),
    "cumprod": (4, 2, lambda x: x.cumprod(0)),
    "variance": (2, 1, lambda x: x.var() * x.new_ones(4, 4)),
    "addmm": (2, 1, lambda x: torch.addmm(x, x, x)),
    "times a weight": (1, 0, lambda x: 3 * x * x.new_ones(4) @ x.new_ones(4, 4)),
    "linear": (1, 0, nn.Linear(4, 4)),
    "PolyLinear": (2, 1, pnn.PolyLinear(4, 4)),
    "the deeper branch counts": (4, 2, lambda x: x + x**4),
    "a shallower factor adds nothing": (5, 3, lambda x: (x**4) * x),
}


def test_depth():
    """In a chain of gates the degrees multiply and the levels add up."""
    chain = nn.Sequential(*(network(gate) for _, _, gate in DEPTHS.values()))
    found = audit(chain, X[0].view(4, 4))
    assert found.polynomial, found
    assert found.degree == math.prod(degree for degree, _, _ in DEPTHS.values())
    assert found.multiplicative_depth == sum(levels for _, levels, _ in DEPTHS.values())


def test_depth_is_the_longest_of_the_paths():
    """The deepest output is not the one of the highest degree."""
    found = audit(Call(lambda x: (((x * x) * x) * x, x**9 / 2, (x + x**6) * x.prod(), x)), X[0, :2])
    assert (found.degree, found.multiplicative_depth) == (9, 4)
    found = audit(Call(lambda x: ((((x * x) * x) * x) * x, x**7)), X)
    assert (found.degree, found.multiplicative_depth) == (7, 4)


def test_deep_networks_have_exact_degrees():
    found = audit(nn.Sequential(*(Call(lambda x: x**1024) for _ in range(100))), torch.randn(1, 2))
    assert found == Audit(True, 2**1000, 1000, ())


# Obstacles


OBSTACLES = {  # name: operation and reason of each obstacle, and the network of X
    "relu": ([("relu", "piecewise")], nn.ReLU(inplace=True)),
    "leaky_relu": ([("leaky_relu", "piecewise")], nn.LeakyReLU()),
    "prelu": ([("prelu", "piecewise")], nn.PReLU()),
    "rrelu": ([("rrelu", "piecewise")], nn.RReLU()),
    "relu6": ([("hardtanh", "piecewise")], nn.ReLU6()),
    "hardtanh": ([("hardtanh", "piecewise")], nn.Hardtanh(inplace=True)),
    "hardswish": ([("hardswish", "piecewise")], nn.Hardswish()),
    "hardsigmoid": ([("hardsigmoid", "piecewise")], nn.Hardsigmoid()),
    "threshold": ([("threshold", "piecewise")], nn.Threshold(0.0, 1.0)),
    "abs": ([("abs", "piecewise")], torch.abs),
    "clamp": ([("clamp", "piecewise")], lambda x: x.clamp(-1, 1)),
    "clamp_min": ([("clamp_min", "piecewise")], lambda x: torch.clamp_min(x, 0)),
    "max_pool1d": ([("max_pool1d", "piecewise")], nn.MaxPool1d(2)),
    "max_pool2d": ([("max_pool2d", "piecewise")], blocks(nn.MaxPool2d(2))),
    "max_pool with indices": ([("max_pool2d_with_indices", "piecewise")], blocks(nn.MaxPool2d(2, return_indices=True))),
    "adaptive_max_pool": ([("adaptive_max_pool2d", "piecewise")], blocks(nn.AdaptiveMaxPool2d(2))),
    "amax": ([("amax", "piecewise")], lambda x: x.amax(1)),
    "max": ([("max", "piecewise")], lambda x: x.max(1).values),
    "maximum": ([("maximum", "piecewise")], lambda x: torch.maximum(x, -x)),
    "sort": ([("sort", "piecewise")], lambda x: x.sort().values),
    "topk": ([("topk", "piecewise")], lambda x: x.topk(2).values),
    "median": ([("median", "piecewise")], lambda x: x.median()),
    "remainder": ([("remainder", "piecewise")], lambda x: x % 1),
    "sign": ([("sign", "piecewise")], torch.sign),
    "round": ([("round", "piecewise")], torch.round),
    "floor_divide": ([("floor_divide", "piecewise")], lambda x: x // 2),
    "rounding division": ([("div", "piecewise")], lambda x: torch.div(x, 2, rounding_mode="trunc")),
    "whole numbers": ([("_to_copy", "piecewise")], lambda x: x * x.int()),
    "written into whole numbers": ([("copy", "piecewise")], lambda x: torch.zeros(2, 16, dtype=torch.int64).copy_(x)),
    "whole numbers of its size": (
        [("full_like", "piecewise")],
        lambda x: torch.zeros(2, dtype=torch.int64).fill_(x.sum().item()),
    ),
    "places of sorting": ([("sort", "piecewise")], lambda x: x.sort().indices),
    "argmax": ([("argmax", "piecewise")], lambda x: x.argmax(1)),
    "comparison": ([("gt", "piecewise")], lambda x: x * (x > 0)),
    "where": ([("gt", "piecewise")], lambda x: torch.where(x > 0, x, x * x)),
    "logic": ([("lt", "piecewise"), ("ge", "piecewise")], lambda x: x * ((x < 1) & ~(x >= 0))),
    "index from the input": ([("argmax", "piecewise")], lambda x: x.index_select(1, x.argmax(1))),
    "embedding of a choice": ([("argmax", "piecewise")], lambda x: F.embedding(x.argmax(1), torch.eye(16).to(x))),
    "number of a choice": ([("gt", "piecewise"), ("div", "rational")], lambda x: x / x[x > 0].shape[0]),
    "one-hot": ([("argmax", "piecewise")], lambda x: x * F.one_hot(x.argmax(1), 16)),
    "sigmoid": ([("sigmoid", "transcendental")], nn.Sigmoid()),
    "tanh": ([("tanh", "transcendental")], nn.Tanh()),
    "gelu": ([("gelu", "transcendental")], nn.GELU()),
    "silu": ([("silu", "transcendental")], nn.SiLU(inplace=True)),
    "mish": ([("mish", "transcendental")], nn.Mish()),
    "elu": ([("elu", "transcendental")], nn.ELU(inplace=True)),
    "selu": ([("selu", "transcendental")], nn.SELU()),
    "celu": ([("celu", "transcendental")], nn.CELU()),
    "softplus": ([("softplus", "transcendental")], nn.Softplus()),
    "log-sigmoid": ([("log_sigmoid", "transcendental")], nn.LogSigmoid()),
    "glu": ([("glu", "transcendental")], nn.GLU()),
    "softmax": ([("softmax", "transcendental")], nn.Softmax(-1)),
    "log_softmax": ([("log_softmax", "transcendental")], nn.LogSoftmax(-1)),
    "exp": ([("exp", "transcendental")], torch.exp),
    "log": ([("log", "transcendental")], torch.log),
    "sin": ([("sin", "transcendental")], torch.sin),
    "power of a constant": ([("pow", "transcendental")], lambda x: 2**x),
    "power of itself": ([("pow", "transcendental")], lambda x: x**x),
    "attention": (
        [("scaled_dot_product_attention", "transcendental")],
        lambda x: F.scaled_dot_product_attention(*[x.view(2, 4, 4)] * 3),
    ),
    "attention mask": (
        [("scaled_dot_product_attention", "transcendental")],
        lambda x: F.scaled_dot_product_attention(*[torch.eye(4).to(x).expand(2, 4, 4)] * 3, attn_mask=x.view(2, 4, 4)),
    ),
    "lstm": ([("lstm", "transcendental")], nn.LSTM(16, 3)),
    "gru": ([("gru", "transcendental")], nn.GRU(16, 3)),
    "division": ([("div", "rational")], lambda x: x / (1 + x * x)),
    "inverse": ([("reciprocal", "rational")], lambda x: 1 / x),
    "reciprocal": ([("reciprocal", "rational")], torch.reciprocal),
    "negative power": ([("pow", "rational")], lambda x: x**-2),
    "softsign": ([("abs", "piecewise"), ("div", "rational")], nn.Softsign()),
    "sqrt": ([("sqrt", "root")], torch.sqrt),
    "fractional power": ([("pow", "root")], lambda x: x**1.5),
    "one fractional exponent": ([("pow", "root")], Powers([1.0, 2.5])),
    "one negative exponent": ([("pow", "rational")], Powers([1, -2])),
    "std": ([("sqrt", "root")], lambda x: x.std(1)),
    "norm": ([("linalg_vector_norm", "norm")], lambda x: x.norm()),
    "cosine similarity": ([("cosine_similarity", "norm")], lambda x: F.cosine_similarity(x, x * x)),
    "layer_norm": ([("layer_norm", "rational in a root")], nn.LayerNorm(16)),
    "rms_norm": ([("rms_norm", "rational in a root")], nn.RMSNorm(16)),
    "group_norm": ([("group_norm", "rational in a root")], blocks(nn.Conv2d(1, 4, 1), nn.GroupNorm(2, 4))),
    "instance_norm": ([("batch_norm", "rational in a root")], blocks(nn.InstanceNorm2d(1))),
    "batch_norm without statistics": (
        [("batch_norm", "rational in a root")],
        nn.BatchNorm1d(16, track_running_stats=False),
    ),
    "batch_norm in training": (
        [("batch_norm", "rational in a root")],
        lambda x: F.batch_norm(x, x.new_zeros(16), x.new_ones(16), training=True),
    ),
    "batch_norm by a variance from the input": (
        [("batch_norm", "rational in a root")],
        lambda x: F.batch_norm(x.new_ones(2, 16), x.new_zeros(16), x[0]),
    ),
    "dropout at inference": ([("native_dropout", "random")], lambda x: F.dropout(x, training=True)),
    "noise": ([("rand_like", "random"), ("randn", "random")], lambda x: x + torch.rand_like(x) * torch.randn(16)),
    "attention with dropout": (
        [("scaled_dot_product_attention", "random")],
        lambda x: F.scaled_dot_product_attention(*[x.new_ones(2, 4, 4)] * 2, x.view(2, 4, 4), dropout_p=0.1),
    ),
    "solved by the input": ([("_linalg_solve_ex", "rational")], lambda x: torch.linalg.solve(x[:, :2], x)),
    "inverse matrix": ([("linalg_inv_ex", "rational")], lambda x: torch.linalg.inv(x[:, :2])),
    "sampled at places of the input": (
        [("grid_sampler_2d", "piecewise")],
        lambda x: F.grid_sample(x.new_ones(2, 1, 4, 4), x.view(2, 2, 4, 2)),
    ),
    "largest of the scattered": (
        [("scatter_reduce", "piecewise")],
        lambda x: x.scatter_reduce(1, PLACES, x, "amax"),
    ),
    "sum of sizes, squared": ([("abs", "piecewise")], lambda x: x.abs().sum() ** 2),
    "another norm, squared": ([("linalg_vector_norm", "norm")], lambda x: x.norm(p=3) ** 2),
    "product of an unknown number": ([("gt", "piecewise"), ("prod", "not known")], lambda x: x[x > 0].prod()),
    "bits": ([("aten.view.dtype", "not known")], lambda x: x * x.view(torch.int32)),
    "unique": ([("_unique2", "not known")], lambda x: x.unique()),
    "sizes and signs": ([("sign", "piecewise"), ("abs", "piecewise")], lambda x: x.sign() * x.abs()),
    "roots multiplied": ([("sqrt", "root"), ("sqrt", "root")], lambda x: x.sqrt() * (4 * x).sqrt()),
    "divided and multiplied": ([("reciprocal", "rational")], lambda x: 2 * x * (1 / x)),
    "by the norm and back": (
        [("linalg_vector_norm", "norm"), ("div", "rational"), ("linalg_vector_norm", "norm")],
        lambda x: x / x.norm() * x.norm(),
    ),
    "exponential undone": ([("exp", "transcendental"), ("log", "transcendental")], lambda x: x.exp().log()),
    "cond": (
        [("gt", "piecewise"), ("cond", "not known")],
        lambda x: torch.cond(x.sum() > 0, lambda a: 2 * a, lambda a: 3 * a, (x,)),
    ),
    # Every obstacle is found, once
    "one after another": (
        [("relu", "piecewise"), ("tanh", "transcendental"), ("abs", "piecewise")],
        lambda x: (x.relu().tanh() ** 2 + x).abs(),
    ),
    "same twice": ([("relu", "piecewise")] * 2, lambda x: x.relu() + (-x).relu()),
    "on the way only": ([("relu", "piecewise")], lambda x: (x.tanh(), x.relu() @ x.new_ones(16, 2))[1]),
}


def test_obstacles():
    """Of all networks by one audit: the obstacles say where they stand."""
    found = audit(Totals([network(part) for _, part in OBSTACLES.values()]), X)
    assert found.polynomial is False
    assert found.degree is None
    assert found.multiplicative_depth is None
    names = dict(enumerate(OBSTACLES))
    actual = {name: [] for name in OBSTACLES}
    for obstacle in found.obstacles:
        actual[names[int(obstacle.module.split(".")[1])]].append((obstacle.operation, obstacle.reason))
    for name, (expected, _) in OBSTACLES.items():
        assert [operation for operation, _ in actual[name]] == [operation for operation, _ in expected], name
        for (_, reason), (_, word) in zip(actual[name], expected, strict=True):
            assert word in reason, name


UNDECIDED = (
    *(name for name, (found, _) in OBSTACLES.items() if found[-1][1] == "not known"),
    "sizes and signs",
    "roots multiplied",
    "divided and multiplied",
    "by the norm and back",
    "exponential undone",
)


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_is_not_known_decides_nothing(name):
    found = audit(network(OBSTACLES[name][1]), X)
    assert found.polynomial is None
    assert found.degree is None
    assert str(found).startswith(f"undecided; obstacles: {len(OBSTACLES[name][0])}")
    assert OBSTACLES[name][0][-1][0] in str(found)


def test_an_obstacle_beside_or_behind_what_is_not_known():
    unique = network(lambda x: x.unique())
    assert audit(Call(lambda x: (unique(x), x.relu())), X).polynomial is False
    assert audit(nn.Sequential(unique, nn.ReLU()), X).polynomial is None, "what is unique may be a constant"
    assert audit(nn.Sequential(nn.ReLU(), unique), X).polynomial is None


def test_the_path_that_attains_the_degree():
    """The deeper branch is taken, and what hands on or adds is left out."""

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = pnn.PolyLinear(16, 16), nn.Sequential(pnn.PolyLinear(16, 16), nn.Flatten())

        def forward(self, x):
            return x.prod(1, keepdim=True)[:, :1] ** 0 + self.second(self.first(x)) ** 3 + x**4

    found = audit(Branches(), X)
    assert found.path == (
        DegreeStep("first", "PolyLinear", "mul", 2),
        DegreeStep("second.0", "PolyLinear", "mul", 4),
        DegreeStep("", "Branches", "pow", 12),
    )
    assert found.path[-1].degree == found.degree
    assert str(found.path[0]) == "first PolyLinear: mul, degree 2"
    assert audit(nn.Linear(16, 2), X).path == ()


def test_torch_writes_nothing_to_the_terminal(capfd):
    with pytest.raises(ValueError, match="export"):
        audit(Call(lambda x: x @ x), X)
    assert capfd.readouterr() == ("", "")


def listed(found):
    return [(obstacle.module, obstacle.kind, obstacle.operation) for obstacle in found.obstacles]


RELU, POOL = ("ReLU", "relu"), ("MaxPool2d", "max_pool2d")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"neuron": "polynomial", "activation": pnn.Identity()}, [(3, *POOL), (7, *POOL), (11, *POOL)]),
        ({}, [(2, *RELU), (3, *POOL), (6, *RELU), (7, *POOL), (10, *RELU), (11, *POOL)]),
    ],
    ids=str,
)
def test_what_stops_the_published_networks(settings, expected):
    """Without its ReLUs the polynomial CNN of Oporture et al. 2026 is stopped by its max-pooling alone."""
    model, x = pnn.CNNModule(3, 10, 2, **settings), torch.randn(2, 3, 8, 8)
    assert listed(audit(model, x)) == [(str(place), kind, operation) for place, kind, operation in expected]
    assert degree_along_line(model, x) is None


def test_the_mlp_without_activation_is_a_polynomial_of_degree_8():
    found = audit(pnn.MLPModule(28, 1, 98, neuron="polynomial", activation=pnn.Identity()), torch.randn(3, 28))
    assert found == Audit(polynomial=True, degree=8, multiplicative_depth=3, obstacles=())


class Nested(nn.Module):
    """One activation in three places, and an operation of its own."""

    def __init__(self):
        super().__init__()
        self.activation = nn.ReLU()
        self.block = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4), self.activation))

    def forward(self, x):
        return self.activation(self.block(self.activation(x))).tanh()


def test_obstacles_name_the_module_that_calls():
    """By the path of the call: one module may stand in two places."""
    assert listed(audit(Nested(), torch.randn(2, 4))) == [
        ("activation", "ReLU", "relu"),
        ("block.1.1", "ReLU", "relu"),
        ("activation", "ReLU", "relu"),
        ("", "Nested", "tanh"),
    ]


def test_printed():
    found = Audit(
        False,
        None,
        None,
        (
            Obstacle("2", "ReLU", "relu", "piecewise polynomial"),
            Obstacle("", "Net", "exp", "transcendental"),
            Obstacle("6.act", "ReLU", "relu", "piecewise polynomial"),
            Obstacle("6.act", "ReLU", "relu", "piecewise polynomial"),
            Obstacle("9", "ReLU6", "hardtanh", "piecewise polynomial"),
            Obstacle("9", "ReLU6", "hardtanh", "piecewise polynomial"),
        ),
    )
    assert str(found).splitlines() == [
        "not a polynomial; obstacles: 6",
        "  3 x ReLU: relu (piecewise polynomial) in 2, 6.act (2 times)",
        "  1 x Net: exp (transcendental) in the network itself",
        "  2 x ReLU6: hardtanh (piecewise polynomial) in 9",
    ]
    assert str(found.obstacles[0]) == "2 ReLU: relu (piecewise polynomial)"
    assert str(found.obstacles[1]) == "Net: exp (transcendental)"
    assert str(Audit(True, 2**12, 12, ())) == "polynomial of degree 4,096, multiplicative depth 12"


# The model and the example


def test_the_model_is_left_as_it_was_and_audited_at_inference():
    """In training, BatchNorm and dropout would be obstacles. A hook runs on the copy, and is part of the network."""
    model = nn.Sequential(with_statistics(nn.BatchNorm1d(16)), nn.Dropout(), pnn.PolyLinear(16, 2)).train()
    model[1].eval()
    model[2].register_forward_hook(lambda module, inputs, output: output**3)
    draws = torch.get_rng_state()
    state, modes = copy.deepcopy(model.state_dict()), [module.training for module in model.modules()]
    x = X.clone().requires_grad_()

    assert audit(model, x) == Audit(True, 6, 3, ())
    assert degree_along_line(model, x) == 6

    assert [module.training for module in model.modules()] == modes
    assert list(model.state_dict()) == list(state)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[name])
        assert tensor.dtype == state[name].dtype
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    assert x.grad is None
    assert torch.equal(torch.get_rng_state(), draws)
    assert torch.equal(x, X)


@torch.no_grad()
def test_torchs_fast_path_of_attention_hides_nothing():
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).requires_grad_(False).eval()
    found = audit(model, torch.randn(2, 4, 8))
    assert sorted(listed(found)) == [
        ("", "TransformerEncoderLayer", "relu"),
        ("norm1", "LayerNorm", "layer_norm"),
        ("norm2", "LayerNorm", "layer_norm"),
        ("self_attn", "MultiheadAttention", "scaled_dot_product_attention"),
    ]


def test_a_model_without_data():
    model = nn.Sequential(pnn.PolyLinear(16, 4), nn.BatchNorm1d(4), pnn.PolyLinear(4, 4)).to("meta")
    assert audit(model, X) == Audit(True, 4, 2, ())
    assert "not known" in str(audit(nn.Sequential(nn.Linear(16, 2), Powers([1, 2])).to("meta"), X))


class Tokens(nn.Module):
    """The mean over the words that are there of a polynomial of their vectors, and of a scale."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.neuron = pnn.PolyLinear(4, 3)

    def forward(self, tokens, scale):
        there = (tokens != 0)[..., None]
        x = self.neuron(self.embedding(tokens)) * there
        return x.sum(1) / there.sum(1).clamp(min=1) * scale


class Bag(nn.Module):
    """Embeddings that torch sums itself."""

    def __init__(self, mode):
        super().__init__()
        self.bag = nn.EmbeddingBag(9, 4, mode=mode)
        self.neuron = pnn.PolyLinear(4, 3)

    def forward(self, tokens, weights=None):
        return self.neuron(self.bag(tokens, per_sample_weights=weights))


def test_whole_numbers_are_held_fixed_and_embeddings_count_as_input():
    """Masks and counts of tokens are no obstacles."""
    tokens = torch.tensor([[1, 2, 0], [3, 0, 0]])
    assert audit(Tokens(), (tokens, torch.ones(2, 1))) == Audit(True, 3, 2, ())
    assert degree_along_line(Tokens(), (tokens, torch.ones(2, 1))) == 1, "embeddings are not moved"
    assert audit(Bag("sum"), (tokens, torch.ones(2, 3))) == Audit(True, 4, 2, ())
    assert listed(audit(Bag("max"), tokens))[0][:2] == ("bag", "EmbeddingBag")


def test_the_text_network_is_stopped_by_its_activations_and_pooling_alone():
    found = audit(pnn.TextCNNModule(20, 1, 2), torch.randint(0, 20, (2, 16)))
    stops = [[(f"activations.{block}", "ReLU", "relu"), ("pool", "MaxPool1d", "max_pool1d")] for block in range(3)]
    assert listed(found) == [stop for block in stops for stop in block]


def test_several_inputs_count_together():
    product = Call(lambda x, y, mask: x**2 * y * mask)
    inputs = X, X, X > 0
    assert audit(product, inputs) == Audit(True, 3, 2, ())
    assert degree_along_line(product, inputs) == 3


@pytest.mark.parametrize("examine", [audit, degree_along_line])
@pytest.mark.parametrize(
    ("example", "message"), [("text", "tensor.*str"), ((), "tensor.*empty"), ((X, 3), "Tensor, int"), ([X], "list")]
)
def test_examples_that_are_not_tensors_are_refused(examine, example, message):
    with pytest.raises(ValueError, match=message):
        examine(nn.Identity(), example)


def test_whole_numbers_alone_are_refused():
    with pytest.raises(ValueError, match=r"Call does not.*example\.float\(\)"):
        audit(Call(lambda x: x.float() / 255), torch.arange(3))
    with pytest.raises(ValueError, match=r"real numbers, got torch\.int64"):
        degree_along_line(nn.Identity(), torch.arange(3))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x if x.sum() > 0 else -x, r"data-dependent(.|\n)*torch\.where"),
        (lambda x: x @ x, r"\(2x16 and 2x16\)|\[2, 16\](.|\n)*model\(example\) runs"),
        (lambda x: torch.func.grad(lambda y: (y**3).sum())(x), "export"),  # torch would export it as a constant
    ],
    ids=["branch", "shapes", "grad"],
)
def test_what_torch_cannot_export_is_an_error(function, message):
    with pytest.raises(ValueError, match=r"torch cannot export Call(.|\n)*" + message):
        audit(Call(function), X)


@pytest.mark.parametrize("examine", [audit, degree_along_line])
def test_what_python_cannot_copy_is_an_error(examine):
    model = nn.Linear(16, 2)
    model.lock = threading.Lock()
    with pytest.raises(ValueError, match=r"Linear cannot be copied: (.|\n)*no locks"):
        examine(model, X)


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")
@pytest.mark.parametrize("norm", [lambda m: prune.random_unstructured(m, "weight", 0.5), nn.utils.weight_norm])
def test_weights_that_hooks_compute(norm):
    model = norm(nn.Linear(16, 2))
    weight = model.weight
    assert audit(model, X) == Audit(True, 1, 0, ())
    assert degree_along_line(model, X) == 1
    assert model.weight is weight


# The probe


@torch.no_grad()
def test_the_probe_says_nothing_where_an_operation_is_not_computed():
    found = measured([network(part) for _, part in OBSTACLES.values()])
    assert dict(zip(OBSTACLES, found, strict=True)) == dict.fromkeys(OBSTACLES)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("depth", [0, 3, 6])
def test_the_probe_measures_degrees_up_to_64(depth, width):
    model = nn.Sequential(nn.Linear(3, width), *(pnn.PolyLinear(width, width) for _ in range(depth)))
    assert degree_along_line(model, torch.randn(1, 3)) == 2**depth


@torch.no_grad()
def test_the_probe_says_nothing_above_its_limit():
    networks = [Call(lambda x, n=n: x**n + (1 + x / 9) ** (n - 1)) for n in (33, 34, 64, 97, 129, 2**20)]
    assert measured(networks, most=128) == [33, 34, 64, 97, None, None]


class Counting(nn.Module):
    """It writes to its buffer, and its parameters are of half precision."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.weight = nn.Parameter(torch.full((16,), 0.1, dtype=torch.float16))

    def forward(self, x):
        self.calls += 1
        return (self.calls * x).half() * self.weight * x.half()


def test_the_probe_never_refutes_a_right_audit():
    """State, casts and large degrees once made it say that what is a polynomial is none."""
    for model in (Counting(), nn.Sequential(Counting(), Call(lambda x: x.float() ** 20)), ComplexWeights()):
        assert degree_along_line(model, X) == audit(model, X).degree


def test_the_probe_needs_numbers():
    with pytest.raises(ValueError, match="meta device"):
        degree_along_line(nn.Linear(16, 2, device="meta"), X)
    with pytest.raises(ValueError, match="Call returns no tensor"):
        degree_along_line(Call(lambda x: 3.0), X)


def test_the_probes_limit():
    cube = Call(lambda x: x**3)
    assert degree_along_line(cube, X, most=3) == 3
    assert degree_along_line(cube, X, most=2) is None
    assert degree_along_line(Call(torch.ones_like), X, most=0) == 0
    with pytest.raises(ValueError, match="at least 0, got -1"):
        degree_along_line(cube, X, most=-1)


def test_the_probe_sees_what_cancels():
    """There the audit is a bound only."""
    model = Call(lambda x: (x + 1) ** 3 - x**3)
    assert audit(model, X).degree == 3
    assert degree_along_line(model, X) == 2


def test_the_probe_sees_all_numbers_of_an_output():
    """The terms of the largest degree add up to 0, but for the factors by which elements are told apart."""
    assert degree_along_line(Call(lambda x: torch.cat([x**3, -(x**3) + x])), X) == 3


@pytest.mark.parametrize("small", [1e-3, 1e-6])
def test_the_probe_finds_a_small_leading_term(small):
    assert degree_along_line(Call(lambda x: x + small * x**4), X) == 4


def test_outputs_of_different_size_are_measured_each():
    assert degree_along_line(Call(lambda x: (1e30 * x, 1e-30 * x**2, torch.zeros(0), torch.zeros(3))), X) == 2


def test_the_real_part_of_a_root_has_no_square_that_is_a_polynomial():
    z = torch.randn(3, dtype=torch.complex64)
    assert audit(Call(lambda z: z.sqrt() ** 2), z).polynomial
    assert audit(Call(lambda z: z.sqrt().to(torch.float32) ** 2), z).polynomial is not True


# Each is a polynomial, though an operation in it by itself is none.
UNDONE = {
    "relu of a square": lambda x: F.relu(x * x),
    "clamped square": lambda x: (x * x).clamp(min=0),
    "absolute value of a square": lambda x: (x**2).abs(),
    "root of a fourth power": lambda x: (x**4).sqrt(),
    "norm of norms": lambda x: x.norm(dim=-1).norm() ** 2,
    "absolute value twice": lambda x: x.abs().abs() ** 2,
    "exponential of a multiple of a logarithm": lambda x: (2 * x.log()).exp(),
    "logarithm of a multiple of an exponential": lambda x: (2 * x.exp()).log(),
    "times its inverse power": lambda x: x * x.pow(-1),
    "divided by a factor": lambda x: x**2 / x,
}


@pytest.mark.parametrize("name", UNDONE)
def test_no_polynomial_is_called_none(name):
    found = audit(Call(UNDONE[name]), X.abs() + 1)
    assert found.polynomial is not False, found


@pytest.mark.parametrize("function", [lambda x: F.relu(x * x - 1), lambda x: x.exp() / x, lambda x: 1 / (1 + x * x)])
def test_what_none_of_this_may_undo_is_still_called_none(function):
    assert audit(Call(function), X).polynomial is False
