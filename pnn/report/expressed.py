"""What small networks express, as tables: regions, degrees, dimensions, and the errors that training finds."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..analysis import expressivity
from ..analysis.audit import audit, degree_along_line
from ..system.extras import needs
from .cell import NOTHING
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

KINDS = tuple(expressivity.NEURONS)
# by function and kind: parameters and errors of runs
Errors = Mapping[str, Mapping[str, Sequence[tuple[int, Sequence[float]]]]]
FLOOR = 1e-4  # Errors below it are not told apart.

# Each has its number of inputs, and is a function of rows.
FUNCTIONS: dict[str, tuple[int, Callable[[Tensor], Tensor]]] = {
    "x²": (1, lambda x: x[:, 0] ** 2),
    "|x|": (1, lambda x: x[:, 0].abs()),
    "sin 4x": (1, lambda x: torch.sin(4 * x[:, 0])),
    "x₁x₂": (2, lambda x: x[:, 0] * x[:, 1]),
    "exp(−4 |x|²)": (2, lambda x: torch.exp(-4 * x.square().sum(1))),
    "max(|x₁|, |x₂|)": (2, lambda x: x.abs().amax(1)),
}


def pictured(most: int, seed: int) -> dict[str, nn.Sequential]:
    """Conventional and quadratic networks of one and two layers and at most so many parameters, by their title."""
    found = {}
    for layers in (1, 2):
        for kind in ("conventional", "quadratic"):
            width = expressivity.width_within(kind, 2, layers, most)
            model = expressivity.network(kind, 2, width, layers, seed=seed)
            count = expressivity.parameters(model)
            found[f"{kind}, {layers} layer{'s' * (layers > 1)}\n{count} parameters"] = model
    return found


def regions(most: int, draws: int) -> Table:
    """A row a depth and network with random weights: ``width``, ``parameters``, ``regions``, ``pieces`` on a diagonal.

    Both are means of so many draws, with the fewest and the most under ``_min`` and ``_max``.
    """
    plane = expressivity.grid(2, 200)
    diagonal = torch.linspace(-1, 1, 2001, dtype=torch.float64)[:, None].expand(-1, 2)
    rows = {}
    for layers in (1, 2):
        wide, narrow = (expressivity.width_within(kind, 2, layers, most) for kind in ("conventional", "quadratic"))
        for name, kind, width in (
            ("conventional", "conventional", wide),
            ("quadratic, equal parameters", "quadratic", narrow),
            ("quadratic, equal width", "quadratic", wide),
            ("quadratic-activation", "quadratic-activation", wide),
        ):
            models = [expressivity.network(kind, 2, width, layers, seed=seed) for seed in range(draws)]
            row = {"width": width, "parameters": expressivity.parameters(models[0])}
            counted = {
                "regions": [expressivity.count_regions(model, plane) for model in models],
                "pieces": [expressivity.count_pieces(model, diagonal) for model in models],
            }
            for what, counts in counted.items():
                row |= {what: np.mean(counts), f"{what}_min": min(counts), f"{what}_max": max(counts)}
            rows[layers, name] = row
    columns = {
        "width": "{width}",
        "parameters": "{parameters}",
        "regions": "{regions:.0f} ({regions_min} to {regions_max})",
        "pieces on a line": "{pieces:.1f} ({pieces_min} to {pieces_max})",
    }
    index = pd.MultiIndex.from_tuples(rows, names=["layers", "network"])
    caption = sentence(f"linear regions of networks with random weights: mean, fewest and most of {draws} draws")
    return Table(pd.DataFrame(list(rows.values()), index), columns, caption)


def degrees(layers: Sequence[int] = (1, 2, 3)) -> Table:
    """A row a depth and a column a kind, of networks without ReLU: degree as audited, and as measured along a line."""
    point = torch.zeros(1, 2, dtype=torch.float64)
    table = {}
    for kind in KINDS:
        models = [expressivity.network(kind, 2, 3, number, relu=False) for number in layers]
        table[f"{kind}_audited"] = [audit(model, point).degree for model in models]
        table[f"{kind}_measured"] = [degree_along_line(model, point) for model in models]
    columns = {kind: lambda row, kind=kind: f"{row[f'{kind}_audited']} / {row[f'{kind}_measured']}" for kind in KINDS}
    caption = sentence("the degree of networks without ReLU: as audited / as measured along a line")
    return Table(pd.DataFrame(table, pd.Index(layers, name="layers")), columns, caption)


def dimensions(inputs: int, layers: int, widths: Sequence[int] = (1, 2, 3, 4)) -> Table:
    """A row a width of the quadratic network and a network: its own ``width``, ``parameters`` and ``dimension``.

    Squares stand beside the quadratic network twice, at equal width, and at most as many parameters.
    """
    generator = torch.Generator().manual_seed(0)
    points = 2 * torch.rand(200, inputs, dtype=torch.float64, generator=generator) - 1
    other = "quadratic-activation"

    def size_of(kind: str, width: int) -> dict[str, int]:
        model = expressivity.network(kind, inputs, width, layers, relu=False)
        return {
            "width": width,
            "parameters": expressivity.parameters(model),
            "dimension": expressivity.dimension(model, points),
        }

    rows = {}
    for width in widths:
        quadratic = size_of("quadratic", width)
        within = expressivity.width_within(other, inputs, layers, quadratic["parameters"])
        rows[width, "quadratic"] = quadratic
        rows[width, f"{other}, equal width"] = size_of(other, width)
        rows[width, f"{other}, at most as many parameters"] = size_of(other, within)
    index = pd.MultiIndex.from_tuples(rows, names=["width of the quadratic", "network"])
    columns = {name: f"{{{name}}}" for name in ("width", "parameters", "dimension")}
    caption = sentence(f"dimensions of the families of functions of {inputs} inputs and {layers} layers")
    return Table(pd.DataFrame(list(rows.values()), index), columns, caption)


def dimension_ratios(table: Table) -> tuple[pd.Series, pd.Series]:
    """From :func:`dimensions`, the quadratic family's over that of squares: at equal width, and at equal parameters."""
    by_width = table.frame["dimension"].unstack("network", sort=False)
    quadratic, *others = (by_width[name] for name in by_width)
    return tuple(quadratic / other for other in others)


