"""What the audit says of a trained network, checked block by block by computing without rounding."""

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from ..analysis.audit import audit, degree_along_line
from ..runs.run import Run
from ..system.extras import needs
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

MOST = 32  # A larger degree takes more points on the line than a page has time for.
_VERDICTS = {True: "0", False: "not a polynomial", None: "undecided"}
# No block ends after one of these, which are layers of the stem and the head.
WITHIN = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU)


def built(run: Run) -> nn.Module:
    """The network of a run without numbers, which neither budget nor audit needs."""
    with torch.device("meta"):
        return run.network.build(run.task.form)


def by_blocks(runs: Mapping[str, Run], seed: int = 0) -> Table:
    """A row a network and number of blocks, behind which it is cut: ``audited`` and ``measured`` degree.

    Each network goes on as long as both find a degree, the measured one up to `MOST`. It has random weights.

    Args:
        runs: the networks, each a sequence of layers, by name.
        seed: of the weights.
    """
    torch.manual_seed(seed)
    rows = {}
    for name, run in runs.items():
        example = torch.zeros(1, *run.task.form.shape)
        for number, cut in enumerate(_cuts(run.network.build(run.task.form)), 1):
            rows[name, number] = audit(cut, example), degree_along_line(cut, example, most=MOST)
            if None in (rows[name, number][0].degree, rows[name, number][1]):
                break
    index = pd.MultiIndex.from_tuples(rows, names=["network", "blocks"])
    audits, measured = zip(*rows.values(), strict=True)
    found = {"polynomial": [one.polynomial for one in audits], "audited": [one.degree for one in audits]}
    table = pd.DataFrame(found | {"measured": measured}, index, dtype=object)
    columns = {
        "audited degree": lambda row: f"{row['audited'] or _VERDICTS[row['polynomial']]}",
        "measured degree": lambda row: "no verdict" if row["measured"] is None else f"{row['measured']}",
    }
    caption = sentence("the degree of each network up to the end of a block, as audited and as measured on a line")
    return Table(table, columns, caption)


def _cuts(network: nn.Module) -> Iterator[nn.Sequential]:
    """The network up to the end of each block."""
    parts = list(network.children())
    for end, part in enumerate(parts, 1):
        if not isinstance(part, WITHIN):
            yield nn.Sequential(*parts[:end])
