"""Networks against the published layers, written out."""

import dataclasses
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

import pnn
from pnn.networks.neurons import NEURONS
from pnn.training.objective import correct, objective


def test_cnn_is_the_sources_network_written_out():
    torch.manual_seed(0)
    model = pnn.CNNModule(3, 10, 4).eval()
    torch.manual_seed(0)
    blocks = []
    for channels, width in ((3, 4), (4, 8), (8, 16)):
        blocks += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        blocks += [nn.MaxPool2d(2)]
    plain = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)).eval()
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(model(x), plain(x))


def test_neuron_and_activation_are_exchanged_everywhere():
    model = pnn.CNNModule(1, 10, 4, "polynomial", pnn.Identity())
    assert sum(isinstance(m, pnn.PolyConv2d) for m in model) == 3
    assert not any(isinstance(m, nn.Conv2d | nn.ReLU) for m in model)
    assert model(torch.randn(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"neuron": "poly"}, "neuron must be one of 'standard', 'polynomial', .*got 'poly'"),
        ({"activation": "gelu"}, r"activation must be a choice such as pnn.ReLU\(\) .*, got 'gelu'"),
    ],
)
def test_a_mistyped_name_says_what_is_allowed(names, message):
    with pytest.raises(ValueError, match=message):
        pnn.CNNModule(3, 10, 4, **names)


# --- the other networks, layer by layer ------------------------------------------------------------------------------


def neuron_of(layer: nn.Module):
    """The layer's equation: a linear map, or Ax + (Bx)(Cx)."""
    if isinstance(layer, nn.Linear | nn.Conv1d):
        return layer
    a, b, c = layer.branches()
    return lambda x: a(x) + b(x) * c(x)


def batchnorm(x: torch.Tensor, norm: nn.Module, training: bool) -> torch.Tensor:
    """Of (N, channels), by the rows' own statistics in training."""
    mean, variance = (x.mean(0), x.var(0, correction=0)) if training else (norm.running_mean, norm.running_var)
    return (x - mean) / (variance + 1e-5).sqrt() * norm.weight + norm.bias


