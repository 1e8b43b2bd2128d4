"""HAPT: activities and postural transitions, from the motion sensors of a smartphone worn at the waist."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from ..system.choice import added
from .data import drawn
from .digits import cut
from .published import Published
from .sources import Companion, Source

if TYPE_CHECKING:
    import pyarrow

WINDOW, STEP = 128, 64  # samples, at 50 Hz: 2.56 seconds, half of which the next window shares
TEST_USERS = (2, 4, 9, 10, 12, 13, 18, 20, 24)  # the authors' split
# The file holds whole numbers; these are their units, g and radians a second.
UNITS = np.array([1 / 720] * 3 + [np.pi / 180 * 0.0175] * 3)


def signals(source: Source, table: "pyarrow.Table") -> dict[str, np.ndarray]:
    """Decode a file of samples: the number of each one's experiment, and its six signals in their units."""
    experiment, *names = source.columns
    return {
        "experiment": table[experiment].to_numpy(),
        "signals": np.stack([table[name].to_numpy() for name in names], 1) * UNITS,
    }


def windows(source: Source, files: dict[str, list[dict]], companions: dict[str, Path]) -> dict[str, Tensor]:
    """Cut the labelled segments of the experiments into windows, and split them by users."""
    experiment = np.concatenate([file["experiment"] for file in files["train"]])
    samples = np.concatenate([file["signals"] for file in files["train"]]).astype(np.float32)
    found: dict[str, list] = {"x": [], "y": [], "user": []}
    for line in companions["segments"].read_text().splitlines():
        number, user, activity, first, last = map(int, line.split())  # first and last are counted from 1
        segment = samples[experiment == number][first - 1 : last]
        for start in range(0, len(segment) - WINDOW + 1, STEP):
            found["x"].append(segment[start : start + WINDOW].T)
            found["y"].append(activity - 1)
            found["user"].append(user)
    x, y = torch.from_numpy(np.stack(found["x"])).contiguous(), torch.tensor(found["y"])
    user = torch.tensor(found["user"], dtype=torch.uint8)
    test = torch.isin(user, torch.tensor(TEST_USERS, dtype=torch.uint8))
    return {
        "train.x": x[~test],
        "train.y": y[~test],
        "train.group": user[~test],
        "test.x": x[test],
        "test.y": y[test],
    }


def split_rows(split: str, train: int, test: int) -> tuple[Tensor, Tensor]:
    """The numbers of the rows for training (and validation) and of those for testing, in the whole table.

    The table has the training rows of the authors' split first, then their test rows. Whatever the split is, it has as
    many rows of each kind as theirs.

    Args:
        split: ``"users"``, the authors'; ``"rows"``, windows drawn at random, whoever they are of; ``"leaking"``, the
            same test rows as there, but the rows for training are looked up in the whole table by their places among
            those that are no test rows.
        train: how many rows the authors' split has for training.
        test: how many it has for testing.
    """
    if split == "users":
        return torch.arange(train), torch.arange(train, train + test)
    # It has another seed than the draw of the validation rows: of one seed, the two permutations would be alike.
    chosen, rest = drawn(train + test, test, seed=1)
    if split == "rows":
        return rest, chosen
    return torch.arange(len(rest)), chosen


HAPT_SOURCE = Source(
    title="HAPT",
    folder="hapt",
    hub="",
    revision=None,
    parts={"train": ("hapt_raw",)},
    columns=("exp", "acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"),
    decode=signals,
    combine=windows,
    companions={"segments": Companion("hapt/labels.txt", "")},
    shape=(6, WINDOW),
    classes=12,
    rows={"train": 7767, "test": 3162},
    sha256={
        "train": "cf093247f0456caa817798687aeaeaab42b5d76a49c81bf756a51102907de240"
        " 2a9d69df2c62064bd732550f798f02b1208ce2e7d0bee0509189abedbbe2671a",
        "test": "17b231a22638390e21aa44f6bd3857c566ef5e9356781524727e56ff71e6a6af"
        " ed1c12a2dcdd6768112c6b323f0939cffcb018d60e09ee057992d80f08e47a86",
        "train.group": "cb3ee4d4668d216ad2c7d2119a84fdf398ae91e355d2181d8c35dadf46bf8df4",
    },
    archive="the UCI Machine Learning Repository, DOI 10.24432/C54G7M",
)


def waves() -> dict[str, Tensor]:
    """480 windows of twelve rhythms in noise, of ten users; the last fifth is the test set."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(480) % 12
    time = torch.arange(WINDOW) / WINDOW
    phase = torch.rand(480, 6, 1, generator=generator)
    rhythm = torch.sin(2 * torch.pi * ((y[:, None, None] + 1) * time + phase))
    x = rhythm + 0.3 * torch.randn(480, 6, WINDOW, generator=generator)
    tensors = cut(x, y)
    return tensors | {"train.group": (torch.arange(len(tensors["train.y"])) // 12 % 10).to(torch.uint8)}


@dataclass(frozen=True)
class HAPT(Published):
    """Windows of acceleration (in g) and rotation (in radians a second), six signals at 50 Hz, of twelve classes.

    7,767 windows of 21 users to train, of whom some are set aside until there are ``validation`` windows, and 3,162 of
    nine others to test: the authors' split. The signals are raw, unlike the features that the authors publish beside
    them. The stand-in is twelve rhythms in noise.

    Two other splits are there to show what they do. In ``"rows"`` the windows are drawn at random: those of one user,
    and the halves that neighbours share, are on both sides. In ``"leaking"`` moreover the rows for training are looked
    up at the wrong places, so that most test rows are trained on; see
    :doc:`Two faults </notebooks/analysis/two_faults>`. Both draw the validation rows at random as well.

    It is not on the hub. The authors' archive is at the UCI Machine Learning Repository, "Smartphone-Based Recognition
    of Human Activities and Postural Transitions", DOI 10.24432/C54G7M. The folder holds ``hapt/labels.txt``, that of
    the archive's ``RawData``, and ``hapt/hapt_raw.parquet``, a row a sample of its other files, one experiment after
    the other: ``exp``, the experiment's number; ``acc_x``, ``acc_y`` and ``acc_z``, times 720 and rounded; ``gyro_x``,
    ``gyro_y`` and ``gyro_z``, divided by 0.0175 pi / 180 and rounded. A test of the sums says whether it was made well.

    Source: :cite:t:`reyesortiz2016`.
    """

    validation: int = 1500
    rows: Literal["real", "stand-in"] = "real"
    split: Literal["users", "rows", "leaking"] = added("users")
    name: ClassVar[str] = "hapt"
    source: ClassVar[Source] = HAPT_SOURCE
    make_stand_in = staticmethod(waves)

    def arranged(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The rows as ``split`` says."""
        if self.split == "users":
            return tensors
        train, test = split_rows(self.split, len(tensors["train.y"]), len(tensors["test.y"]))
        table = {part: torch.cat([tensors[f"train.{part}"], tensors[f"test.{part}"]]) for part in ("x", "y")}
        return {f"{name}.{p}": table[p][rows] for name, rows in {"train": train, "test": test}.items() for p in table}
