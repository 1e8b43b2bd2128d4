"""The residual network of small images, generic over neuron, activation and width."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from ..nn import activation as activations
from ..system.choice import RunError, added, check_at_least, check_types
from ..tasks.data import Form
from .cnn import GlobalAverage
from .neurons import NeuronName, Order, check_activation, check_names, conv2d, ordered


@dataclass(frozen=True)
class ResNet:
    """The choice of a :class:`ResNetModule`."""

    neuron: NeuronName
    width: int  # channels of the first stage
    activation: "activations.Activation" = activations.RELU
    depth: int = added(20)  # layers: 8, 14, 20, ...; with four stages 10, 18, 26, ...
    order: Order = added("norm-activation")
    stages: int = added(3)
    stem_stride: int = added(1)  # of the first convolution, for images of many pixels
    name: ClassVar[str] = "resnet"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "width", "stages", "stem_stride")
        if message := _wrong_depth(self.depth, self.stages):
            raise RunError(f"ResNet.{message}")

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for images."""
        return len(form.shape) == 3

    def build(self, form: Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's global generator."""
        own: dict[str, Any] = {"depth": self.depth, "order": self.order, "stages": self.stages}
        own["stem_stride"] = self.stem_stride
        return ResNetModule(form.shape[0], form.outputs, self.width, self.neuron, self.activation, **own)


def _wrong_depth(depth: int, stages: int) -> str:
    """What is wrong with a number of layers; empty if nothing is. A stage has n blocks of two layers."""
    step = 2 * stages
    if depth > 2 and depth % step == 2 % step:
        return ""
    allowed = f"{step + 2}, {2 * step + 2}, {3 * step + 2}, ... ({step} n + 2)"
    return f"depth must be {allowed} with {stages} stages, got {depth}"


class ResNetModule(nn.Sequential):
    r"""The residual network of ``6 n + 2`` layers for small images.

    [Convolution 3x3, BatchNorm, activation]; three stages of ``n`` residual blocks, of ``width``, ``2 * width`` and
    ``4 * width`` channels, the later two starting with stride 2; global average; linear. A block is [convolution,
    BatchNorm, activation, convolution, BatchNorm] plus its input, then an activation. Where the shape changes, the
    input passes a plain 1x1 convolution of stride 2 and a BatchNorm. With four stages, the last of ``8 * width``, the
    depth is ``8 n + 2``: 18 layers of width 64 are ResNet-18 for small images.

    In the order ``"activation-norm"`` an activation comes before its BatchNorm, and the input is added before the
    second activation: [convolution, activation, BatchNorm, convolution] plus its input, then activation and BatchNorm.
    With polynomial activations the network is then a polynomial whose every BatchNorm can be folded into the maps that
    follow it.

    With a ``stem_stride`` of :math:`s` the first convolution has that stride and a kernel of :math:`2 s + 1`, which
    overlaps its neighbours as one of 3 does at stride 1.

    Args:
        in_channels: channels of the image.
        num_classes: size of the output.
        width: channels of the first stage; 16 in the source.
        neuron: a name in ``pnn.networks.neurons.NEURONS``, for all 3x3 convolutions.
        activation: a choice such as ``pnn.ReLU()``.
        depth: 8, 14, 20, ...: ``6 n + 2``.
        order: ``"norm-activation"`` or ``"activation-norm"``.
        stages: how many; each has twice the channels of the one before.
        stem_stride: of the first convolution; 1 in the source.

    Shape:
        ``(N, in_channels, H, W)`` to ``(N, num_classes)``.

    Raises:
        ValueError: another depth.

    Source: :cite:t:`he2016`, with projections where it pads by zeros; with quadratic neurons, that of
    :cite:t:`fan2023`; of 18 layers with the activation before BatchNorm, that of :cite:t:`alhossain2025`.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int,
        neuron: str = "standard",
        activation: activations.Activation = activations.RELU,
        *,
        depth: int = 20,
        order: str = "norm-activation",
        stages: int = 3,
        stem_stride: int = 1,
    ) -> None:
        check_names(neuron=neuron, order=order)
        check_activation(activation)
        if message := _wrong_depth(depth, stages):
            raise ValueError(message)
        layers: list[nn.Module] = [
            conv2d(neuron, in_channels, width, 2 * stem_stride + 1, stride=stem_stride, padding=stem_stride),
            *ordered(order, nn.BatchNorm2d(width), activation.build(width)),
        ]
        channels = width
        for stage in range(stages):
            out_channels = 2**stage * width
            for _ in range((depth - 2) // (2 * stages)):
                layers.append(_Residual(channels, out_channels, neuron, activation, order))
                channels = out_channels
        super().__init__(*layers, GlobalAverage(), nn.Linear(channels, num_classes))


class _Residual(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, neuron: str, activation: "activations.Activation", order: str
    ) -> None:
        super().__init__()
        changes = in_channels != out_channels
        self.branch = nn.Sequential(
            conv2d(neuron, in_channels, out_channels, 3, stride=2 if changes else 1, padding=1),
            *ordered(order, nn.BatchNorm2d(out_channels), activation.build(out_channels)),
            conv2d(neuron, out_channels, out_channels, 3, padding=1),
        )
        if order == "norm-activation":
            self.branch.append(nn.BatchNorm2d(out_channels))
        self.shortcut = nn.Identity()
        if changes:
            # It takes every other pixel, then the map: torch 2.15 crashes on a CPU in the backward pass of a 1x1
            # convolution of stride 2 in channels_last when the number of rows changes.
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(1, 2), nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
            )
        self.activation = activation.build(out_channels)
        self.norm = nn.BatchNorm2d(out_channels) if order == "activation-norm" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.activation(self.shortcut(x) + self.branch(x)))
