"""What an arm's error ratio depends on, over tasks whose interactions are known: one mixed model, and a bootstrap."""

import math
import warnings

import numpy as np

from ..experiments.pays import BASE
from ..system.extras import needs
from .crossed import LEVEL
from .pays import Cases, against, log_error, tasks_of
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

RESAMPLES = 2_000  # The bootstrap over tasks draws so many, and fits each.
TERMS = {
    "intercept": "smooth function without interaction, 2,000 rows",
    "threshold": "threshold instead",
    "smooth_share": "from no to full interaction, smooth",
    "threshold_share": "from no to full interaction, threshold",
    "doublings": "rows doubled",
}


def model(records: Cases, arm: str = "polynomial") -> Table:
    r"""What an arm's log2 ratio to GELU depends on, by one linear mixed model, beside a bootstrap over tasks.

    Of task t and seed s it is

    .. math:: \beta_0 + \beta_1 c_t + \beta_2 (1 - c_t) i_t + \beta_3 c_t i_t + \beta_4 \log_2 (N_t / 2000) + u_t
        + e_{ts}

    with :math:`c` 1 of a threshold and 0 of a smooth function, :math:`i` the share of interaction, :math:`N` the rows
    and :math:`u` a random intercept. The mixed model is that of statsmodels (restricted likelihood). The bootstrap
    draws tasks with replacement, smooth ones and thresholds apart, and fits their means by least squares; a resample
    of thresholds of one share has no slope, and is drawn again.

    Returns:
        A row a coefficient: ``estimate``, ``low`` and ``high``, and ``boot_low`` and ``boot_high``; missing where the
        tasks are too few to tell the coefficients apart.
    """
    return model_of(_ratios(records, arm))


def _ratios(records: Cases, arm: str = "polynomial") -> pd.DataFrame:
    """A row a task and seed: ``task``, ``threshold``, ``interaction``, ``doublings`` of rows and ``ratio``, a log2."""
    rows = []
    for case in against(records, arm):
        task = tasks_of(records)[case[:2]]
        base = {r.run.seed: r for r in records[case._replace(arm=BASE)] if r.outcome == "ok"}
        for record in records[case]:
            if record.outcome == "ok" and record.run.seed in base:
                ratio = log_error(record) - log_error(base[record.run.seed])
                facts = {"threshold": int(task.kind == "threshold"), "interaction": task.interaction}
                facts |= {"doublings": math.log2(task.rows / 2000), "ratio": ratio}
                rows.append({"task": f"{case.task}/{case.rows}", **facts})
    return pd.DataFrame(rows)


def model_of(frame: pd.DataFrame) -> Table:
    """As :func:`model`, of a row a run with ``task``, ``threshold``, ``interaction``, ``doublings`` and ``ratio``."""
    with needs("train", "a mixed model"):
        from statsmodels.regression.mixed_linear_model import MixedLM

    table = pd.DataFrame(index=list(TERMS), columns=["estimate", "low", "high", "boot_low", "boot_high"], dtype=float)
    if np.linalg.matrix_rank(_design(frame)) == len(TERMS):
        with warnings.catch_warnings():
            # Where tasks do not differ beyond their seeds, the intercept's variance is 0, which is its boundary.
            warnings.filterwarnings("ignore", "The MLE may be on the boundary|The random effects covariance")
            fitted = MixedLM(frame["ratio"], _design(frame), groups=frame["task"]).fit(method="powell")
        table["estimate"] = fitted.fe_params
        table[["low", "high"]] = fitted.conf_int(1 - LEVEL).loc[list(TERMS)].to_numpy()
        table[["boot_low", "boot_high"]] = _bootstrap(frame.groupby("task").mean())
    interval = "{estimate:+.2f} ({low:+.2f} to {high:+.2f})"
    columns = {"log2 ratio (95 %)": interval, "95 %, bootstrap over tasks": "{boot_low:+.2f} to {boot_high:+.2f}"}
    tasks = frame["task"].nunique()
    caption = sentence(f"a linear mixed model of the log2 error ratio, random intercept by task, over {tasks} tasks")
    return Table(table.rename(index=TERMS), columns, caption)


def _design(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of the coefficients."""
    threshold, share = frame["threshold"], frame["interaction"]
    columns = (1.0 + 0 * share, threshold, (1 - threshold) * share, threshold * share, frame["doublings"])
    return pd.DataFrame(dict(zip(TERMS, columns, strict=True))).astype(float)


def _bootstrap(tasks: pd.DataFrame) -> np.ndarray:
    """Low and high of each coefficient over resamples of tasks, whose means these are."""
    x, y = _design(tasks).to_numpy(), tasks["ratio"].to_numpy()
    groups = [np.flatnonzero(tasks["threshold"] == kind) for kind in (0, 1)]
    generator, found = np.random.default_rng(0), []
    while len(found) < RESAMPLES:
        drawn = np.concatenate([generator.choice(own, len(own)) for own in groups if len(own)])
        solution, _, rank, _ = np.linalg.lstsq(x[drawn], y[drawn])
        if rank == len(TERMS):
            found.append(solution)
    return np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).T
