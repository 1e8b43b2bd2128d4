"""Claims that numbers of networks answer, against formulas, published numbers and code of the checks."""

import re

import pytest
from checks.computed import numbers

from pnn.report.computed import COMPUTED, width_rule


def test_the_rule_for_the_width_has_the_sources_own_numbers():
    table = width_rule().frame
    assert table["width"].tolist() == [149, 149, 256, 200]
    assert table["polynomial_width"].tolist() == [86, 86, 148, 115]  # 200 / √3 is 115.47
    assert table.loc["CIFAR-10", ["parameters", "polynomial_parameters"]].tolist() == [2_010_169, 2_008_540]
    assert table.loc["HIGGS", "parameters"] == 87_001
    assert table["ratio"].tolist() == pytest.approx([0.99919, 0.98822, 1.01264, 1.03236], abs=5e-6)
    assert width_rule().text.loc["CIFAR-10", "ratio"] == "0.999"


@pytest.mark.parametrize("name", COMPUTED)
def test_other_code_computes_the_same(name):
    said = [float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w²])", COMPUTED[name]())]
    assert said == pytest.approx(numbers(name), abs=0.05)
