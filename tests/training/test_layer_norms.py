"""The layers' norms against passes written out, and what the probe must leave as it was."""

import copy

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pnn
from pnn.training import layer_norms

LAYERS = (0, 4, 8, 13)  # of the CNN: its convolutions and its last linear one
both_neurons = pytest.mark.parametrize("neuron", ["standard", "polynomial"])


def rms(values: Tensor) -> float:
    return float((values.double() ** 2).sum() / values.numel()) ** 0.5


def norms_plainly(model: nn.Sequential, x: Tensor, loss_of, layers: tuple[int, ...] = LAYERS) -> dict[str, float]:
    """Module by module on a copy, and torch's own backward pass."""
    model = copy.deepcopy(model).eval()
    model.zero_grad()
    found = {}
    for position, module in enumerate(model):
        x = module(x)
        if position in layers:
            found[f"activation_rms.{layers.index(position) + 1}"] = rms(x.detach())
    loss_of(x).backward()
    for number, position in enumerate(layers, 1):
        found[f"gradient_rms.{number}"] = rms(torch.cat([p.grad.flatten() for p in model[position].parameters()]))
    return found


def small(neuron: str, seed: int = 0) -> pnn.CNNModule:
    """A network whose BatchNorm has seen some rows."""
    torch.manual_seed(seed)
    model = pnn.CNNModule(2, 3, 4, neuron)
    for _ in range(3):
        model(torch.randn(6, 2, 8, 8) + 0.5)
    return model


def batch() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(7, 2, 8, 8, generator=draw), torch.randint(0, 3, (7,), generator=draw)


@both_neurons
@pytest.mark.parametrize("training", [True, False])
def test_norms_are_those_of_a_pass_module_by_module(neuron, training):
    model, (x, y) = small(neuron).train(training), batch()
    expected = norms_plainly(model, x, lambda logits: F.cross_entropy(logits, y))
    found = layer_norms.norms(model, lambda: F.cross_entropy(model(x), y))
    assert found.keys() == {f"{kind}_rms.{n}" for kind in ("activation", "gradient") for n in (1, 2, 3, 4)}
    assert found == pytest.approx(expected, rel=1e-4)
    assert len({round(value, 9) for value in found.values()}) == 8


@both_neurons
def test_a_linear_layers_norms_worked_by_hand(neuron):
    kind = {"standard": nn.Linear, "polynomial": pnn.PolyLinear}[neuron]
    model = nn.Sequential(kind(2, 1, bias=False))
    with torch.no_grad():
        if neuron == "standard":
            model[0].weight.copy_(torch.tensor([[2.0, 1.0]]))
        else:  # 2 u + v + (u)(v)
            model[0].maps.weight.copy_(torch.tensor([[2.0, 1.0], [1.0, 0.0], [0.0, 1.0]]))
    x = torch.tensor([[1.0, 2.0], [3.0, -1.0]])  # 2 u + v: 4 and 5; (u)(v): 2 and -3
    found = layer_norms.norms(model, lambda: model(x).sum())
    if neuron == "standard":  # the gradient is the sum of the rows, (4, 1)
        assert found == pytest.approx({"activation_rms.1": (41 / 2) ** 0.5, "gradient_rms.1": (17 / 2) ** 0.5})
    else:  # of B the rows times v, (2 - 3, 4 + 1); of C the rows times u, (1 + 9, 2 - 3)
        gradient = ((16 + 1 + 1 + 25 + 100 + 1) / 6) ** 0.5
        assert found == pytest.approx({"activation_rms.1": 20**0.5, "gradient_rms.1": gradient})


def test_layers_are_those_with_weights_in_the_order_of_the_model():
    torch.manual_seed(0)
    inside = nn.Sequential(nn.ReLU(), pnn.PolyConv1d(3, 4, 3), nn.BatchNorm1d(4))
    model = nn.Sequential(nn.Embedding(9, 3), _Transpose(), inside, nn.Flatten(), nn.Linear(16, 2))
    x = torch.randint(0, 9, (5, 6))
    found = layer_norms.norms(model, lambda: model(x).square().mean())
    assert found.keys() == {"activation_rms.1", "activation_rms.2", "gradient_rms.1", "gradient_rms.2"}
    assert found["activation_rms.1"] == pytest.approx(rms(inside[:2](model[:2](x)).detach()))


