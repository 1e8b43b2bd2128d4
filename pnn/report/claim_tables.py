"""The page of verdicts: every claim of the book with its answer, a table a size."""

import html
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from ..runs.run import SIZES
from ..system.extras import needs
from .arms import label
from .claims import Answer, Claim
from .comparison import Comparison
from .show import NOTHING, formatted, pairs, shown

with needs("train", "a table"):
    import pandas as pd

UNMEASURED = "not measured yet"
PAGE = "notebooks/analysis"  # The page lies in this folder, from which its links start.

Answers = Mapping[str, Answer]  # An answer stands under the id of its claim.


def counts(claims: Iterable[Claim], answers: Answers) -> dict[str, str]:
    """How many claims, sources and verdicts of each kind there are, and answers of each size, as text for the prose."""
    claims = list(claims)
    words = Counter(answers[claim.id].verdict if claim.id in answers else UNMEASURED for claim in claims)
    sizes = Counter(answer.size for answer in answers.values())
    measured = " and ".join(f"{sizes[size]} at size {size}" for size in reversed(SIZES) if sizes[size])
    return {
        "claims": f"{len(claims)}",
        "sources": f"{len({claim.source for claim in claims})}",
        "holds": f"{words['holds']}",
        "does-not-hold": f"{words['does not hold']}",
        "cannot-tell": f"{words['cannot tell']}",
        "unmeasured": f"{words[UNMEASURED]}",
        "measured": measured or "none",
    }


def table(claims: Iterable[Claim], answers: Answers) -> pd.DataFrame:
    """A row a claim: what is claimed and, where it is answered, the comparison's numbers, size, devices, verdict."""
    rows = []
    for claim in claims:
        row: dict[str, Any] = {"claim": claim, "verdict": UNMEASURED}
        if answer := answers.get(claim.id):
            c = answer.comparison
            told = {"difference": c.difference, "low": c.low, "high": c.high} if c.n > 1 else {}
            where = {"size": answer.size, "devices": ", ".join(answer.devices).replace("(R)", "")}
            row |= told | where | {"n": c.n, "lost": c.lost, "p_holm": answer.p_holm, "verdict": answer.verdict}
        rows.append(row)
    columns = {"claim": _linked, "claimed": lambda row: html.escape(row["claim"].claimed)}
    if any("n" in row for row in rows):
        columns |= {
            "measured (95 % interval)": _measured,
            "n": lambda row: NOTHING if pd.isna(row["n"]) else pairs(row),
            "p (Holm)": "{p_holm:.3f}",
            "size": "{size}",
            "device": lambda row: NOTHING if pd.isna(row["devices"]) else html.escape(row["devices"]),
        }
    frame = pd.DataFrame(rows)
    frame = frame.astype({name: "Int64" for name in ("n", "lost") if name in frame})
    return formatted(frame, columns | {"verdict": "{verdict}"})


def show(claims: Iterable[Claim], answers: Answers) -> None:
    """Show the tables of some claims: one a size, the largest first, and one of those that are not measured yet.

    The text of a claim leads to the page with the details.
    """
    with needs("notebooks", "showing a table of claims"):
        from IPython.display import HTML, display

    claims = list(claims)
    for size in (*reversed(SIZES), None):
        own = [claim for claim in claims if (answers[claim.id].size if claim.id in answers else None) == size]
        if own:
            with pd.option_context("display.max_colwidth", None):  # Claims are whole sentences, which would be cut.
                text = shown(table(own, answers)).to_html(index=False, escape=False, classes="claims")
            display(HTML(text))


def accuracies(answers: Answers) -> tuple[dict[str, Comparison], dict[str, float]]:
    """Every answer about accuracy by experiment, arm and size, the largest size first; by the same, what is claimed.

    For :func:`pnn.report.plots.intervals`. Answers of fewer than two pairs have no interval and are left out.
    """
    rows: dict[str, Comparison] = {}
    claimed: dict[str, float] = {}
    for answer in sorted(answers.values(), key=lambda a: -SIZES.index(a.size)):
        claim = answer.claim
        if claim.measure != "accuracy" or answer.comparison.n < 2:
            continue
        name = f"{claim.experiment}, {label(claim.arm).removeprefix('polynomial, ')}, size {answer.size}"
        if name in rows:  # It is another claim about the same Records.
            name += f" ({claim.id})"
        rows[name] = answer.comparison
        if claim.rule == "gain" and claim.value:
            claimed[name] = claim.value
    return rows, claimed


def _linked(row: Mapping[str, Any]) -> str:
    claim = row["claim"]
    text = html.escape(claim.text)
    if not claim.page:
        return text
    link = os.path.relpath(PurePosixPath(claim.page).with_suffix(".html"), PAGE)
    return f'<a href="{link}">{text}</a>'


def _measured(row: Mapping[str, Any]) -> str:
    if pd.isna(row.get("difference")):
        return NOTHING
    return f"{row['difference']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})"
