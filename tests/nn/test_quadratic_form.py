"""The exact polynomial of layers and networks, against matrices that are written down from their weights."""

import copy

import pytest
import torch
from torch import nn

import pnn


def product(a: nn.Linear, b: nn.Linear) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Q, b and c of the product of two linear maps, output by output."""
    a_map, b_map, a_bias, b_bias = (part.detach().double() for part in (a.weight, b.weight, a.bias, b.bias))
    outer = a_map[:, :, None] * b_map[:, None, :]
    return (outer + outer.mT) / 2, a_bias[:, None] * b_map + b_bias[:, None] * a_map, a_bias * b_bias


def assert_is(form: pnn.QuadraticForm, matrices, vectors, constants) -> None:
    for found, expected in zip(
        (form.matrices, form.vectors, form.constants), (matrices, vectors, constants), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def test_a_product_of_two_maps_has_half_of_each_outer_product():
    layer = pnn.BilinearLinear(4, 3)
    a, b = nn.Linear(4, 3), nn.Linear(4, 3)
    for own, rows in ((a, slice(0, 3)), (b, slice(3, 6))):
        own.weight.data, own.bias.data = layer.maps.weight.data[rows], layer.maps.bias.data[rows]
    assert_is(pnn.quadratic_form(layer, torch.zeros(1, 4)), *product(a, b))


def test_a_polynomial_neuron_has_a_linear_part_of_its_own():
    a, b, c = (nn.Linear(5, 2) for _ in range(3))
    matrices, vectors, constants = product(b, c)
    expected = matrices, vectors + a.weight.detach().double(), constants + a.bias.detach().double()
    assert_is(pnn.quadratic_form(pnn.PolyLinear.from_branches(a, b, c), torch.zeros(1, 5)), *expected)


def test_a_sum_of_squares_adds_a_diagonal():
    """(r(x) g(x)) + b(x * x), as pnn.QuadraticLinear has it by default."""
    layer = pnn.QuadraticLinear(4, 2)
    form = pnn.quadratic_form(layer, torch.zeros(1, 4))
    without = copy.deepcopy(layer)
    nn.init.zeros_(without.b.weight)
    squares = form.matrices - pnn.quadratic_form(without, torch.zeros(1, 4)).matrices
    torch.testing.assert_close(squares, torch.diag_embed(layer.b.weight.detach().double()))


def test_layers_after_one_another_are_their_sum_by_weights():
    """A linear layer on products: Q_k is the sum over hidden neurons, by the weights of the class."""
    torch.manual_seed(0)
    network = pnn.MLPModule(3, 2, 4, "bilinear", pnn.Identity(), depth=1, norm="none")
    hidden = pnn.quadratic_form(network[0], torch.zeros(1, 3))
    weight, bias = network[-1].weight.detach().double(), network[-1].bias.detach().double()
    expected = (
        torch.einsum("kh,hij->kij", weight, hidden.matrices),
        weight @ hidden.vectors,
        weight @ hidden.constants + bias,
    )
    assert_is(pnn.quadratic_form(network, torch.zeros(1, 3)), *expected)


def test_batchnorm_is_the_affine_map_of_evaluation_and_is_left_as_it_was():
    norm = nn.BatchNorm1d(3)
    for part in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(part)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    layer = pnn.BilinearLinear(2, 3)
    network = nn.Sequential(layer, norm)
    before, training = copy.deepcopy(network.state_dict()), network.training
    layer.eval()  # in another mode than the network
    form = pnn.quadratic_form(network, torch.zeros(1, 2))
    alone = pnn.quadratic_form(layer, torch.zeros(1, 2))
    scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach().double()
    torch.testing.assert_close(form.matrices, scale[:, None, None] * alone.matrices, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(
        form.constants,
        (alone.constants - norm.running_mean.double()) * scale + norm.bias.detach().double(),
        rtol=1e-6,
        atol=1e-7,
    )
    assert training
    assert [network.training, layer.training, norm.training] == [True, False, True]
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before)
    assert all(p.grad is None for p in network.parameters())


def test_a_convolution_is_one_in_its_flattened_input_and_output():
    layer = pnn.PolyConv2d(2, 3, 2)
    x = torch.randn(6, 2, 3, 4)
    form = pnn.quadratic_form(layer, x)
    assert form.matrices.shape == (3 * 2 * 3, 24, 24)
    torch.testing.assert_close(form(x), layer.double()(x.double()).flatten(1))
    # An output sees the pixels under its kernel alone: the first one not the last column of the image.
    assert not form.matrices[0].view(2, 3, 4, 2, 3, 4)[..., 3].any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_numbers_are_those_of_the_weights_as_they_are_kept(dtype):
    layer = pnn.BilinearLinear(4, 2).to(dtype)
    form = pnn.quadratic_form(layer, torch.zeros(1, 4, dtype=dtype))
    assert layer.maps.weight.dtype == dtype
    assert form.matrices.dtype == torch.float64
    whole = pnn.quadratic_form(copy.deepcopy(layer).double(), torch.zeros(1, 4))
    assert torch.equal(form.matrices, whole.matrices)


def test_a_linear_layer_has_no_matrix():
    layer = nn.Linear(4, 2)
    form = pnn.quadratic_form(layer, torch.zeros(1, 4))
    assert_is(form, torch.zeros(2, 4, 4).double(), layer.weight.detach().double(), layer.bias.detach().double())


def test_eigenvectors_are_in_order_and_give_the_matrix_back():
    form = pnn.quadratic_form(pnn.PolyLinear(6, 3), torch.zeros(1, 6))
    values, vectors = form.eigenvectors()
    assert torch.equal(form.matrices, form.matrices.mT)
    assert (values.abs().diff(dim=1) <= 0).all()
    torch.testing.assert_close(vectors @ vectors.mT, torch.eye(6).double().expand(3, 6, 6))
    torch.testing.assert_close(torch.einsum("kr,kri,krj->kij", values, vectors, vectors), form.matrices)
    assert (values[:, 2:].abs() < 1e-12).all()  # a product of two maps has two


def test_truncated_at_full_rank_it_is_the_form_and_below_the_nearest_of_its_rank():
    form = pnn.quadratic_form(
        pnn.MLPModule(5, 2, 3, "bilinear", pnn.Identity(), depth=1, norm="none"), torch.zeros(1, 5)
    )
    for rank in (5, 6, 100):
        assert_is(form.truncated(rank), form.matrices, form.vectors, form.constants)
    none = form.truncated(0)
    x = torch.randn(7, 5).double()
    torch.testing.assert_close(none(x), x @ form.vectors.T + form.constants)
    # Eckart and Young: the error is what the other singular values are.
    left = torch.linalg.svdvals(form.matrices)[:, 2:].square().sum(1).sqrt()
    torch.testing.assert_close(torch.linalg.matrix_norm(form.matrices - form.truncated(2).matrices), left)


@pytest.mark.parametrize("rank", [-1, 1.0, True, "2"])
def test_a_rank_that_is_none_is_refused(rank):
    form = pnn.quadratic_form(nn.Linear(2, 1), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="rank must be a whole number of at least 0, got"):
        form.truncated(rank)


class Cube(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x**3


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)),
        Cube(),
        nn.Sequential(pnn.BilinearLinear(3, 3), pnn.BilinearLinear(3, 2)),
        nn.Sequential(nn.Linear(3, 2), nn.GELU()),
        nn.Sequential(pnn.BilinearLinear(3, 3), nn.LayerNorm(3)),
    ],
    ids=["relu", "degree 3", "degree 4", "gelu", "layer norm"],
)
def test_what_is_no_polynomial_of_degree_2_is_refused_and_left_as_it_was(model):
    model.train()
    with pytest.raises(ValueError, match=r"is no polynomial of degree 2 or less.*pnn\.audit\(model, example\)"):
        pnn.quadratic_form(model, torch.zeros(1, 3))
    assert all(module.training for module in model.modules())


def test_the_generator_is_left_where_it_was():
    torch.manual_seed(0)
    layer, before = nn.Linear(2, 1), torch.get_rng_state()
    pnn.quadratic_form(layer, torch.zeros(1, 2))
    assert torch.equal(torch.get_rng_state(), before)
