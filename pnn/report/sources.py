"""The gap between what an arm reaches and the accuracy that a source reports."""

from ..runs.record import Record
from ..system.extras import needs
from .arms import setting
from .claim_file import ClaimError, load_claims
from .compared import with_level
from .comparison import shown
from .table import Table, interval, sentence

with needs("train", "a table"):
    import pandas as pd


def gaps(arm: list[Record], *ids: str) -> Table:
    """A row a source: ``source`` and ``ours`` in percent, ``n``, ``difference`` with ``low`` and ``high``, and costs.

    There is none if the rows of the task are no real ones, or fewer than two runs ended well.

    Args:
        arm: Records of one arm.
        ids: of claims in book/claims.toml of which each claims one accuracy, such as ``"94.5 %"``.

    Raises:
        ClaimError: a claim is not there, or claims something else.
    """
    run, rows = arm[0].run, {}
    for claim in load_claims(ids=ids):
        try:
            level = float(claim.claimed.removesuffix(" %"))
        except ValueError as error:
            raise ClaimError(f"claim {claim.id!r}: claimed must be one accuracy, got {claim.claimed!r}") from error
        for c in with_level({"": arm}, level).values() if run.task.rows == "real" else ():
            rows[claim.short or claim.text] = {
                "source": level,
                "ours": c.mean_b,
                **{name: shown(c).get(name) for name in ("n", "difference", "low", "high")},
                "parameters": next(record.budget["parameters"] for record in arm if record.outcome == "ok"),
            }
    columns = {
        "source, %": "{source}",
        "ours, %": "{ours:.2f}",
        "ours less source (95 %, t)": interval,
        "n": "{n}",
        "parameters": "{parameters:,}",
    }
    caption = sentence("the source's test accuracy and ours", setting({"": arm}))
    return Table(pd.DataFrame(list(rows.values()), list(rows)), columns, caption)
