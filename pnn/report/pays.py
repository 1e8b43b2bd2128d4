"""When does a product pay: errors on tasks whose interactions are known, as ratios to those of one arm."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..experiments.pays import BASE, PAIR, Case
from ..runs.record import Record
from ..system.extras import needs
from ..tasks.known import Known
from .arms import Arms, label
from .cell import NOTHING
from .comparison import Comparison, compare, compare_records, holm
from .endings import CLEARLY
from .glue import glue
from .table import Table, interval, pairs, sentence
from .verdict import direction

with needs("train", "a table"):
    import pandas as pd

Cases = Mapping[Case, list[Record]]


def error(record: Record) -> float:
    """The error on the test rows: 1 less R2 of numbers, of classes the share of wrong answers.

    The share of k wrong answers in n is taken as (k + 1/2) / (n + 1), which is never 0 and has a logarithm.
    """
    score = record.final["test"]
    if score.accuracy is None:
        return 1 - score.r2
    rows = record.hits.rows if record.hits else record.run.task.test
    return (round((1 - score.accuracy) * rows) + 0.5) / (rows + 1)


def log_error(record: Record) -> float:
    """The binary logarithm of :func:`error`: a difference of 1 is a factor of 2."""
    return math.log2(error(record))


def against(records: Cases, arm: str, base: str = BASE) -> dict[Case, Comparison]:
    """One arm's :func:`log_error` less another's, paired by seed, on each task that both have been trained on.

    A task of which neither arm has learned anything is left out, as nothing can be seen there: see :func:`blind`.
    """
    found = {}
    for case, own in records.items():
        other = records.get(case._replace(arm=base))
        if case.arm == arm and other and not (blind(own) and blind(other)):
            seeds = {record.run.seed for record in own} & {record.run.seed for record in other}
            pair = [[record for record in side if record.run.seed in seeds] for side in (other, own)]
            found[case] = compare_records(*pair, log_error)
    return found


def blind(records: list[Record]) -> bool:
    """Whether an arm has not learned a task: its mean is less than two points above the answer that sees no input.

    That answer has an R2 of 0, and half of two classes that are equally common.
    """
    ended = [record for record in records if record.outcome == "ok"]
    if not ended:
        return True
    trivial = 50.0 if ended[0].run.task.form.classes else 0.0
    return 100 * np.mean([record.final["test"].share for record in ended]) < trivial + CLEARLY


def tasks_of(records: Cases) -> dict[tuple[str, int], Known]:
    """The tasks by title and rows."""
    return {(case.task, case.rows): own[0].run.task for case, own in records.items() if own}


def of_task(records: Cases) -> dict[str, list[Record]]:
    """By arm, the Records of the task on which most arms were trained, the last one of them."""
    keys = [case[:2] for case in records]
    best = max(reversed(keys), key=keys.count)
    return {case.arm: own for case, own in records.items() if case[:2] == best}


def family(records: Cases) -> dict[Case, Comparison]:
    """Polynomial against GELU on each task of the products."""
    tasks = tasks_of(records)
    return {case: c for case, c in against(records, "polynomial").items() if tasks[case[:2]].target == "products"}


def family_table(records: Cases) -> Table:
    """A row a task of the products: both errors, and their ``ratio`` with ``low`` and ``high``."""
    found = family(records)
    rows = [{"base": 2**c.mean_a, "own": 2**c.mean_b, **_ratio(c), "n": c.n, "lost": c.lost} for c in found.values()]
    shares = [tasks_of(records)[case[:2]].share for case in found]
    index = pd.MultiIndex.from_arrays([[case.rows for case in found], shares], names=["rows", "share of products"])
    columns = {
        BASE: "{base:.4f}",
        "polynomial": "{own:.4f}",
        "ratio (95 %, seeds)": "{ratio:.3f} ({low:.3f} to {high:.3f})",
        "n": pairs,
    }
    caption = sentence(
        f"error of both networks, 1 less R2, geometric mean over seeds, and the ratio polynomial to {BASE}",
        "below 1 the product wins",
    )
    return Table(pd.DataFrame(rows, index, ["base", "own", "ratio", "low", "high", "n", "lost"]), columns, caption)


def slopes(records: Cases) -> dict[int, Comparison]:
    """The confirmatory family, by rows: how the log error of polynomial less that of GELU changes with the share.

    Of each seed and network it is the slope of the line by least squares through :func:`log_error` over the shares; the
    comparison is of the two networks' slopes, paired by seed. A seed that lacks a run of either is lost.
    """
    found, products = {}, [tasks_of(records)[case[:2]] for case in family(records)]
    for rows in dict.fromkeys(task.rows for task in products):
        tasks = [task for task in products if task.rows == rows]
        if len(tasks) < 2:  # One share has no slope.
            continue
        of_seed = {arm: _slopes(records, arm, tasks) for arm in PAIR}
        seeds = sorted(set.intersection(*map(set, of_seed.values())))
        planned = {r.run.seed for task in tasks for arm in PAIR for r in records[Case(task.title, rows, arm)]}
        if len(seeds) > 1:
            values = ([of_seed[arm][seed] for seed in seeds] for arm in PAIR)
            found[rows] = compare(*values, lost=len(planned) - len(seeds))
    return found


def _slopes(records: Cases, arm: str, tasks: list[Known]) -> dict[int, float]:
    """The slope of each seed that ended well on all of the tasks."""
    logs = [
        {r.run.seed: log_error(r) for r in records[Case(task.title, task.rows, arm)] if r.outcome == "ok"}
        for task in tasks
    ]
    shares = [task.share for task in tasks]
    seeds = set.intersection(*map(set, logs))
    return {seed: float(np.polyfit(shares, [own[seed] for own in logs], 1)[0]) for seed in seeds}


def slopes_table(found: Mapping[int, Comparison]) -> Table:
    """A row a number of rows: ``difference`` of the slopes with ``low`` and ``high``, ``p``, and ``p_holm``."""
    corrected = holm([c.p for c in found.values()])
    fields = ("mean_a", "mean_b", "difference", "low", "high", "detectable", "n", "lost", "p")
    rows = [
        {field: getattr(c, field) for field in fields} | {"p_holm": p}
        for c, p in zip(found.values(), corrected, strict=True)
    ]
    columns = {
        BASE: "{mean_a:+.2f}",
        "polynomial": "{mean_b:+.2f}",
        "difference (95 %, seeds)": interval,
        "n": pairs,
        "p (Holm)": "{p_holm:.3f}",
        "detectable": "{detectable:.2f}",
        "p (exact)": "{p:.3f}",
    }
    caption = sentence(
        "the confirmatory family: by how many factors of 2 the error changes from no product to nothing but products",
        "a difference below 0 says that the product pays the more, the larger its share",
    )
    index = pd.Index([f"{rows:,}" for rows in found], name="rows")
    return Table(pd.DataFrame(rows, index, [*fields, "p_holm"]), columns, caption, ("detectable", "p (exact)"))


def _ratio(c: Comparison) -> dict[str, float]:
    """A difference of binary logarithms as a ratio with its interval."""
    return {"ratio": 2**c.difference, "low": 2**c.low, "high": 2**c.high}


def ratios(records: Cases, rows: int = 2000) -> Table:
    """A row a task of so many rows: GELU's ``error``, and of every other arm the ratio to it with its interval.

    The numbers of an arm are in the columns ``ARM``, ``ARM_low`` and ``ARM_high``; ``kind`` and ``interaction`` are the
    task's. Where neither arm has learned the task, a ratio is missing.
    """
    tasks = {key: task for key, task in tasks_of(records).items() if key[1] == rows}
    arms = list(dict.fromkeys(case.arm for case in records if case.arm != BASE))
    found = {arm: {case[:2]: _one(records, case) for case in records if case.arm == arm} for arm in arms}
    table = {}
    for key, task in tasks.items():
        ended = [log_error(record) for record in records[Case(*key, BASE)] if record.outcome == "ok"]
        row = {"kind": task.kind, "interaction": task.interaction}
        row["error"] = 2 ** float(np.mean(ended)) if ended else math.nan
        for arm in arms:
            row |= found[arm].get(key) or {}
        table[task.title] = row
    columns: dict[str, Any] = {"kind": "{kind}", "interaction": "{interaction:.2f}", f"error, {BASE}": "{error:.4f}"}
    columns |= {label(arm): _cell(arm) for arm in arms}
    fields = ["kind", "interaction", "error", *(f"{arm}{end}" for arm in arms for end in ("", "_low", "_high"))]
    caption = sentence(
        f"error of each arm on {rows:,} rows, over that of the standard network with {BASE}, with 95 % intervals over "
        "seeds; below 1 the arm wins"
    )
    more = tuple(label(arm) for arm in arms if arm not in ("standard", "polynomial-relu", "polynomial", "ridge"))
    frame = pd.DataFrame.from_dict(table, "index", columns=fields).rename_axis("task")
    return Table(frame, columns, caption, more)


def _one(records: Cases, case: Case) -> dict[str, float]:
    """The columns of an arm on a task: with one run, as of ridge, against the mean of the other arm, no interval."""
    own, base = records[case], records[case._replace(arm=BASE)]
    if blind(own) and blind(base):
        return {}
    if len(own) > 1:
        c = against({case: own, case._replace(arm=BASE): base}, case.arm)[case]
        return {f"{case.arm}{end}": value for end, value in zip(("", "_low", "_high"), _ratio(c).values(), strict=True)}
    logs = [log_error(record) for record in base if record.outcome == "ok"]
    return {case.arm: 2 ** (log_error(own[0]) - float(np.mean(logs)))} if logs else {}


def _cell(arm: str):
    def cell(row: Mapping[str, Any]) -> str:
        if pd.isna(row[arm]):
            return NOTHING
        ends = f" ({_times(row[f'{arm}_low'])} to {_times(row[f'{arm}_high'])})"
        return _times(row[arm]) + ("" if pd.isna(row[f"{arm}_low"]) else ends)

    return cell


def _times(factor: float) -> str:
    """A factor with about two digits."""
    if factor < 0.001:
        return "< 0.001"
    return f"{factor:,.0f}" if factor >= 10 else f"{factor:.1f}" if factor >= 1 else f"{factor:.2g}"


def counts(found: Mapping[Case, Comparison], tasks: Mapping[tuple[str, int], Known]) -> Table:
    """A row a kind of task: on how many the arm is ``better``, ``worse`` or ``open``, by the whole 95 % interval.

    Args:
        found: differences of log errors, such as :func:`against`, of which less is better.
        tasks: as :func:`tasks_of` returns them.
    """
    words = [(tasks[case[:2]].kind, direction(c, "worse", "better")) for case, c in found.items()]
    frame = pd.DataFrame(words, columns=["kind", "word"]).replace({"word": {"not told apart": "open", "lost": "open"}})
    table = frame.groupby(["kind", "word"], sort=False).size().unstack(fill_value=0)
    table = table.reindex(columns=["better", "worse", "open"], fill_value=0).rename_axis(columns=None)
    columns = {"better": "{better}", "worse": "{worse}", "not told apart": "{open}"}
    caption = sentence(
        f"on how many tasks of each kind polynomial is better or worse than {BASE}, by the 95 % interval"
    )
    return Table(table, columns, caption)


def glue_numbers(records: Cases) -> None:
    """Keep the numbers of the page's answer for the prose; of a task or arm that the Records lack there is none.

    ``gain-TASK-ROWS-ARM`` is how many times as large GELU's error is as an arm's, ``loss-TASK-ROWS-ARM`` the other way
    round, each with ``-interval`` where the seeds give one. ``KIND-better``, ``KIND-worse``, ``KIND-open`` and
    ``KIND-tasks`` are counts at 2,000 rows.
    """
    for case in records:
        own = _one(records, case) if case.arm != BASE else {}
        name = f"{case.task.replace(' ', '-')}-{case.rows}-{case.arm}"
        if own:
            glue(f"gain-{name}", _times(1 / own[case.arm]))
            glue(f"loss-{name}", _times(own[case.arm]))
        if f"{case.arm}_low" in own:
            low, high = own[f"{case.arm}_low"], own[f"{case.arm}_high"]
            glue(f"gain-{name}-interval", f"{_times(1 / high)} to {_times(1 / low)}")
            glue(f"loss-{name}-interval", f"{_times(low)} to {_times(high)}")
    tasks = tasks_of(records)
    found = {case: c for case, c in against(records, "polynomial").items() if case.rows == 2000}
    for kind, row in counts(found, tasks).frame.iterrows():
        for word, number in row.items():
            glue(f"{kind}-{word}", str(number))
        glue(f"{kind}-tasks", str(sum(task.kind == kind and task.rows == 2000 for task in tasks.values())))


def rates_table(records: Arms) -> Table:
    """A row an arm, a column a learning rate: on how many tasks it is the best one, among the Runs of a study."""
    chosen = [(case.arm, own[0].run.recipe.learning_rate) for case, own in records.items() if case.arm != "ridge"]
    frame = pd.DataFrame(chosen, columns=["arm", "rate"])
    counts = frame.groupby(["arm", "rate"], sort=False).size().unstack(fill_value=0)
    counts = counts.reindex(index=frame["arm"].unique(), columns=sorted(frame["rate"].unique()))
    columns = {f"{rate:g}": lambda row, rate=rate: str(row[rate]) for rate in counts}
    caption = sentence("on how many tasks each learning rate was the best of an arm, on the validation rows")
    return Table(counts.rename(index=label).rename_axis(index=None, columns=None), columns, caption)
