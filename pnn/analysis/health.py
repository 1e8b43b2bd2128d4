"""Health of a trained network: statistics that are not finite or dead, and how large its logits are."""

from dataclasses import dataclass

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@dataclass(frozen=True)
class Health:
    """What may be wrong with a network although its loss is finite."""

    nonfinite: int  # entries of buffers, such as running statistics, that are infinite or no number
    dead: int  # channels of batch normalisations whose running variance is 0
    train_logit: float  # the largest absolute logit on training rows, unaugmented, in evaluation mode
    test_logit: float  # the same on test rows


def health_of(model: nn.Module, train_logit: float, test_logit: float) -> Health:
    """The health of a network whose logits have been seen.

    Args:
        model: the network that was evaluated.
        train_logit: its largest absolute logit on training rows.
        test_logit: its largest absolute logit on test rows.
    """
    buffers = [buffer for buffer in model.buffers() if buffer.is_floating_point() or buffer.is_complex()]
    normalisations = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    variances = [module.running_var for module in normalisations if module.running_var is not None]
    return Health(
        nonfinite=sum(int((~buffer.isfinite()).sum()) for buffer in buffers),
        dead=sum(int((variance == 0).sum()) for variance in variances),
        train_logit=train_logit,
        test_logit=test_logit,
    )
