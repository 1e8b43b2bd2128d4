"""The figures show the numbers that they are given."""

import dataclasses
import math

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from torch import nn
from whole import whole_record

import pnn
from pnn.report.scaling import scaling_curve, scaling_difference

mpl.use("Agg")
from pnn.report import comparison, measures, plots
from pnn.report.plots import canvas
from pnn.report.plots.style import say_start

ACCURACY = {"standard": [0.60, 0.61, 0.63], "polynomial": [0.62, 0.64, 0.64]}


@pytest.fixture
def arms() -> dict[str, list[pnn.Record]]:
    made = {neuron: [] for neuron in ACCURACY}
    for neuron, values in ACCURACY.items():
        for seed, accuracy in enumerate(values):
            run = pnn.Run(pnn.Digits(), pnn.CNN(neuron, 4), pnn.Recipe(2), seed, "smoke")
            curves = {"validation_accuracy": [accuracy / 2, accuracy], "train_loss": [2.0, 1.0 - accuracy]}
            for layer in (1, 2, 3):
                curves[f"activation_rms.{layer}"] = [layer * accuracy, layer * accuracy**2]
                curves[f"gradient_rms.{layer}"] = [accuracy / layer, accuracy**2 / layer]
            made[neuron].append(whole_record(run, accuracy, loss=1.0, curves=curves))
    run = dataclasses.replace(run, seed=9)
    made["polynomial"].append(pnn.Record.of_failure(run, "diverged", "step 1"))
    return made


def mean_line(axis: Axes, name: str) -> Line2D:
    (line,) = (line for line in axis.lines if line.get_label() == name)
    return line


def test_learning_curves_show_every_run_and_the_means(arms):
    left, right = plots.learning_curves(arms).axes
    assert len(left.lines) == len(right.lines) == 8  # three runs and a mean, twice; the diverged one has no curve
    for neuron, values in ACCURACY.items():
        mean = mean_line(left, neuron)
        assert mean.get_xdata() == pytest.approx([1, 2])
        assert mean.get_ydata() == pytest.approx([50 * np.mean(values), 100 * np.mean(values)])


def test_the_trivial_answer_is_a_named_level_line_of_the_rows_of_each_curve(arms):
    run = pnn.Run(pnn.Digits(), pnn.Majority(), pnn.Recipe(1, source="scikit-learn", augment="none"), 0, "smoke")
    final = {"train": pnn.Score(0.7, 0.53), "validation": pnn.Score(0.8, 0.52), "test": pnn.Score(0.9, 0.51)}
    for axis, height in zip(
        plots.learning_curves(arms, whole_record(run, final=final)).axes, (100 * 0.52, 0.7), strict=True
    ):
        (level,) = (line for line in axis.lines if line.get_linestyle() != "-" and len({*line.get_ydata()}) == 1)
        assert level.get_ydata() == pytest.approx([height, height])
        assert "majority class" in {text.get_text() for text in axis.texts}
        low, high = axis.get_ylim()
        assert low < height < high


def test_the_mean_ends_with_the_first_run_that_was_stopped_early(arms):
    arms["polynomial"][0].curves["validation_accuracy"].append(0.9)
    left, _ = plots.learning_curves(arms).axes
    assert max(len(line.get_xdata()) for line in left.lines) == 3
    assert mean_line(left, "polynomial").get_ydata() == pytest.approx([50 * np.mean(ACCURACY["polynomial"]), 190 / 3])


def test_the_arms_are_named_at_the_ends_of_their_lines_and_apart(arms):
    arms["polynomial"] = arms["standard"]  # both lines end at one point
    figure = plots.learning_curves(arms)
    figure.draw_without_rendering()
    for axis in figure.axes:
        standard, polynomial = (text.get_window_extent() for text in axis.texts)
        assert {text.get_text() for text in axis.texts} == set(ACCURACY)
        assert standard.x0 == polynomial.x0 > axis.get_window_extent().x0
        assert not standard.overlaps(polynomial)
        _, height = axis.transData.transform((2, mean_line(axis, "standard").get_ydata()[-1]))
        assert (standard.y0 + polynomial.y1) / 2 == pytest.approx(height, abs=3)  # pixels


