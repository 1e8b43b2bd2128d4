"""What a training makes small, and what it is judged by."""

from torch import Tensor
from torch.nn import functional as F


def objective(logits: Tensor, y: Tensor, reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy in nats to classes or their probabilities; one output is the logit of the second of two classes.

    For numbers, which are floating-point and have one output, it is the squared error.
    """
    if logits.shape[1] > 1:
        return F.cross_entropy(logits, y, reduction=reduction, label_smoothing=label_smoothing)
    if y.is_floating_point():
        return F.mse_loss(logits[:, 0], y, reduction=reduction)
    return F.binary_cross_entropy_with_logits(logits[:, 0], y.to(logits.dtype), reduction=reduction)


def hits(logits: Tensor, y: Tensor) -> Tensor:
    """Which rows are classified correctly; none if numbers are learnt, which have no classes."""
    guess = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1)
    return (guess == y) & (not y.is_floating_point())


def correct(logits: Tensor, y: Tensor) -> Tensor:
    """How many rows are classified correctly."""
    return hits(logits, y).sum()


def r2(loss: float, y: Tensor) -> float:
    """The share of the variance of some numbers that a mean squared error leaves explained; 0 says as much as the mean.

    Of numbers that do not vary it is 0 if the error is 0, and otherwise below all bounds.
    """
    variance = y.double().var(correction=0).item()
    return 1 - loss / variance if variance else (0.0 if loss == 0 else -float("inf"))
