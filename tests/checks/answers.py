"""What the Records of two arms answer to a claim, by the rules of the book's guide and by code of its own."""

import base64
import itertools
import math
import statistics


def measured(measure: str, record: dict) -> float:
    if measure == "interaction_rank":
        return statistics.fmean(record["readings"]["interactions.rank"])
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


def verdict(claim: dict, low: float, high: float, rival: float) -> str:
    """The answer by the rules of the guide; a gap's margin is a share of `rival`, the mean of the other arm."""
    matters = claim.get("matters", 0.5)
    if claim["rule"] == "gain":
        if low > 0:
            return "as claimed" if high >= claim["value"] else "smaller"
        return "loss" if high < 0 else "none seen" if max(-low, high) < matters else "cannot tell"
    if claim["rule"] == "no worse":
        margin = claim["value"]
        if claim["measure"] in ("gap", "validation_gap"):
            low, high, margin = -high, -low, max(matters, margin * abs(rival))
        return "as claimed" if low > -margin else "loss" if high < -margin else "cannot tell"
    return "as claimed" if high < matters else "gain" if low > matters else "cannot tell"


def of_all(answers: list[str]) -> str:
    """The answer to a claim of several gains at once: by what contradicts one of them, else by what is open."""
    gains = answers.count("as claimed") + answers.count("smaller")
    open_words = [word for word in answers if word in ("cannot see", "cannot tell")]
    if gains == len(answers):
        return "as claimed"
    if "loss" in answers or "none seen" in answers:
        return "loss" if "loss" in answers else "none seen"
    return min(open_words)  # "cannot see" comes first


def blind(claim: dict, arms: list[list[dict]], trivial: float) -> bool:
    """Whether an arm lost more than a third of its runs, or is less than 2 points above the trivial answer."""
    if claim["measure"] == "collapse":
        return False
    for arm in arms:
        good = [100 * record["final"]["test"]["accuracy"] for record in arm if record["outcome"] == "ok"]
        if 3 * len(good) < 2 * len(arm) or statistics.fmean(good) < trivial + 2:
            return True
    return False


def collapsed(record: dict, trivial: float) -> bool:
    """Whether a run was lost, or is less than 2 points above the trivial answer."""
    return record["outcome"] != "ok" or 100 * record["final"]["test"]["accuracy"] < trivial + 2


def interval(claim: dict, pairs: list[tuple[dict, dict]]) -> tuple[float, float, float, float]:
    """Mean difference, both ends of its interval, and how far these may be off, as another way of reckoning finds them.

    Over seeds it is Student's. Where every Record says its rows, those of the test set are added as if both were
    normal; a bootstrap of a few seeds, one of them far from the others, may be a quarter off, of three seeds a third.
    """
    differences = [measured(claim["measure"], b) - measured(claim["measure"], a) for a, b in pairs]
    mean, n = statistics.fmean(differences), len(pairs)
    half = t_quantile(n - 1) * statistics.stdev(differences) / math.sqrt(n)
    if claim["measure"] != "accuracy" or not all("hits" in record for pair in pairs for record in pair):
        return mean, mean - half, mean + half, 0.00501
    rows = [statistics.fmean(row) for row in zip(*(_right_less(*pair) for pair in pairs), strict=True)]
    over_rows = 1.96 * 100 * statistics.pstdev(rows) / math.sqrt(len(rows))
    half = math.hypot(half, over_rows)
    return mean, mean - half, mean + half, half / (3 if n == 3 else 4) + 0.01


def _right_less(a: dict, b: dict) -> list[int]:
    """Of each test row, whether b is right less whether a is."""
    bits = []
    for record in (a, b):
        number = int.from_bytes(base64.b64decode(record["hits"]["bits"]), "big")
        text = bin(number)[2:].zfill(8 * -(-record["hits"]["rows"] // 8))
        bits.append([int(bit) for bit in text[: record["hits"]["rows"]]])
    return [y - x for x, y in zip(*bits, strict=True)]


def shares(arms: list[list[dict]], trivial: float) -> tuple[float, float, float, float]:
    """As :func:`interval`, of the shares of collapses, by Newcombe's formula on exact intervals."""
    bad = [sum(collapsed(record, trivial) for record in arm) for arm in arms]
    (a, low_a, high_a), (b, low_b, high_b) = (exact(k, len(arm)) for k, arm in zip(bad, arms, strict=True))
    return b - a, b - a - math.hypot(b - low_b, high_a - a), b - a + math.hypot(high_b - b, a - low_a), 0.00501


def exact(hits: int, n: int) -> tuple[float, float, float]:
    """A share in percent and its Clopper-Pearson interval, by bisection of the binomial distribution."""

    def at_least(p: float) -> float:  # so many hits
        return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits, n + 1))

    def at_most(p: float) -> float:
        return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits + 1))

    def root(rising, goal: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if rising(middle) < goal else (low, middle)
        return low

    low = root(at_least, 0.025) if hits else 0.0
    high = root(lambda p: -at_most(p), -0.025) if hits < n else 1.0
    return 100 * hits / n, 100 * low, 100 * high


def deviations(pairs: list[tuple[dict, dict]]) -> tuple[float, float, float, float]:
    """As :func:`interval`, of by how many percent the second arm's accuracy varies more, by the distribution of F."""
    a, b = (statistics.stdev(measured("accuracy", record) for record in arm) for arm in zip(*pairs, strict=True))
    wide = math.sqrt(f_quantile(len(pairs) - 1))
    mean, low, high = (100 * (b / a * factor - 1) for factor in (1, 1 / wide, wide))
    return mean, low, high, 0.00501 + 1e-3 * b / a


def f_quantile(freedom: int) -> float:
    """F at 97.5 % with as many degrees of freedom above as below.

    F is s / (1 - s) where s has a beta distribution with both parameters half of these degrees; with s the square of a
    sine its density is that of a power of a sine, which is summed by Simpson's rule.
    """
    steps = 4000  # An even number of them.

    def density(angle: float) -> float:
        return (math.sin(angle) * math.cos(angle)) ** (freedom - 1)

    def area(end: float) -> float:
        values = [density(end * step / steps) for step in range(steps + 1)]
        return end / steps / 3 * (values[0] + 4 * sum(values[1::2]) + 2 * sum(values[2:-1:2]) + values[-1])

    low, high, whole = 0.0, math.pi / 2, area(math.pi / 2)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if area(middle) < 0.975 * whole else (low, middle)
    return math.tan(low) ** 2


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