def test_a_figure_of_runs_that_all_ended_badly_is_empty():
    run = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 0, "smoke")
    arms = {"standard": [pnn.Record.of_failure(run, "diverged", "step 1")], "polynomial": []}
    for figure in (plots.learning_curves(arms), plots.layer_norms(arms)):
        assert not any(axis.lines or axis.texts for axis in figure.axes)


def test_layer_norms_show_every_run_and_the_geometric_means(arms):
    axes = plots.layer_norms(arms).axes
    assert [axis.get_yscale() for axis in axes] == ["log"] * 4
    activations, gradients, activations_by_epoch, gradients_by_epoch = axes
    assert len(activations.lines) == len(gradients.lines) == 8  # three runs and a mean, twice
    for neuron, values in ACCURACY.items():
        mean = np.exp(np.mean(np.log(values)))
        last = mean_line(activations, neuron)
        assert last.get_xdata() == pytest.approx([1, 2, 3])
        assert last.get_ydata() == pytest.approx([mean**2, 2 * mean**2, 3 * mean**2])
        assert mean_line(gradients, neuron).get_ydata() == pytest.approx([mean**2, mean**2 / 2, mean**2 / 3])
        for layer in (1, 3):
            name = f"{neuron}, layer {layer}"
            assert mean_line(activations_by_epoch, name).get_ydata() == pytest.approx([layer * mean, layer * mean**2])
            assert mean_line(gradients_by_epoch, name).get_ydata() == pytest.approx([mean / layer, mean**2 / layer])


def test_a_gradient_of_nothing_can_be_drawn(arms):
    arms["standard"][0].curves["gradient_rms.1"] = [0.0, 0.0]
    assert mean_line(plots.layer_norms(arms).axes[1], "standard").get_ydata()[0] == 0


def test_one_epoch_is_one_tick_and_its_runs_are_seen(arms):
    for record in (record for arm in arms.values() for record in arm):
        record.curves.update({name: curve[:1] for name, curve in record.curves.items()})
    for axis in (plots.learning_curves(arms).axes[0], plots.layer_norms(arms).axes[2]):
        low, high = axis.get_xlim()
        assert [tick for tick in axis.get_xticks() if low <= tick <= high] == [1]
        assert all(line.get_marker() not in ("", "None") for line in axis.lines)


def test_layer_norms_need_records_that_have_them(arms):
    del arms["standard"][1].curves["activation_rms.1"]
    with pytest.raises(
        ValueError, match=r"digits-smoke-standard-4-seed1-\w+ has no norms of its layers; train it again"
    ):
        plots.layer_norms(arms)


def test_paired_accuracy_shows_every_pair_and_the_interval(arms):
    left, right = plots.paired_accuracy(arms).axes
    assert [tuple(line.get_ydata()) for line in left.lines] == [
        pytest.approx((100 * a, 100 * b)) for a, b in zip(*ACCURACY.values(), strict=True)
    ]
    result = pnn.compare_records(*arms.values(), measures.accuracy)
    assert result.lost == 1
    (bars,) = right.containers
    (segment,) = bars.lines[2][0].get_segments()
    assert segment[:, 1] == pytest.approx([result.low, result.high])
    assert bars.lines[0].get_ydata() == pytest.approx([result.difference])


def test_arms_of_any_names_are_told_apart(arms):
    """Ten arms, eight of them unknown to the figures: a colour, dash and marker of their own in every figure."""
    many = {f"neuron {number}": arms["standard"] for number in range(8)} | arms
    left, _ = plots.learning_curves(many).axes
    drawn = {name: mean_line(left, name) for name in many}
    assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in drawn.values()}) == 10
    (again, _) = plots.learning_curves(dict(reversed(many.items()))).axes
    assert all(mean_line(again, name).get_color() == line.get_color() for name, line in drawn.items())
    names = [text.get_text() for text in plots.layer_norms({"bilinear": arms["standard"]}).axes[0].texts]
    assert names == ["bilinear"]


