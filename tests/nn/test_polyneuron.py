"""PolyNeuron and PolyNeuron-R: the published values, numpy's and scipy's splines, derivatives, points that meet."""

import numpy as np
import pytest
import torch
from scipy.interpolate import RBFInterpolator
from torch.testing import assert_close

import pnn
from pnn.nn import spline as splines
from pnn.nn.spline import solve_spline, spline_system


@pytest.fixture(autouse=True)
def same_numbers_in_every_run():
    torch.manual_seed(0)


def scrambled(kind, *arguments, **settings):
    """The activation in float64 with control points, or weights, that are not those of its start."""
    module = kind(*arguments, **settings).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


def plainly(x: np.ndarray, c_x: np.ndarray, c_y: np.ndarray, k: int) -> np.ndarray:
    """One spline through its points, by numpy."""

    def kernel(r):
        return r**k if k % 2 else np.where(r > 0, r**k * np.log(np.where(r > 0, r, 1)), 0)

    corner = np.stack([c_x, np.ones_like(c_x)], 1)
    matrix = np.block([[kernel(abs(c_x[:, None] - c_x)), corner], [corner.T, np.zeros((2, 2))]])
    *w, v0, v1 = np.linalg.solve(matrix, np.append(c_y, [0, 0]))
    return kernel(abs(x[:, None] - c_x)) @ w + v0 * x + v1


@pytest.mark.parametrize("kind", [pnn.PolyNeuron, pnn.PolyNeuronR])
def test_it_starts_with_the_published_values(kind):
    module = kind().double()
    x = torch.tensor([-3.0, -1.0, 0.0, 1.0, 2.0], dtype=torch.float64)
    assert_close(module(x), torch.tensor([0.5, 0.0, 0.0, 1.0, 2.25], dtype=torch.float64), rtol=0, atol=5e-6)


