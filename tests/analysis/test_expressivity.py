"""Small networks: their pieces counted by hand, their dimension by theory, their error where it is known."""

import math

import matplotlib as mpl
import numpy as np
import pytest
import torch

mpl.use("Agg")

import pnn
from pnn.analysis import expressivity
from pnn.report import plots

MAPS = {"conventional": 1, "quadratic": 3, "quadratic-activation": 1}
KINDS = list(MAPS)


def with_weights(model: torch.nn.Module, **values: list) -> torch.nn.Module:
    """The model, all its parameters 0 but for these; "__" stands for a dot."""
    given = {name.replace("__", "."): torch.tensor(value) for name, value in values.items()}
    model.load_state_dict({name: torch.zeros_like(p) for name, p in model.state_dict().items()} | given)
    return model


def points(rows: int, inputs: int) -> torch.Tensor:
    return 2 * torch.rand(rows, inputs, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 1


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_network_is_its_equation(kind, depth):
    model, x = expressivity.network(kind, 2, 3, depth, seed=4), points(5, 2)
    state, y = model.state_dict(), x
    for place in sorted({int(name.split(".")[0]) for name in state})[:-1]:
        maps = {
            name.removeprefix(f"{place}.").removesuffix("weight"): y @ weight.T + state[name.replace("weight", "bias")]
            for name, weight in state.items()
            if name.startswith(f"{place}.") and name.endswith("weight") and ".b." not in name
        }
        if kind == "quadratic":
            square = (y * y) @ state[f"{place}.b.weight"].T + state[f"{place}.b.bias"]
            y = (maps["r."] * maps["g."] + square).clamp(min=0)
        elif kind == "conventional":
            y = maps[""].clamp(min=0)
        else:
            y = maps["r."] ** 2
    *_, weight, bias = state.values()
    torch.testing.assert_close(model(x), y @ weight.T + bias)
    assert model(x).dtype == torch.float64
    m = MAPS[kind]
    assert expressivity.parameters(model) == m * 3 * 3 + (depth - 1) * m * 4 * 3 + 3 + 1


def test_a_network_depends_on_its_seed_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, again, other = (expressivity.network("quadratic", 2, 3, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first(points(4, 2)), again(points(4, 2)))
    assert not torch.equal(first(points(4, 2)), other(points(4, 2)))


def test_the_width_is_the_largest_within_the_parameters():
    assert [expressivity.width_within("conventional", 1, 1, most) for most in (3, 4, 6, 7, 88)] == [0, 1, 1, 2, 29]
    assert [expressivity.width_within("quadratic", 2, 1, most) for most in (10, 11, 20, 21)] == [0, 1, 1, 2]


def test_a_grid_has_the_corners_and_the_last_input_is_the_fastest():
    assert expressivity.grid(1, 3).tolist() == [[-1], [0], [1]]
    assert expressivity.grid(2, 2).tolist() == [[-1, -1], [-1, 1], [1, -1], [1, 1]]


def test_the_regions_of_lines_counted_by_hand():
    model = expressivity.network("conventional", 1, 2)
    with_weights(model, **{"0__weight": [[1.0], [-1.0]], "0__bias": [-0.5, -0.5]})  # kinks at 1/2 and -1/2
    line = expressivity.grid(1, 100)
    active = expressivity.patterns(model, torch.tensor([[-0.9], [0.0], [0.9]], dtype=torch.float64))
    assert active.tolist() == [[False, True], [False, False], [True, False]]
    assert expressivity.count_regions(model, line) == expressivity.count_pieces(model, line) == 3
    assert expressivity.count_regions(model, line[:50]) == 2  # only those that a point hits

    axes = with_weights(expressivity.network("conventional", 2, 2), **{"0__weight": [[1.0, 0.0], [0.0, 1.0]]})
    assert expressivity.count_regions(axes, expressivity.grid(2, 20)) == 4


def test_one_quadratic_neuron_has_two_patterns_and_three_pieces():
    model = expressivity.network("quadratic", 1, 1)
    with_weights(model, **{"0__b__weight": [[1.0]], "0__b__bias": [-0.25]})  # x^2 - 1/4
    line = expressivity.grid(1, 100)
    assert (expressivity.count_regions(model, line), expressivity.count_pieces(model, line)) == (2, 3)


def test_the_second_layer_cuts_what_the_first_one_makes():
    model = expressivity.network("conventional", 1, 1, 2)
    with_weights(model, **{"0__weight": [[1.0]], "2__weight": [[1.0]], "2__bias": [-0.5]})  # kinks at 0 and 1/2
    line = torch.linspace(-1, 1, 100, dtype=torch.float64)[:, None]
    assert expressivity.count_pieces(model, line) == 3
    first, second = expressivity.relu_inputs(model, line)
    torch.testing.assert_close(first, line)
    torch.testing.assert_close(second, line.clamp(min=0) - 0.5)


@pytest.mark.parametrize(
    ("kind", "relu"), [("conventional", False), ("quadratic", False), ("quadratic-activation", True)]
)
def test_without_relu_there_is_one_region(kind, relu):
    model = expressivity.network(kind, 2, 5, 2, relu=relu)
    assert expressivity.count_regions(model, points(50, 2)) == expressivity.count_pieces(model, points(50, 2)) == 1


@pytest.mark.parametrize(
    ("kind", "inputs", "width", "dimension"),
    [
        ("conventional", 3, 2, 4),  # every affine function
        ("quadratic-activation", 2, 1, 4),  # five parameters, of which two only scale the neuron
        ("quadratic-activation", 2, 3, 6),  # every polynomial of degree 2
        ("quadratic", 2, 1, 6),
        ("quadratic", 4, 1, 14),  # of 15: the form without its diagonal has rank 2 at most, and 6 - 1 dimensions
    ],
)
def test_the_dimension_is_that_of_theory(kind, inputs, width, dimension):
    model = expressivity.network(kind, inputs, width, relu=False)
    assert expressivity.dimension(model, points(40, inputs)) == dimension
    assert expressivity.dimension(model, points(3, inputs)) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_degree_is_doubled_by_every_layer_of_products(kind):
    model, example = expressivity.network(kind, 2, 3, 2, relu=False), points(1, 2)
    expected = 1 if kind == "conventional" else 4
    assert pnn.audit(model, example).degree == pnn.degree_along_line(model, example) == expected


def test_the_relative_error_of_known_functions():
    model, x = with_weights(expressivity.network("conventional", 1, 1), **{"2__bias": [3.0]}), points(6, 1)
    assert expressivity.relative_error(model, x, torch.full((6,), 2.0)) == pytest.approx(0.5)
    assert expressivity.relative_error(model, x, torch.full((6,), math.nan)) == math.inf


@pytest.mark.parametrize("kind", ["quadratic", "quadratic-activation"])
def test_one_neuron_of_degree_2_fits_a_square_exactly(kind):
    x = expressivity.grid(1, 65)
    errors = [expressivity.fit(expressivity.network(kind, 1, 1, seed=seed), x, x[:, 0] ** 2) for seed in range(4)]
    assert min(errors) < 1e-10


def test_conventional_neurons_stay_above_the_bound_and_squares_at_their_degree():
    (error,) = expressivity.fitted_errors("conventional", lambda x: x[:, 0] ** 2, 1, 5, seeds=1, steps=60)
    assert 2 / (3 * 6**2) < error < 0.2
    (error,) = expressivity.fitted_errors("quadratic-activation", lambda x: x[:, 0].abs(), 1, 5, seeds=1, steps=60)
    # the best parabola, (3 + 15 x^2) / 16, misses |x| by 1 / 96 over [-1, 1] in the square, of 2 / 3
    assert error == pytest.approx(1 / 8, rel=0.02)


def test_fitting_is_deterministic_and_more_steps_are_better():
    def errors(steps: int) -> list[float]:
        return expressivity.fitted_errors("quadratic", lambda x: x[:, 0] * x[:, 1], 2, 2, seeds=2, steps=steps)

    few = errors(3)
    assert few == errors(3)
    assert few[0] != few[1]
    assert all(more < less for more, less in zip(errors(30), few, strict=True))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: expressivity.network("cubic", 1, 1), "kind must be one of 'conventional', .*, got 'cubic'"),
        (lambda: expressivity.network("quadratic", 0, 1), "inputs must be at least 1, got 0"),
        (lambda: expressivity.network("quadratic", 1, 0), "width must be at least 1, got 0"),
        (lambda: expressivity.network("quadratic", 1, 1, 0), "depth must be at least 1, got 0"),
        (lambda: expressivity.fitted_errors("quadratic", torch.sum, 3, 1), "inputs must be 1 or 2, got 3"),
        (lambda: expressivity.width_within("cubic", 1, 1, 9), "got 'cubic'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_picture_of_regions_has_a_line_a_relu_and_shades_by_parity():
    model = expressivity.network("conventional", 2, 3)
    weights = [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    with_weights(model, **{"0__weight": weights, "0__bias": [0.5, 0.0, 5.0]})  # x = -1/2, y = 0; the third is never 0
    (axis,) = plots.activation_regions({"name": model}, side=40).axes
    assert axis.get_title() == "name"
    lines = [line.get_paths()[0].vertices for line in axis.collections]
    assert len(lines) == 2
    assert lines[0][:, 0] == pytest.approx(-0.5)
    assert lines[1][:, 1] == pytest.approx(0, abs=1e-9)
    shade = axis.images[0].get_array()
    assert axis.images[0].origin == "lower"
    assert (shade[-1, -1], shade[0, -1], shade[-1, 0], shade[0, 0]) == (1, 0, 0, 1)  # right: 3 above, 2 below


def test_the_picture_of_errors_shows_medians_ranges_and_the_bound():
    sizes = {"conventional": [(10, [0.1, 0.3, 0.2]), (40, [0.01, 1e-9, 0.02])], "quadratic": [(20, [0.5, 0.5, 0.6])]}
    figure = plots.errors_by_parameters({"f": sizes, "g": sizes}, {"f": lambda p: 1 / p}, floor=1e-3)
    left, right = figure.axes
    assert (left.get_title(), right.get_title()) == ("f", "g")
    assert (len(left.lines), len(right.lines)) == (3, 2)
    first, second, bound = left.lines
    assert (first.get_xdata().tolist(), first.get_ydata().tolist()) == ([10, 40], [0.2, 0.01])
    assert second.get_ydata().tolist() == [0.5]
    np.testing.assert_allclose(bound.get_ydata(), 1 / bound.get_xdata())
    corners = left.collections[0].get_paths()[0].vertices
    assert {(10, 0.1), (10, 0.3), (40, 0.001), (40, 0.02)} <= {(round(x), round(y, 6)) for x, y in corners}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["conventional", "quadratic"]