def test_a_pair_has_the_names_that_it_is_given(arms):
    left, right = plots.paired_accuracy({"ReLU": arms["standard"], "PolyNeXt": arms["polynomial"]}).axes
    assert [label.get_text() for label in left.get_xticklabels()] == ["ReLU", "PolyNeXt"]
    assert right.get_ylabel() == "PolyNeXt − ReLU"
    with pytest.raises(ValueError, match="a pair is of two arms, got 1: ReLU"):
        plots.paired_accuracy({"ReLU": arms["standard"]})
    with pytest.raises(ValueError, match=r"no seed ended well in both arms \(2 lost\)"):
        plots.paired_accuracy({"ReLU": arms["standard"][:1], "PolyNeXt": arms["polynomial"][-1:]})


@pytest.mark.parametrize("pairs", [1, 2])
def test_of_fewer_than_three_pairs_there_are_the_points_and_no_interval(arms, pairs):
    left, right = plots.paired_accuracy({name: own[:pairs] for name, own in arms.items()}).axes
    assert len(left.lines) == len(right.collections[0].get_offsets()) == pairs
    assert not right.containers
    assert right.get_title() == f"n = {pairs}: no interval"


ROWS = {
    "no pair lost": pnn.compare([1.0, 2.0, 3.0], [2.0, 2.5, 5.0]),
    "one lost": pnn.compare([1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 2.0, 3.0], lost=1),
}


def test_intervals_show_both_intervals_and_n_in_the_order_given():
    axis, *_ = plots.intervals(ROWS, "points", {"one lost": 3.0}).axes
    thick, thin = axis.containers
    assert thick.lines[0].get_xdata() == pytest.approx([c.difference for c in ROWS.values()])
    for bars, ends in (
        (thick, [(c.low, c.high) for c in ROWS.values()]),
        (thin, [(c.bca_low, c.bca_high) for c in ROWS.values()]),
    ):
        assert [tuple(s[:, 0]) for s in bars.lines[2][0].get_segments()] == [pytest.approx(end) for end in ends]
    assert [label.get_text() for label in axis.get_yticklabels()] == list(ROWS)
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # from top to bottom
    assert [text.get_text() for text in axis.texts] == ["n = 3", "n = 4 (1 lost)"]
    (claimed,) = (line for line in axis.lines if line.get_markerfacecolor() == "white")
    assert list(zip(*claimed.get_data(), strict=True)) == [(3.0, 1)]
    assert axis.get_xlim()[0] < 0 < axis.get_xlim()[1]


def test_a_claim_is_about_a_row():
    with pytest.raises(ValueError, match=r"one of the rows \(no pair lost, one lost\), got \['another'\]"):
        plots.intervals(ROWS, "points", {"another": 3.0})
    with pytest.raises(ValueError, match="none"):
        plots.intervals({}, "points")


def test_a_row_of_fewer_than_three_pairs_has_no_interval():
    lost = comparison.Comparison(
        0, 3, math.nan, math.nan, math.nan, *(-math.inf, math.inf) * 3, p=1.0, detectable=math.inf
    )
    alone = dataclasses.replace(lost, n=1, lost=2, mean_a=50.0, mean_b=30.0, difference=-20.0)
    two = pnn.compare([1.0, 2.0], [2.0, 5.0])
    figure = plots.intervals({"lost": lost, "alone": alone, "two": two} | ROWS, "points")
    figure.draw_without_rendering()
    axis, *_ = figure.axes
    few = ["n = 0 (3 lost): no interval", "n = 1 (2 lost): no interval", "n = 2: no interval"]
    assert [text.get_text() for text in axis.texts] == [*few, "n = 3", "n = 4 (1 lost)"]
    for bars in axis.containers:
        drawn = [segment for segment in bars.lines[2][0].get_segments() if len(segment) and np.isfinite(segment).all()]
        assert [math.floor(segment[0, 1]) for segment in drawn] == [3, 4]
    drawn = [x for x in axis.containers[0].lines[0].get_xdata() if math.isfinite(x)]
    assert drawn == pytest.approx([c.difference for c in ROWS.values()])
    (hollow,) = (line for line in axis.lines if line.get_markerfacecolor() == "white")
    assert hollow.get_xdata()[1:3] == pytest.approx([-20.0, 2.0])
    assert np.isnan(hollow.get_xdata()[[0, 3, 4]]).all()
    assert all(map(math.isfinite, axis.get_xlim()))


