"""The book's tables: what sides of a study cost, what they reached, how they compare. Cells are text, ready to show."""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch

from .audit import Obstacle, audit
from .manifest import SOURCES
from .run import Network, Record, Task
from .stats import Comparison, accuracy, compare_records, holm, proportion

Sides = Mapping[str, list[Record]]

NAMES = {  # of the sides of an experiment, as a reader sees them
    "standard": "standard",
    "parameters": "polynomial, equal parameters",
    "macs": "polynomial, equal multiply-accumulates",
    "memory": "polynomial, equal activation memory",
    "time": "polynomial, equal step time",
    "source": "polynomial, the source's width",
    "majority": "majority class",
    "bag-of-words": "bag of words, logistic regression",
    "boosted-trees": "gradient-boosted trees",
}


def setting(sides: Sides) -> str:
    """Size, rows, epochs, seeds, precision and device of a study, in one line."""
    records = [record for side in sides.values() for record in side]
    trained = [record for record in records if not record.run.network.is_baseline and record.used]
    first = (trained or records)[0].run
    source = f"{first.task.name}-subset" if first.task.rows == "subset" else first.task.name
    rows = SOURCES[source].title if source in SOURCES else "scikit-learn's digits"
    if first.task.rows == "stand-in":
        rows = f"an embedded stand-in for {rows}"
    epochs = f"{first.recipe.epochs} epoch" + "s" * (first.recipe.epochs > 1)
    if first.recipe.patience:
        epochs = f"at most {epochs}"
    counts = sorted({len(side) for side in sides.values() if not side[0].run.network.is_baseline}, reverse=True)
    devices = " and ".join(sorted({record.used["device"] for record in trained})) or "no device"
    seeds = " or ".join(map(str, counts))
    text = f"size {first.size}, {rows}, {epochs}, {seeds} seeds a side, {first.recipe.precision} on {devices}"
    return f"{text}; this size proves the code, and says nothing about any claim" if first.size == "smoke" else text


def costs(sides: Sides) -> pd.DataFrame:
    """One column a side: width, parameters, arithmetic, memory, and time; relative to the standard side in brackets."""
    columns = {}
    for name, side in sides.items():
        ended = [record for record in side if record.outcome == "ok"]
        if not ended or ended[0].run.network.is_baseline:
            continue
        own = ended[0].budget
        base = next(r for r in sides["standard"] if r.outcome == "ok").budget
        shown = {
            "parameters": f"{own['parameters']:,}",
            "macs": f"{own['macs'] / 1e6:,.2f} M" if own["macs"] >= 1e6 else f"{own['macs'] / 1e3:,.1f} k",
            "activation_bytes": f"{own['activation_bytes'] / 1024:,.1f} KiB",
        }
        if name != "standard":
            shown = {key: f"{text} ({own[key] / base[key] - 1:+.1%})" for key, text in shown.items()}
        columns[NAMES.get(name, name)] = {
            "width": f"{ended[0].run.network.width}",
            "parameters": shown["parameters"],
            "multiply-accumulates a row": shown["macs"],
            "activations kept for backward, a row": shown["activation_bytes"],
            "training, mean of the runs": _duration(float(np.mean([record.seconds for record in ended]))),
        }
    return pd.DataFrame(columns).T


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def reached(sides: Sides, value: Callable[[Record], float] = accuracy, label: str = "test accuracy, %") -> pd.DataFrame:
    """One row a side, baselines among them: seeds, those that ended badly, mean and deviation over the seeds."""
    rows = {}
    for name, side in sides.items():
        values = [value(record) for record in side if record.outcome == "ok"]
        bad = len(side) - len(values)
        deviation = f"{np.std(values, ddof=1):.2f}" if len(values) > 1 else "–"
        rows[NAMES.get(name, name)] = {
            "n": f"{len(values)}" + (f" ({bad} ended badly)" if bad else ""),
            label: f"{np.mean(values):.2f}" if values else "–",
            "standard deviation": deviation,
        }
    return pd.DataFrame(rows).T


