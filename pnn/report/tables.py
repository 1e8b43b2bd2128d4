"""The book's tables: what arms of a study cost, what they reached, how they compare.

Each function returns a :class:`pnn.report.table.Table`, whose ``frame`` has the numbers, a column each, under names
that code can use.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from ..analysis.audit import Obstacle, audit
from ..analysis.budget import Budget
from ..networks import Network
from ..runs.frame import frame
from ..runs.record import OUTCOMES
from ..runs.record_check import ENDED
from ..runs.run import SIZES
from ..system.extras import needs
from ..tasks import Task
from .arms import Arms, label, same_runs, setting
from .cell import NOTHING
from .claims import AllOf, Answer, Computed
from .comparison import FEWEST, Comparison, holm, proportion, shown
from .outputs import COLUMNS, LOGITS, outputs
from .table import Table, duration, interval, pairs, sentence
from .verdict import direction

with needs("train", "a table"):
    import pandas as pd

FINDINGS = ("polynomial", "degree", "depth", "obstacles")  # An audit finds these.
COSTS = ("parameters", "macs", "activation_bytes")


def costs(arms: Arms, base: str = "standard") -> Table:
    """A row an arm that has a network: ``width``, ``parameters``, ``macs``, ``activation_bytes``, ``seconds``.

    Seconds are the mean of the runs that ended, exploded ones among them, ``step_seconds`` the median.
    ``parameters_over`` and so on are shares of the standard arm's that it has more, missing for that arm itself. Arms
    that are the same Runs are one row of both names.

    Args:
        arms: Records by arm.
        base: the name of the standard arm.
    """
    runs = frame(same_runs(arms))
    runs = runs[runs["outcome"].isin(ENDED) & runs["parameters"].notna()]
    by_arm = runs.groupby("arm", sort=False)
    table = by_arm[[*COSTS]].first()
    table.insert(0, "width", by_arm["network.width"].first())
    table["seconds"] = by_arm["seconds"].mean()
    table["step_seconds"] = by_arm["step_seconds"].median()
    for cost in COSTS:
        over = table[cost].astype(float) / float(table.loc[base, cost]) - 1
        table[f"{cost}_over"] = over.where(table.index != base)
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
        "a training step, median": "{step_ms:,.1f} ms",
    }
    table["step_ms"] = 1e3 * table["step_seconds"]
    caption = sentence(f"what each arm costs, and in brackets over the {base} network's", setting(arms))
    more = ("a training step, median",)
    return Table(table.rename_axis(None), columns, caption, more)


def _relative(cost: str, text):
    """The cell of a cost, with what it is over the standard arm's in brackets."""

    def cell(row: Mapping[str, Any]) -> str:
        over = row[f"{cost}_over"]
        return text(row[cost]) + ("" if pd.isna(over) else f" ({over:+.1%})")

    return cell


def reached(arms: Arms, heading: str = "test accuracy, %") -> Table:
    """A row an arm, baselines among them: ``n``, ``ended_badly``, ``mean`` and ``deviation`` of the test accuracy.

    Beside it the loss and the largest logits, as :func:`pnn.report.outputs.outputs` has them. Arms that are the same
    Runs are one row of both names.
    """
    arms = same_runs(arms)
    runs = frame(arms)
    accuracy = 100 * runs["test_accuracy"].where(runs["outcome"] == "ok")
    table = accuracy.groupby(runs["arm"], sort=False).agg(n="count", runs="size", mean="mean", deviation="std")
    table.insert(1, "ended_badly", table.pop("runs") - table["n"])
    table = table.join(pd.DataFrame({arm: outputs(own) for arm, own in arms.items()}, dtype=float).T)
    columns = {
        "n": lambda row: f"{row['n']}" + (f" ({row['ended_badly']} ended badly)" if row["ended_badly"] else ""),
        heading: "{mean:.2f}",
        "standard deviation": "{deviation:.2f}",
    } | COLUMNS
    caption = sentence("what each arm reached: mean and standard deviation of its runs that ended well", setting(arms))
    return Table(table.rename_axis(None), columns, caption, LOGITS)


def runs(arms: Arms) -> Table:
    """A row a run, by seed: ``width``, ``parameters``, ``accuracy`` on the test rows in percent, ``seconds``."""
    table = frame(arms).sort_values("seed", kind="stable")
    names = [f"{label(arm)}, seed {seed}" for arm, seed in zip(table["arm"], table["seed"], strict=True)]
    columns = {"width": "network.width", "parameters": "parameters", "seconds": "seconds"}
    accuracy = 100 * table["test_accuracy"].where(table["outcome"] == "ok")
    table = table.set_axis(names).assign(accuracy=accuracy.to_numpy())
    table = table.rename(columns={old: new for new, old in columns.items()})[[*columns, "accuracy"]]
    shown = {
        "width": "{width}",
        "parameters": "{parameters:,}",
        "test accuracy, %": "{accuracy:.1f}",
        "seconds": "{seconds:.1f}",
    }
    return Table(table, shown, sentence("each run", setting(arms)))


def lossy(arms: Arms) -> Arms:
    """The arms of which a run ended badly, or all Records as one arm if none did: what a page says of endings."""
    badly = {name: arm for name, arm in arms.items() if any(record.outcome != "ok" for record in arm)}
    return badly or {"all arms": [record for arm in arms.values() for record in arm]}


