"""Arithmetic without rounding, against Python's fractions."""

import random
from fractions import Fraction

import pytest
import torch

from pnn.analysis import field
from pnn.analysis.field import PRIME

NUMBERS = [0.0, 1.0, -1.0, 0.1, -3.75, 1e-300, 1.7e308, 5e-324, 2.0**60, 1 / 3, -(2.0**-1074)]


def residue(x: float | Fraction) -> int:
    fraction = Fraction(x)
    return fraction.numerator * pow(fraction.denominator, -1, PRIME) % PRIME


def test_the_prime_is_one_and_the_largest_below_two_to_the_26():
    def prime(n):
        return all(n % d for d in range(2, int(n**0.5) + 1))

    assert prime(PRIME)
    assert not any(map(prime, range(PRIME + 1, 2**26)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.int64], ids=str)
def test_a_number_stands_for_its_fraction(dtype):
    numbers = torch.tensor([0.0, 1, -1, 3, 117]) if dtype == torch.int64 else torch.tensor(NUMBERS, dtype=torch.float64)
    numbers = numbers.to(dtype)
    numbers = numbers[numbers.isfinite()]
    assert field.lifted(numbers).tolist() == [residue(x) for x in numbers.tolist()]


@pytest.mark.parametrize("wrong", [float("inf"), -float("inf"), float("nan")])
def test_what_is_no_fraction_is_not_lifted(wrong):
    assert field.lifted(torch.tensor([1.0, wrong])) is None


def test_inverses_and_powers():
    x = torch.tensor([1, 2, 12345, PRIME - 1], dtype=torch.float64)
    assert (field.reduced(x * field.inverse(x)) == 1).all()
    assert field.inverse(torch.tensor([1.0, 0.0])) is None
    for n in (0, 1, 2, 13, 2**20):
        assert field.raised(x, n).tolist() == [pow(int(v), n, PRIME) for v in x]


@pytest.mark.parametrize("terms", [1, 2, 3, 100, 5000, 200_000])
def test_long_sums_of_products_are_exact(terms):
    """All numbers are as large as they can be."""
    a = torch.full((1, terms), PRIME - 1, dtype=torch.float64)
    b = torch.full((terms, 1), PRIME - 2, dtype=torch.float64)
    expected = terms * (PRIME - 1) * (PRIME - 2) % PRIME
    assert field.sums_of_products(torch.matmul, a, b, terms).item() == expected


@pytest.mark.parametrize("degree", [0, 1, 2, 7, 40])
def test_the_degree_is_that_of_the_polynomial(degree):
    draw = random.Random(degree)
    coefficients = [draw.randrange(1, PRIME) for _ in range(degree + 1)]
    values = [sum(c * t**k for k, c in enumerate(coefficients)) % PRIME for t in range(5, 50)]
    assert field.degree(torch.tensor(values, dtype=torch.float64)) == degree
