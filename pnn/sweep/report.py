"""What a sweep's table says: settings with intervals, one parameter at a time, pairs of them, what failed."""

import itertools
import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..stats import LEVEL
from .folder import SweepError


def varied(frame: pd.DataFrame) -> list[str]:
    """The parameters with more than one value, in their order."""
    names = frame.columns[: list(frame.columns).index("outcome")]
    return [name for name in names if frame[name].nunique(dropna=False) > 1]


def responses(frame: pd.DataFrame) -> list[str]:
    """The values that are numbers, in their order; seconds last."""
    names = [n for n in frame.columns[list(frame.columns).index("outcome") :] if not n.startswith("run ")]
    return [n for n in [*names, "run seconds"] if n in frame and pd.api.types.is_numeric_dtype(frame[n])]


def settings(frame: pd.DataFrame, response: str, by: Iterable[str], lowest: bool = False) -> pd.DataFrame:
    """One row a setting, the best first: ``n``, ``lost``, ``mean``, and the 95 % t interval ``low`` to ``high``.

    Args:
        frame: a table of :func:`pnn.sweep.table`.
        response: one of its columns of numbers.
        by: the parameters that make a setting; runs that differ in others only, such as the seed, are repetitions.
        lowest: the lowest mean is the best.

    Raises:
        SweepError: no such column, or it holds no number.
    """
    from scipy import stats

    by = list(by)
    if response not in responses(frame):
        raise SweepError(f"the response must be one of {', '.join(responses(frame))}, got {response!r}")
    if unknown := [name for name in by if name not in frame.columns[: list(frame.columns).index("outcome")]]:
        raise SweepError(f"{unknown[0]!r} is no parameter of this sweep; there are {', '.join(varied(frame))}")
    rows = []
    for key, group in frame.groupby(by, dropna=False) if by else [((), frame)]:
        values = group[response].dropna().to_numpy(float)
        n = len(values)
        half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * values.std(ddof=1) / math.sqrt(n) if n > 1 else math.nan
        mean = values.mean() if n else math.nan
        own = dict(zip(by, key, strict=True))
        rows.append({**own, "n": n, "lost": len(group) - n, "mean": mean, "low": mean - half, "high": mean + half})
    return pd.DataFrame(rows).sort_values("mean", ascending=lowest, na_position="last", ignore_index=True)


def interactions(frame: pd.DataFrame, response: str, by: Iterable[str]) -> pd.DataFrame:
    """How far each pair of parameters is from adding up, the farthest first.

    The means of the pair's cells are fitted by a sum of one number a row and one a column; ``rms`` is the root mean
    square of what is left, in units of the response, over its degrees of freedom; ``noise`` is what repetitions alone
    would leave (``nan`` without any), and ``ratio`` the one over the other: 1 if the parameters only add up.
    """
    rows = []
    for a, b in itertools.combinations(by, 2):
        cells = frame.dropna(subset=[response]).groupby([a, b])[response]
        means, counts, spread = cells.mean().unstack(), cells.size().unstack(), cells.var(ddof=1)
        if means.isna().any(axis=None) or min(means.shape) < 2:
            continue  # a cell without a run: the sum cannot be told from the rest
        m = means.to_numpy(float)
        left = m - m.mean(axis=1, keepdims=True) - m.mean(axis=0, keepdims=True) + m.mean()
        freedom = (m.shape[0] - 1) * (m.shape[1] - 1)
        rms = math.sqrt((left**2).sum() / freedom)
        repeats = cells.size() - 1
        variance = (spread * repeats).sum() / repeats.sum() if repeats.sum() else math.nan
        noise = math.sqrt(variance * float(np.mean(1 / counts.to_numpy(float))))
        rows.append(
            {"parameters": f"{a}, {b}", "rms": rms, "noise": noise, "ratio": rms / noise if noise else math.nan}
        )
    columns = ["parameters", "rms", "noise", "ratio"]
    return pd.DataFrame(rows, columns=columns).sort_values("rms", ascending=False, ignore_index=True)


def failures(frame: pd.DataFrame) -> pd.DataFrame:
    """The runs that did not end with ``ok``: parameters, outcome, message."""
    columns = [*varied(frame), "outcome", "message"]
    return frame.loc[frame["outcome"] != "ok", columns]
