"""The figures show the numbers that they are given."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import nn

import pnn

mpl.use("Agg")
from pnn import plots, stats

ACCURACY = {"standard": [0.60, 0.61, 0.63], "polynomial": [0.62, 0.64, 0.64]}


@pytest.fixture
def sides() -> dict[str, list[pnn.Record]]:
    made = {neuron: [] for neuron in ACCURACY}
    for neuron, values in ACCURACY.items():
        for seed, accuracy in enumerate(values):
            run = pnn.Run(pnn.Task("digits"), pnn.Network("cnn", neuron, 4), pnn.Recipe(2), seed, "smoke")
            curves = {"validation_accuracy": [accuracy / 2, accuracy], "train_loss": [2.0, 1.0 - accuracy]}
            final = {"test": pnn.Score(1.0, accuracy)}
            made[neuron].append(dataclasses.replace(pnn.Record.of_failure(run, "ok", ""), curves=curves, final=final))
    run = dataclasses.replace(run, seed=9)
    made["polynomial"].append(pnn.Record.of_failure(run, "diverged", "step 1"))
    return made


def test_learning_curves_show_every_run_and_the_means(sides):
    left, right = plots.learning_curves(sides).axes
    assert len(left.lines) == len(right.lines) == 8  # three runs and a mean, twice; the diverged one has no curve
    for neuron, values in ACCURACY.items():
        (mean,) = (line for line in left.lines if line.get_label() == neuron)
        assert mean.get_xdata() == pytest.approx([1, 2])
        assert mean.get_ydata() == pytest.approx([50 * np.mean(values), 100 * np.mean(values)])


def test_paired_accuracy_shows_every_pair_and_the_interval(sides):
    left, right = plots.paired_accuracy(*sides.values(), stats.accuracy, "accuracy").axes
    assert [tuple(line.get_ydata()) for line in left.lines] == [
        pytest.approx((100 * a, 100 * b)) for a, b in zip(*ACCURACY.values(), strict=True)
    ]
    result = pnn.compare_records(*sides.values(), stats.accuracy)
    assert result.lost == 1
    (bars,) = right.containers
    (segment,) = bars.lines[2][0].get_segments()
    assert segment[:, 1] == pytest.approx([result.low, result.high])
    assert bars.lines[0].get_ydata() == pytest.approx([result.difference])


def test_decision_regions_draw_the_zero_line_where_there_is_one():
    product = pnn.PolyLinear(2, 1)
    with torch.no_grad():
        product.maps.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        product.maps.bias.zero_()
    never = nn.Linear(2, 1)
    with torch.no_grad():
        never.weight.zero_()
        never.bias.fill_(1.0)
    points, labels = torch.tensor([[1.0, 1.0], [1.0, -1.0]]), torch.tensor([1, 0])
    crossing, empty = plots.decision_regions({"xy": product, "1": never}, points, labels).axes
    (zero,) = (c for c in crossing.collections if list(getattr(c, "levels", [])) == [0])
    corners = np.concatenate([path.vertices for path in zero.get_paths()])
    assert np.abs(corners).min(axis=1) == pytest.approx(0, abs=0.02)  # the two axes
    assert not any(list(getattr(c, "levels", [])) == [0] for c in empty.collections)


def test_function_slices_draw_the_function():
    (axis,) = plots.function_slices({"square": lambda t: t**2}).axes
    t, y = axis.lines[0].get_data()
    assert np.asarray(y) == pytest.approx(np.asarray(t) ** 2)