def unlike_at_the_start(model: nn.Module) -> nn.Module:
    """Give BatchNorm weights and statistics as if it had been trained."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.uniform_(module.weight, -1, 2)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model


both_neurons = pytest.mark.parametrize("neuron", ["standard", "polynomial"])
CHOICES = {"relu": pnn.ReLU(), "identity": pnn.Identity()}
both_activations = pytest.mark.parametrize("activation", CHOICES)
ACTIVATIONS = {"relu": lambda x: x.clamp(min=0), "identity": lambda x: x}


@both_neurons
@both_activations
@pytest.mark.parametrize("training", [True, False])
def test_mlp_is_three_blocks_and_a_linear_layer_written_out(neuron, activation, training):
    torch.manual_seed(0)
    model = unlike_at_the_start(pnn.MLPModule(5, 3, 4, neuron, CHOICES[activation])).train(training)
    layers = list(model)
    assert len(layers) == 10
    x = expected = torch.randn(6, 5)
    for layer, norm in zip(layers[0:9:3], layers[1:9:3], strict=True):
        expected = ACTIVATIONS[activation](batchnorm(neuron_of(layer)(expected), norm, training))
    assert isinstance(layers[-1], nn.Linear)
    torch.testing.assert_close(model(x), layers[-1](expected), rtol=1e-4, atol=1e-5)


@both_neurons
@pytest.mark.parametrize("order", ["norm-activation", "activation-norm"])
def test_an_mlp_without_norm_is_its_neurons_alone_and_all_have_a_bias(neuron, order):
    model = pnn.MLPModule(5, 3, 4, neuron, pnn.ReLU(), depth=2, order=order, norm="none")
    assert not any(isinstance(module, nn.BatchNorm1d) for module in model.modules())
    assert not list(model.buffers())
    maps = {"standard": 1, "polynomial": 3}[neuron]
    assert sum(p.numel() for p in model.parameters()) == maps * (5 * 4 + 4 + 4 * 4 + 4) + 4 * 3 + 3
    x = expected = torch.randn(6, 5)
    first, second = (layer for layer in list(model)[:-1] if list(layer.parameters()))
    for layer in (first, second):
        expected = neuron_of(layer)(expected).clamp(min=0)
    torch.testing.assert_close(model(x), model[-1](expected))
    assert torch.equal(model.train()(x), model.eval()(x))


def test_a_norm_that_is_none_of_them_is_refused_and_the_id_of_an_mlp_is_as_it_was():
    with pytest.raises(ValueError, match="norm must be one of 'batch', 'none', got 'layer'"):
        pnn.MLPModule(5, 3, 4, "standard", norm="layer")
    run = pnn.Run(pnn.Digits(), pnn.MLP("standard", 4), pnn.Recipe(1, augment="none"), 0, "smoke")
    assert "norm" not in run.to_dict()["network"]
    assert dataclasses.replace(run, network=pnn.MLP("standard", 4, norm="batch")).id == run.id
    assert dataclasses.replace(run, network=pnn.MLP("standard", 4, norm="none")).id != run.id


@pytest.mark.parametrize("width", [1, 3, 10])
@pytest.mark.parametrize(("columns", "outputs"), [(1, 1), (28, 1), (5, 4)])
@both_neurons
def test_mlps_have_the_parameters_of_their_formula(neuron, columns, outputs, width):
    maps = {"standard": 1, "polynomial": 3}[neuron]
    blocks = maps * (columns * width + width * width + width * width) + 3 * (width + width)
    with torch.device("meta"):
        model = pnn.MLPModule(columns, outputs, width, neuron)
    assert sum(p.numel() for p in model.parameters()) == blocks + (width * outputs + outputs)


@pytest.mark.parametrize(
    ("neuron", "width", "parameters"),
    [("standard", 200, 87_001), ("polynomial", 98, 66_543), ("polynomial", 113, 86_898)],
)
def test_the_sources_mlps_have_the_parameters_that_it_has(neuron, width, parameters):
    form = pnn.HIGGS().form
    with torch.device("meta"):
        model = pnn.MLP(neuron, width).build(form)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert model[-1].out_features == 1


@pytest.mark.parametrize("width", [1, 2, 7])
@pytest.mark.parametrize(("vocabulary", "size", "outputs"), [(30, 128, 1), (11, 6, 5)])
@both_neurons
def test_text_cnns_have_the_parameters_of_their_formula(neuron, vocabulary, size, outputs, width):
    maps = {"standard": 1, "polynomial": 3}[neuron]
    convolutions = maps * 3 * (size * width + width * 2 * width + 2 * width * 4 * width)
    others = vocabulary * size + 2 * (width + 2 * width + 4 * width) + (4 * width * outputs + outputs)
    with torch.device("meta"):
        model = pnn.TextCNNModule(vocabulary, outputs, width, neuron, embedding_dim=size)
    assert sum(p.numel() for p in model.parameters()) == convolutions + others


def text_plainly(model: pnn.TextCNNModule, tokens: list[int], activation: str) -> torch.Tensor:
    """One text without any padding: at an odd end, the last position is pooled with a zero."""
    x = model.embedding.weight[tokens]  # (positions, channels)
    for convolution, norm in zip(model.convolutions, model.norms, strict=True):
        maps = [convolution] if isinstance(convolution, nn.Conv1d) else convolution.branches()
        before, after = torch.cat([torch.zeros(1, x.shape[1]), x[:-1]]), torch.cat([x[1:], torch.zeros(1, x.shape[1])])
        values = [sum(part @ m.weight[:, :, k].T for k, part in enumerate((before, x, after))) for m in maps]
        y = values[0] if len(values) == 1 else values[0] + values[1] * values[2]
        y = ACTIVATIONS[activation](batchnorm(y, norm, training=False))
        if len(y) % 2:
            y = torch.cat([y, torch.zeros(1, y.shape[1])])
        x = torch.maximum(y[0::2], y[1::2])
    return model.head.weight @ x.mean(0) + model.head.bias


def texts(length: int, *lengths: int, vocabulary: int = 20) -> torch.Tensor:
    tokens = torch.randint(1, vocabulary, (len(lengths), length), generator=torch.Generator().manual_seed(3))
    return torch.where(torch.arange(length) < torch.tensor(lengths)[:, None], tokens, 0).int()


def text_cnn(neuron: str, activation: str = "relu") -> pnn.TextCNNModule:
    torch.manual_seed(0)
    return unlike_at_the_start(pnn.TextCNNModule(20, 2, 3, neuron, CHOICES[activation], embedding_dim=5)).eval()


@both_neurons
@both_activations
def test_text_cnn_is_its_equations_on_each_text_alone(neuron, activation):
    model, lengths = text_cnn(neuron, activation), (1, 2, 3, 7, 8, 9, 15, 31, 32)
    found = model(texts(32, *lengths))
    for row, length, output in zip(texts(32, *lengths).tolist(), lengths, found, strict=True):
        torch.testing.assert_close(output, text_plainly(model, row[:length], activation), rtol=1e-4, atol=1e-4)


@both_neurons
@both_activations
def test_in_evaluation_the_output_does_not_depend_on_padding(neuron, activation):
    model, short = text_cnn(neuron, activation), texts(256, 1, 100, 255, 256)
    torch.testing.assert_close(model(short), model(nn.functional.pad(short, (0, 64))), rtol=1e-5, atol=1e-5)
    odd = texts(13, 1, 5, 13)
    torch.testing.assert_close(model(odd), model(nn.functional.pad(odd, (0, 27))), rtol=1e-5, atol=1e-5)


@both_neurons
@pytest.mark.parametrize("training", [True, False])
def test_a_text_of_padding_alone_has_the_last_layers_bias(neuron, training):
    model = text_cnn(neuron).train(training)
    model(texts(16, 0, 5)).sum().backward()
    torch.testing.assert_close(model(texts(16, 0, 5))[0], model.head.bias)
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert not model.embedding.weight.grad[0].any()  # padding is not learnt


@pytest.mark.parametrize("network", [pnn.MLPModule, pnn.TextCNNModule, pnn.PairCNNModule])
@pytest.mark.parametrize("names", [{"neuron": "poly"}])
def test_a_mistyped_name_of_the_others_says_what_is_allowed(network, names):
    (value,) = names.values()
    with pytest.raises(ValueError, match=f"must be one of .*, got '{value}'"):
        network(28, 1, 4, **names)


# --- one output for two classes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "network", "outputs"),
    [(pnn.HIGGS, pnn.MLP, 1), (pnn.BoolQ, pnn.TextCNN, 1), (pnn.CIFAR10, pnn.CNN, 10), (pnn.CIFAR100, pnn.CNN, 100)],
)
def test_two_classes_have_one_output_and_others_one_each(task, network, outputs):
    form = task().form
    model = network("polynomial", 2).build(form).eval()
    rows = torch.zeros(3, *form.shape, dtype=torch.int32 if form.vocabulary else torch.float32)
    assert model(rows).shape == (3, outputs)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_one_output_costs_as_much_as_two_of_which_the_first_is_0(reduction):
    z, y = torch.linspace(-60, 60, 25), torch.arange(25) % 3 % 2
    single, pair = z[:, None].requires_grad_(), torch.stack([torch.zeros(25), z], 1)
    loss = objective(single, y, reduction)
    torch.testing.assert_close(loss, nn.functional.cross_entropy(pair, y, reduction=reduction))
    loss.backward()
    expected = (z.detach().sigmoid() - y) / (25 if reduction == "mean" else 1)
    torch.testing.assert_close(single.grad[:, 0], expected, rtol=1e-4, atol=1e-7)


def test_one_output_is_as_often_right_as_two_of_which_the_first_is_0():
    z = torch.tensor([-2.0, -1e-9, 0.0, 1e-9, 2.0])
    pair = torch.stack([torch.zeros(5), z], 1)
    for y in (torch.zeros(5).long(), torch.ones(5).long(), torch.tensor([0, 1, 1, 0, 1])):
        assert correct(z[:, None], y) == (pair.argmax(1) == y).sum() == correct(pair, y)


def test_more_outputs_cost_their_cross_entropy():
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 2, 3, 0, 0])
    of_truth = logits.softmax(1)[torch.arange(6), y]
    torch.testing.assert_close(objective(logits, y), -of_truth.log().mean())
    torch.testing.assert_close(objective(logits, y, "sum"), -of_truth.log().sum())
    assert correct(logits, y) == sum(row.argmax() == label for row, label in zip(logits, y, strict=True))


# --- question and passage --------------------------------------------------------------------------------------------


def pair_cnn(neuron: str, activation: str = "relu", width: int = 3) -> pnn.PairCNNModule:
    torch.manual_seed(0)
    vectors = torch.randn(20, 5)
    vectors[0] = 0
    return unlike_at_the_start(pnn.PairCNNModule(vectors, 2, width, neuron, CHOICES[activation], question=6))


def mean_plainly(model: pnn.PairCNNModule, tokens: list[int], activation: str) -> torch.Tensor:
    """One text without any padding through the block: at an odd end, the last position is pooled with a zero."""
    x = model.embedding.weight[tokens]
    maps = [model.convolution] if isinstance(model.convolution, nn.Conv1d) else model.convolution.branches()
    before, after = torch.cat([torch.zeros(1, x.shape[1]), x[:-1]]), torch.cat([x[1:], torch.zeros(1, x.shape[1])])
    values = [sum(part @ m.weight[:, :, k].T for k, part in enumerate((before, x, after))) for m in maps]
    y = values[0] if len(values) == 1 else values[0] + values[1] * values[2]
    y = ACTIVATIONS[activation](batchnorm(y, model.norm, training=False))
    if len(y) % 2:
        y = torch.cat([y, torch.zeros(1, y.shape[1])])
    return torch.maximum(y[0::2], y[1::2]).mean(0)


@both_neurons
@both_activations
def test_pair_cnn_is_its_equations_on_question_and_passage_apart(neuron, activation):
    model = pair_cnn(neuron, activation).eval()
    lengths = [(1, 1), (6, 9), (5, 2), (3, 10)]
    tokens = torch.cat([texts(6, *(q for q, _ in lengths)), texts(10, *(p for _, p in lengths))], 1)
    for row, (question, passage), output in zip(tokens.tolist(), lengths, model(tokens), strict=True):
        parts = row[:question], row[6 : 6 + passage]
        means = torch.cat([mean_plainly(model, part, activation) for part in parts])
        torch.testing.assert_close(output, model.head.weight @ means + model.head.bias, rtol=1e-4, atol=1e-4)


@both_neurons
@pytest.mark.parametrize("width", [1, 4])
def test_pair_cnns_have_the_parameters_of_their_formula(neuron, width):
    maps = {"standard": 1, "polynomial": 3}[neuron]
    model = pair_cnn(neuron, width=width)
    assert sum(p.numel() for p in model.parameters()) == 20 * 5 + 3 * maps * 5 * width + 2 * width + 2 * width * 2 + 2


def test_in_training_whole_words_are_dropped():
    torch.manual_seed(0)
    model, seen = pair_cnn("standard").train(), []
    model.convolution.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(texts(4000, 4000, 4000))
    there = seen[1].abs().sum(1) > 0  # of the passage
    expected = model.embedding.weight[texts(4000, 4000, 4000)[:, 6:]].transpose(1, 2) / 0.8
    torch.testing.assert_close(seen[1], torch.where(there[:, None], expected, 0.0))
    assert 0.77 < there.float().mean() < 0.83


@both_neurons
def test_a_row_without_words_is_finite(neuron):
    model = pair_cnn(neuron).train()
    model(texts(16, 0, 16)).sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert not model.embedding.weight.grad[0].any()


# --- deep networks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [8, 14])
@pytest.mark.parametrize("neuron", ["standard", "polynomial"])
def test_a_resnet_is_its_blocks_written_out(depth, neuron):
    torch.manual_seed(0)
    model = pnn.ResNetModule(3, 10, 4, neuron, depth=depth)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.running_mean)
    model.eval()
    x = torch.randn(2, 3, 16, 16)
    stem, norm, activation, *blocks, _, head = model
    y = activation(norm(stem(x)))
    for number, block in enumerate(blocks):
        first, norm1, relu, second, norm2 = block.branch
        starts = number in (len(blocks) // 3, 2 * len(blocks) // 3)
        assert first.stride == ((2, 2) if starts else (1, 1))
        assert isinstance(block.shortcut, nn.Sequential if starts else nn.Identity)
        y = (block.shortcut(y) + norm2(second(relu(norm1(first(y)))))).clamp(min=0)
    torch.testing.assert_close(model(x), head(y.mean((2, 3))))
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear | pnn.PolyConv2d)]
    if neuron == "standard":  # those of the shortcuts are not counted, as in the name of such networks
        assert len(layers) - 2 == depth


@pytest.mark.parametrize("stride", [2, 4])
def test_a_wider_stem_keeps_every_pixel_and_leaves_the_rest_of_a_resnet_as_it_is(stride):
    wide = pnn.ResNetModule(1, 10, 4, depth=8, stem_stride=stride)
    stem, *rest = wide
    image = torch.ones(1, 1, 28, 28, requires_grad=True)
    stem(image).sum().backward()
    assert (image.grad != 0).all()  # Every pixel is in some window.
    assert stem(image).shape[2:] == (28 // stride, 28 // stride)
    _, *usual = pnn.ResNetModule(1, 10, 4, depth=8)
    assert [[p.shape for p in part.parameters()] for part in rest] == [
        [p.shape for p in part.parameters()] for part in usual
    ]
    built = pnn.ResNet("standard", 4, depth=8, stem_stride=stride).build(pnn.Form((1, 28, 28), 10))
    assert built[0].stride == (stride, stride)
    with pytest.raises(pnn.RunError, match="stem_stride must be"):
        pnn.ResNet("standard", 4, depth=8, stem_stride=0)


@pytest.mark.parametrize("depth", [0, 7, 20.5, 9, 2])
def test_a_depth_that_no_resnet_has_says_which_there_are(depth):
    with pytest.raises(ValueError, match=r"depth must be 8, 14, 20, .*got"):
        pnn.ResNetModule(3, 10, 4, depth=depth)


def test_a_deeper_mlp_has_as_many_layers_as_told():
    model = pnn.MLPModule(28, 1, 6, "quadratic", depth=7)
    assert sum(isinstance(m, pnn.QuadraticLinear) for m in model) == 7
    assert model(torch.randn(3, 28)).shape == (3, 1)


def test_polynext_is_a_polynomial_of_the_degree_of_its_documentation():
    model, x = pnn.PolyNeXtModule(3, 10, 4, depth=1), torch.randn(2, 3, 16, 16)
    assert model(x).shape == (2, 10)
    report = pnn.audit(model, x)
    assert (report.degree, report.multiplicative_depth) == (4**5, 10)
    blocks = [m for m in model.modules() if isinstance(m, pnn.PolyNeXtBlock)]
    assert [round(1 / block.scale) for block in blocks] == [10, 11, 12, 13, 14]


def test_polynext_with_sums_is_affine_and_with_an_activation_no_polynomial():
    x = torch.randn(2, 3, 8, 8)
    summed = pnn.audit(pnn.PolyNeXtModule(3, 10, 4, depth=1, merge="sum"), x)
    assert (summed.degree, summed.multiplicative_depth) == (1, 0)
    for activation in (pnn.ReLU(), pnn.GELU()):
        module = pnn.PolyNeXtModule(3, 10, 4, depth=1, activation=activation)
        assert module(x).shape == (2, 10)
        audited = pnn.audit(module, x)
        assert not audited.polynomial
        assert len(audited.obstacles) == 2 * 5  # behind both products of each block
    choices = [
        pnn.PolyNeXt("bilinear", 4, depth=1, **own) for own in ({}, {"merge": "sum"}, {"activation": pnn.ReLU()})
    ]
    sizes = {sum(p.numel() for p in own.build(pnn.Form((3, 8, 8), 10)).parameters()) for own in choices}
    assert len(sizes) == 1


@pytest.mark.parametrize("neuron", [n for n in NEURONS if NEURONS[n].conv1d is None])
def test_a_text_network_of_a_neuron_without_a_sequence_layer_says_which_have_one(neuron):
    with pytest.raises(ValueError, match=f"'standard', 'polynomial', 'quadratic', 'bilinear'; got '{neuron}'"):
        pnn.TextCNNModule(100, 1, 4, neuron)


@pytest.mark.parametrize("neuron", NEURONS)
def test_every_neuron_takes_the_place_of_the_plain_one(neuron):
    torch.manual_seed(0)
    for model, x, kind in (
        (pnn.CNNModule(3, 10, 4, neuron, pooling="average"), torch.randn(4, 3, 8, 8), NEURONS[neuron].conv2d),
        (pnn.MLPModule(5, 2, 6, neuron), torch.randn(4, 5), NEURONS[neuron].linear),
    ):
        layers = [m for m in model if isinstance(m, kind)][:3]
        assert len(layers) == 3
        y = model(x)
        assert y.isfinite().all()
        y.square().sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
        assert sum(isinstance(m, nn.AvgPool2d) for m in model) == (3 if kind is NEURONS[neuron].conv2d else 0)


def test_a_residual_network_trains_on_batches_of_changing_size_with_two_threads():
    """In a process of its own: torch 2.15 ends in a segmentation fault if a convolution is 1x1 of stride 2."""
    steps = """
