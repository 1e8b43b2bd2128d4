"""The relaxed PolyNeuron is held near the splines that stay lines far from their points."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..nn import PolyNeuronR
from ..system.choice import RunError, check_at_least, check_types
from .method import MethodBase, Run


@dataclass(frozen=True)
class SplineConstraints(MethodBase):
    r"""Two penalties on the weights of :class:`pnn.PolyNeuronR`, which are zero for a spline through points.

    .. math::

        \lambda_\mathrm{prod} \, \frac{1}{A} \sum_{a=1}^{A} \Bigl| \sum_i w_{a,i} c_{a,i} \Bigr|
        + \lambda_\mathrm{sum} \, \frac{1}{A} \sum_{a=1}^{A} \Bigl| \sum_i w_{a,i} \Bigr|

    over all A activations of a network, one a layer or one a channel. The defaults are the source's. Source:
    :cite:t:`hryniowski2019`.
    """

    lambda_prod: float = 0.0
    lambda_sum: float = 1e-2
    name: ClassVar[str] = "spline-constraints"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, "lambda_prod", "lambda_sum")

    def check(self, run: Run) -> None:
        """It is for networks of the relaxed PolyNeuron; see :meth:`~pnn.methods.method.MethodBase.check`."""
        activation = getattr(run.network, "activation", None)
        name = getattr(activation, "name", activation)
        if name != "polyneuron-r":
            raise RunError(
                f'the method "spline-constraints" is for networks of the activation "polyneuron-r", got {name!r}'
            )

    def penalty(self, model: nn.Module) -> Tensor | None:
        """See :meth:`~pnn.methods.method.MethodBase.penalty`."""
        found = [module.constraints() for module in model.modules() if isinstance(module, PolyNeuronR)]
        if not found:
            return None
        products, sums = (torch.cat(values).abs().mean() for values in zip(*found, strict=True))
        return self.lambda_prod * products + self.lambda_sum * sums
