"""ConvNeXt for images of 32 x 32, generic over neuron, activation and width."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from ..nn import activation as activations
from ..system.choice import added, check_at_least, check_types
from ..tasks.data import Form
from .cnn import GlobalAverage
from .neurons import NEURONS, NeuronName, check_activation, check_names

GELU = activations.GELU()
Start = Literal["published", "torch"]


@dataclass(frozen=True)
class ConvNeXt:
    """The choice of a :class:`ConvNeXtModule`."""

    neuron: NeuronName
    width: int  # channels of the first stage
    activation: "activations.Activation" = GELU
    depth: int = 2  # blocks of the first stage
    start: Start = added("published")
    name: ClassVar[str] = "convnext"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "width", "depth")

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for images of at least 8 x 8."""
        return len(form.shape) == 3 and min(form.shape[1:]) >= 8

    def build(self, form: Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's global generator."""
        channels, start = form.shape[0], self.start
        return ConvNeXtModule(
            channels, form.outputs, self.width, self.neuron, self.activation, depth=self.depth, start=start
        )


class ConvNeXtModule(nn.Sequential):
    r"""The first three stages of a ConvNeXt, with a stem that keeps small images large enough for them.

    [Convolution 2x2 of stride 2, LayerNorm]; three stages of ``width``, ``2 * width`` and ``4 * width`` channels and of
    ``depth``, ``depth`` and ``3 * depth`` blocks, joined by [LayerNorm, convolution 2x2 of stride 2]; global average,
    LayerNorm, linear. A block is

    .. math:: x \leftarrow x + \gamma \odot V \, \sigma\bigl(U \, N (D * x)\bigr)

    with a depthwise convolution :math:`D` of 7x7, a LayerNorm :math:`N` over the channels, 1x1 convolutions :math:`U`
    to ``4 * channels`` and :math:`V` back, and learnt numbers :math:`\gamma`, one a channel. The
    neuron is that of :math:`U` and :math:`V`. Channels are dimension 1 everywhere, so that an activation finds them.

    As published, weights start normal with deviation 0.02, cut off at two deviations, biases as 0, and :math:`\gamma`
    as 1e-6. There is no stochastic depth.

    When not to use it:
        With the published start, in a short training of few channels: an activation sees inputs of a deviation of
        0.02 times the root of the channels, where every smooth one is a line, and :math:`\gamma` has to grow from
        1e-6 before a block does anything. ``start="torch"`` leaves the layers to their own start, and :math:`\gamma`
        starts as 1.

    Args:
        in_channels: channels of the image.
        num_classes: size of the output.
        width: channels of the first stage; 96 in the source's smallest network.
        neuron: a name in ``pnn.networks.neurons.NEURONS``.
        activation: a choice such as ``pnn.GELU()``.
        depth: blocks of the first stage; 3 in the source's smallest network.
        start: ``"published"`` or ``"torch"``.

    Shape:
        ``(N, in_channels, H, W)`` to ``(N, num_classes)``, H and W at least 8.

    Source: :cite:t:`liu2022`, whose stem has stride 4, and which has a fourth stage.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int,
        neuron: str = "standard",
        activation: activations.Activation = GELU,
        *,
        depth: int = 2,
        start: str = "published",
    ) -> None:
        check_names(neuron=neuron)
        check_activation(activation)
        if start not in get_args(Start):
            raise ValueError(f"start must be one of {', '.join(map(repr, get_args(Start)))}, got {start!r}")
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 2, 2), ChannelNorm(width)]
        channels, scale = width, 1e-6 if start == "published" else 1.0
        for out_channels, blocks in ((width, depth), (2 * width, depth), (4 * width, 3 * depth)):
            if out_channels != channels:
                layers += [ChannelNorm(channels), nn.Conv2d(channels, out_channels, 2, 2)]
            layers += [_Block(out_channels, neuron, activation, scale) for _ in range(blocks)]
            channels = out_channels
        super().__init__(*layers, GlobalAverage(), nn.LayerNorm(channels, eps=1e-6), nn.Linear(channels, num_classes))
        if start == "torch":
            return
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over dimension 1, the channels of an image, at every position."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class _Block(nn.Module):
    def __init__(self, channels: int, neuron: str, activation: "activations.Activation", scale: float) -> None:
        super().__init__()
        kind, hidden = NEURONS[neuron], 4 * channels
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = ChannelNorm(channels)
        self.expand = kind.conv2d(channels, hidden, 1, bias=True, **kind.options)
        self.activation = activation.build(hidden)
        self.reduce = kind.conv2d(hidden, channels, 1, bias=True, **kind.options)
        self.scale = nn.Parameter(torch.full((channels, 1, 1), scale))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.reduce(self.activation(self.expand(self.norm(self.depthwise(x)))))
