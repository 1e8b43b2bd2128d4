"""What bfloat16 moves: the difference of two arms in either precision, and the time of a step."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..experiments.precision import PRECISIONS, Arm
from ..runs.frame import frame
from ..runs.record import Record
from ..system.extras import needs
from .arms import label, setting
from .comparison import Comparison, compare, compare_records, pair_by_seed
from .crossed import bits, crossed_interval
from .endings import lost
from .gates import blind
from .measures import accuracy
from .table import Table, interval, pairs, sentence

with needs("train", "a table"):
    import pandas as pd

SHARE = 0.1  # The difference may move by this share of the width of its interval in float32.
NAMES = {"float32": "float32", "bfloat16": "bfloat16", "move": "bfloat16 less float32"}
Records = Mapping[Arm, list[Record]]


@dataclass(frozen=True)
class Moved:
    """The polynomial network less the standard one in test accuracy, in points, in either precision."""

    float32: Comparison
    bfloat16: Comparison
    move: Comparison  # the difference in bfloat16 less that in float32, paired by seed
    blind: str = ""  # why none of this can be seen, by :func:`pnn.report.gates.blind`; empty if it can

    @property
    def tolerance(self) -> float:
        """By how much the difference may move, in points."""
        return SHARE * (self.float32.high - self.float32.low)

    @property
    def verdict(self) -> str:
        """``"as good"`` if the whole 95 % interval of the move lies within the tolerance, ``"not as good"`` if outside.

        Otherwise ``"cannot tell"``, and ``"cannot see"`` where one of the four arms is not fit to be compared.
        """
        if self.blind:
            return "cannot see"
        if max(-self.move.low, self.move.high) < self.tolerance:
            return "as good"
        return "not as good" if max(self.move.low, -self.move.high) > self.tolerance else "cannot tell"


def moved(records: Records) -> Moved:
    """What the precision moves, over the seeds of which none of the four trainings is lost.

    The interval of the move is, like that of a difference, over seeds and test rows where all Records say every row.

    Args:
        records: by arm, of :func:`pnn.experiments.precision.runs`.
    """
    seeds = set.intersection(*({record.run.seed for record in arm if not lost(record)} for arm in records.values()))
    whole = {arm: [record for record in own if record.run.seed in seeds] for arm, own in records.items()}
    pair = {p: (whole[Arm("standard", p)], whole[Arm("polynomial", p)]) for p in PRECISIONS}
    missing = max(len(arm) for arm in records.values()) - len(seeds)
    differences, right = [], []
    for own in pair.values():
        _, standard, polynomial, _ = pair_by_seed(*own, accuracy)
        differences.append([b - a for a, b in zip(standard, polynomial, strict=True)])
        right.append(bits(*own))
    move = compare(*differences, lost=missing)
    if all(found is not None for found in right):
        low, high = crossed_interval(right[1] - right[0])
        move = dataclasses.replace(move, low=100 * low, high=100 * high, rows=right[0].shape[1])
    reason = blind({label(arm): own for arm, own in records.items()}, 100 / _classes(records))
    return Moved(*(compare_records(*own, accuracy) for own in pair.values()), move, reason)


def _classes(records: Records) -> int:
    return next(record.run.task.form.classes for arm in records.values() for record in arm)


def table(found: Moved, records: Records) -> Table:
    """One row a precision and one of the move: ``difference`` with its interval, ``tolerance`` and ``answer``."""
    rows = {name: dataclasses.asdict(getattr(found, name)) for name in NAMES}
    answer = f"{found.verdict}: {found.blind}" if found.blind else found.verdict
    rows["move"] |= {"tolerance": found.tolerance, "answer": answer}
    columns = {
        "polynomial less standard, points (95 %)": interval,
        "may move by": "± {tolerance:.2f}",
        "bfloat16 is": "{answer}",
        "n": pairs,
        "95 %, seeds alone (t)": "{t_low:+.2f} to {t_high:+.2f}",
    }
    numbers = pd.DataFrame.from_dict(rows, orient="index").rename(index=NAMES)
    caption = sentence("how far the precision moves the difference of the arms", setting(records))
    return Table(numbers, columns, caption, ("95 %, seeds alone (t)",))


def steps(records: Records) -> Table:
    """A row a neuron: ``float32`` and ``bfloat16``, milliseconds a step, and the paired ``ratio``, ``low`` to ``high``.

    The ratio is the geometric mean over the seeds, its interval Student's of the logarithms. A neuron whose trainings
    ran on different machines, or numbers of threads, has no ratio.
    """
    runs = frame(records)
    runs[["neuron", "in"]] = runs["arm"].str.split("/", expand=True)
    rows = {}
    for neuron, own in runs.groupby("neuron", sort=False):
        by_seed = own.pivot(index="seed", columns="in", values="step_seconds").astype(float).dropna()
        row = {precision: 1e3 * by_seed[precision].median() for precision in PRECISIONS}
        if len(own[["device", "threads"]].drop_duplicates()) == 1 and len(by_seed) > 1:
            logs = by_seed.map(math.log)
            c = compare(logs["float32"].tolist(), logs["bfloat16"].tolist())
            ends = {"ratio": c.difference, "low": c.t_low, "high": c.t_high}
            row |= {name: math.exp(value) for name, value in ends.items()} | {"n": c.n}
        rows[neuron] = row
    columns = {
        "float32": "{float32:.1f} ms",
        "bfloat16": "{bfloat16:.1f} ms",
        "bfloat16 over float32 (95 %)": "{ratio:.2f} ({low:.2f} to {high:.2f})",
        "n": "{n}",
    }
    numbers = pd.DataFrame(list(rows.values()), list(rows), [*PRECISIONS, "ratio", "low", "high", "n"])
    caption = sentence("the time of a training step, and its ratio paired by seed", setting(records))
    return Table(numbers.astype({"n": "Int64"}), columns, caption)
