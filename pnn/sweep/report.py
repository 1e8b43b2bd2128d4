"""What a sweep's table says: settings with intervals, one parameter at a time, pairs of them, what failed."""

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..report.comparison import LEVEL
from ..system.extras import needs
from .folder import SweepError

with needs("notebooks", "a sweep's report"):
    import pandas as pd


def varied(frame: pd.DataFrame) -> list[str]:
    """The parameters with more than one value, in their order."""
    names = frame.columns[: list(frame.columns).index("outcome")]
    return [name for name in names if frame[name].nunique(dropna=False) > 1]


def responses(frame: pd.DataFrame) -> list[str]:
    """The values that are numbers, in their order; seconds last."""
    names = [n for n in frame.columns[list(frame.columns).index("outcome") :] if not n.startswith("run ")]
    return [n for n in [*names, "run seconds"] if n in frame and pd.api.types.is_numeric_dtype(frame[n])]


def well_ended(frame: pd.DataFrame, response: str) -> pd.Series:
    """A number of each run: ``nan`` for a run that did not end with ``ok``, whatever it left, or is not finite.

    Raises:
        SweepError: no such column, or it holds no number.
    """
    if response not in responses(frame):
        raise SweepError(f"the response must be one of {', '.join(responses(frame))}, got {response!r}")
    values = frame[response].astype(float)
    return values.where((frame["outcome"] == "ok") & np.isfinite(values))


def settings(frame: pd.DataFrame, response: str, by: Iterable[str], lowest: bool = False) -> pd.DataFrame:
    """One row a setting, the best first: ``n``, ``lost``, ``mean``, and the 95 % t interval ``low`` to ``high``.

    The index has the values of the parameters, by their names.
    ``lost`` counts the runs of :func:`well_ended` without a number; a setting that lost one comes after all that did
    not, for its mean is that of its luckier runs.

    Args:
        frame: a table of :func:`pnn.sweep.table`.
        response: one of its columns of numbers.
        by: the parameters that make a setting; runs that differ in others only, such as the seed, are repetitions.
        lowest: the lowest mean is the best.

    Raises:
        SweepError: as :func:`well_ended`, or an unknown parameter.
    """
    with needs("train", "a sweep's report"):
        from scipy import stats

    by = list(by)
    ranked, rows = _ranked(frame, response, by, lowest), []
    for _, values in ranked:
        n, lost = values.count(), values.isna().sum()
        half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * values.std(ddof=1) / math.sqrt(n) if n > 1 else math.nan
        mean = values.mean()
        rows.append({"n": n, "lost": lost, "mean": mean, "low": mean - half, "high": mean + half})
    return pd.DataFrame(rows, _index(by, [key for key, _ in ranked]))


def against_best(frame: pd.DataFrame, response: str, by: Iterable[str], lowest: bool = False) -> pd.DataFrame:
    """How far the best of :func:`settings` is from each other one, in their order, paired by the repetitions.

    One row a setting: ``pairs``, repetitions (such as seeds) that both have; ``difference``, the mean of the best less
    that of the setting; its 95 % t interval ``low`` to ``high``; and ``p`` of the paired t-test, times the number of
    all pairs of settings (Bonferroni), since which one is the best was not known before. ``nan`` with fewer than two
    pairs.

    Raises:
        SweepError: as :func:`settings`.
    """
    with needs("train", "a sweep's report"):
        from scipy import stats

    by = list(by)
    (_, best), *others = _ranked(frame, response, by, lowest)
    rows = []
    tests = len(others) * (len(others) + 1) / 2
    for _, values in others:
        d = (best - values).dropna()  # The two are aligned by the repetitions.
        n, mean, error = len(d), d.mean(), d.std(ddof=1) / math.sqrt(len(d)) if len(d) > 1 else math.nan
        half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * error if n > 1 else math.nan
        one = 2 * stats.t.sf(abs(mean) / error, n - 1) if error > 0 else float(mean == 0) if n > 1 else math.nan
        rows.append((n, mean, mean - half, mean + half, np.minimum(1.0, tests * one)))
    return pd.DataFrame(rows, _index(by, [key for key, _ in others]), ["pairs", "difference", "low", "high", "p"])


def is_complete(frame: pd.DataFrame, response: str, by: Iterable[str]) -> bool:
    """Does every combination of the parameters' values have a run that ended well?"""
    by = list(by)
    have = sum(values.notna().any() for _, values in _ranked(frame, response, by))
    return have == math.prod(frame[name].nunique(dropna=False) for name in by)