def endings(arms: Arms) -> Table:
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
    columns = {"runs": ended, "ended badly, % (95 %, exact)": "{share:.0f} ({low:.0f} to {high:.0f})"}
    return Table(table, columns, sentence("how the runs of each arm ended", setting(arms)))


def audited(networks: Mapping[str, Network], task: Task) -> Table:
    """A row a network: is it a polynomial of a row of the task at inference, of which degree, or what stops it?"""
    rows = {}
    for name, network in networks.items():
        report = audit(network.build(task.form), torch.zeros(1, *task.form.shape))
        kinds: dict[str, list[Obstacle]] = {}
        for obstacle in report.obstacles:
            kinds.setdefault(obstacle.kind, []).append(obstacle)
        obstacles = "; ".join(
            f"{kind} ({len({o.module for o in own})}): {', '.join(dict.fromkeys(o.operation for o in own))}"
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
        "polynomial": lambda row: {True: "yes", False: "no", None: "undecided"}[row["polynomial"]],
        "degree": "{degree:,}",
        "multiplicative depth": "{depth}",
        "what stops it": "{obstacles}",
    }
    caption = sentence(f"whether a network is a polynomial of its input, by its audit on {task.title}")
    return Table(table, columns, caption)


def comparisons(results: Mapping[str, Comparison], arms: Arms, a: str = "standard", b: str = "this arm") -> Table:
    """A row a comparison, with its fields as columns, and ``p_holm``.

    That is p corrected over the rows. Both are missing where so few pairs could not reach 0.05, and such a row is none
    of the family. Of fewer than three pairs there is no interval, and of fewer than two ``n`` and ``lost`` alone.

    Args:
        results: comparisons by name.
        arms: whose setting the caption names.
        a: heading of the first arm's means.
        b: heading of the second one's.
    """
    family = {name: c.p for name, c in results.items() if c.n >= FEWEST}
    corrected = dict(zip(family, holm(list(family.values())), strict=True))
    fields = [*(field.name for field in dataclasses.fields(Comparison)), "p_holm"]
    rows = []
    for name, c in results.items():
        rows.append(shown(c) | {"p": family.get(name), "p_holm": corrected.get(name)})
    # All rows of a table have Records of one kind: where one is of seeds and test rows, all are.
    over = "seeds and rows" if any(c.rows for c in results.values()) else "seeds"
    columns = {
        a: "{mean_a:.2f}",
        b: "{mean_b:.2f}",
        f"difference (95 %, {over})": interval,
        "detectable": "{detectable:.2f}",
        "n": pairs,
        "95 %, seeds alone (t)": "{t_low:+.2f} to {t_high:+.2f}",
        "95 %, BCa": "{bca_low:+.2f} to {bca_high:+.2f}",
        "p (exact)": "{p:.3f}",
        "p (Holm)": "{p_holm:.3f}",
    }
    caption = sentence(f"{b} less {a}, paired by seed", setting(arms))
    more = ("95 %, seeds alone (t)", "95 %, BCa", "p (exact)", "p (Holm)")
    return Table(pd.DataFrame(rows, list(results), fields), columns, caption, more)


def directions(results: Mapping[str, Mapping[str, Comparison]], more: str = "better", less: str = "worse") -> Table:
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
    caption = sentence("which way each difference goes, by its whole 95 % interval")
    return Table(pd.DataFrame(words, names, dtype=object), columns, caption)


def judged(answers: Iterable[Answer]) -> Table:
    """A row a claim: ``difference`` with ``low`` and ``high``, ``n``, ``lost``, ``size`` and ``verdict``."""
    answers, rows = list(answers), {}
    for answer in answers:
        rest = {"size": answer.size, "verdict": answer.told}
        rows[answer.claim.short or answer.claim.text] = shown(answer.comparison) | rest
    fields = ["difference", "low", "high", "n", "lost", "size", "verdict"]
    columns = {"answer": "{verdict}", "measured (95 % interval)": interval, "n": pairs}
    caption = sentence("the source's claims and what our runs say to them", where(answers))
    return Table(pd.DataFrame(list(rows.values()), list(rows), fields), columns, caption)


def where(answers: Iterable[Answer | AllOf | Computed]) -> str:
    """At which sizes, and on which devices, claims are answered; below the source's own size it is in miniature."""
    answers = list(answers)
    sizes = dict.fromkeys(answer.size for answer in answers if answer.size)
    devices = dict.fromkeys(device.replace("(R)", "") for answer in answers for device in answer.devices)
    named = [size if size == SIZES[-1] else f"{size} (in miniature)" for size in sizes]
    return f"size {' and '.join(named)}, on {' and '.join(devices) or 'no device'}" if answers else ""


def budgets(networks: Mapping[str, Budget]) -> Table:
    """A row a network: its ``parameters``, ``macs`` and ``activation_bytes``."""
    table = pd.DataFrame([vars(budget) for budget in networks.values()], list(networks))
    columns = {
        "parameters": "{parameters:,}",
        "multiply-accumulates": "{macs:,}",
        "activations kept for backward, bytes": "{activation_bytes:,}",
    }
    return Table(table, columns, sentence("what each network costs"))