COSTS = (1e3, 1e4, 1e5, 1e6)
SAMPLES = {
    "standard": [(x, [60.0 + i, 62.0 + i]) for i, x in enumerate(COSTS)],
    "polynomial": [(2 * x, [61.0 + 2 * i, 62.0 + 2 * i, 63.0]) for i, x in enumerate(COSTS)],
}


def test_scaling_shows_every_run_the_means_and_the_law():
    grid = np.geomspace(1e3, 1e6, 9)
    curve = scaling_curve(*zip(*SAMPLES["standard"], strict=True), grid)
    left, right = plots.scaling({"parameters": SAMPLES, "ms": SAMPLES}, {"ms": {"standard": curve}}, "accuracy").axes
    assert (left.get_ylabel().split("\n")[0], left.get_xlabel(), right.get_xlabel()) == ("accuracy", "parameters", "ms")
    assert left.get_xscale() == right.get_xscale() == "log"
    assert left.get_ylim() == right.get_ylim()
    for neuron, widths in SAMPLES.items():
        x, means = mean_line(left, neuron).get_data()
        assert list(zip(x, means, strict=True)) == [(x, pytest.approx(np.mean(values))) for x, values in widths]
        runs = {(x, value) for x, values in widths for value in values}
        assert runs in [set(zip(*line.get_data(), strict=True)) for line in left.lines]
    assert not left.collections  # no law, no band
    (law,) = (line for line in right.lines if line.get_linestyle() != "None")
    assert law.get_ydata() == pytest.approx(curve.mean)
    assert extent(right.collections[0]) == pytest.approx([min(curve.low), max(curve.high)])
    assert {text.get_text(): text.xy[0] for text in right.texts} == dict.fromkeys(SAMPLES, 2e6)


def test_scaling_of_one_width_a_arm_and_of_none():
    one = {"standard": [(100.0, [60.0])], "polynomial": []}
    (axis,) = plots.scaling({"parameters": one}, {}, "accuracy").axes
    assert mean_line(axis, "standard").get_data() == ([100.0], [60.0])
    (text,) = axis.texts
    assert text.get_text() == "standard"


def test_scaling_differences_show_the_difference_and_its_interval():
    arms = [column for arm in SAMPLES.values() for column in zip(*arm, strict=True)]
    points = scaling_difference(*arms, np.geomspace(2e3, 1e6, 7))
    left, right = plots.scaling_differences({"parameters": points, "ms": []}, "difference").axes
    (curve,) = (line for line in left.lines if len(line.get_xdata()) == 7)
    assert list(zip(*curve.get_data(), strict=True)) == [pytest.approx(point[:2]) for point in points]
    assert extent(left.collections[0]) == pytest.approx([min(p[2] for p in points), max(p[3] for p in points)])
    assert [list(axis.lines[0].get_ydata()) for axis in (left, right)] == [[0, 0], [0, 0]]
    assert [text.get_text() for text in right.texts] == ["no two laws that fit", "polynomial\nahead", "standard\nahead"]
    above, below = right.texts[1:]
    assert above.get_window_extent().y0 > below.get_window_extent().y1


def extent(band) -> list[float]:
    (path,) = band.get_paths()
    return [path.vertices[:, 1].min(), path.vertices[:, 1].max()]


@pytest.mark.parametrize(
    ("limits", "shown"),
    [
        ((2.5, 13), ["3", "4", "5", "7", "10"]),
        ((0.004, 0.08), ["0.005", "0.01", "0.02", "0.05"]),
        ((700, 400_000), ["1k", "10k", "100k"]),
        ((34_000, 34_100), ["20k", "30k", "40k", "50k"]),  # nearly equal costs
    ],
)
def test_logarithmic_ticks_are_plain_numbers(limits, shown):
    widths = [(x, [50.0]) for x in limits]
    (axis,) = plots.scaling({"cost": {"standard": widths}}, {}, "accuracy").axes
    low, high = axis.get_xlim()
    labels = [label.get_text() for label in axis.get_xticklabels() if low <= label.get_position()[0] <= high]
    assert labels == shown


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


