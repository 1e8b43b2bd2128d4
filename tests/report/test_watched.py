"""Activations epoch by epoch, against their equations and ways that are counted by hand."""

import dataclasses
import json
import math
import re

import matplotlib as mpl
import numpy as np
import pytest
import torch
from scipy.interpolate import RBFInterpolator
from whole import whole_record

import pnn
from pnn.experiments import discovery
from pnn.experiments.discovery import Arm
from pnn.report import watched

mpl.use("Agg")
from pnn.report import plots

EPOCHS = 10
# Beta of Swish at the start and after every epoch.
TURNS = [1.0, 1.5, 1.75, 1.8, 1.81, 1.82, 1.83, 1.84, 1.85, 1.86, 1.87]


def record(activation: str, readings: dict[str, list] | None = None) -> pnn.Record:
    return whole_record(discovery.runs("laptop")[Arm(activation)][0], readings=readings)


def swish(*factors: float) -> pnn.Record:
    """A layer for each factor, with beta as in `TURNS` times it."""
    return record("swish", {f"{i}.beta": [[factor * beta] for beta in TURNS] for i, factor in enumerate(factors)})


def spline(c_x: list[float], c_y: list[float]) -> pnn.Record:
    """One layer, whose points move from those of the start to these in the first epoch."""
    kept = {"1.c_x": [[-1.0, 0.0, 1.0], *[c_x] * EPOCHS], "1.c_y": [[0.0, 0.0, 1.0], *[c_y] * EPOCHS]}
    columns = {name: [[[value] for value in points] for points in values] for name, values in kept.items()}
    return record("polyneuron", columns)


def test_curves_are_the_functions_of_the_parameters_that_were_kept():
    x = np.linspace(-2, 2, 9)
    first, second = watched.layers(swish(1, 2), torch.from_numpy(x).float())
    assert first.control is None
    for epoch, beta in enumerate(TURNS):
        for layer, factor in ((first, 1), (second, 2)):
            assert layer.curves[epoch].numpy() == pytest.approx(x / (1 + np.exp(-factor * beta * x)), abs=1e-6)


def test_a_spline_is_that_of_scipy_through_its_control_points():
    c_x, c_y = [-1.5, 0.25, 0.9], [0.5, -0.3, 1.2]
    x = np.linspace(-1.5, 0.9, 7)
    (layer,) = watched.layers(spline(c_x, c_y), torch.from_numpy(x).float())
    through = RBFInterpolator(np.array(c_x)[:, None], c_y, kernel="cubic", degree=1)
    assert layer.curves[-1].numpy() == pytest.approx(through(x[:, None]), abs=1e-4)
    assert layer.control.shape == (EPOCHS + 1, 3, 2)
    assert layer.control[-1].numpy() == pytest.approx(np.stack([c_x, c_y], 1), abs=1e-5)


def test_control_points_of_the_relaxed_kind_lie_on_its_curve():
    w, c, v = [0.1, -0.3, 0.4], [-1.0, 0.5, 2.0], [0.7, -0.2]
    columns = {f"1.{name}": [[[value] for value in own]] * 2 for name, own in {"w": w, "c": c, "v": v}.items()}
    (layer,) = watched.layers(record("polyneuron-r", columns))
    for x, y in layer.control[0].tolist():
        kernels = sum(weight * abs(x - centre) ** 3 for weight, centre in zip(w, c, strict=True))
        assert y == pytest.approx(kernels + v[0] * x + v[1], abs=1e-5)


def test_a_step_is_the_root_mean_square_over_points_and_layers():
    x = np.linspace(-2, 2, 81)
    values = {f: [x / (1 + np.exp(-f * beta * x)) for beta in TURNS] for f in (1, 2)}
    squares = [np.mean([(values[f][epoch + 1] - values[f][epoch]) ** 2 for f in values]) for epoch in range(EPOCHS)]
    assert watched.steps(swish(1, 2)) == pytest.approx(np.sqrt(squares), abs=1e-6)
    whole = np.sqrt(np.mean([(values[f][-1] - values[f][0]) ** 2 for f in values]))
    assert watched.distance(swish(1, 2)) == pytest.approx(whole, abs=1e-6)
    assert watched.steps(record("relu")) == []


def test_the_share_that_was_walked_early():
    assert watched.share_early([2.0, 1.0, 1.0, 0.0]) == 50
    assert watched.share_early([1.0] * 10) == 30  # A quarter of ten epochs is rounded up to three.
    assert watched.share_early([3.0, 1.0], 1 / 2) == 75
    assert math.isnan(watched.share_early([0.0, 0.0]))


def test_the_table_compares_the_way_with_an_even_pace():
    own = swish(1)
    runs = [dataclasses.replace(own, run=dataclasses.replace(own.run, seed=seed)) for seed in range(3)]
    lost = pnn.Record.of_failure(dataclasses.replace(own.run, seed=3), "diverged", "step 1")
    row = watched.moved({"Swish": [*runs, lost], "ReLU": [record("relu")]}).frame
    assert list(row.index) == ["Swish"]
    walked = watched.steps(own)
    assert row.loc["Swish", "n"] == 3
    assert row.loc["Swish", "early_mean"] == pytest.approx(100 * sum(walked[:3]) / sum(walked))
    # LeNet's rate is divided after two thirds of ten epochs, in the eighth: four of seven are the first half.
    assert watched.at_full_rate(own) == 7
    assert row.loc["Swish", "half_mean"] == pytest.approx(100 * sum(walked[:4]) / sum(walked[:7]))
    assert watched.even(own) == {"early": 30, "half": pytest.approx(400 / 7)}


def test_a_replay_holds_what_the_figure_draws():
    own = spline([-1.5, 0.25, 0.9], [0.5, -0.3, 1.2])
    (text,) = re.findall(r'<script type="application/json" id="activations">(.*)</script>', watched.replay(own).data)
    data = json.loads(text)
    (layer,) = data["layers"]
    assert len(data["x"]) == len(layer["curves"][0])
    assert len(layer["curves"]) == len(layer["points"]) == EPOCHS + 1
    assert layer["points"][-1] == [[-1.5, 0.5], [0.25, -0.3], [0.9, 1.2]]
    (drawn,) = watched.layers(own)
    assert np.allclose(layer["curves"], drawn.curves, atol=6e-4)


def test_the_figures_show_every_epoch_and_every_run():
    own = spline([-1.5, 0.25, 0.9], [0.5, -0.3, 1.2])
    (axis,) = plots.activations_by_epoch(own).axes
    curves = [line for line in axis.lines if line.get_marker() == "None"]
    assert len(curves) == EPOCHS + 1
    assert curves[0].get_linestyle() == ":"
    start, end = (line.get_xydata() for line in axis.lines if line.get_marker() == "o")
    assert start == pytest.approx(np.array([[-1, 0], [0, 0], [1, 1]]), abs=1e-5)
    assert end == pytest.approx(np.array([[-1.5, 0.5], [0.25, -0.3], [0.9, 1.2]]), abs=1e-5)
    (axis,) = plots.steps_by_epoch({"Swish": [swish(1)], "ReLU": [record("relu")]}).axes
    assert {text.get_text() for text in axis.texts} == {"Swish"}
    assert axis.lines[0].get_ydata() == pytest.approx(watched.steps(swish(1)))
