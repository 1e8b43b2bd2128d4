"""What a network says of the rows of a split."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from ..runs.score import Score
from ..tasks.data import Split
from .objective import hits, objective, r2

BATCH = 500


@dataclass(frozen=True)
class Evaluation:
    """What one pass over a split found."""

    score: Score
    hits: Tensor  # a bool a row, whether it is classified rightly
    logit: float  # the largest absolute one
    penalty: float | None = None  # the mean of what methods add to the loss, None if they add nothing
    outside: float | None = None  # share of the inputs of polynomial activations outside of their interval


@torch.no_grad()
def evaluate(
    forward: Callable[[Tensor], Tensor],
    split: Split,
    autocast: Callable[[], AbstractContextManager],
    penalty: Callable[[], Tensor | None] = lambda: None,
) -> Evaluation:
    """Loss and accuracy on a split (of numbers R2), its rows that are classified rightly, and the largest logit.

    Args:
        forward: from rows to logits, in evaluation mode.
        split: on one device.
        autocast: in which the forward pass is made; the loss is taken in float32.
        penalty: asked after each forward pass for what is added to the loss.
    """
    loss, added, largest, found = 0.0, [], [], []
    for start in range(0, len(split), BATCH):
        x, y = split.x[start : start + BATCH], split.y[start : start + BATCH]
        with autocast():
            logits = forward(x)
        loss += objective(logits.float(), y, reduction="sum").item()
        if (more := penalty()) is not None:
            added.append(more.double() * len(y))
        found.append(hits(logits, y))
        largest.append(logits.float().abs().max())
    mean, rows = loss / len(split), torch.cat(found).cpu()
    score = (
        Score(mean, r2=r2(mean, split.y)) if split.y.is_floating_point() else Score(mean, rows.sum().item() / len(rows))
    )
    more = torch.stack(added).sum().item() / len(split) if added else None
    return Evaluation(score, rows, torch.stack(largest).max().item(), more)
