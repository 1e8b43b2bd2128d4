"""Which rows a network's BatchNorms are calibrated on before it is evaluated: plain ones, as it is evaluated on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..system.choice import RunError, check_at_least, check_types
from .method import MethodBase


@dataclass(frozen=True)
class PlainStatistics(MethodBase):
    r"""Before every evaluation, BatchNorm's running statistics become those of training rows as they are.

    .. math::

        \mu_\ell = \operatorname{mean}(x_\ell), \qquad
        s_\ell^2 = \tfrac{1}{n - 1} \sum (x_\ell - \mu_\ell)^2

    over all :math:`n` values of a channel of the layer's input :math:`x_\ell`, which the layers before it make of
    ``rows`` training rows that are neither augmented nor mixed. In training the running statistics are averages over
    batches: where these are augmented or mixed, they are those of other rows than the network is evaluated on.

    All rows pass as one batch, only the BatchNorms in training mode. So each normalises by the statistics of this
    batch, a layer's are taken behind layers that have theirs already, and one pass makes all of them, exactly. The
    training goes on with these, and loses nothing by it: in training a BatchNorm uses its batch and never its running
    statistics. The weights that a training leaves are then those that were evaluated.

    Source: this book's; for averaged weights :func:`torch.optim.swa_utils.update_bn` does it by batches, after
    :cite:t:`izmailov2018`.
    """

    rows: int = 1000
    name: ClassVar[str] = "plain-statistics"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 2, "rows")

    def start(self, model: nn.Module, learnt: list[nn.Module]) -> None:
        """There must be a BatchNorm; see :meth:`~pnn.methods.method.MethodBase.start`."""
        if not _normalisations(model):
            raise RunError('the method "plain-statistics" is for networks with a BatchNorm, and this one has none')

    @torch.no_grad()
    def before_evaluation(self, model: nn.Module, rows: Callable[[int], Tensor]) -> None:
        """See :meth:`~pnn.methods.method.MethodBase.before_evaluation`."""
        normalisations = _normalisations(model)
        before = [module.momentum for module in normalisations]
        for module in normalisations:
            module.reset_running_stats()
            module.momentum = None  # The first batch counts whole.
            module.train()
        try:
            model(rows(self.rows))
        finally:
            for module, momentum in zip(normalisations, before, strict=True):
                module.momentum = momentum
                module.eval()


def _normalisations(model: nn.Module) -> list[_BatchNorm]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]
