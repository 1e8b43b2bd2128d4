"""The page of verdicts: every claim of the book with its answer, a table a size."""

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from ..runs.run import SIZES
from ..system.extras import needs
from .arms import label
from .cell import NOTHING, Cell
from .claim_file import Claim
from .claims import AllOf, Answer, Computed
from .comparison import FEWEST, PAIRS, Comparison, shown
from .table import Table, interval, pairs, sentence
from .tables import where
from .verdict import ANSWERS

with needs("train", "a table"):
    import pandas as pd

UNMEASURED = "not measured yet"
PAGE = "notebooks/analysis"  # The page of verdicts lies in this folder.
FIELDS = ("claimed", "verdict", "difference", "low", "high", "mean_a", "mean_b", "n", "lost", "p_holm", "size")

Answers = Mapping[str, Answer | AllOf | Computed]  # An answer stands under the id of its claim.


def counts(claims: Iterable[Claim], answers: Answers) -> dict[str, str]:
    """How many claims, sources and answers of each kind and size there are, as text for the prose."""
    claims = list(claims)
    words = Counter(answers[claim.id].verdict if claim.id in answers else UNMEASURED for claim in claims)
    sizes = Counter(answer.size for answer in answers.values())
    measured = " and ".join(f"{sizes[size]} at size {size}" for size in reversed(SIZES) if sizes[size])
    return {
        "claims": f"{len(claims)}",
        "sources": f"{len({claim.source for claim in claims})}",
        "answers": ", ".join(f"“{word}” for {words[word]}" for word in ANSWERS if words[word]) or "none",
        "unmeasured": f"{words[UNMEASURED]}",
        "measured": measured or "none",
    }


def table(claims: Sequence[Claim], answers: Answers, page: str = PAGE) -> Table:
    """A row a claim: what is claimed, and where it is answered the verdict, the comparison's numbers and the size.

    The text of a claim leads to the page with the details.

    Args:
        claims: one row each.
        answers: by id of the claim.
        page: the folder of the page that shows the table, from which its links start.
    """
    rows = []
    for claim in claims:
        row = {"claim": claim.text, "page": _address(claim, page), "claimed": claim.claimed, "verdict": UNMEASURED}
        if answer := answers.get(claim.id):
            row |= {"size": answer.size or None, "verdict": answer.told, "p_holm": _p(answer)}
            row |= shown(answer.comparison) if isinstance(answer, Answer) else {}
        rows.append(row)
    frame = pd.DataFrame(rows, columns=["claim", "page", *FIELDS]).astype({"n": "Int64", "lost": "Int64"})
    columns: dict[str, Cell] = {"claimed": "{claimed}", "answer": "{verdict}"}
    sizes = frame["size"].dropna().unique()
    given = [answers[claim.id] for claim in claims if claim.id in answers]
    if not len(sizes):
        what = "claims that numbers of networks answer" if given else "claims that are not measured yet"
        caption, more = sentence(what), ()
    else:
        columns |= {
            "measured (95 % interval)": interval,
            "n": lambda row: NOTHING if pd.isna(row["n"]) else pairs(row),
            "p (Holm)": "{p_holm:.3f}",
            "mean of the rival": "{mean_a:.2f}",
            "mean of the claim's arm": "{mean_b:.2f}",
            "size": "{size}",
        }
        caption = sentence("claims, and what our runs say to them", where(given))
        more = ("p (Holm)", "mean of the rival", "mean of the claim's arm", *["size"] * (len(sizes) == 1))
    return Table(frame.set_index("claim"), columns, caption, more, address="page")


def by_size(claims: Iterable[Claim], answers: Answers) -> list[Table]:
    """A table a size, the largest first, then one of what is computed, and one of what is not measured yet."""
    claims = list(claims)
    sizes = {claim.id: answers[claim.id].size if claim.id in answers else None for claim in claims}
    groups = ([claim for claim in claims if sizes[claim.id] == size] for size in (*reversed(SIZES), "", None))
    return [table(group, answers) for group in groups if group]


def show(claims: Iterable[Claim], answers: Answers) -> None:
    """Show the tables of :func:`by_size`."""
    with needs("notebooks", "showing a table of claims"):
        from IPython.display import display

    display(*by_size(claims, answers))


def accuracies(answers: Answers) -> tuple[dict[str, Comparison], dict[str, float]]:
    """Every answer about accuracy by experiment, arm and size, the largest size first; by the same, what is claimed.

    For :func:`pnn.report.plots.intervals`. Answers of too few pairs have no interval and are left out.
    """
    rows: dict[str, Comparison] = {}
    claimed: dict[str, float] = {}
    compared = [answer for answer in answers.values() if isinstance(answer, Answer)]
    for answer in sorted(compared, key=lambda a: -SIZES.index(a.size)):
        claim = answer.claim
        if claim.measure != "accuracy" or answer.comparison.n < PAIRS:
            continue
        name = f"{claim.experiment}, {label(claim.arm).removeprefix('polynomial, ')}, size {answer.size}"
        if name in rows:  # It is another claim about the same Records.
            name += f" ({claim.id})"
        rows[name] = answer.comparison
        if claim.rule == "gain" and claim.value:
            claimed[name] = claim.value
    return rows, claimed


def _p(answer: Answer | AllOf | Computed) -> float:
    """The adjusted p, of a claim of all of several the largest of theirs; nan where there is none to show."""
    if isinstance(answer, AllOf):
        return float(np.max([_p(part) for part in answer.parts]))  # It is nan if one of them is.
    # The exact test of few pairs cannot fall below 0.05; those of shares and of deviations can.
    unpaired = answer.claim.measure in ("collapse", "deviation")
    tested = isinstance(answer, Answer) and (answer.comparison.n >= FEWEST or unpaired)
    return answer.p_holm if tested else math.nan


def _address(claim: Claim, page: str) -> str:
    return os.path.relpath(PurePosixPath(claim.page).with_suffix(".html"), page) if claim.page else ""
