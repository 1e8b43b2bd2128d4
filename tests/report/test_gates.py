"""Each gate, hit once on purpose."""

import pytest
from whole import whole_record

import pnn
from pnn.report.gates import blind


def arm(*accuracies: float | str) -> list[pnn.Record]:
    """A Record an accuracy in percent, or a bad outcome."""
    records = []
    for seed, value in enumerate(accuracies):
        run = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), seed, "smoke")
        records.append(
            pnn.Record.of_failure(run, value, "step 3") if isinstance(value, str) else whole_record(run, value / 100)
        )
    return records


GOOD = arm(70, 71, 72)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (GOOD, ""),
        (arm(70, 71, "diverged"), ""),
        (arm(70, "diverged", "oom"), "2 of 3 runs of other diverged or oom"),
        (arm("oom", "oom", "oom"), "3 of 3 runs of other oom"),
        (arm(63, 64, 62), "other is at 63.0 %, the trivial answer at 62.0"),
        (arm(64, 64, 64), ""),
    ],
)
def test_each_gate(other, reason):
    assert blind({"standard": GOOD, "other": other}, trivial=62.0) == reason


def test_an_arm_is_named_by_those_of_its_parts_that_say_something():
    assert blind({"a": GOOD, "spline//best": arm("oom", "oom", "oom")}, 62.0) == "3 of 3 runs of spline, best oom"


def test_both_arms_are_asked():
    assert blind({"standard": arm(62, 62, 62), "other": GOOD}, 62.0).startswith("standard is at 62.0 %")
