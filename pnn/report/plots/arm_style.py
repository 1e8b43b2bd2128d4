"""How an arm is drawn: the same in every figure of the book."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """An arm's colour, and the dash and the marker that tell it apart without."""

    colour: str
    dash: str | tuple[float, tuple[float, ...]]
    marker: str


# Every colour has a contrast of at least 3 with white and with the book's dark page. None is grey: what is grey in a
# figure is no arm, and takes the ink of the page.
COLOURS = {
    "blue": "#0072b2",
    "orange": "#c87800",
    "green": "#009264",
    "red": "#d03a2b",
    "purple": "#8a63d2",
    "pink": "#cf5aa5",
    "brown": "#85582f",
    "sky": "#2596be",
    "olive": "#7d8a00",
    "slate": "#5b6f95",
}
SOLID, DASHED, DOTTED, DASHDOT = "-", (0, (4, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5))
DASHES = (SOLID, DASHED, DOTTED, DASHDOT)
MARKERS = "oDs^vP*X<>ph"

STANDARD = Style(COLOURS["blue"], DASHED, "o")
POLYNOMIAL = Style(COLOURS["orange"], SOLID, "D")
QUADRATIC = Style(COLOURS["green"], SOLID, "s")
# By the names that figures give to arms. Each of these has a marker of its own but for the standard network by another
# name, and for one neuron that is trained or matched in several ways.
KNOWN = {
    "standard": STANDARD,
    "conventional": STANDARD,
    "polynomial": POLYNOMIAL,
    "quadratic": QUADRATIC,
    "bilinear": Style(COLOURS["red"], DASHDOT, "^"),
    "star": Style(COLOURS["purple"], SOLID, "*"),
    "ccp": Style(COLOURS["pink"], DASHED, "P"),
    "ncp": Style(COLOURS["brown"], DASHDOT, "X"),
    "product": Style(COLOURS["sky"], DOTTED, "v"),
    "kan": Style(COLOURS["olive"], SOLID, "p"),
    "kan-chebyshev": Style(COLOURS["slate"], DOTTED, "<"),
    "PolyNeXt": Style(COLOURS["red"], SOLID, ">"),
    "standard, plain statistics": Style(COLOURS["sky"], DOTTED, "o"),
    "PolyNeXt, held lightly": Style(COLOURS["pink"], DASHDOT, "d"),
    "PolyNeXt, the factors held": Style(COLOURS["orange"], DASHED, "v"),
    "PolyNeXt, the penalty alone": Style(COLOURS["green"], DASHDOT, "^"),
    "PolyNeXt, plain statistics alone": Style(COLOURS["purple"], DASHED, "s"),
    "PolyNeXt, held by nothing": Style(COLOURS["brown"], DOTTED, "X"),
    "PolyNeXt, held by nothing, its own rate": Style(COLOURS["brown"], SOLID, "P"),
    "PolyNeXt, ReLU added": Style(COLOURS["olive"], DASHED, "*"),
    "PolyNeXt, sums": Style(COLOURS["slate"], DASHDOT, "h"),
    "quadratic-activation": Style(COLOURS["purple"], DOTTED, "h"),
    "polynomial, equal parameters": POLYNOMIAL,
    "polynomial, equal multiply-accumulates": Style(COLOURS["orange"], DASHED, "D"),
    "polynomial, equal activation memory": Style(COLOURS["orange"], DOTTED, "D"),
    "polynomial, equal step time": Style(COLOURS["orange"], DASHDOT, "D"),
    "polynomial, the source's width": Style(COLOURS["brown"], SOLID, "D"),
    "standard, the source's rate": Style(COLOURS["blue"], DOTTED, "o"),
    "polynomial, equal parameters, the source's rate": Style(COLOURS["orange"], DASHDOT, "d"),
    "ReLU": STANDARD,
    "Swish": Style(COLOURS["green"], DOTTED, "v"),
    "APL": Style(COLOURS["purple"], DASHDOT, "^"),
    "PolyNeuron": Style(COLOURS["orange"], SOLID, "D"),
    "PolyNeuron-R": Style(COLOURS["red"], DASHED, "s"),
    "Hermite, degree 2": Style(COLOURS["green"], DASHDOT, "*"),
    "powers, degree 2": Style(COLOURS["brown"], SOLID, "o"),
    "Chebyshev, degree 2": Style(COLOURS["purple"], SOLID, "s"),
    "powers, degree 4": Style(COLOURS["brown"], DASHED, "D"),
    "Chebyshev, degree 4": Style(COLOURS["purple"], DASHED, "^"),
    "powers, degree 8": Style(COLOURS["brown"], DOTTED, "v"),
    "Chebyshev, degree 8": Style(COLOURS["purple"], DOTTED, "P"),
    "powers, degree 22": Style(COLOURS["brown"], DASHDOT, "X"),
    "Chebyshev, degree 22": Style(COLOURS["purple"], DASHDOT, "p"),
    "free": Style(COLOURS["red"], DASHED, "X"),
    "both": Style(COLOURS["purple"], SOLID, "s"),
    "degree 2": Style(COLOURS["green"], SOLID, "s"),
    "degree 4": Style(COLOURS["orange"], DASHDOT, "^"),
    "degree 8": Style(COLOURS["red"], DASHED, "D"),
    "degree 16": Style(COLOURS["purple"], DOTTED, "v"),
    "degree 22": Style(COLOURS["brown"], SOLID, "P"),
    "GELU": Style(COLOURS["blue"], SOLID, "o"),
    "no activation": Style(COLOURS["slate"], DOTTED, "X"),
    "TPGU, order 1": Style(COLOURS["green"], SOLID, "s"),
    "TPGU, order 2": Style(COLOURS["sky"], DOTTED, "<"),
    "TPGU, order 3": Style(COLOURS["orange"], DASHED, "D"),
    "TPGU, order 4": Style(COLOURS["olive"], DASHDOT, ">"),
    "TPGU, order 5": Style(COLOURS["red"], DASHDOT, "^"),
    "TPGU, order 6": Style(COLOURS["pink"], SOLID, "*"),
    "TPGU, order 7": Style(COLOURS["purple"], DOTTED, "v"),
    "TPGU, order 7, not decayed": Style(COLOURS["purple"], SOLID, "h"),
    "TPGU, order 8": Style(COLOURS["slate"], DASHED, "d"),
    "TPGU, order 9": Style(COLOURS["brown"], SOLID, "P"),
    "quadratic, not held back": QUADRATIC,
    "ReLinear, ratio 0.0001": Style(COLOURS["orange"], DASHDOT, "^"),
    "bilinear, decay 0": Style(COLOURS["red"], SOLID, "^"),
    "bilinear, decay 0.1": Style(COLOURS["pink"], DASHED, "P"),
    "bilinear, decay 0.5": Style(COLOURS["blue"], DASHDOT, "o"),
    "bilinear, decay 2": Style(COLOURS["slate"], DOTTED, "X"),
    "bilinear, decay 0, noise 0.5": Style(COLOURS["green"], SOLID, "s"),
    "bilinear, decay 0.5, noise 0.5": Style(COLOURS["sky"], DASHED, "v"),
    "polynomial, decay 0": Style(COLOURS["orange"], SOLID, "D"),
    "polynomial, decay 0.5": Style(COLOURS["brown"], DASHDOT, "d"),
}


def styles(names: Iterable[str]) -> dict[str, Style]:
    """A style for each arm of a figure.

    It follows from the arm's name alone: that of ``KNOWN``, or one that the name is hashed to. Only where two unknown
    arms of one figure are hashed to the same of the 480 styles, the later one by the alphabet takes the next.
    """
    names = list(names)
    possible = [Style(colour, dash, marker) for marker in MARKERS for dash in DASHES for colour in COLOURS.values()]
    chosen = {name: KNOWN[name] for name in names if name in KNOWN}
    for name in sorted(set(names) - chosen.keys()):
        slot = zlib.crc32(name.encode()) % len(possible)
        turned = possible[slot:] + possible[:slot]
        chosen[name] = next((style for style in turned if style not in chosen.values()), turned[0])
    return {name: chosen[name] for name in names}
