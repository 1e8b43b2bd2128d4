"""The slider of learned activations, moved in a browser."""

import json
import re

import pytest
from checks.browser import axe, chromium
from tiny_book import build, opened

LAYERS = [
    {"curves": [[0, 0, 1], [0.5, -0.5, 2], [1, -1, 3]], "points": [[[0, 0]], [[1, 2]], [[9, 9]]]},
    {"curves": [[0, 0, 1], [0, 0, 1], [0, 0, 9]], "points": []},
]
DATA = json.dumps({"x": [-3, 0, 3], "layers": LAYERS})
PAGE = """# Title

```{raw} html
%s
```

```{interactive} activations
:alt: An activation.
It moves.
```
"""
SCRIPT = f'<script type="application/json" id="activations">{DATA}</script>'


@pytest.fixture
def page(tmp_path):
    built, warnings = build(tmp_path, ["book_scripts"], {"index": PAGE % SCRIPT}, html_css_files=["figures.css"])
    assert warnings == ""
    return built / "index.html"


def heights(tab) -> list[float]:
    """Where the curve of the epoch that is shown goes, from the top."""
    points = tab.locator("polyline.now").get_attribute("points")
    return [float(y) for y in re.findall(r",([\d.]+)", points)]


def test_the_slider_moves_the_curve_and_its_points(page):
    with opened(page) as (tab, said):
        first, middle, last = heights(tab)
        assert first == middle > last  # the higher a value, the nearer to the top
        assert tab.locator("output").inner_text() == "the start"
        slider = tab.get_by_role("slider", name="Epoch")
        slider.press("ArrowRight")
        moved = heights(tab)
        assert moved[0] < first < moved[1]
        assert tab.locator("output").inner_text() == "1 of 2"
        assert tab.get_by_role("img", name="Activation of layer 1 after epoch 1 of 2").count() == 1
        # The point (1, 2) lies a third of the way from 0 to 3, as high as the curve's end.
        circle = tab.locator("circle")
        assert float(circle.get_attribute("cy")) == pytest.approx(moved[2], abs=0.1)
        slider.press("End")
        assert tab.locator("circle").count() == 0  # It lies outside of what is drawn.
        assert said == []


def test_another_layer_is_drawn_at_its_own_scale(page):
    with opened(page) as (tab, said):
        tab.get_by_role("slider").press("End")
        before = heights(tab)
        tab.get_by_role("combobox", name="Layer").select_option("2")
        assert heights(tab) != before
        ticks = tab.locator("svg text").all_text_contents()
        assert "8" in ticks
        assert said == []


@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_screen_and_can_be_used_by_all(page, width):
    with opened(page, width=width) as (tab, said):
        tab.get_by_role("slider").press("ArrowRight")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        parts = ("interactive", "input", "select", "svg", "output")  # The bare page around it has faults of its own.
        own = [wrong for wrong in axe.violations(tab) if any(part in wrong for part in parts)]
        assert own == []
        scale = tab.evaluate("(svg => svg.clientWidth / svg.viewBox.baseVal.width)(document.querySelector('svg'))")
        assert scale == pytest.approx(1, abs=0.02)  # so that letters are as large as those of the page
        chromium.show(tab, "dark")
        assert said == []


def test_a_page_without_data_says_nothing(tmp_path):
    built, _ = build(tmp_path, ["book_scripts"], {"index": PAGE % ""})
    with opened(built / "index.html") as (tab, said):
        assert tab.locator("[data-interactive] *").count() == 0
        assert said == []
