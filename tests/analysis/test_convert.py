"""Converted networks: what is replaced and what not, what carries over, how widths follow a budget."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune
from torch.testing import assert_close

import pnn
from pnn.analysis.call_sites import separate_calls
from pnn.analysis.carry_over import fitted, quantiles
from pnn.analysis.private_widths import private_widths


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def masked(layer: nn.Module) -> None:
    prune.l1_unstructured(layer, "weight", amount=0.5)


class Block(nn.Module):
    """A residual block as others write it: one ReLU called twice, and a function."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, hidden, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(hidden, channels, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return F.leaky_relu(self.relu(self.conv2(y) + x), 0.2)


def network() -> nn.Sequential:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), Block(4, 8), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 10))
    with torch.no_grad():
        for _ in range(5):
            model(images())  # moves BatchNorm's statistics
    return model.eval()


def images() -> torch.Tensor:
    return torch.randn(16, 3, 8, 8)


def names(conversion: pnn.Conversion) -> dict[str, tuple[str, str]]:
    return {one.name: (one.old, one.new) for one in conversion.replaced}


# --- activations -----------------------------------------------------------------------------------------------------


def test_every_call_gets_a_module_of_its_own_and_the_network_stays_the_same():
    source, x = network(), images()
    model = copy.deepcopy(source)
    assert separate_calls(model, x) == {}
    assert_close(model(x), source(x))
    found = {name for name, module in model.named_modules() if isinstance(module, nn.ReLU | nn.LeakyReLU)}
    assert found == {"2.relu", "2.relu_1", "2.leaky_relu"}
    assert model[2].leaky_relu.negative_slope == 0.2
    assert set(model.state_dict()) == set(source.state_dict())


@pytest.mark.parametrize("choice", [pnn.SwishChoice(), pnn.APLChoice(4), pnn.PolyNeuronChoice(5), pnn.RationalChoice()])
def test_activations_are_replaced_and_fitted_those_called_as_functions_too(choice):
    source, x = network(), images()
    before = copy.deepcopy(source.state_dict())
    conversion = pnn.convert(source, x, activation=choice)
    kind = type(choice.build(1)).__name__
    assert names(conversion) == {
        "1": ("GELU", kind),
        "2.relu": ("ReLU", kind),
        "2.relu_1": ("ReLU", kind),
        "2.leaky_relu": ("LeakyReLU", kind),
    }
    assert conversion.left == ()
    error = (conversion.model(x) - source(x)).abs().max() / source(x).abs().max()
    assert conversion.error == pytest.approx(error.item(), rel=1e-3)
    assert conversion.error < 0.1
    assert all(torch.equal(source.state_dict()[name], value) for name, value in before.items())


def test_a_function_that_the_new_activation_contains_carries_over_to_rounding():
    source, x = nn.Sequential(nn.Linear(4, 8), nn.SiLU(), nn.Linear(8, 2)), torch.randn(64, 4)
    conversion = pnn.convert(source, x, activation=pnn.SwishChoice(per_channel=True))
    assert conversion.error < 1e-6
    assert conversion.model[1].beta.shape == (8,)
    conversion = pnn.convert(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), x, activation=pnn.PolyReLUChoice())
    assert conversion.error < 1e-5


@pytest.mark.parametrize("order", [1, 3])
def test_a_polynomial_is_fitted_as_well_as_numpy_does(order):
    x = quantiles(torch.randn(1000))
    _, error = fitted(pnn.TPGUChoice(order).build, 3, F.gelu, x)
    powers = x[:, None] ** torch.arange(1, order + 2)
    best = powers @ torch.linalg.lstsq(powers, F.gelu(x)[:, None]).solution
    expected = ((best[:, 0] - F.gelu(x)).square().mean() / F.gelu(x).square().mean()).sqrt().item()
    assert expected * 0.99 < error < 1.05 * expected


