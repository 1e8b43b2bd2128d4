"""What pairs buy, against Fisher's formula and against spreads that are known."""

import math

import numpy as np
import pytest
from claimed import keep, tiny

from pnn.experiments import EXPERIMENTS
from pnn.report.claim_file import Claim
from pnn.report.claims import verdicts
from pnn.report.pairing import bought, correlation

QUERY = {"experiment": "digits", "arm": "parameters", "measure": "accuracy", "rule": "gain", "value": 0.0}


def test_a_correlation_has_fishers_interval():
    a, b = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2.0, 1.0, 4.0, 3.0, 6.0, 5.0]
    r, low, high = correlation(a, b)
    assert r == pytest.approx(np.corrcoef(a, b)[0, 1])
    half = 1.959964 / math.sqrt(3)
    assert (low, high) == pytest.approx((math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)))
    assert correlation(a[:3], b[:3])[1:] == (-1, 1)  # Of three pairs nothing is known.
    assert all(math.isnan(value) for value in correlation(a, [1.0] * 6))


@pytest.mark.parametrize(
    ("parameters", "r", "wide"),
    [
        ([0.60, 0.62, 0.64], 1.0, 0.0),  # A seed is worth as much to both arms.
        ([0.64, 0.62, 0.60], -1.0, math.sqrt(2)),  # What is good for one is bad for the other.
    ],
)
def test_pairs_buy_what_the_arms_have_in_common(parameters, r, wide, tmp_path, monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "digits", tiny)
    keep(tmp_path, "laptop", standard=[0.50, 0.52, 0.54], parameters=parameters, macs=[0.5, 0.6])
    claims = [
        Claim("a", "s", "t", "c", **QUERY),
        Claim("b", "s", "t", "c", **QUERY | {"measure": "gap"}),
        Claim("c", "s", "t", "c", **QUERY | {"arm": "macs"}),
    ]
    table = bought(verdicts(claims, tmp_path).values(), tmp_path)
    assert table.frame.index.tolist() == [("digits", "parameters, laptop")]  # no gap, and no two pairs
    row = table.frame.iloc[0]
    assert (row["n"], row["correlation"], row["wide"]) == pytest.approx((3, r, wide), abs=1e-9)
    assert table.text.iloc[0, 1] == f"{r:+.2f} (-1.00 to +1.00)"
    assert bought([]).text.empty


def test_an_arm_beside_two_others_has_two_rows(tmp_path, monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "digits", lambda size: tiny(size) | {"other": tiny(size)["standard"]})
    keep(tmp_path, "laptop", standard=[0.50, 0.52, 0.54], parameters=[0.5, 0.6, 0.7])
    claims = [Claim("a", "s", "t", "c", **QUERY), Claim("b", "s", "u", "c", **QUERY | {"against": "other"})]
    rows = bought(verdicts(claims, tmp_path).values(), tmp_path).frame.index.tolist()
    assert rows == [("digits", "parameters, laptop"), ("digits", "parameters against other, laptop")]
