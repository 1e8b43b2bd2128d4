"""Polynomial activations: against numpy's polynomials and exact arithmetic, in their limits, and what they keep."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.polynomial import Chebyshev, Polynomial, chebyshev, hermite_e, polynomial
from torch.nn import functional as F
from torch.testing import assert_close

import pnn
from pnn.nn.polynomial_basis import BASES, balanced, clenshaw, conversion, derivative
from pnn.nn.polynomial_function import evaluate

every_basis = pytest.mark.parametrize("basis", BASES)


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def plainly(u: np.ndarray, coefficients: np.ndarray, basis: str) -> np.ndarray:
    """The sum, by numpy."""
    if basis == "hermite":
        root = np.sqrt([float(math.factorial(k)) for k in range(len(coefficients))])
        return hermite_e.hermeval(u, (coefficients.T / root).T)
    return {"chebyshev": chebyshev.chebval, "monomial": polynomial.polyval}[basis](u, coefficients)


# --- the equation ----------------------------------------------------------------------------------------------------


@every_basis
@pytest.mark.parametrize("degree", [1, 2, 3, 8, 22])
def test_it_is_the_sum_that_numpy_has(basis, degree):
    u, c = torch.linspace(-1.5, 1.5, 301, dtype=torch.float64), torch.randn(degree + 1, dtype=torch.float64)
    expected = torch.from_numpy(plainly(u.numpy(), c.numpy(), basis))
    for found in (evaluate, clenshaw, balanced):
        assert_close(found(u, c, basis), expected, rtol=1e-9, atol=1e-9)


def test_derivatives_are_those_of_numpy():
    for degree in (1, 2, 7):
        for basis, der in (("chebyshev", chebyshev.chebder), ("monomial", polynomial.polyder)):
            c = np.random.default_rng(0).normal(size=degree + 1)
            matrix = np.array(derivative(basis, degree)).T
            np.testing.assert_allclose((matrix @ c)[:degree], der(c), rtol=1e-12, atol=1e-12)
            assert not (matrix @ c)[degree]


@every_basis
def test_a_conversion_and_its_inverse_are_the_same_polynomial(basis):
    c = np.random.default_rng(0).normal(size=6)
    turned = np.array(conversion("chebyshev", basis, 5, 0.5)).T @ c
    u = np.linspace(-2, 2, 41)
    np.testing.assert_allclose(plainly(u, turned, basis), chebyshev.chebval(u / 2, c), rtol=1e-10, atol=1e-10)


def layers():
    for basis in BASES:
        yield pnn.PolynomialActivation(6, basis, (-1, 3), dtype=torch.float64)
        yield pnn.PolynomialActivation(5, basis, (-2, 2), num_parameters=3, dtype=torch.float64)
        yield pnn.PolynomialActivation(4, basis, (-2, 1), interval_mode="learned", init="silu", dtype=torch.float64)


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:FutureWarning")  # torch's own forward mode asks for it
@pytest.mark.parametrize("layer", list(layers()), ids=str)
def test_gradients_are_right_to_the_second_order_forward_and_in_batches(layer):
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    names, own = zip(*layer.named_parameters(), strict=True)
    with torch.no_grad():
        for parameter in own:
            parameter.add_(0.1 * torch.randn_like(parameter))

    def of(x, *own):
        return torch.func.functional_call(layer, dict(zip(names, own, strict=True)), (x,))

    checks = {"check_forward_ad": True, "check_batched_grad": True, "check_batched_forward_grad": True}
    assert torch.autograd.gradcheck(of, (x, *own), **checks)
    assert torch.autograd.gradgradcheck(of, (x, *own), check_fwd_over_rev=True)


def test_a_gradient_of_each_row_is_that_of_the_row_alone():
    layer, x = pnn.PolynomialActivation(5), torch.randn(4, 3)
    own = dict(layer.named_parameters())

    def loss(own, row):
        return torch.func.functional_call(layer, own, (row,)).sum()

    together = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(own, x)["coefficients"]
    alone = torch.stack([torch.func.grad(loss)(own, row)["coefficients"] for row in x])
    assert_close(together, alone)


# --- the fit ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degree", [1, 2, 8, 22])
def test_the_fits_are_numpys(degree):
    def relu(x):
        return np.maximum(x, 0)

    grid = np.linspace(-6, 4, 100)
    u = torch.linspace(-1, 1, 201, dtype=torch.float64)
    ours = pnn.fit_polynomial(F.relu, degree, (-6, 4))
    theirs = Chebyshev.interpolate(relu, degree, domain=(-6, 4))
    np.testing.assert_allclose(ours, theirs.coef, rtol=1e-9, atol=1e-12)
    ours = clenshaw(u, pnn.fit_polynomial(F.relu, degree, (-6, 4), fit="least-squares"), "chebyshev")
    np.testing.assert_allclose(ours, Chebyshev.fit(grid, relu(grid), degree)(5 * u.numpy() - 1), atol=1e-9)


@every_basis
@pytest.mark.parametrize("fit", ["interpolation", "least-squares"])
def test_the_fit_of_a_polynomial_is_itself(basis, fit):
    cubic = Polynomial([1.0, -2.0, 0.0, 0.25])
    x = torch.linspace(-5, 5, 101, dtype=torch.float64)
    layer = pnn.PolynomialActivation(
        5, basis, (-2, 4), init=lambda x: 1 - 2 * x + x**3 / 4, fit=fit, dtype=torch.float64
    )
    assert_close(layer(x), torch.from_numpy(cubic(x.numpy())), rtol=1e-9, atol=1e-9)


@every_basis
def test_of_degree_1_it_is_affine(basis):
    layer, x = pnn.PolynomialActivation(1, basis, (-3, 3), dtype=torch.float64), torch.randn(50, dtype=torch.float64)
    root = 3 * math.sqrt(0.5)  # The nodes are plus and minus this.
    assert_close(layer(x), (x + root) / 2)


@pytest.mark.parametrize("init", ["relu", "silu", "gelu"])
def test_a_higher_degree_is_nearer_to_its_function(init):
    x = torch.linspace(-4, 4, 401)
    errors = [
        (pnn.PolynomialActivation(d, interval=(-4, 4), init=init)(x) - getattr(F, init)(x)).abs().max()
        for d in (2, 4, 8, 16)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.15


def exactly(x: float, coefficients: torch.Tensor) -> Fraction:
    """Powers, without rounding."""
    value = Fraction(0)
    for c in reversed(coefficients.tolist()):
        value = value * Fraction(x) + Fraction(c)
    return value


def test_in_float32_the_22nd_degree_is_exact_in_chebyshev_polynomials_and_lost_in_powers():
    """The source's setting for its highest degree; the truth is computed in fractions."""
    degree, bound = 22, 47.0
    x = torch.linspace(-bound, bound, 501)
    truth = pnn.fit_polynomial(F.relu, degree, (-bound, bound), basis="monomial", fit="least-squares")
    truth = torch.tensor([float(exactly(value, truth)) for value in x.tolist()], dtype=torch.float64)
    error = {
        basis: (pnn.PolynomialActivation(degree, basis, (-bound, bound), fit="least-squares")(x) - truth).abs().max()
        for basis in ("chebyshev", "monomial")
    }
    assert error["chebyshev"] < 3e-5  # a few roundings of numbers up to 47
    assert error["monomial"] > 0.1