def test_shares_by_depth_are_drawn_with_their_exact_intervals():
    ways = {"plain": [(4, 0, 5), (16, 5, 5)], "held": [(4, 0, 5), (8, 1, 5), (16, 2, 5)]}
    (axis,) = plots.shares_by_depth(ways, "collapsed, %").axes
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["4", "8", "16"]
    for container, points in zip(axis.containers, ways.values(), strict=True):
        line, _, (bars,) = container
        assert line.get_ydata().tolist() == [100 * hits / n for _, hits, n in points]
        ends = [segment[:, 1] for segment in bars.get_segments()]
        for end, (_, hits, n) in zip(ends, points, strict=True):
            assert end == pytest.approx(comparison.proportion(hits, n)[1:])


def test_a_response_shows_every_run_and_says_how_many_were_lost():
    (axis,) = plots.response({0.0: [70.0, 71.0], 0.1: [72.0], 1.0: []}, {1.0: 2}, "ratio", "accuracy").axes
    drawn = sorted(y for line in axis.lines[:-1] for y in line.get_ydata())
    assert drawn == [70.0, 71.0, 72.0]
    assert axis.lines[-1].get_ydata().tolist() == [70.5, 72.0]
    assert [text.get_text() for text in axis.texts] == ["2 of 2\nlost"]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["0", "0.1", "1"]
    assert axis.lines[0].get_xdata()[0] < 0.1  # where 0 is drawn


def test_an_axis_of_accuracies_says_where_it_starts(arms):
    """The lowest accuracy drawn is 30 %, of the first epoch."""
    accuracy, loss = plots.learning_curves(arms).axes
    left, right = plots.paired_accuracy(arms).axes
    (scaling,) = plots.scaling({"parameters": SAMPLES}, {}, "accuracy, %").axes
    (response,) = plots.response({0.1: [72.0], 1.0: [75.0]}, {}, "ratio", "accuracy, %").axes
    for axis in (accuracy, left, scaling, response):
        start, _ = axis.get_ylim()
        assert start > 0
        assert axis.get_ylabel().endswith(f"%\naxis starts at {start:g}")
        assert start in axis.get_yticks()
        assert start <= min(line.get_ydata().min() for line in axis.lines)
    assert "starts" not in loss.get_ylabel() + right.get_ylabel()


def test_an_axis_that_starts_at_0_does_not_say_so(arms):
    for record in (record for arm in arms.values() for record in arm):
        record.curves["validation_accuracy"] = [0.001, 0.9]
    accuracy, _ = plots.learning_curves(arms).axes
    accuracy.set_ylim(bottom=0)
    label = accuracy.get_ylabel().split("\n")[0]
    accuracy.set_ylabel(label)
    say_start(accuracy)
    assert accuracy.get_ylabel() == label


def test_every_letter_can_be_read_on_a_phone(arms):
    """In a column of 342 pixels all text is at least 9 pixels high, and none of it is cut."""
    ten = {f"a neuron of the number {number}": arms["standard"] for number in range(8)} | arms
    figures = [
        plots.learning_curves(ten),
        plots.layer_norms(arms),
        plots.paired_accuracy(arms),
        plots.intervals({f"a long name of a row, {'and longer, ' * 2}": c for c in ROWS.values()}, "points"),
        plots.scaling({"parameters": SAMPLES, "ms": SAMPLES}, {}, "accuracy"),
        plots.shares_by_depth({"plain": [(4, 0, 5)], "held": [(4, 0, 5)]}, "collapsed, %"),
    ]
    for figure in figures:
        figure.draw_without_rendering()
        scale = 342 / (72 * figure.get_figwidth())
        for text in figure.findobj(
            lambda artist: isinstance(artist, Text) and artist.get_text() and artist.get_visible()
        ):
            assert text.get_fontsize() * scale >= 9
        page = figure.bbox
        for text in (text for axis in figure.axes for text in axis.texts):
            box = text.get_window_extent()
            assert page.x0 <= box.x0 < box.x1 <= page.x1


def test_a_figure_is_shown_as_svg_with_text_and_the_same_bytes(arms):
    first, second = (plots.paired_accuracy(arms)._repr_svg_() for _ in range(2))
    assert first == second
    assert ">polynomial − standard<" in first
    assert "<dc:date>" not in first
    assert isinstance(plots.learning_curves(arms), canvas.Sheet)
