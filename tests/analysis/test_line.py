"""A network on a line without rounding, against Python's fractions."""

from fractions import Fraction

import pytest
import torch
from torch import nn

from pnn.analysis import line as module
from pnn.analysis.audit import _program
from pnn.analysis.exact import Exact, lift
from pnn.analysis.field import PRIME
from pnn.analysis.line import Line


class Cubes(nn.Module):
    """y = W x + (V x)^2 + x_0^3 / 3, in single precision."""

    def __init__(self):
        super().__init__()
        self.w, self.v = nn.Linear(3, 2), nn.Linear(3, 2, bias=False)

    def forward(self, x):
        return self.w(x) + self.v(x) ** 2 + (x[:, :1] ** 3) / 3


def by_fractions(model: Cubes, x: list[Fraction]) -> list[Fraction]:
    def rows(weight):
        return [[Fraction(v) for v in row] for row in weight.tolist()]

    def dot(row):
        return sum(a * b for a, b in zip(row, x, strict=True))

    bias = [Fraction(v) for v in model.w.bias.tolist()]
    return [
        dot(w) + b + dot(v) ** 2 + x[0] ** 3 / 3
        for w, v, b in zip(rows(model.w.weight), rows(model.v.weight), bias, strict=True)
    ]


def residue(x: Fraction) -> int:
    return x.numerator * pow(x.denominator, -1, PRIME) % PRIME


@torch.no_grad()
@pytest.mark.parametrize("t", [0, 1, 17, -3])
def test_what_is_computed_is_what_fractions_are(t):
    torch.manual_seed(0)
    model, example = Cubes().eval(), torch.tensor([[0.1, -2.5, 1e-3]])
    line = Line(_program(model, (example,)), (example,), 0)
    total = line.at(t)[0]
    (_, step), factors = next(iter(line.moving.values())), line.factors[0].real.flatten().tolist()
    x = [Fraction(s) + t * Fraction(d) for s, d in zip(example[0].tolist(), step.real[0].tolist(), strict=True)]
    expected = sum(int(f) * residue(y) for f, y in zip(factors, by_fractions(model, x), strict=True))
    assert total == expected % PRIME


@torch.no_grad()
def test_the_line_is_drawn_from_the_seed():
    example = torch.zeros(1, 3)
    program = _program(Cubes().eval(), (example,))
    at = {seed: Line(program, (example,), seed).at(1) for seed in (0, 1)}
    assert at[0] == Line(program, (example,), 0).at(1)
    assert at[0] != at[1]


@torch.no_grad()
def test_no_more_points_are_taken_than_the_degree_needs(monkeypatch):
    points = []
    monkeypatch.setattr(module.Line, "at", lambda self, t, at=module.Line.at: points.append(t) or at(self, t))
    example = torch.zeros(1, 3)
    assert module.degrees(_program(Cubes().eval(), (example,)), (example,), 10**6, 0) == [3]
    assert points == list(range(points[0], points[0] + len(points)))
    assert len(points) < 20


def test_complex_numbers_have_two_parts():
    lifted = lift(torch.tensor([2 + 3j, -1j]))
    assert isinstance(lifted, Exact)
    assert lifted.real.tolist() == [2, 0]
    assert lifted.imaginary.tolist() == [3, PRIME - 1]


def test_there_is_no_line_through_what_is_not_finite():
    example = torch.tensor([[0.0, 1.0, float("inf")]])
    with pytest.raises(ValueError, match="infinite or undefined"):
        Line(_program(Cubes().eval(), (example,)), (example,), 0)