# --- what it keeps ---------------------------------------------------------------------------------------------------


def kept_elements(layer, x) -> int:
    """How many numbers the backward pass keeps, other than the layer's own."""
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (kept.append(t), t)[1], lambda t: t):
        layer(x)
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() // t.element_size() for t in kept}
    return sum(size for size in storages.values() if size >= x.numel())


@every_basis
def test_it_keeps_one_number_an_element_at_every_degree(basis):
    x = torch.randn(8, 16, requires_grad=True) * 1
    kept = {degree: kept_elements(pnn.PolynomialActivation(degree, basis), x) for degree in (1, 2, 8, 22)}
    assert set(kept.values()) == {x.numel()}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_inside_it_computes_in_float32_whatever_comes_in(dtype):
    layer = pnn.PolynomialActivation(22, interval=(-47, 47))
    x = torch.linspace(-46, 46, 200).to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert y.dtype == dtype
    assert torch.equal(y, layer(x.float()).to(dtype))


def test_as_published_it_has_nothing_to_learn():
    layer = pnn.Polynomial.published(8, 35).build(64)
    assert list(layer.parameters()) == []
    assert layer.coefficients.shape == (9,)
    x = np.linspace(-35, 35, 100)
    powers = Polynomial.fit(x, np.maximum(x, 0), 8)
    assert_close(layer.double()(torch.from_numpy(x)), torch.from_numpy(powers(x)), rtol=1e-4, atol=1e-4)


