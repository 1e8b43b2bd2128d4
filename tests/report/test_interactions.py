"""What is said of interaction matrices, against made Records whose numbers are known, and figures of them."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from whole import whole_record

import pnn
from pnn.experiments.interactions import ARMS, Arm, runs
from pnn.methods.watch_interactions import RANKS
from pnn.report import interactions, measures, plots
from pnn.report.plots.arm_style import COLOURS
from pnn.report.plots.interactions import GAP

NONE, DECAY, NOISE = Arm("bilinear", 0.0), Arm("bilinear", 0.5), Arm("bilinear", 0.0, 0.5)


def record_of(run: pnn.Run, rank: float, test: float = 0.9) -> pnn.Record:
    """Of classes with ranks one below to one above; eigenvalues that halve, or are thirds at other seeds."""
    draw = np.random.default_rng(run.seed)
    ratio = 2.0 + run.seed
    readings = {
        "interactions.rank": [rank - 1, rank, rank + 1],
        "interactions.eigenvalues": [[sign * 8.0 * ratio**-i for i in range(5)] for sign in (1, -1)],
        "interactions.vectors": draw.uniform(-1, 1, (10, 2, 784)).round(2).tolist(),
        "interactions.agreement": [1 - 2.0**-place for place in range(1, 1 + len(RANKS))],
    }
    return whole_record(run, test, readings=readings)


@pytest.fixture
def records():
    """Of three seeds: 100, 101, 102 without anything; less by 40, 41, 42 with the decay; more by 2 with noise."""
    found = {}
    for arm, own in runs("laptop", seeds=3).items():
        shift = {NONE: lambda seed: 0, DECAY: lambda seed: -40 - seed, NOISE: lambda seed: 2}.get(arm, lambda seed: -5)
        found[arm] = [record_of(run, 100 + run.seed + shift(run.seed)) for run in own]
    return found


def test_the_rank_of_a_record_is_the_mean_of_its_classes(records):
    assert measures.interaction_rank(records[DECAY][2]) == 60
    with pytest.raises(KeyError, match=r"interactions\.rank"):
        measures.interaction_rank(whole_record(records[NONE][0].run))


def test_arms_are_compared_with_the_same_layer_with_neither_by_seed(records):
    found = interactions.against_plain(records)
    assert len(found) == len(ARMS) - 2
    half = 4.302653 / math.sqrt(3)  # t of two degrees of freedom; the differences are -40, -41 and -42
    decay = found["bilinear, decay 0.5"]
    assert (decay.difference, decay.low, decay.high) == pytest.approx((-41, -41 - half, -41 + half))
    assert found["bilinear, decay 0, noise 0.5"].difference == pytest.approx(2)
    assert found["polynomial, decay 0.5"].difference == pytest.approx(0)  # both lie 5 below


def test_the_table_of_ranks_has_them_and_what_was_lost(records):
    bad = pnn.Record.of_failure(records[DECAY][0].run, "killed", "made so")
    table = interactions.ranks(records | {DECAY: [bad, *records[DECAY][1:]]})
    none, decay = table.frame.loc[("bilinear", "0", "0")], table.frame.loc[("bilinear", "0.5", "0")]
    assert (none["rank"], none["n"], none["test"]) == pytest.approx((101, 3, 90))
    assert (decay["rank"], decay["difference"], decay["n"], decay["lost"]) == pytest.approx((60, -41.5, 2, 1))
    text = table.text.loc[("bilinear", "0.5", "0")]
    assert text["less that of neither (95 %)"] == "-41.50"  # of two pairs there is no interval
    assert text["n"] == "2 (1 lost)"
    assert "MNIST, 12,000 training rows" in table.caption


def test_spectra_are_over_the_largest_and_the_mean_of_runs_and_classes(records):
    found = interactions.spectra(records)
    assert list(found) == [interactions.name(arm) for arm in ARMS]
    expected = [np.mean([(2.0 + seed) ** -i for seed in range(3)]) for i in range(5)]
    assert found["bilinear, decay 2"] == pytest.approx(expected)


def test_decisions_are_means_by_how_many_are_kept(records):
    row = interactions.decisions(records).frame.loc["bilinear, decay 0.5"]
    assert list(row) == pytest.approx([100 * (1 - 2.0**-place) for place in range(1, 8)])
    assert interactions.kept(4)(records[NONE][0]) == pytest.approx(87.5)
    with pytest.raises(ValueError, match="rank must be one of 1, 2, 4, 8, 16, 32, 64, got 3"):
        interactions.kept(3)


def test_eigenvectors_are_images_of_the_first_seed_that_ended_well(records):
    bad = pnn.Record.of_failure(records[DECAY][0].run, "killed", "made so")
    found = interactions.vectors(records | {DECAY: [bad, *records[DECAY][1:]]}, DECAY, NONE)
    assert list(found) == ["bilinear, decay 0.5", "bilinear, decay 0"]
    image = np.array(records[DECAY][1].readings["interactions.vectors"])[7, 1].reshape(28, 28)
    assert np.array_equal(found["bilinear, decay 0.5"][1, 7], image)


def test_a_start_is_the_participation_ratio_of_the_network_as_drawn():
    (run,) = runs("smoke", seeds=1)[NONE]
    before = torch.get_rng_state()
    found = interactions.start_rank(whole_record(run))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(run.seed)
    form = pnn.quadratic_form(run.network.build(run.task.form), torch.zeros(1, 1, 28, 28))
    # The nuclear norm over Frobenius', squared.
    ranks = (torch.linalg.matrix_norm(form.matrices, "nuc") / torch.linalg.matrix_norm(form.matrices)) ** 2
    assert found == pytest.approx(ranks.mean().item(), rel=1e-6)
    assert 1 < found <= 8  # four products have at most eight eigenvalues


def test_the_figure_of_eigenvectors_has_a_colour_a_sign_and_is_clear_at_0():
    images = np.zeros((2, 10, 28, 28))
    images[0, 3, 5, 6], images[1, 9, 0, 0] = 1.0, -1.0
    (axis,) = plots.eigenvectors({"an arm": images}).axes
    drawn = np.asarray(axis.images[0].get_array())
    assert drawn.shape == (2 * 28 + GAP, 10 * (28 + GAP) - GAP, 4)
    assert drawn[5, 3 * (28 + GAP) + 6].tolist() == pytest.approx([*to_rgb(COLOURS["purple"]), 1])
    assert drawn[28 + GAP, 9 * (28 + GAP)].tolist() == pytest.approx([*to_rgb(COLOURS["orange"]), 1])
    assert (drawn[..., 3] > 0).sum() == 2
    assert [label.get_text() for label in axis.get_xticklabels()] == [f"{k}" for k in range(10)]


def test_the_figure_of_spectra_has_a_line_an_arm(records):
    spectra = interactions.spectra(records)
    (axis,) = plots.spectra(spectra).axes
    assert [line.get_label() for line in axis.lines] == list(spectra)
    assert axis.lines[0].get_ydata() == pytest.approx(spectra["bilinear, decay 0"])