def test_the_channels_are_found_where_they_are():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.linear, self.act = nn.Conv2d(3, 5, 1), nn.Linear(5, 7), nn.GELU()

        def forward(self, x):
            return self.act(self.linear(self.conv(x).permute(0, 2, 3, 1))).mean((1, 2))

    conversion = pnn.convert(Last(), torch.randn(2, 3, 4, 4), activation=pnn.TPGUChoice(3))
    assert isinstance(conversion.model.act, pnn.ChannelsLast)
    assert conversion.model.act.activation.num_parameters == 7
    first = pnn.convert(network(), images(), activation=pnn.TPGUChoice(3)).model
    assert first[1].num_parameters == 4


def test_what_where_selects_is_replaced_and_nothing_else():
    source, x = network(), images()
    for where, expected in [
        ("2.*", {"2.relu", "2.relu_1", "2.leaky_relu"}),
        (nn.GELU, {"1"}),
        ((nn.GELU, nn.LeakyReLU), {"1", "2.leaky_relu"}),
        (lambda name, module: name.endswith("_1"), {"2.relu_1"}),
    ]:
        assert set(names(pnn.convert(source, x, activation=pnn.SwishChoice(), where=where))) == expected


def test_an_activation_that_torch_does_not_have_is_found_by_its_type():
    class Cube(nn.Module):
        def forward(self, x):
            return x**3

    source = nn.Sequential(nn.Linear(4, 4), Cube())
    conversion = pnn.convert(source, torch.randn(50, 4), activation=pnn.TPGUChoice(2), where=Cube)
    assert names(conversion) == {"1": ("Cube", "TPGU")}
    assert conversion.error < 1e-4


def test_what_torch_fx_cannot_trace_stays_with_the_reason():
    class Branch(nn.Module):
        def forward(self, x):
            return torch.relu(x) if len(x) > 3 else x

    source = nn.Sequential(nn.Linear(4, 4), Branch(), nn.ReLU())
    conversion = pnn.convert(source, torch.randn(5, 4) + 1, activation=pnn.SwishChoice())
    (left,) = conversion.left
    assert (left.name, left.kind) == ("1", "Branch")
    assert "relu" in left.reason
    assert "torch.fx cannot trace it" in left.reason


def test_a_forward_that_differs_in_training_is_left_as_it_is():
    class Dropped(nn.Module):
        def forward(self, x):
            return F.dropout(F.relu(x), training=self.training)

    conversion = pnn.convert(nn.Sequential(Dropped(), nn.ReLU()), torch.randn(5, 4), activation=pnn.SwishChoice())
    assert "differs between training and evaluation" in conversion.left[0].reason


# --- layers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("neuron", ["polynomial", "quadratic", "bilinear"])
def test_a_network_of_other_neurons_starts_as_the_old_one_and_every_parameter_learns(neuron):
    source, x = network(), images()
    conversion = pnn.convert(source, x, neuron=neuron)
    assert set(names(conversion)) == {"0", "2.conv1", "2.conv2", "5"}
    assert conversion.error < 1e-5
    model = conversion.model.train()
    model(x).square().mean().backward()
    still = {name for name, p in model.named_parameters() if not p.grad.any()}
    assert not still
    if neuron == "polynomial":  # A product of zero has a gradient in one of its factors, B is drawn like A.
        a, b, c = model[5].branches()
        assert not c.weight.any()
        assert b.weight.std().item() == pytest.approx(a.weight.std().item(), rel=0.2)


def test_grouped_and_strided_layers_start_as_the_old_ones():
    source = nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1, groups=2, padding_mode="circular"), nn.Conv2d(8, 4, 1, bias=False))
    for neuron in ("polynomial", "quadratic", "bilinear"):
        assert pnn.convert(source, torch.randn(2, 4, 9, 9), neuron=neuron).error < 1e-5


def test_a_neuron_without_a_conventional_start_starts_afresh_and_says_so():
    conversion = pnn.convert(network(), images(), neuron="ncp")
    assert {one.kept for one in conversion.replaced} == {"nothing: this neuron has no conventional start"}
    conversion = pnn.convert(nn.Sequential(nn.Conv1d(2, 3, 1)), torch.randn(2, 2, 5), neuron="bilinear")
    assert conversion.error < 1e-5
    conversion = pnn.convert(nn.Sequential(nn.Conv1d(2, 3, 1)), torch.randn(2, 2, 5), neuron="kan")
    assert conversion.left[0].reason == "the neuron 'kan' has no layer for Conv1d"