def all_polynomials(inputs: int, layers: int) -> int:
    """The dimension of all polynomials of the degree that so many quadratic layers reach."""
    return math.comb(inputs + 2**layers, 2**layers)


def fitted(limits: Sequence[int], depth: int, seeds: int, steps: int) -> dict[str, dict[str, list]]:
    """By function and kind, for each limit of the parameters: how many a network has, and the errors of its runs."""
    errors: dict[str, dict[str, list]] = {}
    for name, (inputs, function) in FUNCTIONS.items():
        errors[name] = {kind: [] for kind in KINDS}
        for kind, limit in [(kind, limit) for kind in KINDS for limit in limits]:
            if width := expressivity.width_within(kind, inputs, depth, limit):
                count = expressivity.parameters(expressivity.network(kind, inputs, width, depth))
                runs = expressivity.fitted_errors(kind, function, inputs, width, depth, seeds=seeds, steps=steps)
                errors[name][kind].append((count, runs))
    return errors


def bounds(depth: int) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """By function, the relative error that no conventional network of so many parameters is below, if it is known."""
    return {"x²": lambda parameters: 6 / (parameters + 2) ** 2} if depth == 1 else {}


def enough(errors: Errors, target: float, most: int) -> Table:
    """A row a function: the fewest parameters with which the best, and the median, of the runs reached the target."""
    rows, columns = {}, {}
    for name, sides in errors.items():
        rows[name] = {}
        for kind, sizes in sides.items():
            for label, choose in (("best", min), ("median", np.median)):
                reached = [count for count, runs in sizes if choose(runs) <= target]
                rows[name][f"{kind}_{label}"] = min(reached, default=None)
                columns[f"{kind}, {label}"] = _or_more(f"{kind}_{label}", most)
    table = pd.DataFrame(list(rows.values()), pd.Index(rows, name="function"), dtype="Int64")
    caption = sentence(f"the fewest parameters that reached a relative error of {target:g}, of at most {most}")
    return Table(table, columns, caption)


def lowest(errors: Errors) -> Table:
    """A row a function: the median error of each kind with the most parameters, and which kinds are ``lowest``.

    Those within a tenth of the lowest error count as lowest, and errors below 0.0001 as equal.
    """
    rows = {}
    for name, sides in errors.items():
        reached = {kind: float(np.median(sizes[-1][1])) for kind, sizes in sides.items() if sizes}
        least = max(min(reached.values()), FLOOR)
        rows[name] = reached | {"lowest": " and ".join(k for k, error in reached.items() if error <= 1.1 * least)}
    table = pd.DataFrame(list(rows.values()), pd.Index(rows, name="function"))
    columns = {"lowest": "{lowest}"} | {kind: _error(kind) for kind in KINDS if kind in table}
    return Table(table, columns, sentence("median relative errors with the most parameters, and which are lowest"))


def _or_more(column: str, most: int) -> Callable[[Mapping], str]:
    return lambda row: f"> {most}" if pd.isna(row[column]) else f"{row[column]}"


def _error(kind: str) -> Callable[[Mapping], str]:
    def cell(row: Mapping) -> str:
        if pd.isna(row[kind]):
            return NOTHING
        return f"{row[kind]:.2g}" if row[kind] >= FLOOR else f"below {FLOOR:g}"

    return cell
