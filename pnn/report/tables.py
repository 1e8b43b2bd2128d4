"""The book's tables: what arms of a study cost, what they reached, how they compare.

Each function returns numbers, a column each, under names that code can use; :func:`pnn.report.show.shown` makes the
text of them that a page shows.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from ..analysis.audit import Obstacle, audit
from ..networks import Baseline, Network
from ..runs.frame import frame
from ..runs.record import OUTCOMES
from ..runs.record_check import ENDED
from ..system.extras import needs
from ..tasks import Task
from .arms import Arms, label
from .claims import Answer
from .comparison import Comparison, holm, proportion
from .show import NOTHING, duration, formatted, pairs
from .show import shown as shown  # Pages write tables.shown(tables.costs(...)).
from .verdict import direction

with needs("train", "a table"):
    import pandas as pd

INTERVAL = "{difference:+.2f} ({low:+.2f} to {high:+.2f})"
FINDINGS = ("polynomial", "degree", "depth", "obstacles")  # An audit finds these.
COSTS = ("parameters", "macs", "activation_bytes")


def setting(arms: Arms) -> str:
    """Size, rows, epochs, seeds, precision and devices of a study; where they are mixed, threads and torch as well."""
    records = [record for arm in arms.values() for record in arm]
    trained = [record for record in records if not isinstance(record.run.network, Baseline) and record.used]
    first = (trained or records)[0].run
    rows = first.task.title
    epochs = f"{first.recipe.epochs} epoch" + "s" * (first.recipe.epochs > 1)
    if first.recipe.patience:
        epochs = f"at most {epochs}"
    counts = sorted({len(arm) for arm in arms.values() if not isinstance(arm[0].run.network, Baseline)}, reverse=True)
    devices = " and ".join(sorted({record.used["device"] for record in trained})) or "no device"
    seeds = " or ".join(map(str, counts))
    text = f"size {first.size}, {rows}, {epochs}, {seeds} seeds an arm, {first.recipe.precision} on {devices}"
    threads = sorted({record.used["threads"] for record in trained if "threads" in record.used})
    if len(threads) > 1:
        text += f", mixed: {' and '.join(map(str, threads))} threads"
    versions = sorted({record.versions["torch"] for record in trained if "torch" in record.versions})
    if len(versions) > 1:
        text += f", mixed: torch {' and '.join(versions)}"
    return f"{text}; this size proves the code, and says nothing about any claim" if first.size == "smoke" else text


def costs(arms: Arms) -> pd.DataFrame:
    """A row an arm that has a network: ``width``, ``parameters``, ``macs``, ``activation_bytes``, ``seconds``.

    Seconds are the mean of the runs that ended, exploded ones among them, ``step_seconds`` the median.
    ``parameters_over`` and so on are shares of the standard arm's that it has more, missing for that arm itself.
    """
    runs = frame(arms)
    runs = runs[runs["outcome"].isin(ENDED) & runs["parameters"].notna()]
    by_arm = runs.groupby("arm", sort=False)
    table = by_arm[[*COSTS]].first()
    table.insert(0, "width", by_arm["network.width"].first())
    table["seconds"] = by_arm["seconds"].mean()
    table["step_seconds"] = by_arm["step_seconds"].median()
    for cost in COSTS:
        over = table[cost].astype(float) / float(table.loc["standard", cost]) - 1
        table[f"{cost}_over"] = over.where(table.index != "standard")
    columns = {
        "width": "{width}",
        "parameters": _relative("parameters", lambda number: f"{number:,}"),
        "multiply-accumulates a row": _relative(
            "macs", lambda number: f"{number / 1e6:,.2f} M" if number >= 1e6 else f"{number / 1e3:,.1f} k"
        ),
        "activations kept for backward, a row": _relative(
            "activation_bytes", lambda number: f"{number / 1024:,.1f} KiB"
        ),
        "training, mean of the runs": duration,
    }
    return formatted(table.rename(index=label).rename_axis(None), columns)


def _relative(cost: str, text):
    """The cell of a cost, with what it is over the standard arm's in brackets."""

    def cell(row: Mapping[str, Any]) -> str:
        over = row[f"{cost}_over"]
        return text(row[cost]) + ("" if pd.isna(over) else f" ({over:+.1%})")

    return cell


