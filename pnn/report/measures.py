"""What is compared of two Records: numbers of one Record."""

import math
from collections.abc import Callable

from ..runs.record import Record


def accuracy(record: Record) -> float:
    """Accuracy on the test rows after the last epoch, in percent.

    Raises:
        ValueError: the task has no classes.
    """
    if record.final["test"].accuracy is None:
        raise ValueError(f"{record.run.name} is of a task without classes: its measure is pnn.report.measures.r2")
    return 100 * record.final["test"].accuracy


def r2(record: Record) -> float:
    """The share of the test rows' variance that is explained after the last epoch, at most 1.

    Raises:
        ValueError: the task has classes.
    """
    if record.final["test"].r2 is None:
        raise ValueError(f"{record.run.name} is of a task of classes: its measure is pnn.report.measures.accuracy")
    return record.final["test"].r2


def early_accuracy(record: Record) -> float:
    """Mean validation accuracy over the first quarter of the epochs, in percent."""
    curve = record.curves["validation_accuracy"]
    early = curve[: math.ceil(len(curve) / 4)]
    return 100 * sum(early) / len(early)


def gap(record: Record) -> float:
    """Accuracy on the training rows (unaugmented, evaluation mode) less that on the test rows, in points."""
    return 100 * (record.final["train"].accuracy - record.final["test"].accuracy)


def validation_gap(record: Record) -> float:
    """Accuracy on the training rows (unaugmented, evaluation mode) less that on the validation rows, in points."""
    return 100 * (record.final["train"].accuracy - record.final["validation"].accuracy)


def interaction_rank(record: Record) -> float:
    """The mean participation ratio of the interaction matrices, in eigenvectors: see :class:`pnn.WatchInteractions`.

    Raises:
        KeyError: the Record has no such readings.
    """
    ranks = (record.readings or {})["interactions.rank"]
    return sum(ranks) / len(ranks)


def final_loss(record: Record) -> float:
    """Cross-entropy on the test rows after the last epoch, in nats."""
    return record.final["test"].loss


def area_under_curve(record: Record) -> float:
    """Mean validation accuracy over the training, in percent.

    The trapezoidal rule from the end of the first epoch to the end of the last, divided by the epochs between: first
    and last epoch count half. Of a single epoch it is the accuracy itself.
    """
    curve = record.curves["validation_accuracy"]
    if len(curve) == 1:
        return 100 * curve[0]
    return 100 * (sum(curve) - (curve[0] + curve[-1]) / 2) / (len(curve) - 1)


def epochs_to(threshold: float) -> Callable[[Record], float]:
    """The measure: epochs until the validation accuracy first reaches a threshold, in percent.

    Linear between the ends of epochs; 1 if the first epoch reaches it. A run that never does is censored: the value is
    infinite, and :func:`pnn.compare_records` counts the pair as lost. With pairs lost that way the comparison is one
    of the seeds that arrived on both arms, and the count belongs beside it.

    Raises:
        ValueError: the threshold is not above 0 and at most 100.
    """
    if not 0 < threshold <= 100:
        raise ValueError(f"the threshold is an accuracy in percent, above 0 and at most 100, got {threshold!r}")
    level = threshold / 100  # The accuracy is not multiplied by 100, as 100 * 0.57 is less than 57.

    def epochs(record: Record) -> float:
        curve = record.curves["validation_accuracy"]
        for i, reached in enumerate(curve):
            if reached >= level:
                return 1.0 if i == 0 else i + (level - curve[i - 1]) / (reached - curve[i - 1])
        return math.inf

    return epochs
