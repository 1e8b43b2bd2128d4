"""Every layer that `pnn` exports, in all its kinds: a new one is tested by existing."""

import contextlib
import functools
import inspect
import re
import shutil
import warnings

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import pnn
from pnn import nn as collection
from pnn.nn.learned import LearnedActivation
from pnn.testing import programs
from pnn.testing.case import Case

# what a layer may be told beyond torch's own arguments; every layer is tested as it is by default, too
KINDS = {
    "QuadraticLinear": [{"form": form} for form in ("compact", "type2", "type3")],
    "QuadraticConv2d": [{"form": form} for form in ("compact", "type2", "type3")],
    "CCP": [{"degree": 1}, {"degree": 4, "norm": True}],
    "NCP": [{"degree": 1}, {"degree": 4, "norm": True}],
    "CCPConv2d": [{"degree": 3, "norm": True}],
    "NCPConv2d": [{"degree": 3, "norm": True}],
    "KANLinear": [{"basis": "chebyshev"}],
    "KANConv2d": [{"basis": "chebyshev"}],
    "PolynomialActivation": [
        {"basis": "monomial", "fit": "least-squares", "interval": (-2, 3)},
        {"basis": "hermite", "num_parameters": 4},
        {"interval_mode": "learned", "init": "silu"},
        {"interval_mode": "tracked", "learnable": False},
    ],
    "StarLinear": [{"activation": nn.Identity}],
    "APL": [{"num_parameters": 4, "hinges": 1}],
    "PolyNeuron": [{"num_parameters": 4, "points": 4, "k": 2}],
    "PolyNeuronR": [{"num_parameters": 4, "start": "random"}],
    "PolyNorm": [{"num_parameters": 4}],
    "PolyReLU": [{"num_parameters": 4, "order": 2}],
    "Rational": [{"num_parameters": 4}],
    "Swish": [{"num_parameters": 4}],
    "TPGU": [{"order": 0}, {"order": 5}],
    "XIELU": [{"num_parameters": 4}],
}
CONVOLUTIONS = [
    {"padding": 1, "stride": 2},
    {"padding": 1, "bias": False, "padding_mode": "circular"},
    {"dilation": 2, "groups": 2},
]


def torchs(kind: type[nn.Module]) -> type[nn.Module] | None:
    """Torch's layer that this one stands in for."""
    parameters = inspect.signature(kind).parameters
    if "in_features" in parameters:
        return nn.Linear
    if "in_channels" in parameters:
        return nn.Conv1d if kind.__name__.endswith("1d") else nn.Conv2d
    return None


def cases(variations: bool = True):
    for name in collection.__all__:
        kind = getattr(collection, name)
        settings = [{}, *KINDS.get(name, [])]
        if variations:
            settings += [{"bias": False}] if torchs(kind) is nn.Linear else CONVOLUTIONS if torchs(kind) else []
        for own in settings:
            yield pytest.param(
                kind, own, id="-".join([name, *(f"{k}={getattr(v, '__name__', v)}" for k, v in own.items())])
            )


def of_torchs(layers: tuple, listed):
    return [case for case in listed if torchs(case.values[0]) in layers]


LAYERS = [getattr(collection, name) for name in collection.__all__]
every_layer = pytest.mark.parametrize("kind", LAYERS)
one_of_each_family = pytest.mark.parametrize("kind", {kind.__module__: kind for kind in LAYERS}.values())
every_kind = pytest.mark.parametrize(("kind", "settings"), list(cases(variations=False)))  # of what takes a second each
every_convolution = pytest.mark.parametrize(
    ("kind", "settings"), of_torchs((nn.Conv1d, nn.Conv2d), cases(variations=False))
)
every_image = pytest.mark.parametrize(("kind", "settings"), of_torchs((nn.Conv2d, None), cases()))
every_case = pytest.mark.parametrize(("kind", "settings"), list(cases()))


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def build(kind: type[nn.Module], settings: dict, **more) -> nn.Module:
    arguments = {nn.Linear: (4, 6), nn.Conv1d: (4, 6, 3), nn.Conv2d: (4, 6, 3), None: (4,)}[torchs(kind)]
    if issubclass(kind, LearnedActivation) and "num_parameters" in inspect.signature(kind).parameters:
        arguments = ()  # By default they share one set of parameters.
    return kind(*arguments, **settings, **more)


def example(kind: type[nn.Module], batch: int = 3, **options) -> torch.Tensor:
    size = {nn.Linear: (), nn.Conv1d: (8,), nn.Conv2d: (8, 8), None: (8, 8)}[torchs(kind)]
    return torch.randn(batch, 4, *size, **options)


@every_layer
def test_it_is_public_and_its_documentation_says_what_a_reader_looks_for(kind):
    assert getattr(pnn, kind.__name__) is kind
    for word in (".. math::", "**Degree**", "**multiplicative depth**", "**Parameters**", "**Multiply-accumulates**"):
        assert word in kind.__doc__, word
    assert "**Initialisation**" in kind.__doc__
    assert "Source: " in kind.__doc__
    assert re.search(r"^When not to use it:\n    \S", inspect.getdoc(kind), re.MULTILINE)


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if torchs(kind)])
def test_its_positional_arguments_are_torchs(kind):
    def positional(layer):
        return [
            (p.name, p.default)
            for p in inspect.signature(layer).parameters.values()
            if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        ]

    assert positional(kind) == positional(torchs(kind))