def test_weights_that_another_module_reads_stay():
    source = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    conversion = pnn.convert(source, torch.randn(2, 5, 8), neuron="polynomial")
    assert {one.name for one in conversion.left} == {"linear1", "linear2", "self_attn.out_proj"}
    assert all("reads its weight" in one.reason or "never called" in one.reason for one in conversion.left)


@pytest.mark.parametrize("norm", [nn.utils.parametrizations.weight_norm, nn.utils.weight_norm, masked])
@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
def test_a_weight_that_is_computed_stays_and_so_does_its_width(norm):
    source = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 6))
    norm(source[0])
    conversion = pnn.convert(source, torch.randn(8, 6), neuron="polynomial", match="parameters")
    assert [one.name for one in conversion.left] == ["0"]
    assert {one.name for one in conversion.replaced} == {"2"}
    assert conversion.width.startswith("not matched")


# --- widths ----------------------------------------------------------------------------------------------------------


def test_a_private_width_is_made_by_one_layer_and_read_by_one():
    model = network()
    separate_calls(model, images())
    (width,) = private_widths(model)
    assert (width.maker, width.norms, width.reader) == ("2.conv1", ("2.bn1",), "2.conv2")


@pytest.mark.parametrize("match", ["parameters", "macs"])
def test_private_widths_shrink_until_the_budget_is_met(match):
    source, x = nn.Sequential(nn.Linear(6, 400), nn.ReLU(), nn.Linear(400, 6)), torch.randn(8, 6)
    conversion = pnn.convert(source, x, neuron="polynomial", match=match)
    before, after = getattr(conversion.before, match), getattr(conversion.after, match)
    assert abs(after / before - 1) < 0.01
    assert conversion.width.startswith("1 of them at 33")
    assert conversion.model(x).shape == (8, 6)


def test_the_units_with_the_largest_weights_stay():
    source = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 3))
    with torch.no_grad():
        source[0].weight[::2] = 0
    x = torch.randn(9, 3)
    converted = pnn.convert(source, x, neuron="polynomial", match="macs").model
    a, _, _ = converted[0].branches()
    assert a.weight.abs().sum(1).min() > 0


def test_where_no_width_is_free_the_report_says_so():
    source = nn.Sequential(nn.Linear(4, 4), nn.Softmax(1))
    conversion = pnn.convert(source, torch.randn(3, 4), neuron="polynomial", match="parameters")
    expected = "not matched: every width is read by more than one layer, or belongs to a weight that is computed"
    assert conversion.width == expected


def test_where_the_free_widths_are_too_few_they_stay_and_the_report_says_so():
    source = nn.Sequential(nn.Linear(50, 50), nn.Softmax(1), nn.Linear(50, 4), nn.ReLU(), nn.Linear(4, 50))
    conversion = pnn.convert(source, torch.randn(3, 50), neuron="polynomial", match="parameters")
    assert conversion.width.startswith("not matched: the 1 that one layer makes and one reads are too few")
    assert conversion.model[3:][1].in_features == 4
    assert conversion.error < 1e-5


# --- the report, and mistakes ----------------------------------------------------------------------------------------


def test_the_report_reads_well():
    source = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    text = str(pnn.convert(source, torch.randn(64, 4), activation=pnn.TPGUChoice(2)))
    assert "x ReLU -> TPGU; kept: its values within" in text
    assert "parameters: 130 -> 194 (+49.2%)" in text
    assert "audit before: not a polynomial; obstacles: 2" in text
    assert "audit after: polynomial of degree 9, multiplicative depth 4" in text


