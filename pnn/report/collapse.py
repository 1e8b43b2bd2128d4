"""How often trainings collapse, by depth: the tables and figures of ReLinear's page."""

from collections.abc import Mapping

from ..experiments.rates import Tried
from ..experiments.relinear import RATIO, Arm
from ..runs.record import Record
from ..system.extras import needs
from .arms import setting
from .comparison import Comparison, compare_records, proportion
from .endings import CLEARLY, collapsed, lost
from .measures import accuracy
from .outputs import COLUMNS, outputs
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

Ways = Mapping[str, Mapping[int, list[Record]]]  # They are by the name of the way to train, and by depth.


def ways(records: Mapping[Arm, list[Record]], rate: str = "published") -> dict[str, dict[int, list[Record]]]:
    """The three ways to train by name and depth, at the source's learning rate and ratio or each at its ``"best"``."""
    names = {"conventional": "standard", "quadratic": "quadratic"}
    names[f"ReLinear, ratio {RATIO:g}" if rate == "published" else "ReLinear"] = "relinear"
    chosen = {
        arm: own
        for arm, own in sorted(records.items())
        if arm.rate == rate and (rate == "best" or arm.way != "relinear" or arm.ratio == RATIO)
    }
    return {name: {arm.depth: own for arm, own in chosen.items() if arm.way == way} for name, way in names.items()}


def against_conventional(tried: Ways) -> dict[str, Comparison]:
    """The test accuracy of each other way less that of the conventional network, by way and depth."""
    base = tried["conventional"]
    return {
        f"{name}, {depth} layers": compare_records(base[depth], arm, accuracy)
        for name, depths in tried.items()
        for depth, arm in depths.items()
        if name != "conventional"
    }


def named(tuning: Mapping[Tried, list[Record]]) -> dict[Tried, list[Record]]:
    """The tuning of ways and depths, under names that a reader sees."""
    names = {"standard": "conventional", "relinear": "ReLinear"}
    return {
        Tried(f"{names.get(way, way)}, {depth} layers", value): own for ((way, depth), value), own in tuning.items()
    }


def shares(tried: Ways, trivial: float) -> dict[str, list[tuple[int, int, int]]]:
    """By way: depth, how many runs collapsed, and of how many, for :func:`pnn.report.plots.shares_by_depth`.

    Args:
        tried: Records by way and depth.
        trivial: test accuracy in percent of the majority class, as for :func:`pnn.report.endings.collapsed`.
    """
    return {
        name: [(depth, _collapsed(arm, trivial), len(arm)) for depth, arm in depths.items()]
        for name, depths in tried.items()
    }


def table(tried: Ways, trivial: float) -> Table:
    """A row a depth and way: runs ``n``, ``lost``, ``share`` that collapsed, its ``low``, ``high``; ``mean``.

    The mean is the test accuracy of those that were not lost. The arguments are those of :func:`shares`.
    """
    rows = {}
    for depth in next(iter(tried.values())):
        for name, depths in tried.items():
            arm = depths[depth]
            good = [accuracy(record) for record in arm if not lost(record)]
            share, low, high = proportion(_collapsed(arm, trivial), len(arm))
            counts = {"n": len(arm), "lost": len(arm) - len(good), "share": share, "low": low, "high": high}
            rows[depth, name] = counts | {"mean": sum(good) / len(good) if good else None} | outputs(arm)
    index = pd.MultiIndex.from_tuples(rows, names=["depth", "network"])
    columns = {
        "n": "{n}",
        "lost": "{lost}",
        "collapsed, % (95 %)": "{share:.0f} ({low:.0f} to {high:.0f})",
        "test accuracy of the others, %": "{mean:.2f}",
    } | COLUMNS
    every = {(name, depth): arm for name, depths in tried.items() for depth, arm in depths.items()}
    caption = sentence(
        f"how many trainings collapsed, by depth: lost, or below {trivial + CLEARLY:.1f} %", setting(every)
    )
    return Table(pd.DataFrame(list(rows.values()), index), columns, caption, COLUMNS)


def _collapsed(arm: list[Record], trivial: float) -> int:
    return sum(collapsed(record, trivial) for record in arm)


def by_ratio(records: Mapping[Arm, list[Record]]) -> dict[float, list[Record]]:
    """ReLinear by the ratio of its learning rates, at the one depth where all of them are tried."""
    depth = swept_depth(records)
    of_sweep = ("relinear", depth, "published")
    return {arm.ratio: own for arm, own in sorted(records.items()) if (arm.way, arm.depth, arm.rate) == of_sweep}


def swept_depth(records: Mapping[Arm, list[Record]]) -> int:
    """The depth at which all strategies are tried."""
    return next(arm.depth for arm in records if arm.way == "shrinking")


def strategies(records: Mapping[Arm, list[Record]]) -> dict[str, list[Record]]:
    """At that depth, the conventional network and every way to train the quadratic one, by name."""
    depth = swept_depth(records)
    names = {
        "conventional": ("standard", 1.0),
        "quadratic, not held back": ("quadratic", 1.0),
        **{f"ReLinear, ratio {ratio:g}": ("relinear", ratio) for ratio in by_ratio(records)},
        "ReLinear by shrinking": ("shrinking", 1.0),
        "ReLinear from a trained network": ("trained", RATIO),
    }
    found = {name: records.get(Arm(way, depth, ratio)) for name, (way, ratio) in names.items()}
    return {name: arm for name, arm in found.items() if arm}