def interactions(frame: pd.DataFrame, response: str, by: Iterable[str]) -> pd.DataFrame:
    """How far each pair of parameters is from adding up, the farthest first; empty unless :func:`is_complete`.

    The means of the settings, averaged over the parameters that are not of the pair, are fitted by a sum of one number
    a row and one a column; ``rms`` is the root mean square of what is left, in units of the response, over its degrees
    of freedom; ``noise`` is what the scatter of repetitions alone would leave (``nan`` without any), and ``ratio`` the
    one over the other: about 1 if the parameters only add up. What a repetition, such as a seed, does to all settings
    alike is no scatter, if at least two of them were done at every setting.
    """
    by = list(by)
    columns = ["parameters", "rms", "noise", "ratio"]
    if not is_complete(frame, response, by):
        return pd.DataFrame(columns=columns)
    found, variance = settings(frame, response, by), _variance(frame, response, by)
    rows = []
    for a, b in itertools.combinations(by, 2):
        m = cell_means(found, a, b).to_numpy(float)
        if min(m.shape) < 2:
            continue
        left = m - m.mean(axis=1, keepdims=True) - m.mean(axis=0, keepdims=True) + m.mean()
        rms = math.sqrt((left**2).sum() / ((m.shape[0] - 1) * (m.shape[1] - 1)))
        # A cell averages len(found) / m.size settings, each of which is a mean of n runs.
        noise = math.sqrt(variance * (1 / found["n"]).mean() * m.size / len(found))
        rows.append(
            {"parameters": f"{a}, {b}", "rms": rms, "noise": noise, "ratio": rms / noise if noise else math.nan}
        )
    return pd.DataFrame(rows, columns=columns).sort_values("rms", ascending=False, ignore_index=True)


def cell_means(found: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    """The means of :func:`settings` by two of the parameters; each setting of the others has the same weight."""
    return found["mean"].groupby(level=[a, b], dropna=False).mean().unstack(b)


def failures(frame: pd.DataFrame) -> pd.DataFrame:
    """The runs that did not end with ``ok``: parameters, outcome, message."""
    columns = [*varied(frame), "outcome", "message"]
    return frame.loc[frame["outcome"] != "ok", columns]


def _ranked(
    frame: pd.DataFrame, response: str, by: list[str], lowest: bool = False
) -> list[tuple[tuple[Any, ...], pd.Series]]:
    """Each setting, the best first, with the numbers of its runs by the parameters that vary beside those of `by`."""
    if unknown := [name for name in by if name not in frame.columns[: list(frame.columns).index("outcome")]]:
        raise SweepError(f"{unknown[0]!r} is no parameter of this sweep; there are {', '.join(varied(frame))}")
    runs = frame.assign(_number=well_ended(frame, response))
    rest = [name for name in varied(frame) if name not in by]
    groups = runs.groupby(by, dropna=False) if by else [((), runs)]
    found = [(key, (group.set_index(rest) if rest else group)["_number"]) for key, group in groups]

    def place(setting: tuple[tuple[Any, ...], pd.Series]) -> tuple[bool, bool, float]:
        mean = setting[1].mean()
        return bool(setting[1].isna().any()), math.isnan(mean), mean if lowest else -mean

    return sorted(found, key=place)


def _index(by: list[str], keys: list[tuple[Any, ...]]) -> pd.Index:
    return pd.MultiIndex.from_tuples(keys, names=by) if by else pd.RangeIndex(len(keys))


def _variance(frame: pd.DataFrame, response: str, by: list[str]) -> float:
    """The variance of a run about its setting, less what its repetition does to all settings if the two are crossed."""
    ranked = [values for _, values in _ranked(frame, response, by)]
    crossed = pd.concat(ranked, axis=1).dropna() if ranked[0].index.is_unique else pd.DataFrame()
    runs, number = crossed.shape
    if runs > 1 and number > 1:
        v = crossed.to_numpy(float)
        left = v - v.mean(axis=0) - v.mean(axis=1, keepdims=True) + v.mean()
        return float((left**2).sum() / ((runs - 1) * (number - 1)))
    freedom = sum(values.count() - 1 for values in ranked)
    squares = sum(((values - values.mean()) ** 2).sum() for values in ranked)
    return squares / freedom if freedom else math.nan
