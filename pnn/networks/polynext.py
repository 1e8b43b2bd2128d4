"""An activation-free network of deep products."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from ..nn import PolyNeXtBlock
from ..nn import activation as activations
from ..system.choice import added, check_at_least, check_types
from ..tasks.data import Form
from .cnn import GlobalAverage


@dataclass(frozen=True)
class PolyNeXt:
    """The choice of a :class:`PolyNeXtModule`. The neuron is fixed, but is in every network's JSON."""

    neuron: Literal["bilinear"]
    width: int  # channels of the first stage
    # Behind each product; without one it is a polynomial.
    activation: activations.Identity | activations.ReLU | activations.GELU = activations.IDENTITY
    depth: int = added(4)  # blocks of the first stage
    merge: Literal["product", "sum"] = added("product")  # A sum in the place of each product is the control.
    name: ClassVar[str] = "polynext"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "width", "depth")

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for images."""
        return len(form.shape) == 3

    def build(self, form: Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's global generator."""
        own: dict[str, Any] = {"depth": self.depth, "activation": self.activation, "merge": self.merge}
        return PolyNeXtModule(form.shape[0], form.outputs, self.width, **own)


class PolyNeXtModule(nn.Sequential):
    r"""An activation-free network of :class:`pnn.PolyNeXtBlock`, a polynomial of its input at inference.

    Convolution 3x3; three stages of ``width``, ``2 * width`` and ``4 * width`` channels and of ``depth``,
    ``2 * depth`` and ``2 * depth`` blocks, joined by [BatchNorm, convolution 2x2 of stride 2]; BatchNorm, global
    average, linear. There is neither activation nor max-pooling nor a normalisation by the row's own statistics. The
    branches of the ``l``-th block start scaled by :math:`1 / (l + 9)`: at inference, where BatchNorm does not adapt to
    the rows, only small scales hold so many products in a row back.

    - **Degree** :math:`4^{5 \cdot \mathrm{depth}}`, **multiplicative depth** :math:`10 \cdot \mathrm{depth}`; with
      sums it is affine, with an activation no polynomial.

    Args:
        in_channels: channels of the image.
        num_classes: size of the output.
        width: channels of the first stage.
        depth: blocks of the first stage.
        activation: a choice such as ``pnn.ReLU()``, behind each product.
        merge: ``"product"``, or ``"sum"`` in the place of each product.

    Shape:
        ``(N, in_channels, H, W)`` to ``(N, num_classes)``, H and W divisible by 4.

    Source: this book's, after :cite:t:`polynext2026`.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int,
        *,
        depth: int = 4,
        activation: activations.Activation = activations.IDENTITY,
        merge: str = "product",
    ) -> None:
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 3, padding=1)]
        channels, number = width, 0
        for out_channels, blocks in ((width, depth), (2 * width, 2 * depth), (4 * width, 2 * depth)):
            if out_channels != channels:
                layers += [nn.BatchNorm2d(channels), nn.Conv2d(channels, out_channels, 2, 2)]
            for _ in range(blocks):
                number += 1
                own: dict[str, Any] = {"activation": partial(activation.build, out_channels), "merge": merge}
                layers.append(PolyNeXtBlock(out_channels, scale=1 / (number + 9), **own))
            channels = out_channels
        super().__init__(*layers, nn.BatchNorm2d(channels), GlobalAverage(), nn.Linear(channels, num_classes))
