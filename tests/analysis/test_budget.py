"""What a network costs, against formulas written out here; the width that costs the same, against trying them all."""

import copy
import random
import threading
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import prune
from torch.utils.flop_counter import flop_registry, register_flop_formula

import pnn
from pnn.analysis.budget import _cost, kept_bytes
from pnn.experiments.common import VECTORS
from pnn.runs.folders import results_folder
from pnn.runs.record import Record
from pnn.runs.store import load_records

IMAGE = torch.zeros(1, 3, 32, 32)


def cnn_parameters(channels: int, classes: int, w: int, neuron: str) -> int:
    maps = {"standard": 1, "polynomial": 3}[neuron]
    convolutions = maps * 9 * (channels * w + w * 2 * w + 2 * w * 4 * w)
    batchnorms = 2 * (w + 2 * w + 4 * w)
    return convolutions + batchnorms + (4 * w * classes + classes)


def cnn_macs(channels: int, classes: int, w: int, neuron: str, size: int) -> int:
    maps = {"standard": 1, "polynomial": 3}[neuron]
    return (
        maps * size**2 * 9 * channels * w
        + maps * (size // 2) ** 2 * 9 * w * 2 * w
        + maps * (size // 4) ** 2 * 9 * 2 * w * 4 * w
        + 4 * w * classes
    )


@pytest.mark.parametrize(("neuron", "width"), [("standard", 1), ("standard", 5), ("polynomial", 1), ("polynomial", 5)])
@pytest.mark.parametrize(("channels", "classes", "size"), [(1, 10, 8), (3, 7, 32)])
def test_the_cnns_cost_what_their_formulas_say(channels, classes, size, neuron, width):
    cost = pnn.budget(pnn.CNNModule(channels, classes, width, neuron), torch.zeros(1, channels, size, size))
    assert cost.parameters == cnn_parameters(channels, classes, width, neuron)
    assert cost.macs == cnn_macs(channels, classes, width, neuron, size)


@pytest.mark.parametrize(
    ("neuron", "width", "parameters"), [("standard", 149, 2_010_169), ("polynomial", 86, 2_008_540)]
)
def test_the_published_networks_have_the_published_parameters(neuron, width, parameters):
    with torch.device("meta"):
        assert pnn.budget(pnn.CNNModule(3, 10, width, neuron), IMAGE).parameters == parameters


def convolution(kind, **settings):
    return kind(4, 6, 3, stride=2, padding=1, **settings)  # 8 x 8 -> 4 x 4


@pytest.mark.parametrize(
    ("layer", "example", "parameters", "macs"),
    [
        (nn.Linear(5, 7), (2, 5), 5 * 7 + 7, 5 * 7),
        (nn.Linear(5, 7, bias=False), (2, 11, 5), 5 * 7, 11 * 5 * 7),  # at each of 11 positions
        (pnn.PolyLinear(5, 7), (2, 5), 3 * (5 * 7 + 7), 3 * 5 * 7),
        (convolution(nn.Conv2d), (1, 4, 8, 8), 6 * 4 * 9 + 6, 16 * 6 * 4 * 9),
        (convolution(nn.Conv2d, groups=2), (1, 4, 8, 8), 6 * 2 * 9 + 6, 16 * 6 * 2 * 9),
        (convolution(pnn.PolyConv2d, groups=2, bias=False), (1, 4, 8, 8), 3 * 6 * 2 * 9, 3 * 16 * 6 * 2 * 9),
        (pnn.PolyConv1d(4, 6, 5, groups=2), (1, 4, 12), 3 * (6 * 2 * 5 + 6), 3 * 8 * 6 * 2 * 5),
    ],
    ids=str,
)
def test_a_layer_costs_what_its_formula_says(layer, example, parameters, macs):
    cost = pnn.budget(layer, torch.zeros(example))
    assert (cost.parameters, cost.macs) == (parameters, macs)


class Call(nn.Module):
    """A function as a network."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *x):
        return self.function(*x)


ROWS = torch.zeros(2, 16)
# The multiply-accumulates of one row, of a network of rows of 16 numbers, and its inputs where they are others.
COUNTS = {
    "bilinear map": (4 * 16 * 8, nn.Bilinear(16, 8, 4), (ROWS, torch.zeros(2, 8))),
    "its function": (3 * 16 * 16, lambda x: F.bilinear(x, x, torch.ones(3, 16, 16))),
    "matrix times vector": (5 * 16, lambda x: torch.ones(5, 16) @ x[0]),
    "matrix times vector, and a sum": (5 * 16, lambda x: torch.addmv(torch.ones(5), torch.ones(5, 16), x[0])),
    "inner product": (16, lambda x: torch.dot(x[0], x[0])),
    "complex inner product": (16, lambda x: torch.vdot(x[0], x[0])),
    "inner products": (16, lambda x: torch.linalg.vecdot(x, x)),
    "distances": (7 * 16, lambda x: torch.cdist(x, torch.ones(7, 16))),
    "distances of another norm": (7 * 16, lambda x: torch.cdist(x, torch.ones(7, 16), p=1.0)),
    "distances between parts": (6 * 4, lambda x: F.pdist(x.view(-1, 4)[:4])),
    "matrix product": (16 * 3, lambda x: x @ torch.ones(16, 3)),
    "sum of products": (16 * 3, lambda x: torch.addbmm(torch.ones(()), x[None], torch.ones(1, 16, 3))),
    "batch of products": (64, lambda x: torch.baddbmm(torch.ones(()), x.view(-1, 4, 4), x.view(-1, 4, 4))),
    "einsum": (16 * 16 * 3, lambda x: torch.einsum("bi,bj,ijk->bk", x, x, torch.ones(16, 16, 3))),
    "transposed convolution": (8 * 16 * 4 * 3, nn.ConvTranspose1d(16, 4, 3), torch.zeros(2, 16, 8)),
    "convolution, time first": (
        6 * 16 * 4 * 3,
        lambda x: torch.conv_tbc(x.transpose(0, 1).contiguous(), torch.ones(3, 16, 4), torch.ones(4)),
        torch.zeros(2, 8, 16),
    ),
    "attention": (2 * 4 * 4 * 4, lambda x: F.scaled_dot_product_attention(*[x.view(-1, 4, 4)] * 3)),
    "transformer": (
        5 * (4 * 16 * 16 + 2 * 16 * 8) + 2 * 5 * 5 * 16,
        nn.TransformerEncoderLayer(16, 2, 8, batch_first=True),
        torch.zeros(2, 5, 16),
    ),
    "LSTM": (5 * 4 * 4 * (16 + 4), nn.LSTM(16, 4, batch_first=True), torch.zeros(2, 5, 16)),
    "GRU": (5 * 3 * 4 * (16 + 4), nn.GRU(16, 4, batch_first=True), torch.zeros(2, 5, 16)),
    "LSTM cell": (4 * 4 * (16 + 4), nn.LSTMCell(16, 4)),
    "sparse matrix": (16 * 16, lambda x: torch.ones(16, 16).to_sparse() @ x.T),
    # What it takes as audit does
    "constants of the forward pass": (16 * 3, lambda x: (x + torch.ones(16) + torch.tensor([2.0])) @ torch.ones(16, 3)),
    "a number of the input": (16 * 3, lambda x: (x * x.sum().item()) @ torch.ones(16, 3)),
    "a fixed number of rows": (16 * 3, lambda x: x.view(2, 16) @ torch.ones(16, 3)),
    "weight norm": (16 * 3, nn.utils.parametrizations.weight_norm(nn.Linear(16, 3))),
    "spectral norm": (16 * 3, nn.utils.parametrizations.spectral_norm(nn.Linear(16, 3))),
    "orthogonal weight": (16 * 3, nn.utils.parametrizations.orthogonal(nn.Linear(16, 3))),
    "pruned weight": (16 * 3, prune.random_unstructured(nn.Linear(16, 3), "weight", 0.5)),
    "old spectral norm": (16 * 3, nn.utils.spectral_norm(nn.Linear(16, 3))),
}


@pytest.mark.parametrize("name", COUNTS)
def test_multiply_accumulates_are_those_counted_by_hand(name):
    macs, part, *inputs = COUNTS[name]
    network = part if isinstance(part, nn.Module) else Call(part)
    assert pnn.budget(network, *inputs or [ROWS]).macs == macs


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")
def test_the_old_weight_norm():
    assert pnn.budget(nn.utils.weight_norm(nn.Linear(16, 3)), ROWS).macs == 16 * 3


def test_what_is_not_known_is_named_once():
    """An operation of torch's, and one of someone else's, until it is registered."""

    @torch.library.custom_op("two_tests::squares", mutates_args=())
    def squares(x: Tensor) -> Tensor:
        return x @ x.T

    squares.register_fake(lambda x: x.new_empty(len(x), len(x)))
    network = Call(lambda x: (torch.fft.rfft(x), squares(x), squares(x), x @ torch.ones(16, 3)))
    with pytest.warns(UserWarning, match=r"no multiply-accumulates of _fft_r2c, two_tests.squares, ") as found:
        assert pnn.budget(network, ROWS).macs == 16 * 3
    assert len(found) == 1
    assert found[0].filename == __file__
    operation = torch.ops.two_tests.squares
    register_flop_formula(operation)(lambda x, **_: 2 * x[0] ** 2 * x[1])
    try:
        assert pnn.budget(Call(lambda x: squares(x)), ROWS).macs == 16
    finally:
        del flop_registry[operation]


def test_matching_names_what_is_not_known_once():
    def build(width: int) -> nn.Module:
        return nn.Sequential(nn.Linear(16, width), Call(lambda x: torch.fft.fft(x).real), nn.Linear(width, 1))

    with pytest.warns(UserWarning, match="_fft_r2c") as found:
        assert pnn.match_width(build, 17 * 9, "macs", example=ROWS) == 9
    assert [warning.filename for warning in found] == [__file__]


def test_only_trainable_numbers_count_and_each_once():
    shared = nn.Linear(3, 3, bias=False)
    frozen = nn.Linear(3, 3).requires_grad_(False)
    assert pnn.budget(nn.Sequential(shared, frozen, shared), torch.zeros(1, 3)).parameters == 9


NETWORKS = [
    # ReLU keeps its output, which is the next layer's input too: 5 float32
    (nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)), (4,), 5 * 4),
    # the neuron keeps its three maps, the next layer its input
    (nn.Sequential(pnn.PolyLinear(4, 6), nn.Linear(6, 2)), (4,), 3 * 6 * 4 + 6 * 4),
    # ReLU's output of 2 x 8 x 8, int64 positions of the 2 x 4 x 4 maxima, and the maxima as input of the last layer
    (
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2 * 4 * 4, 3)),
        (1, 8, 8),
        2 * 8 * 8 * 4 + 2 * 4 * 4 * 8 + 2 * 4 * 4 * 4,
    ),
    # a network that keeps nothing but its input and parameters
    (nn.Linear(4, 5), (4,), 0),
]


@pytest.mark.parametrize(("network", "shape", "expected"), NETWORKS, ids=["relu", "polynomial", "pool", "linear"])
@pytest.mark.parametrize("rows", [1, 5])
def test_activation_bytes_are_those_counted_by_hand(network, shape, expected, rows):
    assert pnn.budget(network, torch.zeros(rows, *shape)).activation_bytes == expected


class Joined(nn.Module):
    """Two maps, computed by one: their weights are joined in every forward pass."""

    def __init__(self):
        super().__init__()
        self.first, self.r, self.g = nn.Linear(4, 5), nn.Linear(5, 6, bias=False), nn.Linear(5, 6, bias=False)

    def forward(self, x):
        r, g = F.linear(self.first(x), torch.cat([self.r.weight, self.g.weight])).chunk(2, -1)
        return r * g


@pytest.mark.parametrize("rows", [1, 2, 64])
def test_a_copy_of_a_weight_counts_once(rows):
    """However many rows: kept are both maps, which are one storage, and the input of them, of a row; and the copy."""
    row, copy_of_weights = (2 * 6 + 5) * 4, 2 * 6 * 5 * 4
    example = torch.zeros(rows, 4)
    assert pnn.budget(Joined(), example).activation_bytes == row + copy_of_weights
    assert kept_bytes(Joined(), example) == rows * row + copy_of_weights


@pytest.mark.parametrize("rows", [1, 3, 64])
def test_no_cost_depends_on_the_number_of_rows(rows):
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))
    assert pnn.budget(model, torch.zeros(rows, 4)) == pnn.budget(model, torch.zeros(2, 4))


class Stateful(nn.Module):
    """It draws random numbers, and keeps what it sees."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.seen, self.constant = [], torch.zeros(16)

    def forward(self, x):
        self.calls += 1
        self.constant += 1
        self.seen.append(x)
        return x * random.random() + torch.rand_like(x)


def test_the_callers_hooks_do_not_fire_and_nothing_of_the_model_changes(capfd):
    fired = []
    model = nn.Sequential(nn.Linear(16, 16), Stateful(), nn.Dropout(), nn.BatchNorm1d(16)).eval()
    for module in model.modules():
        module.register_forward_hook(lambda *_: fired.append("forward"))
        module.register_forward_pre_hook(lambda *_, **__: fired.append("before"), with_kwargs=True)
        module.register_full_backward_hook(lambda *_: fired.append("backward"))
    everywhere = nn.modules.module.register_module_forward_hook(lambda *_: fired.append("everywhere"))
    before, states = copy.deepcopy(model.state_dict()), (torch.get_rng_state(), random.getstate())
    with everywhere:
        pnn.budget(model, ROWS)
        assert fired == []
        model[0](ROWS)
        assert "everywhere" in fired
        fired.clear()
    assert model[1].seen == []
    assert (model[1].constant == 0).all()
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    model(ROWS)
    assert fired.count("forward") == 5
    assert capfd.readouterr() == ("", "")


LOCKED = nn.Linear(16, 2)
LOCKED.lock = threading.Lock()


@pytest.mark.parametrize(
    ("model", "example", "message"),
    [
        (nn.Identity(), "text", "tensor or a tuple of tensors, got str"),
        (nn.Identity(), (), "got an empty tuple"),
        (nn.Identity(), (ROWS, 3), "got Tensor, int"),
        (Call(lambda x: x @ x), ROWS, r"Call cannot be measured on inputs of shape \(2, 16\): .*reduction dim"),
        (Call(lambda x: x if x.sum() > 0 else -x), ROWS, r"data-dependent(.|\n)*no Python branch"),
        (LOCKED, ROWS, "Linear cannot be copied: (.|\n)*no locks"),
    ],
    ids=["text", "nothing", "number", "shapes", "branch", "lock"],
)
def test_what_cannot_be_measured_is_an_error(model, example, message, capfd):
    with pytest.raises(ValueError, match=message):
        pnn.budget(model, example)
    assert capfd.readouterr() == ("", ""), "torch logs what the error says"


def published() -> list[Record]:
    """One Record of each task and size that are files."""
    folder = results_folder()
    paths = {path.parent: path for path in sorted(folder.glob("*/*/*.json"))}
    return [Record.from_json(path.read_text()) for path in paths.values()]


def assert_is_published(record: Record) -> None:
    form = record.run.task.form
    vectors = torch.empty(form.vocabulary, VECTORS, device="meta") if form.vocabulary else None
    with torch.device("meta"):
        model = record.run.network.build(form, vectors)
    found = pnn.budget(model, torch.zeros(1, *form.shape, dtype=torch.int32 if form.vocabulary else torch.float32))
    assert found.parameters == record.budget["parameters"]
    assert found.macs == record.budget["macs"]


@pytest.mark.parametrize("record", published(), ids=lambda record: f"{record.run.task.name}-{record.run.size}")
def test_published_budgets_are_found_again(record):
    assert_is_published(record)


@pytest.mark.slow
def test_all_published_budgets_are_found_again():
    records = {(record.run.task.form, record.run.network): record for record in load_records() if record.budget}
    for record in records.values():
        assert_is_published(record)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_and_the_generator_are_left_as_they_were(training):
    model = nn.Sequential(pnn.CNNModule(3, 10, 2, "polynomial"), nn.Dropout()).train(training)
    model[1].train(not training)
    before, modes = copy.deepcopy(model.state_dict()), [module.training for module in model.modules()]
    state = torch.get_rng_state()
    pnn.budget(model, torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("example", [torch.zeros(0, 3, 32, 32), torch.tensor(1.0)])
def test_an_example_without_a_row_is_an_error(example):
    with pytest.raises(ValueError, match="at least one row, got shape"):
        pnn.budget(pnn.CNNModule(3, 10, 2), example)


# --- the width that costs the same -----------------------------------------------------------------------------------


def polynomial(width: int) -> nn.Module:
    return pnn.CNNModule(3, 10, width, "polynomial")


def test_the_published_pair_matches():
    assert pnn.match_width(polynomial, pnn.CNNModule(3, 10, 149)) == 86
    assert pnn.match_width(polynomial, 2_010_169) == 86


@cache
def activation_bytes(width: int) -> int:
    return pnn.budget(polynomial(width), IMAGE).activation_bytes


@pytest.mark.parametrize("by", ["parameters", "macs", "activation_bytes"])
@pytest.mark.parametrize("width", [1, 4, 9, 17])
def test_the_width_is_the_nearest_of_all(by, width):
    costs = {
        "parameters": lambda w: cnn_parameters(3, 10, w, "polynomial"),
        "macs": lambda w: cnn_macs(3, 10, w, "polynomial", 32),
        "activation_bytes": activation_bytes,
    }
    target = pnn.CNNModule(3, 10, width)
    goal = getattr(pnn.budget(target, IMAGE), by)
    nearest = min(range(1, 19), key=lambda w: abs(costs[by](w) - goal))
    assert pnn.match_width(polynomial, target, by, example=IMAGE, tolerance=2.0) == nearest


@pytest.mark.parametrize("width", [1, 2, 3, 8, 31])
def test_a_network_matches_itself(width):
    assert pnn.match_width(polynomial, polynomial(width), tolerance=0) == width


def test_no_match_names_the_two_nearest_widths():
    two, three = (cnn_parameters(3, 10, w, "polynomial") for w in (2, 3))
    with pytest.raises(ValueError, match=rf"within 1\.0%: width 2 has {two:,} .*, width 3 has {three:,} "):
        pnn.match_width(polynomial, (two + three) // 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 1000, "by": "flops"}, "parameters, macs, activation_bytes, got 'flops'"),
        ({"target": 1000, "by": "macs"}, "needs an example"),
        ({"target": pnn.CNNModule(3, 10, 2), "by": "activation_bytes"}, "needs an example"),
        ({"target": 10**9, "largest": 10}, "even width 10 has parameters .* fewer than the target 1,000,000,000"),
        ({"target": 0}, "target"),
    ],
)
def test_what_cannot_be_matched_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        pnn.match_width(polynomial, **arguments)


@pytest.mark.parametrize(
    "model",
    [
        pnn.CNNModule(3, 10, 4, "polynomial"),
        pnn.CNNModule(3, 10, 4, "quadratic"),
        pnn.ResNetModule(3, 10, 4, activation=pnn.Polynomial(4, 3.0), depth=8),
        pnn.ConvNeXt("standard", 8, activation=pnn.TPGUChoice(3)).build(pnn.CIFAR10().form),
    ],
    ids=lambda model: type(model).__name__,
)
def test_the_memory_of_a_batch_is_that_of_all_its_rows_at_once(model):
    batch = torch.empty(32, 3, 32, 32)
    whole, rows = _cost(model, (batch,))
    assert rows == 32
    assert kept_bytes(model, batch) == whole.kept + whole.copies


def test_an_inverse_and_weighted_bags_are_not_free_and_names_of_arguments_do_not_matter():
    class Call(nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def forward(self, x):
            return self.function(x)

    x, bags = torch.rand(3, 4), torch.tensor([[0, 1, 2, 3]] * 3)
    assert pnn.budget(Call(lambda x: torch.linalg.vecdot(x=x, y=x)), x).macs == 4
    with pytest.warns(UserWarning, match="linalg_inv_ex"):
        pnn.budget(Call(lambda x: torch.linalg.inv(x.unsqueeze(-1) * torch.eye(4))), x)
    with pytest.warns(UserWarning, match="_embedding_bag"):
        pnn.budget(
            Call(lambda x: F.embedding_bag(bags[: len(x)], torch.rand(5, 2), per_sample_weights=x, mode="sum")), x
        )
