"""What small networks express: facts that are known by hand."""

import math

import pytest
import torch

from pnn.report import expressed


def test_squares_have_one_region_and_every_network_keeps_within_the_parameters():
    regions = expressed.regions(30, 2)
    table = regions.frame
    assert (table.xs("quadratic-activation", level="network")["regions"] == 1).all()
    within = table.drop(index="quadratic, equal width", level="network")
    assert (within["parameters"] <= 30).all()
    row = regions.text.iloc[0]
    assert row["regions"].startswith(f"{table.iloc[0]['regions']:.0f} (")
    titles = list(expressed.pictured(30, seed=5))
    assert [title.split("\n")[0] for title in titles] == [
        f"{kind}, {layers}" for layers in ("1 layer", "2 layers") for kind in ("conventional", "quadratic")
    ]


def test_degrees_double_with_each_quadratic_layer():
    table = expressed.degrees((1, 2)).text
    assert table.to_numpy().tolist() == [["1 / 1", "2 / 2", "2 / 2"], ["1 / 1", "4 / 4", "4 / 4"]]


def test_dimensions_are_at_most_those_of_all_polynomials():
    assert expressed.all_polynomials(4, 2) == math.comb(8, 4) == 70
    table = expressed.dimensions(2, 1, (1, 2))
    dimension = table.frame["dimension"]
    assert dimension.max() <= expressed.all_polynomials(2, 1) == 6
    equal_width, _ = expressed.dimension_ratios(table)
    assert equal_width[2] == dimension[2, "quadratic"] / dimension[2, "quadratic-activation, equal width"]


def test_the_functions_are_what_they_are_called():
    x = torch.tensor([[0.5, -0.25]], dtype=torch.float64)
    found = {name: float(function(x[:, :inputs])) for name, (inputs, function) in expressed.FUNCTIONS.items()}
    assert found == pytest.approx(
        {
            "x²": 0.25,
            "|x|": 0.5,
            "sin 4x": math.sin(2),
            "x₁x₂": -0.125,
            "exp(−4 |x|²)": math.exp(-4 * (0.25 + 0.0625)),
            "max(|x₁|, |x₂|)": 0.5,
        }
    )


ERRORS = {
    "f": {"conventional": [(10, [0.5, 0.2, 0.3]), (20, [0.2, 0.05, 0.3])], "quadratic": [(11, [1e-9] * 3)]},
    "g": {"conventional": [(20, [0.11] * 3)], "quadratic": [(11, [0.1, 0.11, 0.2])]},
}


def test_the_fewest_parameters_are_those_that_reach_the_target():
    table = expressed.enough(ERRORS, 0.1, 22).text
    assert table.loc["f"].tolist() == ["20", "> 22", "11", "11"]
    assert table.loc["g"].tolist() == ["> 22", "> 22", "11", "> 22"]


def test_the_lowest_median_is_named_with_all_that_are_near_it():
    table = expressed.lowest(ERRORS).text
    assert table.loc["f"].tolist() == ["quadratic", "0.2", "below 0.0001"]
    assert table.loc["g", "lowest"] == "conventional and quadratic"


def test_fits_are_of_every_kind_that_has_a_width(monkeypatch):
    monkeypatch.setattr(expressed.expressivity, "fitted_errors", lambda *_, seeds, steps: [0.5] * seeds)
    errors = expressed.fitted([4, 11], depth=1, seeds=2, steps=1)
    assert [count for count, _ in errors["x²"]["conventional"]] == [4, 10]
    assert errors["x²"]["quadratic"] == [(8, [0.5, 0.5])]
