"""An arm looks the same in every figure of the book, and unlike every other arm of its figure."""

import pytest

import pnn
from pnn.analysis import expressivity
from pnn.networks.neurons import NEURONS
from pnn.report import collapse, contest, interactions, polynomials, tpgu
from pnn.report.arms import label
from pnn.report.plots.arm_style import COLOURS, KNOWN, styles


def figures_of_the_book() -> dict[str, list[str]]:
    """The arms that may stand in one figure, by where they come from."""
    found = {}
    for name, runs in pnn.experiments.EXPERIMENTS.items():
        named = [
            arm for arm in runs("laptop") if isinstance(arm, str)
        ]  # Of the other arms, parts are drawn: see below.
        found |= {name: [label(arm) for arm in named], f"{name}, unlabelled": named} if named else {}
    relinear = {arm: [] for arm in pnn.experiments.relinear.runs("laptop")}
    held = [f"ReLinear, ratio {ratio:g}" for ratio in collapse.by_ratio(relinear)]
    stable = {arm: [] for arm in pnn.experiments.stable.runs("laptop")}
    of_a_kind = pnn.experiments.polynomials.arms_of("mnist")  # that with the most degrees
    return found | {
        "polynomials": list(dict.fromkeys(map(polynomials.name, of_a_kind))),
        "tpgu": list(tpgu.named(pnn.experiments.tpgu.runs("laptop"))),
        "pair": ["standard", "polynomial"],
        "neurons": list(NEURONS),
        "expressivity": list(expressivity.NEURONS),
        "ways": list(collapse.ways(relinear)),
        **{f"contest, {where}": list(contest.shares(stable, where)) for where in ("tight", "published")},
        "contest, beyond": list(contest.beyond(stable)),
        "interactions": [interactions.name(arm) for arm in pnn.experiments.interactions.ARMS],
        "strategies": ["conventional", "quadratic, not held back", *held],
    }


FIGURES = figures_of_the_book()


@pytest.mark.parametrize("names", list(FIGURES.values()), ids=list(FIGURES))
def test_no_two_arms_of_a_figure_look_alike(names):
    assert len(set(styles(names).values())) == len(set(names))


def test_an_arm_looks_the_same_in_every_figure():
    for names in FIGURES.values():
        alone = {name: styles([name])[name] for name in names}
        assert styles(names) == styles(reversed(names)) == alone


def test_neurons_differ_in_every_marker_and_colour():
    own = [KNOWN[neuron] for neuron in NEURONS]
    assert len(own) == 10
    assert len({style.marker for style in own}) == len({style.colour for style in own}) == 10


def test_unknown_arms_are_told_apart_as_well():
    assert len(set(styles(map(str, range(50))).values())) == 50
    assert len(styles(map(str, range(600)))) == 600


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
@pytest.mark.parametrize("colour", list(COLOURS.values()))
def test_a_colour_is_seen_on_a_white_page_and_on_a_dark_one(colour, page):
    dark, light = sorted((luminance(colour), luminance(page)))
    assert (light + 0.05) / (dark + 0.05) >= 3
    assert len({colour[1:3], colour[3:5], colour[5:]}) > 1  # A grey would become the ink of the page.