def reached(arms: Arms, heading: str = "test accuracy, %") -> pd.DataFrame:
    """A row an arm, baselines among them: ``n``, ``ended_badly``, ``mean`` and ``deviation`` of the test accuracy."""
    runs = frame(arms)
    accuracy = 100 * runs["test_accuracy"].where(runs["outcome"] == "ok")
    table = accuracy.groupby(runs["arm"], sort=False).agg(n="count", runs="size", mean="mean", deviation="std")
    table.insert(1, "ended_badly", table.pop("runs") - table["n"])
    columns = {
        "n": lambda row: f"{row['n']}" + (f" ({row['ended_badly']} ended badly)" if row["ended_badly"] else ""),
        heading: "{mean:.2f}",
        "standard deviation": "{deviation:.2f}",
    }
    return formatted(table.rename(index=label).rename_axis(None), columns)


def runs(arms: Arms) -> pd.DataFrame:
    """A row a run, by seed: ``width``, ``parameters``, ``accuracy`` on the test rows in percent, ``seconds``."""
    table = frame(arms).sort_values("seed", kind="stable")
    names = [f"{label(arm)}, seed {seed}" for arm, seed in zip(table["arm"], table["seed"], strict=True)]
    columns = {"width": "network.width", "parameters": "parameters", "seconds": "seconds"}
    accuracy = 100 * table["test_accuracy"].where(table["outcome"] == "ok")
    table = table.set_axis(names).assign(accuracy=accuracy.to_numpy())
    table = table.rename(columns={old: new for new, old in columns.items()})[[*columns, "accuracy"]]
    return formatted(
        table,
        {
            "width": "{width}",
            "parameters": "{parameters:,}",
            "test accuracy, %": "{accuracy:.1f}",
            "seconds": "{seconds:.1f}",
        },
    )


def lossy(arms: Arms) -> Arms:
    """The arms of which a run ended badly, or all Records as one arm if none did: what a page says of endings."""
    badly = {name: arm for name, arm in arms.items() if any(record.outcome != "ok" for record in arm)}
    return badly or {"all arms": [record for arm in arms.values() for record in arm]}


def endings(arms: Arms) -> pd.DataFrame:
    """A row an arm: how many runs had each outcome, and the ``share`` in percent that did not end well.

    ``low`` and ``high`` are its exact 95 % interval.
    """
    runs = frame(arms)
    counts = runs.groupby(["arm", "outcome"], sort=False).size().unstack(fill_value=0)
    counts = counts.reindex(index=runs["arm"].unique(), columns=[o for o in OUTCOMES if o in counts])
    total = counts.sum(axis=1)
    good = counts["ok"] if "ok" in counts else 0 * total
    shares = [proportion(int(n - ok), int(n)) for n, ok in zip(total, good, strict=True)]
    outcomes = list(counts)

    def ended(row: Mapping[str, Any]) -> str:
        most = sorted((outcome for outcome in outcomes if row[outcome]), key=lambda outcome: -row[outcome])
        return ", ".join(f"{row[outcome]} {outcome}" for outcome in most)

    table = counts.join(pd.DataFrame(shares, counts.index, ["share", "low", "high"]))
    table = table.rename(index=label).rename_axis(index=None, columns=None)
    return formatted(table, {"runs": ended, "ended badly, % (95 %, exact)": "{share:.0f} ({low:.0f} to {high:.0f})"})


