"""The check of the page of when a product pays, on Records that are written by hand."""

import pytest
from checks.pays import wrong_numbers

LOGS = {"gelu": (-2.0, -2.2, -1.8), "identity": (-4.0, -4.4, -4.2)}  # log2 of the error at share 1, by seed


def record(activation: str, seed: int, share: float, error: float, outcome: str = "ok") -> dict:
    neuron = "standard" if activation == "gelu" else "polynomial"
    return {
        "run": {
            "task": {"name": "known", "target": "products", "rows": 500, "share": share},
            "network": {"name": "mlp", "neuron": neuron, "activation": activation},
            "seed": seed,
            "size": "laptop",
        },
        "outcome": outcome,
        "final": {"test": {"loss": error, "r2": 1 - error}},
    }


@pytest.fixture
def records() -> list[dict]:
    whole = [record(name, seed, 1.0, 2**log) for name, logs in LOGS.items() for seed, log in enumerate(logs)]
    even = [record(name, seed, 0.0, 0.25) for name in LOGS for seed in range(3)]
    aside = [record("gelu", 1000, 1.0, 0.9), record("gelu", 3, 1.0, 0.9, "diverged")]
    return [*whole, *even, *aside, {"run": {"task": "digits", "network": {"name": "mlp"}, "seed": 0, "size": "laptop"}}]


# The differences at share 1 are -2, -2.2 and -2.4: -2.2 with 4.303 times 0.2 / sqrt(3) to both sides.
RIGHT = "1.000 (1.000 to 1.000) 0.218 (0.154 to 0.307) -2.20 (-2.70 to -1.70)"


def test_a_page_of_the_numbers_that_follow_is_right(records):
    assert wrong_numbers(RIGHT, records) == []


def test_a_wrong_slope_or_ratio_is_named(records):
    assert wrong_numbers(RIGHT.replace("-2.20", "-2.30"), records) == [
        "the page does not say '-2.20 (-2.70 to -1.70)' of 500 rows, the slope"
    ]
    assert len(wrong_numbers(RIGHT.replace("0.218", "0.217"), records)) == 1
    assert wrong_numbers(RIGHT, []) == ["there are no Records of products"]