def test_the_weights_of_the_start_are_the_published_ones():
    w, v = pnn.PolyNeuron().weights()
    assert_close(w[:, 0], torch.tensor([0.125, -0.25, 0.125]), rtol=0, atol=1e-6)
    assert_close(v[:, 0], torch.tensor([0.5, -0.25]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("points", [3, 6])
def test_without_smoothing_every_channel_is_the_spline_of_numpy(points, k, monkeypatch):
    monkeypatch.setattr(splines, "SMOOTHING", 0.0)
    module, x = scrambled(pnn.PolyNeuron, 2, points, k), torch.randn(7, 2, 3, dtype=torch.float64)
    for channel in range(2):
        c_x, c_y = (p[:, channel].detach().numpy() for p in (module.c_x, module.c_y))
        expected = plainly(x[:, channel].flatten().numpy(), c_x, c_y, k)
        assert_close(module(x)[:, channel].flatten().detach().numpy(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("k", "kernel"), [(1, "linear"), (2, "thin_plate_spline"), (3, "cubic")])
def test_it_is_the_smoothed_interpolator_of_scipy(k, kernel):
    module, x = scrambled(pnn.PolyNeuron, points=5, k=k), torch.linspace(-3, 3, 50, dtype=torch.float64)
    c_x, c_y = (p[:, 0].detach().numpy() for p in (module.c_x, module.c_y))
    smoothing = splines.SMOOTHING * (c_x.max() - c_x.min()) ** k
    spline = RBFInterpolator(c_x[:, None], c_y, kernel=kernel, degree=1, smoothing=smoothing)
    assert_close(module(x).detach().numpy(), spline(x.numpy()[:, None]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_points_on_a_line_give_that_line(k):
    module = pnn.PolyNeuron(points=4, k=k).double()
    with torch.no_grad():
        module.c_y.copy_(2 * module.c_x - 0.5)
    x = torch.linspace(-10, 10, 11, dtype=torch.float64)
    assert_close(module(x), 2 * x - 0.5)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_relaxed_one_with_the_solved_weights_is_the_same(k):
    source, relaxed = scrambled(pnn.PolyNeuron, 3, 4, k), pnn.PolyNeuronR(3, 4, k).double()
    w, v = solve_spline(source.c_x, source.c_y, k)
    relaxed.load_state_dict({"w": w, "c": source.c_x, "v": v})
    x = torch.randn(5, 3, 2, dtype=torch.float64)
    assert_close(relaxed(x), source(x))
    assert_close(torch.stack(relaxed.constraints()), torch.zeros(2, 3).double(), rtol=0, atol=1e-9)


def test_beyond_its_points_it_is_a_line_while_the_relaxed_one_off_its_constraints_is_a_cubic():
    x = torch.tensor([10.0, 20.0, 30.0, 40.0], dtype=torch.float64)
    assert scrambled(pnn.PolyNeuron)(x).diff(n=2).abs().max() < 1e-6
    relaxed = pnn.PolyNeuronR().double()
    torch.nn.init.constant_(relaxed.w, 0.1)
    assert relaxed(x).diff(n=3).abs().max() > 100


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [pnn.PolyNeuron, pnn.PolyNeuronR])
def test_first_and_second_derivatives_are_those_of_differences(kind, k):
    module = scrambled(kind, 2, 3, k)
    names = [name for name, _ in module.named_parameters()]
    x = (3 * torch.randn(4, 2, dtype=torch.float64)).requires_grad_()

    def function(x, *parameters):
        return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(function, (x, *module.parameters()))
    assert torch.autograd.gradgradcheck(function, (x, *module.parameters()))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_at_a_control_point_gradients_are_finite(k):
    module = pnn.PolyNeuron(k=k)
    x = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
    module(x).sum().backward()
    assert all(t.grad.isfinite().all() for t in (x, *module.parameters()))


def condition(distance: float, k: int) -> float:
    return torch.linalg.cond(spline_system(torch.tensor([[-1.0], [0.0], [distance]]), k)).item()


@pytest.mark.parametrize("k", [1, 2, 3])
def test_where_points_meet_the_condition_number_has_a_bound_only_with_smoothing(k, monkeypatch):
    near = condition(1e-3, k)
    assert max(near, condition(1e-6, k), condition(0.0, k)) < 2e8
    monkeypatch.setattr(splines, "SMOOTHING", 0.0)
    assert condition(1e-1, k) < condition(1e-3, k) < condition(1e-6, k)
    assert condition(1e-6, k) > 10 * near if k > 1 else condition(0.0, k) > 1e12


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("distance", [1e-3, 1e-6, 0.0])
def test_where_points_meet_values_and_gradients_are_finite(distance, k):
    module = pnn.PolyNeuron(k=k)
    with torch.no_grad():
        module.c_x[2] = distance  # The second point is at 0.
    x = torch.linspace(-3, 3, 50, requires_grad=True)
    y = module(x)
    y.square().sum().backward()
    assert y.isfinite().all()
    assert all(t.grad.isfinite().all() for t in (x, *module.parameters()))


def test_two_points_a_thousandth_apart_are_still_passed():
    module = pnn.PolyNeuron().double()
    with torch.no_grad():
        module.c_x[:, 0] = torch.tensor([-1.0, 0.0, 1e-3])
        module.c_y[:, 0] = torch.tensor([0.0, 0.0, 1e-3])
    assert_close(module(module.c_x[:, 0]), module.c_y[:, 0], rtol=0, atol=3e-3)


@pytest.mark.parametrize("kind", [pnn.PolyNeuron, pnn.PolyNeuronR])
def test_only_the_input_is_kept_for_any_number_of_points(kind):
    def kept(points: int) -> int:
        x, sizes = torch.randn(8, 3, 32, 32, requires_grad=True), {}

        def keep(tensor):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.numel()
            return tensor

        module = kind(points=points)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
            module(x)
        return sum(size >= x.numel() for size in sizes.values())

    assert [kept(points) for points in (2, 3, 9)] == [1, 1, 1]


def test_a_random_start_draws_the_values_of_the_points():
    one, other = (pnn.PolyNeuron(500, start="random") for _ in range(2))
    assert torch.equal(one.c_x, pnn.PolyNeuron(500).c_x)
    assert not torch.equal(one.c_y, other.c_y)
    assert 0.9 < one.c_y.std() < 1.1