def compared(sides: Sides, value: Callable[[Record], float] = accuracy) -> dict[str, Comparison]:
    """Every side with at least two seeds against the standard one, by the name that a reader sees.

    A seed that only one of the two was to have is no pair, and not lost.
    """
    found = {}
    for name, side in sides.items():
        if name == "standard" or len(side) < 2:
            continue
        seeds = {record.run.seed for record in side}
        standard = [record for record in sides["standard"] if record.run.seed in seeds]
        found[NAMES.get(name, name)] = compare_records(standard, side, value)
    return found


def endings(sides: Sides) -> pd.DataFrame:
    """One row a side: how many runs ended in which way, and the share that did not end well with its exact interval."""
    rows = {}
    for name, side in sides.items():
        outcomes = Counter(record.outcome for record in side)
        bad = len(side) - outcomes["ok"]
        share, low, high = proportion(bad, len(side))
        rows[NAMES.get(name, name)] = {
            "runs": ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()),
            "ended badly, % (95 %, exact)": f"{share:.0f} ({low:.0f} to {high:.0f})",
        }
    return pd.DataFrame(rows).T


def audited(networks: Mapping[str, Network], task: Task) -> pd.DataFrame:
    """One row a network: is it a polynomial of a row of the task at inference, of which degree, or what stops it?"""
    rows = {}
    for name, network in networks.items():
        report = audit(network.build(task.form), torch.zeros(1, *task.form.shape))
        kinds: dict[str, list[Obstacle]] = {}
        for obstacle in report.obstacles:
            kinds.setdefault(obstacle.kind, []).append(obstacle)
        rows[NAMES.get(name, name)] = {
            "polynomial": "yes" if report.polynomial else "no",
            "degree": f"{report.degree:,}" if report.polynomial else "–",
            "multiplicative depth": f"{report.multiplicative_depth}" if report.polynomial else "–",
            "what stops it": "; ".join(
                f"{len({o.module for o in own})} {kind}: {', '.join(dict.fromkeys(o.operation for o in own))}"
                for kind, own in kinds.items()
            )
            or "–",
        }
    return pd.DataFrame(rows).T


def direction(comparison: Comparison) -> str:
    """What the 95 % interval says of a side against the standard one, as the end of a sentence."""
    if comparison.low > 0:
        return "better than the standard network"
    return "worse than the standard network" if comparison.high < 0 else "not told apart from the standard network"


def comparisons(results: Mapping[str, Comparison], a: str = "standard", b: str = "this") -> pd.DataFrame:
    """One row a comparison; p is Holm-corrected over the rows, each distinct result being counted once."""
    distinct = list(dict.fromkeys(results.values()))  # sides of the same width share their Records
    corrected = dict(zip(distinct, holm([c.p for c in distinct]), strict=True)) if distinct else {}
    return pd.DataFrame(
        {
            name: {
                "n": f"{c.n}" + (f" ({c.lost} lost)" if c.lost else ""),
                a: f"{c.mean_a:.2f}",
                b: f"{c.mean_b:.2f}",
                "difference (95 %, t)": f"{c.difference:+.2f} ({c.low:+.2f} to {c.high:+.2f})",
                "95 %, BCa": f"{c.bca_low:+.2f} to {c.bca_high:+.2f}",
                "p (exact)": f"{c.p:.3f}",
                "p (Holm)": f"{corrected[c]:.3f}",
                "detectable": f"{c.detectable:.2f}",
            }
            for name, c in results.items()
        }
    ).T


def judged(claims: Mapping[str, tuple[Comparison, str]], size: str) -> pd.DataFrame:
    """One row a claim: what was measured, and the verdict on it."""
    return pd.DataFrame(
        {
            claim: {
                "measured": f"{c.difference:+.2f} ({c.low:+.2f} to {c.high:+.2f})",
                "n": f"{c.n}" + (f" ({c.lost} lost)" if c.lost else ""),
                "size": size,
                "verdict": word,
            }
            for claim, (c, word) in claims.items()
        }
    ).T
