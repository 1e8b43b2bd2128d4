"""What float32 leaves of a polynomial, against exact arithmetic."""

from fractions import Fraction

import pytest
import torch

import pnn
from pnn.report import rounding


def test_powers_of_degree_22_are_lost_in_rounding_and_chebyshev_polynomials_are_not():
    frame = rounding.table().frame
    assert list(frame.index) == [2, 3, 4, 8, 16, 22]
    assert frame["Chebyshev"].max() < 3e-5
    assert 0.1 < frame.loc[22, "powers"] < 2
    assert frame.loc[2, "powers"] < 1e-5
    assert (frame["fit"].diff().dropna() < 1).all()


def test_the_exact_value_is_that_of_rational_arithmetic():
    """Float64 itself rounds, by less than a millionth of what float32 does."""
    activation = pnn.PolynomialActivation(22, "chebyshev", (-47, 47), fit="least-squares", dtype=torch.float64)
    for x in (-47.0, -20.3, 0.1, 46.9):
        u = Fraction(x) / 47
        before, now = Fraction(1), u
        value = Fraction(activation.coefficients[0].item()) + Fraction(activation.coefficients[1].item()) * u
        for c in activation.coefficients[2:].tolist():
            before, now = now, 2 * u * now - before
            value += Fraction(c) * now
        assert activation(torch.tensor([x], dtype=torch.float64)).item() == pytest.approx(float(value), abs=1e-12)