import pnn, torch
torch.set_num_threads(2)
model = pnn.ResNetModule(3, 10, 5, depth=8).to(memory_format=torch.channels_last)
for rows in (128, 13, 128, 13):
    x = torch.randn(rows, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    model(x).square().sum().backward()
"""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    ended = subprocess.run([sys.executable, "-c", steps], env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


# --- networks that encrypted inference can take: convolution, activation, BatchNorm ----------------------------------


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_the_networks_of_the_polynomial_activations_source_have_its_parameters():
    with torch.device("meta"):
        resnet = pnn.ResNetModule(3, 10, 64, depth=18, stages=4, order="activation-norm")
        funnel = pnn.FunnelMLPModule(561, 6)
    assert parameters(resnet) == 11_173_962
    assert parameters(funnel) == 190_102


def test_a_resnet_18_is_its_blocks_written_out():
    torch.manual_seed(0)
    model = pnn.ResNetModule(3, 10, 2, activation=pnn.Polynomial(3, 4), depth=18, stages=4, order="activation-norm")
    model = unlike_at_the_start(model).eval()
    x = torch.randn(2, 3, 16, 16)
    stem, activation, norm, *blocks, _, head = model
    assert len(blocks) == 8
    y = norm(activation(stem(x)))
    for number, block in enumerate(blocks):
        first, act1, norm1, second = block.branch
        assert first.stride == ((2, 2) if number in (2, 4, 6) else (1, 1))
        y = block.norm(block.activation(block.shortcut(y) + second(norm1(act1(first(y))))))
    torch.testing.assert_close(model(x), head(y.mean((2, 3))))


@pytest.mark.parametrize(("degree", "total", "depth"), [(2, 2**7, 7), (3, 3**7, 14)])
def test_a_resnet_of_polynomial_activations_is_a_polynomial(degree, total, depth):
    activation = pnn.Polynomial(degree, 4)
    model = pnn.ResNetModule(3, 10, 4, activation=activation, depth=8, order="activation-norm")
    report = pnn.audit(model, torch.randn(2, 3, 16, 16))
    assert (report.polynomial, report.degree, report.multiplicative_depth) == (True, total, depth)


@pytest.mark.parametrize("depth", [8, 20, 2])
def test_a_depth_that_no_resnet_of_four_stages_has_says_which_there_are(depth):
    with pytest.raises(ValueError, match=r"depth must be 10, 18, 26, ... \(8 n \+ 2\) with 4 stages, got"):
        pnn.ResNetModule(3, 10, 4, depth=depth, stages=4)
    with pytest.raises(pnn.RunError, match=r"ResNet.depth must be 10, 18, 26, ... \(8 n \+ 2\) with 4 stages, got"):
        pnn.ResNet("standard", 4, depth=depth, stages=4)


def test_an_mlp_may_have_its_activations_before_batchnorm_and_takes_images():
    torch.manual_seed(0)
    network = pnn.MLP("standard", 6, pnn.Polynomial(2, 4), depth=2, order="activation-norm")
    model = unlike_at_the_start(network.build(pnn.Form((1, 4, 4), 3))).eval()
    flatten, (linear1, act1, norm1, linear2, act2, norm2, head) = model
    x = torch.randn(5, 1, 4, 4)
    y = norm2(act2(linear2(norm1(act1(linear1(flatten(x)))))))
    torch.testing.assert_close(model(x), head(y))
    assert parameters(model) == 16 * 6 + 6 * 6 + 2 * 2 * 6 + 6 * 3 + 3 + 2 * 6 + 2 * 3
    report = pnn.audit(model, x)
    assert (report.degree, report.multiplicative_depth) == (4, 2)


def test_a_funnel_is_its_layers_written_out():
    torch.manual_seed(0)
    network = pnn.FunnelMLP("standard", 32, pnn.Polynomial(2, 4))
    model = unlike_at_the_start(network.build(pnn.Form((7,), 4))).eval()
    x = torch.randn(5, 7)
    layers = list(model)[1:]
    y = x
    for i in range(5):
        linear, activation, norm = layers[3 * i : 3 * i + 3]
        assert linear.out_features == 32 // 2**i
        y = norm(activation(linear(y)))
    linear, activation, dropout, head = layers[15:]
    assert isinstance(dropout, nn.Dropout)
    torch.testing.assert_close(model(x), head(activation(linear(y))))
    assert pnn.audit(model, x).degree == 2**6
    with pytest.raises(pnn.RunError, match=r"FunnelMLP.width must be a multiple of 16, got 24"):
        pnn.FunnelMLP("standard", 24)


@both_neurons
@pytest.mark.parametrize("width", [1, 4])
def test_cnns_of_recordings_have_the_parameters_of_their_formula_and_are_polynomials(neuron, width):
    network = pnn.CNN1d(neuron, width, pnn.Polynomial(2, 4, learnable=False))
    assert network.fits(pnn.Form((6, 128), 12))
    assert not network.fits(pnn.Form((28,), 2))
    model, maps = network.build(pnn.Form((6, 128), 12)), {"standard": 1, "polynomial": 3}[neuron]
    assert parameters(model) == maps * (5 * 6 * width + 50 * width**2) + 14 * width + 4 * width * 12 + 12
    report = pnn.audit(model, torch.randn(2, 6, 128))
    degree = 2**3 if neuron == "standard" else 4**3
    assert (report.polynomial, report.degree) == (True, degree)
