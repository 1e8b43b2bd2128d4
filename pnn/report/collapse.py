"""How often trainings collapse, by depth: the tables and figures of ReLinear's page."""

from collections.abc import Mapping

from ..experiments.relinear import RATIO, Arm
from ..runs.record import Record
from ..system.extras import needs
from .arms import setting
from .comparison import proportion
from .measures import accuracy
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

Ways = Mapping[str, Mapping[int, list[Record]]]  # They are by the name of the way to train, and by depth.


def ways(records: Mapping[Arm, list[Record]]) -> dict[str, dict[int, list[Record]]]:
    """The three ways to train that are tried at every depth, by name and depth."""
    names = {
        "conventional": ("standard", 1.0),
        "quadratic": ("quadratic", 1.0),
        f"ReLinear, ratio {RATIO:g}": ("relinear", RATIO),
    }
    return {
        name: {arm.depth: own for arm, own in sorted(records.items()) if (arm.way, arm.ratio) == way}
        for name, way in names.items()
    }


def collapsed(arm: list[Record], floor: float) -> int:
    """How many runs did not end well, or ended with a test accuracy below the floor, which is in percent."""
    return sum(record.outcome != "ok" or accuracy(record) < floor for record in arm)


def shares(tried: Ways, floor: float) -> dict[str, list[tuple[int, int, int]]]:
    """By way: depth, how many runs collapsed, and of how many, for :func:`pnn.report.plots.shares_by_depth`."""
    return {
        name: [(depth, collapsed(arm, floor), len(arm)) for depth, arm in depths.items()]
        for name, depths in tried.items()
    }


def table(tried: Ways, floor: float) -> Table:
    """A row a depth and way: runs ``n``, ``ended_badly``, ``share`` that collapsed, its ``low``, ``high``; ``mean``.

    The mean is the test accuracy of those that ended well.
    """
    rows = {}
    for depth in next(iter(tried.values())):
        for name, depths in tried.items():
            arm = depths[depth]
            good = [accuracy(record) for record in arm if record.outcome == "ok"]
            share, low, high = proportion(collapsed(arm, floor), len(arm))
            counts = {"n": len(arm), "ended_badly": len(arm) - len(good), "share": share, "low": low, "high": high}
            rows[depth, name] = counts | {"mean": sum(good) / len(good) if good else None}
    index = pd.MultiIndex.from_tuples(rows, names=["depth", "network"])
    columns = {
        "n": "{n}",
        "ended badly": "{ended_badly}",
        "collapsed, % (95 %)": "{share:.0f} ({low:.0f} to {high:.0f})",
        "test accuracy of the others, %": "{mean:.2f}",
    }
    every = {(name, depth): arm for name, depths in tried.items() for depth, arm in depths.items()}
    caption = sentence(
        f"how many trainings collapsed, by depth; below {floor:.1f} % counts as collapsed", setting(every)
    )
    return Table(pd.DataFrame(list(rows.values()), index), columns, caption)


def by_ratio(records: Mapping[Arm, list[Record]]) -> dict[float, list[Record]]:
    """ReLinear by the ratio of its learning rates, at the one depth where all of them are tried."""
    depth = swept_depth(records)
    return {arm.ratio: own for arm, own in sorted(records.items()) if (arm.way, arm.depth) == ("relinear", depth)}


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
