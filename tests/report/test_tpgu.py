"""The tables of TPGU by order, and what its parameters became, counted by hand."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch.nn import functional as F
from whole import whole_record

import pnn
from pnn.experiments.tpgu import Arm
from pnn.report import tpgu, tpgu_parameters

mpl.use("Agg")
from pnn.report import plots

RECIPE = pnn.Recipe(2, source="zou-2025", optimiser="adamw", weight_decay=0.05, batch_size=100, learning_rate=0.01)
TASK = pnn.CIFAR10(rows="stand-in", validation=200, train=250)
# By block: a after the start and after each epoch, shape (epochs + 1, order + 1, channels), and b.
READINGS = {
    "2.activation.a": [[[1.0, 1.0], [0.0, 0.0]], [[0.9, 0.9], [0.0, 0.1]], [[0.8, 0.6], [0.3, -0.4]]],
    "2.activation.b": [[0.0, 0.0], [0.0, 0.0], [0.3, -0.1]],
    "10.activation.a": [[[1.0, 1.0], [0.0, 0.0]]] * 3,
    "10.activation.b": [[0.0, 0.0]] * 3,
}


def record(arm: Arm, seed: int, accuracy: float) -> pnn.Record:
    activation = pnn.TPGUChoice(arm.order) if arm.order else pnn.GELU()
    run = pnn.Run(TASK, pnn.ConvNeXt("standard", 4, activation), RECIPE, seed, "laptop")
    return whole_record(run, accuracy, readings=READINGS if arm.order else None)


def arms() -> dict[Arm, list[pnn.Record]]:
    accuracies = {
        Arm("gelu"): [0.40, 0.42, 0.44, 0.41],
        Arm("identity"): [0.30, 0.31],
        Arm("tpgu", 1): [0.41, 0.40],
        Arm("tpgu", 2): [0.39, 0.45],
        Arm("tpgu-spared", 7): [0.99, 0.99],
    }
    return {arm: [record(arm, seed, own) for seed, own in enumerate(values)] for arm, values in accuracies.items()}


def test_names_are_those_of_a_reader():
    assert list(tpgu.named(arms())) == [
        "GELU",
        "no activation",
        "TPGU, order 1",
        "TPGU, order 2",
        "TPGU, order 7, not decayed",
    ]


def test_gains_are_those_of_the_seeds_that_all_orders_have():
    gains = tpgu.gains_by_seed(arms())
    assert gains.keys() == {0, 1}
    assert gains[0] == pytest.approx({1: 1.0, 2: -1.0})
    assert gains[1] == pytest.approx({1: -2.0, 2: 3.0})


def test_the_best_of_several_beside_the_same_again_and_what_is_published():
    table = tpgu.best_of(arms()).frame
    again = table.loc["GELU again, 3 times"]
    assert again["mean"] == pytest.approx((4 + 2 - 2 + 3) / 4)
    assert (again["settings"], again["cases"]) == (3, 4)
    assert "GELU again, 2 times" in table.index
    ours = table.loc["our orders, on one seed"]
    assert [ours[name] for name in ("settings", "cases")] == [2, 2]
    assert [ours[name] for name in ("mean", "least", "most")] == pytest.approx([2.0, 1.0, 3.0])
    assert table.loc["published, ConvNeXt-T", "mean"] == pytest.approx(0.7)


def test_what_is_published_is_quoted():
    text = tpgu.published().text
    assert text.loc["TPGU, order 7"].tolist() == ["81.2", "–", "–"]
    assert text.loc["TPGU, order 1"].tolist() == ["80.7", "81.2", "79.5"]
    quoted = tpgu.quoted(arms())
    assert (quoted["published-best"], quoted["published-settings"], quoted["published-orders"]) == ("+0.7", "16", "8")
    assert quoted["luck"] == "–"  # Four trainings are too few for eight settings.


def test_luck_is_told_in_deviations():
    records = arms()
    values = [0.40 + 0.01 * (place * 7 % 11) for place in range(11)]
    records[Arm("gelu")] = [record(Arm("gelu"), seed, value) for seed, value in enumerate(values)]
    quoted = tpgu.quoted(records)
    deviation, luck = float(quoted["deviation"]), float(quoted["luck"])
    assert deviation == pytest.approx(100 * np.std(values, ddof=1), abs=0.005)
    assert float(quoted["luck-deviations"]) == pytest.approx(luck / deviation, abs=0.01)
    assert float(quoted["needed"]) == pytest.approx(0.7 * deviation / luck, abs=0.01)


def test_watched_units_compute_the_equation_of_their_epoch():
    units = tpgu_parameters.watched(record(Arm("tpgu", 1), 0, 0.5))
    assert list(units) == ["block 1", "block 2"]
    x = torch.linspace(-2, 2, 5)[:, None].expand(-1, 2)
    b = torch.tensor([0.3, -0.1])
    s = torch.sigmoid(1.702 * b)
    expected = x * (torch.tensor([0.8, 0.6]) * s + torch.tensor([0.3, -0.4]) * 1.702 * s * (1 - s) * (x - b))
    torch.testing.assert_close(units["block 1"](x), expected)
    torch.testing.assert_close(units["block 2"](x), x / 2)
    torch.testing.assert_close(tpgu_parameters.watched(record(Arm("tpgu", 1), 0, 0.5), 0)["block 1"](x), x / 2)


def test_how_far_parameters_moved():
    lost = pnn.Record.of_failure(record(Arm("tpgu", 1), 1, 0.5).run, "diverged", "step 1")
    table = tpgu_parameters.moved([record(Arm("tpgu", 1), 0, 0.5), lost]).frame
    first = table.loc["block 1"]
    assert first["a_0"] == pytest.approx(0.7)
    assert first["a_0_moved"] == pytest.approx(((0.2**2 + 0.4**2) / 2) ** 0.5)
    assert first["a_moved"] == pytest.approx(((0.3**2 + 0.4**2) / 2) ** 0.5)
    assert (first["b"], first["b_moved"]) == pytest.approx((0.1, (0.05) ** 0.5))
    assert table.loc["block 2"].tolist() == pytest.approx([1, 0, 0, 0, 0])


def test_the_first_coefficient_by_epoch():
    own = [record(Arm("tpgu", 1), seed, 0.5) for seed in (0, 1)]
    found = tpgu_parameters.first_by_epoch(own)
    assert found["block 1"] == pytest.approx(np.array([[1.0, 0.9, 0.7]] * 2))
    table = tpgu_parameters.by_way({"decayed": own})
    assert table.text["decayed"].tolist() == ["0.700", "1.000"]


def test_decay_alone_is_what_adamw_does_to_a_parameter_without_gradient():
    """250 rows in batches of 100 are three steps an epoch; a cosine of two epochs has the shares 1 and 1/2."""
    run = record(Arm("tpgu", 1), 0, 0.5).run
    one = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimiser, expected = torch.optim.AdamW([one], weight_decay=0.05), [1.0]
    for share in (1, 0.5):
        optimiser.param_groups[0]["lr"] = 0.01 * share
        for _ in range(3):
            one.grad = torch.zeros_like(one)
            optimiser.step()
        expected.append(one.item())
    assert tpgu_parameters.decay_alone(run) == pytest.approx(expected, rel=1e-12)
    constant = dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, schedule="constant"))
    assert tpgu_parameters.decay_alone(constant)[-1] == pytest.approx((1 - 5e-4) ** 6)


def test_a_figure_has_every_channel_of_every_block():
    units = tpgu_parameters.watched(record(Arm("tpgu", 1), 0, 0.5))
    figure = plots.functions_by_block(units)
    assert [axis.get_title() for axis in figure.axes] == ["block 1", "block 2"]
    for axis, unit in zip(figure.axes, units.values(), strict=True):
        *channels, gelu, half = axis.lines
        x = torch.tensor(half.get_xdata(), dtype=torch.float32)
        assert len(channels) == 2
        assert gelu.get_ydata() == pytest.approx(F.gelu(x).numpy(), abs=1e-6)
        assert half.get_ydata() == pytest.approx(x.numpy() / 2)
        shown = np.array([line.get_ydata() for line in channels]).T
        assert shown == pytest.approx(unit(x[:, None].expand(-1, 2)).detach().numpy(), abs=1e-6)


def test_a_figure_of_blocks_by_epoch_has_the_means_and_the_level():
    moves = {"decayed": {"block 1": np.array([[1.0, 0.8], [1.0, 0.6]])}, "not": {"block 1": np.array([[1.0, 0.9]])}}
    one, other = plots.by_block_and_epoch(moves, {"decayed": np.array([1.0, 0.95])}, "a").axes
    assert one.lines[0].get_ydata() == pytest.approx([1.0, 0.7])
    assert one.lines[1].get_ydata() == pytest.approx([1.0, 0.95])
    assert len(other.lines) == 1
    assert {text.get_text() for text in one.texts} == {"block 1", "decay alone"}


def test_a_figure_of_luck_has_its_means_our_dots_and_what_is_published():
    found = tpgu.luck(arms())
    (axis,) = plots.best_of_nothing(found, {"ours": (2, [1.0, 3.0])}, {"published": (8, 0.7)}).axes
    lines = {line.get_label(): line for line in axis.lines}
    assert lines["nothing changed: mean"].get_ydata() == pytest.approx([one.mean for one in found])
    assert lines["ours"].get_xydata().tolist() == [[2, 1.0], [2, 3.0]]
    assert lines["published"].get_xydata().tolist() == [[8, 0.7]]
    (axis,) = plots.best_of_nothing([], {"ours": (2, [])}, {}).axes
    assert not any(len(line.get_xdata()) for line in axis.lines[1:])
