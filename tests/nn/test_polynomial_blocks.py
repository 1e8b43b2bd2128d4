"""The walk in blocks: against the recurrences over the whole input, in every layout, and as exact in float32."""

import numpy as np
import pytest
import torch
from numpy.polynomial import chebyshev
from torch.testing import assert_close

import pnn
from pnn.nn import polynomial_blocks
from pnn.nn.polynomial_function import _plainly, evaluate


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


# --- Newton's form ---------------------------------------------------------------------------------------------------


def terms(form: polynomial_blocks.Newton, u: np.ndarray) -> np.ndarray:
    """Every N_k at u, by its definition."""
    found = [np.ones_like(u)]
    for node in form.nodes:
        found.append((form.factor * u - node) * found[-1])
    return np.array(found)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4, 8, 9, 16, 22, 32])
def test_newtons_form_is_the_same_polynomials(degree):
    form, u = polynomial_blocks.newton("chebyshev", degree), np.linspace(-1.2, 1.2, 101)
    expected = chebyshev.chebvander(u, degree).T
    np.testing.assert_allclose(form.matrix.numpy().T @ terms(form, u), expected, rtol=1e-9, atol=1e-9 * expected.max())
    assert not np.tril(form.matrix.numpy(), -1).any()


def test_of_monomials_newtons_form_is_they_themselves():
    form = polynomial_blocks.newton("monomial", 7)
    assert (form.factor, form.nodes) == (1.0, [0.0] * 7)
    np.testing.assert_array_equal(form.matrix.numpy(), np.eye(8))


@pytest.mark.parametrize("degree", [2, 4, 8, 16, 22])
def test_newtons_form_is_well_conditioned_where_powers_are_not(degree):
    """By how much a rounding of its terms is larger, at most, than one of a Chebyshev polynomial."""
    u = np.linspace(-1, 1, 1001)
    form = polynomial_blocks.newton("chebyshev", degree)
    grown = (np.abs(form.matrix.numpy()).T @ np.abs(terms(form, u))).max()
    powers = np.abs(np.array([chebyshev.cheb2poly(row) for row in np.eye(degree + 1)[-1:]])).sum()
    assert grown < 300
    assert degree < 16 or powers > 1000 * grown


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 8, 12, 15, 16, 22])
@pytest.mark.parametrize("init", ["relu", "silu"])
def test_in_float32_value_and_slope_are_as_exact_as_by_clenshaws_recurrence(degree, init):
    bound = 20.0
    layer = pnn.PolynomialActivation(degree, interval=(-bound, bound), init=init)
    x = torch.linspace(-bound, bound, 2001, requires_grad=True)
    u, c = x.detach().double() / bound, layer.coefficients.detach().double()
    value = torch.from_numpy(chebyshev.chebval(u.numpy(), c.numpy()))
    slope = torch.from_numpy(chebyshev.chebval(u.numpy(), chebyshev.chebder(c.numpy()))) / bound
    y = layer(x)
    y.sum().backward()
    plain = _plainly(None, x.detach(), c.float(), 0, "chebyshev", 0.0, 1 / bound)[0]
    rounding = torch.finfo(torch.float32).eps * bound
    assert (y - value).abs().max() < 2 * (plain - value).abs().max() + 4 * rounding
    assert (x.grad - slope).abs().max() < 1e-5 * degree


# --- layouts ---------------------------------------------------------------------------------------------------------

INPUTS = {
    "channels last": lambda: torch.randn(3, 4, 5, 2).to(memory_format=torch.channels_last),
    "contiguous": lambda: torch.randn(3, 4, 5, 2),
    "transposed": lambda: torch.randn(4, 6).T.clone(memory_format=torch.preserve_format)[:, :4],
    "every other": lambda: torch.randn(6, 8)[::2, ::2],
    "expanded": lambda: torch.randn(1, 4, 1).expand(3, 4, 5),
    "one row": lambda: torch.randn(1, 4),
    "empty": lambda: torch.randn(0, 4, 2),
}


