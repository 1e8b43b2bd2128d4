"""The numbers that answer claims without training, by formulas and by code of its own."""

import math

import numpy as np


def numbers(name: str) -> list[float]:
    """The numbers that the answer of this name has, in its order."""
    return {
        "width rule": _width_rule,
        "quadratic beside relu": _beside_relu,
        "quadratic beside squares": _beside_squares,
    }[name]()


def _width_rule() -> list[float]:
    """The least and the largest ratio of parameters, and how many networks; by the formulas of their docstrings."""

    def images(classes: int):
        return lambda m, w: m * (9 * 3 * w + 90 * w**2) + 14 * w + 4 * w * classes + classes

    def text(m: int, w: int) -> int:  # of 30,522 tokens with 128 numbers each
        return 30_522 * 128 + m * (3 * 128 * w + 30 * w**2) + 14 * w + 4 * w + 1

    def table(m: int, w: int) -> int:  # of 28 columns, three layers
        return m * (28 * w + 2 * w**2) + 6 * w + w + 1

    networks = [(images(10), 149), (images(100), 149), (text, 256), (table, 200)]
    ratios = [count(3, round(width / math.sqrt(3))) / count(1, width) for count, width in networks]
    return [min(ratios), max(ratios), len(ratios)]


def _beside_relu() -> list[float]:
    """Parameters of one quadratic neuron of one input, its error for x², and the least one with as many of ReLUs."""
    count = 3 * 2 + 2
    width = (count - 1) // 3  # 2 w + w + 1 parameters
    piece = 2 / (width + 1)
    return [count, 0.0, 100 * math.sqrt((width + 1) * piece**5 / 180 / (2 / 5))]


def _beside_squares() -> list[float]:
    """Ends of the ratios of dimensions at equal width, and at equal parameters, of widths 1 to 4."""
    equal_width, equal_parameters = [], []
    for width in range(1, 5):
        most = 15 * width + 3 * (width + 1) * width + width + 1
        quadratic = _dimension(_quadratic, most, width)
        within = max(w for w in range(1, 40) if w**2 + 7 * w + 1 <= most)
        for found, w in ((equal_width, width), (equal_parameters, within)):
            found.append(quadratic / _dimension(_squares, w**2 + 7 * w + 1, w))
    return [min(equal_width), max(equal_width), min(equal_parameters), max(equal_parameters)]


def _dimension(network, count: int, width: int) -> int:
    """Rank of the derivatives by the parameters at 200 points of four inputs, each by a complex step."""
    draw = np.random.default_rng(width)
    points, weights = draw.uniform(-1, 1, (200, 4)), draw.uniform(-1, 1, count)
    step = 1e-30
    columns = [network(points, weights + 1j * step * one, width).imag / step for one in np.eye(count)]
    singular = np.linalg.svd(np.array(columns), compute_uv=False)
    return int((singular > 1e-11 * singular[0]).sum())


def _taker(weights: np.ndarray):
    """A function that takes the next weights of a shape."""
    taken = 0

    def take(*shape: int) -> np.ndarray:
        nonlocal taken
        taken += math.prod(shape)
        return weights[taken - math.prod(shape) : taken].reshape(shape)

    return take


def _quadratic(x: np.ndarray, weights: np.ndarray, width: int) -> np.ndarray:
    take = _taker(weights)
    for inputs in (4, width):
        r, g = (x @ take(inputs, width) + take(width) for _ in range(2))
        x = r * g + (x * x) @ take(inputs, width) + take(width)
    return x @ take(width) + take(1)


def _squares(x: np.ndarray, weights: np.ndarray, width: int) -> np.ndarray:
    take = _taker(weights)
    for inputs in (4, width):
        x = (x @ take(inputs, width) + take(width)) ** 2
    return x @ take(width) + take(1)
