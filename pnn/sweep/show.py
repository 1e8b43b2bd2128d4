"""A sweep's tables as text: what the page that reads a sweep shows."""

from typing import Any

from ..report.cell import NOTHING
from ..report.table import Table, sentence
from ..system.extras import needs
from .report import against_best, cell_means, failures, interactions, is_complete, varied, well_ended

with needs("train", "a table"):
    import pandas as pd


def interval(row: Any, low: str = "low", high: str = "high") -> str:
    """An interval as text, or a dash where there is none."""
    return NOTHING if pd.isna(row[low]) else f"{row[low]:.4g} to {row[high]:.4g}"


def overview(
    table: pd.DataFrame, settings: pd.DataFrame, response: str, parameters: list[str], repeated: list[str]
) -> Table:
    """What the sweep is: its runs by outcome, what was varied and repeated, and what is explained."""
    counts = ", ".join(f"{n} {outcome}" for outcome, n in table["outcome"].value_counts().items())
    facts = {
        "runs": len(table),
        "settings": len(settings),
        "outcomes": counts,
        "varied": ", ".join(parameters) or "nothing",
        "repeated over": ", ".join(repeated) or "nothing",
        "explained here": response,
        "runs that ended well and have it": well_ended(table, response).count(),
        "every combination has one": "yes" if is_complete(table, response, parameters) else "no",
        "left out, of an earlier state of notebook, pnn or data": table.attrs.get("stale") or 0,
    }
    return _facts(facts, "this sweep", "what was swept, and what is explained")


def without_number(table: pd.DataFrame, response: str) -> int:
    """How many runs ended well, but without a number to explain."""
    return int(((table["outcome"] == "ok") & well_ended(table, response).isna()).sum())


def told_apart(table: Table) -> Table:
    """From :func:`ranked`, how many settings can be compared with the first, and how many of them told from it."""
    ranked = table.frame
    tested = ranked["p"].dropna()
    facts = {
        "settings": len(ranked),
        "compared with the first": len(tested),
        "told from it": int((tested < 0.05).sum()),
        "pairs corrected for": len(ranked) * (len(ranked) - 1) // 2,
        "runs that the first lost": int(ranked["lost"].iloc[0]) if len(ranked) else 0,
    }
    return _facts(facts, "the best setting", "how many settings can be told from the best one")


def pairs(table: pd.DataFrame, response: str, parameters: list[str]) -> Table:
    """:func:`pnn.sweep.interactions` by the names of the pair; empty where there is none that can be looked at."""
    found = interactions(table, response, parameters).set_index("parameters")
    columns = {name: f"{{{name}:.3g}}" for name in ("rms", "noise", "ratio")}
    return Table(found, columns, sentence(f"how far each pair of parameters is from adding up, in units of {response}"))


def least_additive(table: pd.DataFrame, settings: pd.DataFrame, response: str, parameters: list[str]) -> Table:
    """The means of the pair of parameters that adds up least: a row a value of one, a column a value of the other.

    There is none if there is no pair.
    """
    found, means = interactions(table, response, parameters), pd.DataFrame()
    if len(found):
        means = cell_means(settings, *found["parameters"].iloc[0].split(", "))
    columns = {f"{means.columns.name} {value}": lambda row, value=value: f"{row[value]:.4g}" for value in means}
    return Table(means, columns, sentence(f"means of {response} of the pair that adds up least"))


def ranked(table: pd.DataFrame, settings: pd.DataFrame, response: str, parameters: list[str], lowest: bool) -> Table:
    """:func:`pnn.sweep.settings`, each with how far the first is from it: ``behind_low``, ``behind_high``, ``p``."""
    behind = against_best(table, response, parameters, lowest)
    numbers = settings.copy()
    for column, name in (("behind_low", "low"), ("behind_high", "high"), ("p", "p")):
        numbers[column] = [float("nan"), *behind[name]]
    columns = {
        "mean": "{mean:.4g}",
        "95 %, t": interval,
        "first less this, 95 %, paired": lambda row: interval(row, "behind_low", "behind_high"),
        "n": "{n}",
        "lost": "{lost}",
        "p, corrected": "{p:.2g}",
    }
    return Table(numbers, columns, sentence(f"settings by their mean of {response}, the best first"), ("p, corrected",))


def failed(table: pd.DataFrame) -> Table:
    """The runs that did not end well, with their parameters, outcome and message."""
    found = failures(table)
    columns = {name: lambda row, name=name: f"{row[name]}" for name in [*varied(table), "outcome", "message"]}
    return Table(found, columns, sentence("the runs that did not end well"))


def _facts(facts: dict[str, Any], heading: str, caption: str) -> Table:
    return Table(pd.DataFrame({"fact": facts}), {heading: "{fact}"}, sentence(caption))