def test_the_state_of_a_converted_network_loads_into_another():
    source, x = network(), images()
    one, other = (pnn.convert(source, x, activation=pnn.TPGUChoice(2), neuron="polynomial").model for _ in range(2))
    with torch.no_grad():
        for p in one.parameters():
            p.normal_(std=0.1)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "say what to convert"),
        ({"activation": "tpgu"}, r"activation must be a choice such as pnn.TPGUChoice\(3\), got 'tpgu'"),
        ({"neuron": "poly"}, "neuron must be one of 'standard', .*, got 'poly'"),
        ({"neuron": "polynomial", "match": "time"}, "match must be None or one of 'parameters', 'macs', got 'time'"),
        (
            {"neuron": "polynomial", "where": "head.*"},
            r"where='head.\*' selects nothing; Sequential has 3 x Conv2d",
        ),
    ],
)
def test_a_mistake_is_named_with_what_is_there(options, message):
    with pytest.raises(ValueError, match=message):
        pnn.convert(network(), images(), **options)


# --- networks of others ----------------------------------------------------------------------------------------------

torchvision = pytest.importorskip("torchvision")


def built(name: str, **settings) -> nn.Module:
    model = getattr(torchvision.models, name)(weights=None, num_classes=10, **settings).eval()
    nn.init.normal_(list(model.parameters())[-2])  # A head that starts as zero would hide every difference.
    return model


# The numbers of activations, and of layers that are never called: attention reads their weights.
MODELS = [
    ("resnet18", {}, 17, 0),
    ("mobilenet_v3_small", {}, 33, 0),
    ("convnext_tiny", {}, 18, 0),
    ("swin_t", {}, 12, 24),
    ("vit_b_16", {"image_size": 32}, 12, 12),
    pytest.param("efficientnet_b0", {}, 49, 0, marks=pytest.mark.slow),
    pytest.param("regnet_y_400mf", {}, 65, 0, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "settings", "activations", "uncalled"), MODELS)
def test_networks_of_torchvision_are_converted(name, settings, activations, uncalled):
    source, x = built(name, **settings), torch.randn(2, 3, 32, 32)
    conversion = pnn.convert(source, x, activation=pnn.SwishChoice(per_channel=True))
    assert len(conversion.replaced) == activations
    assert conversion.left == ()
    assert conversion.error < 0.3
    conversion = pnn.convert(source, x, neuron="polynomial")
    assert len(conversion.left) == uncalled
    assert conversion.error < 1e-4


# The hidden widths of the networks' blocks: four times the channels of each stage, by its number of blocks.
HIDDEN = {
    "convnext_tiny": 4 * (3 * 96 + 3 * 192 + 9 * 384 + 3 * 768),
    "swin_t": 4 * (2 * 96 + 2 * 192 + 6 * 384 + 2 * 768),
}
POLYNOMIAL = pnn.Polynomial(4, 6.0)


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("choice", [pnn.TPGUChoice(3), POLYNOMIAL], ids=["tpgu", "polynomial"])
def test_convnext_and_swin_take_learned_polynomials_in_the_place_of_gelu(name, choice):
    """A TPGU has n + 2 numbers for every hidden channel, a polynomial its coefficients in every block."""
    source, x = built(name), torch.randn(2, 3, 32, 32)
    conversion = pnn.convert(source, x, activation=choice)
    kinds = {"TPGU"} if choice != POLYNOMIAL else {type(choice.build(1)).__name__}
    assert {(one.old, one.new) for one in conversion.replaced} == {("GELU", kind) for kind in kinds}
    assert conversion.left == ()
    blocks = len(conversion.replaced)
    own = sum(p.numel() for p in choice.build(1).parameters())
    added = 5 * HIDDEN[name] if choice != POLYNOMIAL else own * blocks
    assert conversion.after.parameters - conversion.before.parameters == added
    assert conversion.model(x).isfinite().all()
    assert conversion.error < 0.5


def test_timms_starnet_is_converted():
    timm = pytest.importorskip("timm")
    source, x = timm.create_model("starnet_s1", num_classes=10).eval(), torch.randn(2, 3, 64, 64)
    conversion = pnn.convert(source, x, activation=pnn.SwishChoice())
    assert conversion.replaced
    assert conversion.left == ()
