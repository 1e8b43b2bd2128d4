"""One choice of every kind, made outside of pnn as anybody would; `extend` names each in its union."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from pnn import methods, networks, tasks
from pnn.methods import MethodBase
from pnn.nn import activation as activations
from pnn.tasks import TaskBase
from pnn.tasks.data import Data, Form, Split, carve


class _Squared(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * x


@dataclass(frozen=True)
class Squared:
    name: ClassVar[str] = "squared"

    def build(self, channels: int) -> nn.Module:
        return _Squared()


@dataclass(frozen=True)
class OneLayer:
    features: int = 8
    activation: "activations.Activation" = Squared()
    name: ClassVar[str] = "one-layer"

    def fits(self, form: Form) -> bool:
        return len(form.shape) == 1

    def build(self, form: Form, vectors: torch.Tensor | None = None) -> nn.Module:
        middle = self.activation.build(self.features)
        return nn.Sequential(nn.Linear(form.shape[0], self.features), middle, nn.Linear(self.features, form.outputs))


@dataclass(frozen=True)
class Held(MethodBase):
    """A penalty on the weights; the first layer's start is halved, and its gradients are."""

    strength: float = 0.01
    name: ClassVar[str] = "held"

    def start(self, model: nn.Module, learnt: list[nn.Module]) -> None:
        with torch.no_grad():
            model[0].weight.mul_(0.5)

    def penalty(self, model: nn.Module) -> torch.Tensor:
        return self.strength * model[0].weight.square().sum()

    def after_backward(self, model: nn.Module) -> None:
        model[0].weight.grad.mul_(0.5)


@dataclass(frozen=True)
class Noted(MethodBase):
    """Keeps the first bias epoch by epoch, and at the end two numbers of the training rows."""

    name: ClassVar[str] = "noted"

    def after_epoch(self, model: nn.Module) -> dict[str, torch.Tensor]:
        return {"bias": model[0].bias}

    def at_end(self, model: nn.Module, rows: Callable[[int], torch.Tensor]) -> dict[str, torch.Tensor]:
        x = rows(100)
        return {"rows": torch.tensor([len(x), model.training, x.mean()])}


@dataclass(frozen=True)
class Ring(TaskBase):
    """Is a point of the plane outside of a circle?"""

    validation: int = 100
    form: ClassVar[Form] = Form((2,), 2)
    name: ClassVar[str] = "ring"

    def load(self, folder: object = None, device: str = "cpu") -> Data:
        x = torch.randn(800, 2, generator=torch.Generator().manual_seed(0))
        y = (x.square().sum(1) > 1.4).long()
        made = {"form": self.form, "validation": self.validation, "origin": "made", "fingerprint": "0" * 64}
        return carve(Split(x[:600], y[:600]), Split(x[600:], y[600:]), **made).to(device)


def extend(setattr=setattr) -> None:
    """Name every toy in its union, as a file of pnn would."""
    setattr(activations, "Activation", activations.Activation | Squared)
    setattr(networks, "Network", networks.Network | OneLayer)
    setattr(methods, "Method", methods.Method | Held | Noted)
    setattr(tasks, "Task", tasks.Task | Ring)
