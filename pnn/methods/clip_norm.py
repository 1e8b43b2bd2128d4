"""How long a step may be: gradients are scaled down to a norm."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..nn import HermiteBatchNorm
from ..system.choice import RunError, check_types
from .method import MethodBase


@dataclass(frozen=True)
class ClipNorm(MethodBase):
    r"""Gradients are multiplied by :math:`\min(1, c / \lVert g \rVert)`.

    :math:`g` are the gradients of all parameters together; or, if ``selective``, of all but those of batch
    normalisations, which are then left as they are.

    Source: :cite:t:`alhossain2025`, selective with :math:`c = 1`.
    """

    limit: float = 1.0  # c
    selective: bool = False
    name: ClassVar[str] = "clip-norm"

    def __post_init__(self) -> None:
        check_types(self)
        if self.limit <= 0:
            raise RunError(f"ClipNorm.limit must be positive, got {self.limit!r}")

    def after_backward(self, model: nn.Module) -> dict[str, Tensor]:
        """Clip; report the norm before and whether it was above.

        See :meth:`~pnn.methods.method.MethodBase.after_backward`.
        """
        norm = nn.utils.clip_grad_norm_(self.clipped(model), self.limit)
        return {"gradient_norm": norm, "clip_rate": (norm > self.limit).to(norm.dtype)}

    def clipped(self, model: nn.Module) -> list[nn.Parameter]:
        """The parameters whose gradients are clipped."""
        left_out: set[nn.Parameter] = set()
        if self.selective:
            for module in model.modules():
                if isinstance(module, _BatchNorm | HermiteBatchNorm):
                    left_out |= set(module.parameters())
        return [parameter for parameter in model.parameters() if parameter not in left_out]
