"""The boundary loss: its formula in plain torch, where it is zero and where it would overflow, what it watches."""

import copy
import math

import pytest
import torch
from torch.testing import assert_close

import pnn
from pnn.methods.boundary_loss import LINEAR_FROM

FORMS = ("exponential", "squared", "maximum")


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def published(x: torch.Tensor, limit: float) -> torch.Tensor:
    """The source's formula, written out."""
    return (torch.exp(torch.relu(torch.abs(x) - limit)) - 1).mean()


def test_below_the_tangent_it_is_the_published_formula():
    x = torch.linspace(-1, 1, 4001) * (2.99 + LINEAR_FROM)
    found = pnn.BoundaryLoss(3).of_layer(x)
    assert_close(found.double(), published(x.double(), 3.0), rtol=1e-5, atol=0)
    ours, theirs = x.clone().requires_grad_(), x.double().requires_grad_()
    pnn.BoundaryLoss(3).of_layer(ours).backward()
    published(theirs, 3.0).backward()
    assert_close(ours.grad.double(), theirs.grad, rtol=1e-4, atol=1e-9)


def test_where_the_published_formula_overflows_it_is_its_tangent():
    x = torch.tensor([100.0, -2000.0], requires_grad=True)
    assert published(x, 3.0).isinf()
    loss = pnn.BoundaryLoss(3).of_layer(x)
    excess = torch.tensor([97.0, 1997.0], dtype=torch.float64)
    tangent = math.exp(LINEAR_FROM) * (1 + excess - LINEAR_FROM) - 1
    assert_close(loss.double(), tangent.mean(), rtol=1e-6, atol=0)
    loss.backward()
    assert_close(x.grad, math.exp(LINEAR_FROM) / 2 * torch.tensor([1.0, -1.0]))
    assert x.grad.square().sum().isfinite()


@pytest.mark.parametrize("form", FORMS)
def test_inside_it_is_zero_and_so_is_its_gradient(form):
    x = (6 * torch.rand(50) - 3).requires_grad_()
    loss = pnn.BoundaryLoss(3, form=form).of_layer(x)
    loss.backward()
    assert loss == 0
    assert not x.grad.any()


@pytest.mark.parametrize(("form", "expected"), [("squared", (1 + 4) / 4), ("maximum", 2.0)])
def test_the_variants_are_the_squared_and_the_largest_excess(form, expected):
    assert_close(pnn.BoundaryLoss(3, form=form).of_layer(torch.tensor([-4.0, 0, 3, 5])), torch.tensor(expected))


def network(activation=None) -> torch.nn.Module:
    activation = activation or pnn.Polynomial(4, 4)
    return pnn.MLP("standard", 6, activation, depth=2, order="activation-norm").build(pnn.Form((5,), 3))


@pytest.mark.parametrize("activation", [pnn.Polynomial(4, 4), pnn.Hermite()], ids=lambda a: a.name)
def test_its_penalty_is_the_sum_over_the_inputs_of_all_activations(activation):
    model, method = network(activation), pnn.BoundaryLoss(0.5, strength=2.0)
    method.start(model, [])
    seen = []
    for module in model.modules():
        if isinstance(module, pnn.PolynomialActivation | pnn.HermiteBatchNorm):
            module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(3 * torch.randn(20, 5))
    expected = 2 * sum(published(x, 0.5) for x in seen)
    assert len(seen) == 2
    assert_close(method.penalty(model), expected)
    with pytest.raises(RuntimeError, match="after a forward pass, once"):
        method.penalty(model)


def test_a_copy_watches_itself():
    model, method = network(), pnn.BoundaryLoss(0.5)
    method.start(model, [])
    model(torch.randn(20, 5))
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin[0].weight.mul_(3)
    x = torch.randn(20, 5)
    twin(x)
    assert method.penalty(twin) != method.penalty(model)


def test_of_factors_it_holds_those_of_the_products():
    model, method = pnn.PolyNeXtBlock(4), pnn.BoundaryLoss(0.2, of="factors", form="squared", strength=1.0)
    method.start(model, [])
    x = torch.randn(2, 4, 6, 6)
    model(x)
    y = model.norm1(x)
    near, far = model.near(y), model.far(y)
    mid = x + model.scale1(model.mix(model.norm2(near * far)))
    factors = near, far, model.maps(model.norm3(mid))
    method.penalty(model)
    model(x)
    expected = sum((f.abs() - 0.2).relu().square().mean() for f in factors)
    assert_close(method.penalty(model), expected)


def test_of_products_it_holds_those_behind_their_normalisation():
    model, method = pnn.PolyNeXtBlock(4), pnn.BoundaryLoss(0.2, of="products", form="squared", strength=1.0)
    method.start(model, [])
    x = torch.randn(2, 4, 6, 6)
    model(x)
    y = model.norm1(x)
    first = model.norm2(model.near(y) * model.far(y))
    high, low = model.maps(model.norm3(x + model.scale1(model.mix(first)))).chunk(2, 1)
    products = first, model.norm4(high * low)
    method.penalty(model)
    model(x)
    expected = sum((p.abs() - 0.2).relu().square().mean() for p in products)
    assert_close(method.penalty(model), expected)


def test_what_has_nothing_to_hold_is_refused():
    def run(network, **settings):
        recipe = pnn.Recipe(1, augment="none", methods=(pnn.BoundaryLoss(3, **settings),))
        return pnn.Run(pnn.Digits(), network, recipe, 0, "smoke")

    with pytest.raises(pnn.RunError, match=r'of activations is for the activations "polynomial".*got \'relu\''):
        run(pnn.CNN("standard", 4))
    with pytest.raises(pnn.RunError, match=r"of factors is for \"polynext\", got 'cnn'"):
        run(pnn.CNN("standard", 4, pnn.Polynomial(2, 4)), of="factors")
    with pytest.raises(pnn.RunError, match=r"of products is for \"polynext\", got 'cnn'"):
        run(pnn.CNN("standard", 4), of="products")
    run(pnn.CNN("standard", 4, pnn.Hermite()))


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"limit": 1, "strength": -1}, {"limit": 1, "form": "cubic"}])
def test_mistakes_are_refused(wrong):
    with pytest.raises(pnn.RunError, match=r"BoundaryLoss\.(limit|strength|form) must be"):
        pnn.BoundaryLoss(**wrong)
