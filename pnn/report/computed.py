"""Claims that need no training: the numbers of networks that answer them."""

import dataclasses
import math
from collections.abc import Callable

import torch

from ..analysis import expressivity
from ..experiments import EXPERIMENTS
from ..system.extras import needs
from . import expressed
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

DATA_SETS = ("cifar10", "cifar100", "boolq", "higgs")  # On these is the rule for the width tried.


def width_rule() -> Table:
    r"""A row a data set of :cite:t:`oporture2026`: what its rule for the width does to the number of parameters.

    The rule is that a polynomial network of width :math:`w / \sqrt 3` has as many parameters as a standard one of
    width :math:`w`. The standard networks are the source's own. Columns are ``width`` and ``polynomial_width`` (the
    nearest whole one), ``parameters`` and ``polynomial_parameters``, and the ``ratio`` of these two.
    """
    rows = {}
    for name in DATA_SETS:
        run = EXPERIMENTS[name]("paper")["standard"][0]
        width = round(run.network.width / math.sqrt(3))  # type: ignore[union-attr]
        polynomial = dataclasses.replace(run.network, neuron="polynomial", width=width)  # type: ignore[call-arg]
        with torch.device("meta"):  # Only the shapes matter.
            counts = [expressivity.parameters(n.build(run.task.form)) for n in (run.network, polynomial)]
        numbers = (run.network.width, width, *counts, counts[1] / counts[0])  # type: ignore[union-attr]
        rows[run.task.title] = numbers
    fields = ["width", "polynomial_width", "parameters", "polynomial_parameters", "ratio"]
    columns = {
        "width": "{width}",
        "width / √3": "{polynomial_width}",
        "parameters": "{parameters:,}",
        "parameters, polynomial": "{polynomial_parameters:,}",
        "ratio": "{ratio:.3f}",
    }
    table = pd.DataFrame(list(rows.values()), pd.Index(rows, name="standard network of"), fields)
    return Table(table, columns, sentence("parameters of a polynomial network of the standard one's width over √3"))


def _width_rule() -> str:
    ratios = width_rule().frame["ratio"]
    return f"{ratios.min():.3f} to {ratios.max():.3f} times as many parameters, on {len(ratios)} networks"


def _beside_relu() -> str:
    """One quadratic neuron is x² exactly; of a layer of ReLUs the page about expressivity proves a bound."""
    one = expressivity.network("quadratic", 1, 1)
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.zero_()
        one[0].b.weight.fill_(1.0)
        one[-1].weight.fill_(1.0)
    x = expressivity.grid(1, 1000)
    error, count = expressivity.relative_error(one, x, x[:, 0] ** 2), expressivity.parameters(one)
    width = expressivity.width_within("conventional", 1, 1, count)
    bound = expressed.bounds(1)["x²"](expressivity.parameters(expressivity.network("conventional", 1, width)))
    return (
        f"{count} parameters make x² with an error of {100 * error:.1f} %, "
        f"a layer with ReLU of as many of {100 * bound:.1f} % or more"
    )


def _beside_squares() -> str:
    by_width, by_parameters = expressed.dimension_ratios(expressed.dimensions(4, 2))
    return (
        f"{by_width.min():.2f} to {by_width.max():.2f} times the dimension at equal width, "
        f"{by_parameters.min():.2f} to {by_parameters.max():.2f} times at equal parameters"
    )


COMPUTED: dict[str, Callable[[], str]] = {
    "width rule": _width_rule,
    "quadratic beside relu": _beside_relu,
    "quadratic beside squares": _beside_squares,
}
