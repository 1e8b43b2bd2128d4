"""The Taylor polynomial gated unit by order: its arms, what is published, and what luck is in the best."""

import statistics
from collections.abc import Mapping
from typing import Any

from ..experiments.tpgu import SPARED, Arm
from ..runs.record import Record
from ..system.extras import needs
from .arms import setting
from .cell import NOTHING
from .chance import Luck, best_of_nothing, rising
from .measures import accuracy
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

Records = Mapping[Arm, list[Record]]
NAMES = {"identity": "no activation", "gelu": "GELU"}
BASE = NAMES["gelu"]
WAYS = {"decayed": Arm("tpgu", SPARED), "not decayed": Arm("tpgu-spared", SPARED)}
LARGEST = "ConvNeXt-T"  # the network of the source's largest gain, which is ours but for its size
# The source's accuracies on ImageNet, in percent, by network: GELU's first, then those of the orders from 1 on. Each is
# of one training.
PUBLISHED = {
    "ConvNeXt-T": (80.5, 80.7, 80.8, 80.9, 80.9, 81.1, 81.1, 81.2, 81.1),
    "HorNet-T": (81.4, 81.2, 81.3, 81.7, 81.4),
    "Swin-T": (80.3, 79.5, 80.0, 80.6, 80.5),
}


def name(arm: Arm) -> str:
    """An arm as a reader sees it."""
    spared = ", not decayed" if arm.activation == "tpgu-spared" else ""
    return NAMES.get(arm.activation) or f"TPGU, order {arm.order}{spared}"


def named(records: Records) -> dict[str, list[Record]]:
    """The arms under the names that a reader sees."""
    return {name(arm): own for arm, own in records.items()}


def orders(records: Records) -> dict[int, list[Record]]:
    """The Records by order, their coefficients decayed as published."""
    return {arm.order: own for arm, own in records.items() if arm.activation == "tpgu"}


# --- the best of several ---------------------------------------------------------------------------------------------


def published() -> Table:
    """The source's table: a row an activation, a column a network."""
    names = [BASE, *(name(Arm("tpgu", order)) for order in range(1, max(map(len, PUBLISHED.values()))))]
    columns = {network: pd.Series(own, names[: len(own)]) for network, own in PUBLISHED.items()}
    cells = {network: f"{{{network}:.1f}}" for network in PUBLISHED}
    caption = sentence("published: the source's accuracy on ImageNet, in percent, of one training each")
    return Table(pd.DataFrame(columns, names), cells, caption)


def published_best() -> dict[str, tuple[int, float]]:
    """By network of the source's table, how many orders there are, and the gain of the best of them in points."""
    return {f"published, {network}": (len(own) - 1, max(own[1:]) - own[0]) for network, own in PUBLISHED.items()}


def gains_by_seed(records: Records) -> dict[int, dict[int, float]]:
    """By seed and order, the test accuracy less that of GELU with this seed, in points; of seeds that all arms have."""
    own = {order: _by_seed(runs) for order, runs in orders(records).items()}
    base = _by_seed(records[Arm("gelu")])
    seeds = sorted(set(base).intersection(*own.values()))
    return {seed: {order: values[seed] - base[seed] for order, values in own.items()} for seed in seeds}


def luck(records: Records) -> list[Luck]:
    """:func:`pnn.report.chance.best_of_nothing` of GELU's trainings, for each number of settings that they allow."""
    values = list(_by_seed(records[Arm("gelu")]).values())
    return [best_of_nothing(values, settings) for settings in range(1, len(values))]


def best_of(records: Records) -> Table:
    """What the best of several settings gains over GELU, in points: of the same again, of our orders, and as published.

    A row each: how many ``settings`` the best is of, in how many ``cases`` it was looked for, and the ``mean``,
    ``least`` and ``most`` of its gains. A case of the same again is a training that is the baseline, of our orders a
    seed. Where too few runs ended well, a row is missing.
    """
    rows: dict[str, dict[str, Any]] = {}
    own = [max(gains.values()) for gains in gains_by_seed(records).values()]
    number, every = len(orders(records)), luck(records)
    for one in dict.fromkeys((every[-1:] + every[number - 1 : number])[::-1]):
        row = {
            "settings": one.settings,
            "cases": len(every) + 1,
            "mean": one.mean,
            "least": one.least,
            "most": one.most,
        }
        rows[f"{BASE} again, {one.settings} times"] = row
    if own:
        ends = {"mean": sum(own) / len(own), "least": min(own), "most": max(own)}
        rows["our orders, on one seed"] = {"settings": number, "cases": len(own), **ends}
    for network, (settings, gain) in published_best().items():
        rows[network] = {"settings": settings, "cases": 1, "mean": gain, "least": gain, "most": gain}
    columns = {"settings": "{settings}", "cases": "{cases}", "gain of the best: mean": "{mean:+.2f}", "range": _range}
    caption = sentence(
        f"the gain of the best of several settings over {BASE}, in points", setting({BASE: records[Arm("gelu")]})
    )
    return Table(pd.DataFrame.from_dict(rows, orient="index"), columns, caption)


def quoted(records: Records) -> dict[str, str]:
    """What the prose says of luck, by name: of the published gains, and of how GELU's trainings vary here.

    What too few trainings that ended well leave unknown is a dash.
    """
    _, *others = PUBLISHED[LARGEST]
    gain = max(gain for _, gain in published_best().values())
    values = list(_by_seed(records[Arm("gelu")]).values())
    means = [statistics.fmean(own.values()) for own in map(_by_seed, orders(records).values()) if own]
    found = {
        "published-best": f"{gain:+.1f}",
        "published-settings": str(sum(settings for settings, _ in published_best().values())),
        "published-orders": str(len(others)),
        "rising-published": f"{100 * rising(others):.2g} %",
        "rising-ours": f"{100 * rising(means):.2g} %" if len(means) > 1 else NOTHING,
        "baselines": str(len(values)),
    }
    found |= dict.fromkeys(("deviation", "luck", "luck-deviations", "needed"), NOTHING)
    if len(values) > len(others):
        deviation, luck = statistics.stdev(values), best_of_nothing(values, len(others)).mean
        found |= {"deviation": f"{deviation:.2f}", "luck": f"{luck:+.2f}"}
        found |= {"luck-deviations": f"{luck / deviation:.2f}", "needed": f"{gain * deviation / luck:.2f}"}
    return found


def _range(row: Mapping[str, Any]) -> str:
    return NOTHING if row["cases"] == 1 else f"{row['least']:+.2f} to {row['most']:+.2f}"


def _by_seed(runs: list[Record]) -> dict[int, float]:
    return {record.run.seed: accuracy(record) for record in runs if record.outcome == "ok"}
