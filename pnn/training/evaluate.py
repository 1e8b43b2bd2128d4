"""What a network says of the rows of a split."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from ..runs.score import Score
from ..tasks.data import Split
from .objective import hits, objective, r2

BATCH = 500
# It stands for what is infinite or no number, so that a mean over rows says how many there are, and JSON can hold it.
LARGEST = torch.finfo(torch.float32).max


@dataclass(frozen=True)
class Evaluation:
    """What one pass over a split found."""

    score: Score
    hits: Tensor  # a bool a row, whether it is classified rightly
    logit: float  # the largest absolute one
    median: float  # of the rows' losses
    exploded: int  # rows whose own loss is above the limit, or whose logits are not all finite
    penalty: float | None = None  # the mean of what methods add to the loss, None if they add nothing
    outside: float | None = None  # share of the inputs of polynomial activations outside of their interval


@torch.no_grad()
def evaluate(
    forward: Callable[[Tensor], Tensor],
    split: Split,
    autocast: Callable[[], AbstractContextManager],
    penalty: Callable[[], Tensor | None] = lambda: None,
    limit: float = math.inf,
) -> Evaluation:
    """Loss and accuracy on a split (of numbers R2), its rows that are classified rightly, and what exploded.

    A row whose logits are not all finite is classified wrongly, and its loss is `LARGEST`.

    Args:
        forward: from rows to logits, in evaluation mode.
        split: on one device.
        autocast: in which the forward pass is made; the loss is taken in float32.
        penalty: asked after each forward pass for what is added to the loss.
        limit: a row has exploded if its loss is above.
    """
    losses, added, largest, found = [], [], [], []
    for start in range(0, len(split), BATCH):
        x, y = split.x[start : start + BATCH], split.y[start : start + BATCH]
        with autocast():
            logits = forward(x).float()
        finite = logits.isfinite().all(1)
        losses.append(objective(logits, y, reduction="none").where(finite, LARGEST).nan_to_num(nan=LARGEST).double())
        if (more := penalty()) is not None:
            added.append(more.nan_to_num(nan=LARGEST).double() * len(y))
        found.append(hits(logits, y) & finite)
        largest.append(logits.abs().nan_to_num(nan=LARGEST).max())
    loss, rows = torch.cat(losses), torch.cat(found).cpu()
    mean = loss.mean().item()
    score = (
        Score(mean, r2=r2(mean, split.y)) if split.y.is_floating_point() else Score(mean, rows.sum().item() / len(rows))
    )
    more = torch.stack(added).sum().item() / len(split) if added else None
    exploded = int((loss > limit).sum())
    return Evaluation(score, rows, torch.stack(largest).max().item(), loss.median().item(), exploded, more)
