"""A split that leaks: which of its test rows were trained on, and what that does to the accuracy."""

from collections.abc import Mapping

import torch

from ..experiments.leaks import SET_ASIDE, SPLITS, Arm
from ..runs.record import Record
from ..system.extras import needs
from ..tasks.data import drawn
from ..tasks.hapt import HAPT_SOURCE, split_rows
from .arms import setting
from .comparison import Comparison, compare, compare_records
from .endings import lost
from .measures import accuracy
from .table import Table, sentence

with needs("train", "a table"):
    import pandas as pd

Leaks = Mapping[Arm, list[Record]]
NAMES = {"users": "by users", "rows": "by rows", "leaking": "with the leak"}
ACTIVATIONS = {"relu": "ReLU", "polynomial": "polynomial"}


def seen(train: int, test: int, validation: int) -> Table:
    """A row a split of HAPT's table: ``test`` rows, and how many were ``trained`` on, ``validated`` on, and ``new``.

    It is found by comparing the numbers of the rows; nothing is loaded. In the split by users no test row is seen.

    Args:
        train: rows for training and validation.
        test: rows for testing.
        validation: rows of ``train`` that are for validation.
    """
    carved, kept = drawn(train, validation)
    rows = {}
    for split in SPLITS:
        own, tested = split_rows(split, train, test)
        trained, validated = (int(torch.isin(tested, own[part]).sum()) for part in (kept, carved))
        rows[NAMES[split]] = {"test": test, "trained": trained, "validated": validated}
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("split")
    frame["new"] = frame["test"] - frame["trained"] - frame["validated"]
    for name in ("trained", "validated", "new"):
        frame[f"{name}_share"] = 100 * frame[name] / frame["test"]
    columns = {"test rows": "{test:,}"} | {
        heading: f"{{{name}:,}} ({{{name}_share:.1f}} %)"
        for heading, name in {
            "of them trained on": "trained",
            "seen in validation": "validated",
            "new to the network": "new",
        }.items()
    }
    return Table(frame, columns, sentence(f"which test rows of {HAPT_SOURCE.title} a network has met before"))


def seen_in_hapt() -> Table:
    """:func:`seen` with the numbers of rows that the Records of the experiment have."""
    rows = HAPT_SOURCE.rows
    return seen(rows["train"], rows["test"], SET_ASIDE["laptop"])


def reached(records: Leaks) -> Table:
    """A row an arm: ``n`` runs, ``lost`` ones; ``train``, ``validation``, ``test`` accuracy of the others, percent."""
    rows = {}
    for arm, own in records.items():
        good = [record for record in own if not lost(record)]
        scores = {
            split: [100 * record.final[split].accuracy for record in good] for split in ("train", "validation", "test")
        }
        rows[ACTIVATIONS[arm.activation], NAMES[arm.split]] = {
            "n": len(own),
            "lost": len(own) - len(good),
            **{split: pd.Series(values, dtype=float).mean() for split, values in scores.items()},
        }
    index = pd.MultiIndex.from_tuples(rows, names=["activation", "split"])
    columns = {
        "training rows, %": "{train:.1f}",
        "validation rows, %": "{validation:.1f}",
        "test rows, %": "{test:.1f}",
        "lost": "{lost}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{n}",
    }
    caption = sentence("accuracy after the last epoch, mean of the runs that ended well", setting(_named(records)))
    return Table(pd.DataFrame(list(rows.values()), index), columns, caption)


def against_users(records: Leaks) -> dict[str, Comparison]:
    """By activation and split: its test accuracy less that of the split by users, of the same seed.

    The two have different test rows, so that the interval is over seeds alone.
    """
    found = {}
    for name, activation in ACTIVATIONS.items():
        honest = _by_seed(records[Arm("users", name)])
        for split in SPLITS[1:]:
            other = _by_seed(records[Arm(split, name)])
            seeds = [seed for seed in honest if seed in other]
            every = {record.run.seed for s in ("users", split) for record in records[Arm(s, name)]}
            if len(seeds) > 1:
                found[f"{activation}, {NAMES[split]}"] = compare(
                    [honest[seed] for seed in seeds], [other[seed] for seed in seeds], len(every) - len(seeds)
                )
    return found


def against_relu(records: Leaks) -> dict[str, Comparison]:
    """By split: the polynomial's test accuracy less that of ReLU, over seeds and test rows."""
    return {
        NAMES[split]: compare_records(records[Arm(split, "relu")], records[Arm(split, "polynomial")], accuracy)
        for split in SPLITS
    }


def gaps_against_users(records: Leaks) -> dict[str, Comparison]:
    """By split: the polynomial less ReLU there, less the same on the split by users, over seeds."""
    gaps = {}
    for split in SPLITS:
        relu, polynomial = (_by_seed(records[Arm(split, name)]) for name in ACTIVATIONS)
        gaps[split] = {seed: polynomial[seed] - relu[seed] for seed in relu if seed in polynomial}
    every = {record.run.seed for own in records.values() for record in own}
    found = {}
    for split in SPLITS[1:]:
        seeds = [seed for seed in gaps["users"] if seed in gaps[split]]
        if len(seeds) > 1:
            before, here = ([gaps[name][seed] for seed in seeds] for name in ("users", split))
            found[NAMES[split]] = compare(before, here, len(every) - len(seeds))
    return found


def _by_seed(records: list[Record]) -> dict[int, float]:
    return {record.run.seed: accuracy(record) for record in records if not lost(record)}


def _named(records: Leaks) -> dict[str, list[Record]]:
    return {str(arm): own for arm, own in records.items()}
