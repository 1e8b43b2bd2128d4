"""The page of when a product pays: its ratios and slopes are those of the Records, computed here by other code."""

import collections
import html
import re
from pathlib import Path

import numpy as np
from scipy import stats

from checks.sources import RESULTS, records_in

PAGE = "notebooks/analysis/when_it_pays.html"
ARMS = {("standard", "gelu"): "GELU", ("polynomial", "identity"): "polynomial"}


def problems(built: Path) -> list[str]:
    path = built / PAGE
    text = html.unescape(re.sub(r"<[^>]+>", " ", path.read_text(encoding="utf-8"))) if path.exists() else ""
    return wrong_numbers(" ".join(text.split()), records_in(RESULTS))


def wrong_numbers(text: str, records: list[dict]) -> list[str]:
    """What the page should say of the products and does not."""
    errors = errors_of(records)
    expected = []
    for (rows, share), arms in sorted(errors.items()):
        low, mean, high = 2 ** interval(difference(arms))
        expected.append((f"{rows} rows, share {share:g}", f"{mean:.3f} ({low:.3f} to {high:.3f})"))
    for rows in sorted({rows for rows, _ in errors}):
        shares = sorted(share for own, share in errors if own == rows)
        values = np.array([difference(errors[rows, share]) for share in shares])
        centred = np.array(shares) - np.mean(shares)
        low, mean, high = interval(centred @ values / (centred @ centred))
        expected.append((f"{rows} rows, the slope", f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"))
    if not expected:
        return ["there are no Records of products"]
    return [f"the page does not say {what!r} of {where}" for where, what in expected if what not in text]


def errors_of(records: list[dict]) -> dict[tuple[int, float], dict[str, dict[int, float]]]:
    """By rows and share of products, the log2 of 1 - R2 of each arm and seed; without the seeds of the tuning."""
    found = collections.defaultdict(lambda: {arm: {} for arm in ARMS.values()})
    for record in records:
        run = record["run"]
        task, network = run["task"], run["network"]
        arm = ARMS.get((network.get("neuron"), str(network.get("activation"))))
        other = run["seed"] >= 1000 or run["size"] != "laptop"
        if arm is None or other or not isinstance(task, dict) or task.get("target") != "products":
            continue
        if record["outcome"] == "ok":
            error = 1 - record["final"]["test"]["r2"]
            found[task["rows"], task["share"]][arm][run["seed"]] = np.log2(error)
    return dict(found)


def difference(arms: dict[str, dict[int, float]]) -> np.ndarray:
    """Polynomial less GELU, seed by seed."""
    seeds = sorted(arms["GELU"].keys() & arms["polynomial"].keys())
    return np.array([arms["polynomial"][seed] - arms["GELU"][seed] for seed in seeds])


def interval(values: np.ndarray) -> np.ndarray:
    """Low, mean and high by Student's t."""
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return values.mean() + half * np.array([-1, 0, 1])
