"""What the Records of two arms answer to a claim, by the rules of the book's guide and by code of its own."""

import itertools
import math
import statistics


def measured(measure: str, record: dict) -> float:
    if measure == "failure":
        return 100.0 * (record["outcome"] != "ok")
    train, validation, test = (100 * record["final"][split]["accuracy"] for split in ("train", "validation", "test"))
    curve = [100 * value for value in record["curves"]["validation_accuracy"]]
    trapezia = [(a + b) / 2 for a, b in itertools.pairwise(curve)]
    return {
        "accuracy": test,
        "gap": train - test,
        "validation_gap": train - validation,
        "early_accuracy": statistics.fmean(curve[: -(-len(curve) // 4)]),
        "area_under_curve": statistics.fmean(trapezia or curve),
    }[measure]


def verdict(claim: dict, low: float, high: float) -> str:
    if claim["rule"] == "gain":
        holds, fails = low > 0 and high >= claim["value"], high < claim["value"] or high <= 0
    elif claim["rule"] == "equal":
        holds = max(abs(low), abs(high)) < claim["value"]
        fails = low > claim["value"] or high < -claim["value"]
    else:
        holds, fails = high <= 0, low > 0
    return "holds" if holds else "does not hold" if fails else "cannot tell"


def t_quantile(freedom: int) -> float:
    """Student's t at 97.5 %, by bisection of its distribution (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""

    def within(t: float) -> float:
        angle, odd = math.atan(t / math.sqrt(freedom)), freedom % 2
        term, total = math.cos(angle) ** odd, 0.0
        for power in range(odd, freedom - 1, 2):
            total += term
            term *= math.cos(angle) ** 2 * (power + 1) / (power + 2)
        total *= math.sin(angle)
        return (angle + total) * 2 / math.pi if odd else total

    low, high = 1.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle) < 0.95 else (low, middle)
    return low