REFUSED = [
    {"groups": 0},
    {"groups": -1},
    {"groups": 3},
    # the maps inside a layer have more channels, and would accept these
    {"groups": 3, "in_channels": 6},
    {"groups": 3, "out_channels": 6},
    {"groups": 2, "out_channels": 5},
    {"groups": 4, "out_channels": 6},
    {"padding": "full"},
    {"padding": "same", "stride": 2},
    {"padding_mode": "mirror"},
]


@every_convolution
def test_refuses_what_torch_refuses(kind, settings):
    for wrong in REFUSED:
        arguments = {"in_channels": 4, "out_channels": 4, "kernel_size": 3, **wrong}
        with pytest.raises(ValueError, match=r"groups|padding") as refusal:
            torchs(kind)(**arguments)
        with pytest.raises(ValueError, match=re.escape(str(refusal.value))):
            kind(**arguments, **settings)


@every_case
def test_shapes_are_torchs_and_an_empty_batch_stays_empty(kind, settings):
    layer = build(kind, settings).eval()
    for batch in (3, 0):
        x = example(kind, batch)
        if torchs(kind):
            common = {k: v for k, v in settings.items() if k in inspect.signature(torchs(kind)).parameters}
            assert layer(x).shape == build(torchs(kind), common)(x).shape
        else:
            assert layer(x).shape == x.shape


@every_case
def test_every_parameter_has_a_gradient_and_all_are_finite(kind, settings):
    layer, x = build(kind, settings), example(kind, requires_grad=True)
    y = layer(x)
    assert y.isfinite().all()
    (y * torch.randn_like(y)).sum().backward()
    for name, values in {"input": x, **dict(layer.named_parameters())}.items():
        assert values.grad is not None, name
        assert values.grad.isfinite().all(), name
        assert values.grad.any(), name


@every_case
def test_it_can_be_used_wherever_torchs_own_are(kind, settings):
    pnn.check_layer(functools.partial(build, kind, settings), example(kind), quick=True).raise_for_failures()


@pytest.mark.slow
@every_kind
def test_as_onnx_with_any_batch_it_is_the_same(kind, settings):
    case = Case(build(kind, settings), (example(kind),))
    # ONNX has nothing that solves a system of equations, as this one does for its weights.
    solves = pytest.raises(torch.onnx.OnnxExporterError, match=r"aten\._linalg_solve_ex")
    with warnings.catch_warnings(), solves if kind is pnn.PolyNeuron else contextlib.nullcontext():
        warnings.simplefilter("ignore")  # The exporter warns of itself.
        programs.onnx(case)


@pytest.mark.slow
@one_of_each_family
def test_it_can_be_used_wherever_torchs_own_are_on_two_processes_too(kind):
    report = pnn.check_layer(functools.partial(build, kind, {}), example(kind))
    report.raise_for_failures()
    assert {check.outcome for check in report} <= {"held", "does not apply"}


@every_case
def test_reset_draws_anew_as_at_the_start(kind, settings):
    layer = build(kind, settings)
    torch.manual_seed(1)
    layer.reset_parameters()
    again = {name: values.clone() for name, values in layer.state_dict().items()}
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
    torch.manual_seed(1)
    layer.reset_parameters()
    for name, values in layer.state_dict().items():
        assert torch.equal(values, again[name]), name


@every_image
def test_channels_last_stays_channels_last(kind, settings):
    layer, x = build(kind, settings).eval(), example(kind)
    expected = layer(x)
    y = layer.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last))
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert_close(y, expected, rtol=1e-4, atol=1e-5)


@every_case
def test_bfloat16_autocast(kind, settings):
    layer, x = build(kind, settings), example(kind, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert_close(y.float(), layer(x), rtol=0.05, atol=0.1)
    y.float().sum().backward()
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in layer.parameters())


@every_kind
def test_exported_with_any_batch_it_is_the_same(kind, settings):
    layer = build(kind, settings).eval()
    program = torch.export.export(layer, (example(kind),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    for batch in (2, 7):
        x = example(kind, batch)
        assert_close(program.module()(x), layer(x))


@every_kind
def test_compiled_it_is_the_same(kind, settings):
    compiled_is_the_same(kind, settings, "aot_eager")


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")
@one_of_each_family
def test_compiled_to_machine_code_it_is_the_same(kind):
    compiled_is_the_same(kind, {}, "inductor")


def compiled_is_the_same(kind: type[nn.Module], settings: dict, backend: str) -> None:
    torch.compiler.reset()
    layer = build(kind, settings)
    x = example(kind, requires_grad=True)
    inputs = (x, *layer.parameters())
    expected = layer(x)
    slopes = torch.randn_like(expected)
    gradients = torch.autograd.grad(expected, inputs, slopes)  # before a BatchNorm's statistics change again
    y = torch.compile(layer, fullgraph=True, backend=backend)(x)
    assert_close(y, expected)
    # Sums of many terms are taken in another order.
    assert_close(torch.autograd.grad(y, inputs, slopes), gradients, rtol=1e-5, atol=1e-5)


@every_kind
def test_the_audit_agrees_with_a_probe_along_a_line(kind, settings):
    layer, x = build(kind, settings), example(kind, 1)
    with torch.no_grad():  # statistics that are not those of the start
        for _ in range(3):
            layer(example(kind, 8))
    audit = pnn.audit(layer, x)
    assert audit.polynomial == (not audit.obstacles)
    assert pnn.degree_along_line(layer, x, most=8) == audit.degree