class _Transpose(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


# --- what is left as it was ------------------------------------------------------------------------------------------


def measured(training: bool, loss_of=None):
    """A network with gradients and a dropout, and all that can be seen of it before the probe and after it."""
    model, (x, y) = nn.Sequential(*small("polynomial"), nn.Dropout(0.5)), batch()
    F.cross_entropy(model(x), y).backward()
    model.train(training)

    def seen():
        values = {name: value.clone() for name, value in model.state_dict().items()}
        values |= {f"gradient of {name}": p.grad.clone() for name, p in model.named_parameters()}
        modes = [(module.training, len(module._forward_hooks)) for module in model.modules()]
        return values, modes, torch.get_rng_state()

    before = seen()
    if loss_of:
        with pytest.raises(ZeroDivisionError):
            layer_norms.norms(model, lambda: loss_of(model(x)))
    else:
        layer_norms.norms(model, lambda: F.cross_entropy(model(x), y))
    return before, seen()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("loss_of", [None, lambda logits: 1 / 0], ids=["", "raises"])
def test_the_model_and_the_generator_are_left_as_they_were(training, loss_of):
    (values, modes, generator), (values_after, modes_after, generator_after) = measured(training, loss_of)
    assert modes == modes_after
    assert {mode for mode, _ in modes} == {training}
    assert torch.equal(generator, generator_after)
    assert values.keys() == values_after.keys()
    for name, value in values.items():
        assert torch.equal(value, values_after[name]), name


def test_a_module_in_another_mode_than_the_model_stays_in_it():
    model, (x, y) = small("standard").train(), batch()
    model[1].eval()
    layer_norms.norms(model, lambda: F.cross_entropy(model(x), y))
    assert model.training
    assert not model[1].training


def test_norms_of_a_network_that_is_about_to_diverge_do_not_overflow():
    model = nn.Sequential(nn.Linear(1, 1, bias=False))
    with torch.no_grad():
        model[0].weight.fill_(1e25)
    x = torch.ones(4, 1)
    found = layer_norms.norms(model, lambda: model(x).mean() * 1e5)
    assert found == {"activation_rms.1": pytest.approx(1e25), "gradient_rms.1": pytest.approx(1e5)}
    found = layer_norms.norms(model, lambda: model(x * 1e-2).mean() * 1e25)
    assert found["gradient_rms.1"] == pytest.approx(1e23)


def test_a_frozen_layer_has_an_activation_and_no_gradient():
    model, (x, y) = small("standard"), batch()
    model[0].requires_grad_(False)
    found = layer_norms.norms(model, lambda: F.cross_entropy(model(x), y))
    assert "activation_rms.1" in found
    assert found.get("gradient_rms.1", 0.0) == 0.0


# --- in a training ---------------------------------------------------------------------------------------------------


@both_neurons
def test_the_curves_hold_the_norms_after_every_epoch(tmp_path, neuron):
    """The last of them are those of the weights as they ended, on the first 256 validation rows."""
    recipe = pnn.Recipe(2, batch_size=32, augment="none")
    run = pnn.Run(pnn.Digits(validation=300), pnn.CNN(neuron, 2), recipe, 0, "smoke")
    record = pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    names = {f"{kind}_rms.{n}" for kind in ("activation", "gradient") for n in (1, 2, 3, 4)}
    assert {name for name in record.curves if "_rms." in name} == names
    assert {len(record.curves[name]) for name in names} == {2}
    assert all(record.curves[name][0] != record.curves[name][1] for name in names)

    data = run.task.load()
    model = run.network.build(data.form)
    model.load_state_dict(safetensors.torch.load_file(tmp_path / run.name / "weights.safetensors"))
    x, y = data.normalise(data.validation.x[:256]), data.validation.y[:256]
    expected = norms_plainly(model, x, lambda logits: F.cross_entropy(logits, y))
    assert {name: record.curves[name][-1] for name in names} == pytest.approx(expected, rel=1e-4)