def test_channels_have_coefficients_of_their_own():
    layer, x = pnn.PolynomialActivation(3, num_parameters=4), torch.randn(2, 4, 5)
    with torch.no_grad():
        layer.coefficients[:, 2] *= 2
    shared = pnn.PolynomialActivation(3)(x)
    assert_close(layer(x), shared * torch.tensor([1.0, 1, 2, 1])[:, None])
    for wrong in (torch.randn(2, 3, 5), torch.randn(4)):
        with pytest.raises(ValueError, match=r"expected 4 channels in dimension 1, got shape \("):
            layer(wrong)


# --- the interval ----------------------------------------------------------------------------------------------------


@every_basis
def test_stretched_a_fit_of_relu_is_the_fit_on_the_wider_interval(basis):
    narrow = pnn.PolynomialActivation(6, basis, (-2, 2), interval_mode="learned", dtype=torch.float64)
    wide = pnn.PolynomialActivation(6, basis, (-6, 6), dtype=torch.float64)
    with torch.no_grad():
        narrow.log_scale.fill_(math.log(3))
    x = torch.linspace(-7, 7, 99, dtype=torch.float64)
    assert_close(narrow(x), wide(x))
    assert torch.equal(narrow.outside(x), wide.outside(x))


def test_a_tracked_interval_is_the_mean_of_the_first_batches_then_follows():
    layer = pnn.PolynomialActivation(4, interval=(-2, 2), interval_mode="tracked")
    layer(torch.tensor([-8.0, 1.0]))
    assert_close(layer.log_scale.exp(), torch.tensor(4.0))
    layer(torch.tensor([0.5, 2.0]))
    assert_close(layer.log_scale.exp(), torch.tensor(2.0))  # the geometric mean of 4 and 1
    before = layer.log_scale.clone()
    layer.eval()(torch.tensor([100.0]))
    assert torch.equal(layer.log_scale, before)
    layer.train()
    for _ in range(100):
        layer(torch.tensor([20.0]))
    assert_close(layer.log_scale.exp(), torch.tensor(10.0), rtol=1e-3, atol=0)


def test_what_is_outside_is_what_lies_beyond_the_ends():
    layer = pnn.PolynomialActivation(2, interval=(-1, 3))
    x = torch.tensor([-1.01, -1, 0, 3, 3.01, math.nan, math.inf])
    assert layer.outside(x).tolist() == [True, False, False, False, True, True, True]


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"degree": 0}, "degree must be a whole number, at least 1, got 0"),
        ({"degree": 2.0}, "degree must be a whole number"),
        ({"basis": "legendre"}, "basis must be one of 'chebyshev', 'monomial', 'hermite', got 'legendre'"),
        ({"interval": (1, 1)}, r"interval must be two finite numbers, the lower first, got \(1, 1\)"),
        ({"interval": 5}, "interval must be two finite numbers"),
        ({"init": "tanh"}, "init must be one of 'relu', 'silu', 'gelu' or a function, got 'tanh'"),
        ({"fit": "remez"}, "fit must be one of 'interpolation', 'least-squares', got 'remez'"),
        ({"interval_mode": "free"}, "interval_mode must be one of 'fixed', 'learned', 'tracked', got 'free'"),
        ({"num_parameters": 0}, "num_parameters must be a whole number, at least 1, got 0"),
    ],
)
def test_mistakes_say_what_is_allowed(wrong, message):
    with pytest.raises(ValueError, match=message):
        pnn.PolynomialActivation(**{"degree": 4} | wrong)


def test_a_choice_is_checked_when_it_is_made_and_4_is_4_0():
    assert pnn.Polynomial(8, 4) == pnn.Polynomial(8, 4.0)
    assert isinstance(pnn.Polynomial(8, 4).bound, float)
    for wrong, message in (({"degree": 0}, "degree"), ({"bound": -1}, "interval"), ({"per_channel": 1}, "per_channel")):
        with pytest.raises(ValueError, match=message):
            pnn.Polynomial(**{"degree": 8, "bound": 4} | wrong)


@pytest.mark.parametrize(
    ("degree", "depth", "basis"),
    [(1, 0, "chebyshev"), (2, 1, "chebyshev"), (8, 3, "chebyshev"), (22, 5, "monomial"), (5, 3, "hermite")],
)
def test_its_depth_by_the_audit_is_that_of_products_of_equals(degree, depth, basis):
    audit = pnn.audit(pnn.PolynomialActivation(degree, basis), torch.randn(2, 3))
    assert (audit.degree, audit.multiplicative_depth) == (degree, depth)