def audited(networks: Mapping[str, Network], task: Task) -> pd.DataFrame:
    """A row a network: is it a polynomial of a row of the task at inference, of which degree, or what stops it?"""
    rows = {}
    for name, network in networks.items():
        report = audit(network.build(task.form), torch.zeros(1, *task.form.shape))
        kinds: dict[str, list[Obstacle]] = {}
        for obstacle in report.obstacles:
            kinds.setdefault(obstacle.kind, []).append(obstacle)
        obstacles = "; ".join(
            f"{len({o.module for o in own})} {kind}: {', '.join(dict.fromkeys(o.operation for o in own))}"
            for kind, own in kinds.items()
        )
        rows[label(name)] = {
            "polynomial": report.polynomial,
            "degree": report.degree if report.polynomial else None,
            "depth": report.multiplicative_depth if report.polynomial else None,
            "obstacles": obstacles or None,
        }
    # The values are objects, for a degree may be larger than any integer of numpy's.
    table = pd.DataFrame(
        {name: pd.Series([row[name] for row in rows.values()], list(rows), dtype=object) for name in FINDINGS}
    )
    columns = {
        "polynomial": lambda row: "yes" if row["polynomial"] else "no",
        "degree": "{degree:,}",
        "multiplicative depth": "{depth}",
        "what stops it": "{obstacles}",
    }
    return formatted(table, columns)


def comparisons(results: Mapping[str, Comparison], a: str = "standard", b: str = "this") -> pd.DataFrame:
    """A row a comparison, with its fields as columns, and ``p_holm``.

    That is p corrected over the rows, each distinct result being counted once. Of fewer than two pairs there is ``n``
    and ``lost`` alone.

    Args:
        results: comparisons by name.
        a: heading of the first arm's means.
        b: heading of the second one's.
    """
    # Arms of the same width share their Records. Of fewer than two pairs there was no test.
    distinct = list(dict.fromkeys(c for c in results.values() if c.n > 1))
    corrected = dict(zip(distinct, holm([c.p for c in distinct]), strict=True))
    fields = [*(field.name for field in dataclasses.fields(Comparison)), "p_holm"]
    rows = [
        dataclasses.asdict(c) | {"p_holm": corrected[c]} if c.n > 1 else {"n": c.n, "lost": c.lost}
        for c in results.values()
    ]
    columns = {
        "n": pairs,
        a: "{mean_a:.2f}",
        b: "{mean_b:.2f}",
        "difference (95 %, t)": INTERVAL,
        "95 %, BCa": "{bca_low:+.2f} to {bca_high:+.2f}",
        "p (exact)": "{p:.3f}",
        "p (Holm)": "{p_holm:.3f}",
        "detectable": "{detectable:.2f}",
    }
    return formatted(pd.DataFrame(rows, list(results), fields), columns)


def directions(
    results: Mapping[str, Mapping[str, Comparison]], more: str = "better", less: str = "worse"
) -> pd.DataFrame:
    """Which way each comparison goes, by its 95 % interval: a row a name, a column a kind of comparison.

    Args:
        results: by heading of the column, comparisons by name; a name may be missing in some of them.
        more: the word where the whole interval is above 0.
        less: the word where it is below 0.
    """
    names = list(dict.fromkeys(name for own in results.values() for name in own))
    words = {
        heading: [direction(own[name], more, less) if name in own else None for name in names]
        for heading, own in results.items()
    }
    # A heading is free text, which a format cannot name.
    columns = {heading: lambda row, heading=heading: row[heading] or NOTHING for heading in words}
    return formatted(pd.DataFrame(words, names, dtype=object), columns)


def judged(answers: Iterable[Answer]) -> pd.DataFrame:
    """A row a claim: ``difference`` with ``low`` and ``high``, ``n``, ``lost``, ``size`` and ``verdict``."""
    rows = {}
    for answer in answers:
        c = answer.comparison
        told = {"difference": c.difference, "low": c.low, "high": c.high} if c.n > 1 else {}
        rest = {"n": c.n, "lost": c.lost, "size": answer.size, "verdict": answer.verdict}
        rows[answer.claim.short or answer.claim.text] = told | rest
    fields = ["difference", "low", "high", "n", "lost", "size", "verdict"]
    columns = {"measured": INTERVAL, "n": pairs, "size": "{size}", "verdict": "{verdict}"}
    return formatted(pd.DataFrame(list(rows.values()), list(rows), fields), columns)