@pytest.mark.parametrize("block", [1, 7, 1000])
@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("layout", INPUTS)
def test_in_any_layout_and_of_any_size_blocks_are_the_whole(layout, channels, block, monkeypatch):
    monkeypatch.setattr(polynomial_blocks, "BLOCK", block)
    x = INPUTS[layout]().double()
    c = torch.randn(6, *([4, *[1] * (x.dim() - 2)] if channels > 1 else []), dtype=torch.float64)
    family = ("chebyshev", 0.5, 0.4)
    for w in (torch.randn_like(x), torch.randn(x.shape[::-1], dtype=torch.float64).permute(*range(x.dim())[::-1])):
        for count in (0, 6, 7):
            found = polynomial_blocks.weighted(w, x, c, count, *family)
            assert_close(found, _plainly(w, x, c, count, *family))
    assert_close(polynomial_blocks.weighted(None, x, c, 0, *family), _plainly(None, x, c, 0, *family))


def test_a_single_number_is_an_input():
    x, c = torch.tensor(0.3, dtype=torch.float64, requires_grad=True), torch.randn(5, dtype=torch.float64)
    y = evaluate(x, c, "chebyshev")
    y.backward()
    assert y.item() == pytest.approx(chebyshev.chebval(0.3, c.numpy()))
    assert x.grad.item() == pytest.approx(chebyshev.chebval(0.3, chebyshev.chebder(c.numpy())))


@pytest.mark.parametrize("learnable", [True, False])
@pytest.mark.parametrize("channels", [1, 4])
def test_the_output_and_the_gradient_lie_in_memory_as_the_input_does(learnable, channels):
    layer = pnn.PolynomialActivation(8, num_parameters=channels, learnable=learnable)
    for x in (torch.randn(2, 4, 5, 3).to(memory_format=torch.channels_last), torch.randn(2, 4, 5, 3)):
        x.requires_grad_()
        y = layer(x)
        y.sum().backward()
        assert y.stride() == x.grad.stride() == x.stride()


# --- types -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_what_is_kept_is_the_input_itself(dtype):
    x, kept = torch.randn(64, 4, dtype=dtype, requires_grad=True), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (kept.append(t), t)[1], lambda t: t):
        pnn.PolynomialActivation(8)(x)
    assert {t.data_ptr() for t in kept if t.numel() >= x.numel()} == {x.data_ptr()}


@pytest.mark.parametrize(("interval_mode", "number"), [("fixed", 1), ("tracked", 1), ("learned", 3)])
def test_so_many_numbers_an_element_are_kept_whatever_the_degree(interval_mode, number):
    for degree in (3, 22):
        x, kept = torch.randn(64, 4, requires_grad=True), []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, kept=kept: (kept.append(t), t)[1], lambda t: t):
            pnn.PolynomialActivation(degree, interval_mode=interval_mode)(x)
        assert len({t.data_ptr() for t in kept if t.numel() >= x.numel()}) == number


def test_a_way_back_inside_autocast_is_the_one_outside():
    layer, x = pnn.PolynomialActivation(22, num_parameters=4), torch.randn(50, 4, requires_grad=True)
    found = []
    for enabled in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            found.append(torch.autograd.grad(layer(x).square().sum(), (x, layer.coefficients)))
    assert_close(found[0], found[1], rtol=0, atol=0)


def test_an_input_in_half_precision_has_the_gradients_of_its_float32():
    layer = pnn.PolynomialActivation(8)
    half = (4 * torch.rand(500) - 2).bfloat16()
    slope = torch.randn(500).bfloat16()
    found = []
    for dtype in (torch.bfloat16, torch.float32):
        x = half.to(dtype).requires_grad_()
        of_x, of_coefficients = torch.autograd.grad(layer(x), (x, layer.coefficients), slope.to(dtype))
        found.append((of_x.bfloat16(), of_coefficients))
    assert_close(found[0], found[1])
