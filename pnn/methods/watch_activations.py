"""The parameters of learned activations are kept epoch by epoch, for a figure of how they move."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..nn.learned import LearnedActivation
from ..system.choice import RunError, check_at_least, check_types
from .method import MethodBase


@dataclass(frozen=True)
class WatchActivations(MethodBase):
    """Keep the parameters of learned activations, at the start and after every epoch; nothing else is changed.

    ``Record.readings`` has them by ``<module>.<parameter>``, such as ``"1.c_x"``: a list with one array an epoch, the
    start first. Where channels have their own parameters, some channels are kept, evenly spread.
    """

    channels: int = 8  # of an activation with parameters for each channel, at most so many are kept
    name: ClassVar[str] = "watch-activations"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "channels")

    def start(self, model: nn.Module, learnt: list[nn.Module]) -> None:
        """There must be learned activations; see :meth:`~pnn.methods.method.MethodBase.start`."""
        if not any(isinstance(module, LearnedActivation) for module in model.modules()):
            raise RunError('the method "watch-activations" is for networks with learned activations; there are none')

    def after_epoch(self, model: nn.Module) -> dict[str, Tensor]:
        """See :meth:`~pnn.methods.method.MethodBase.after_epoch`."""
        return {
            f"{where}.{name}": self._kept(parameter)
            for where, module in model.named_modules()
            if isinstance(module, LearnedActivation)
            for name, parameter in module.named_parameters()
        }

    def _kept(self, parameter: Tensor) -> Tensor:
        number = parameter.shape[-1]
        if number <= self.channels:
            return parameter
        return parameter[..., torch.arange(self.channels, device=parameter.device) * number // self.channels]
