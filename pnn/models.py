"""Networks of images and tables, each generic over neuron, activation and width."""

from torch import Tensor, nn

from .neurons import ACTIVATIONS, POOLINGS, check_names, conv2d, linear
from .nn import PolyNeXtBlock


class CNN(nn.Sequential):
    r"""Three blocks of [convolution 3x3, BatchNorm, activation, max-pool 2], global average, linear.

    The blocks have ``width``, ``2 * width`` and ``4 * width`` channels; convolutions have a bias only where a neuron
    needs it (``pnn.neurons``), and the last layer is always a plain linear one. With max-pooling (and with ReLU) this
    is *not* a polynomial of its input.

    - **Parameters** for ``c`` input channels and ``k`` classes, with :math:`m` maps a neuron (1 if standard, 3 if
      polynomial): :math:`m (9 c w + 90 w^2) + 14 w + 4 w k + k`.

    Args:
        in_channels: channels of the image.
        num_classes: size of the output.
        width: channels of the first block.
        neuron: a name in ``pnn.neurons.NEURONS``.
        activation: ``"relu"`` or ``"identity"``.
        pooling: ``"max"`` or ``"average"``.

    Shape:
        ``(N, in_channels, H, W)`` to ``(N, num_classes)``, H and W at least 8.

    Source: :cite:t:`oporture2026`, widths 149 (standard) and 86 (polynomial).
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int,
        neuron: str = "standard",
        activation: str = "relu",
        *,
        pooling: str = "max",
    ) -> None:
        check_names(neuron=neuron, activation=activation, pooling=pooling)
        layers: list[nn.Module] = []
        channels = in_channels
        for out_channels in (width, 2 * width, 4 * width):
            layers += [
                conv2d(neuron, channels, out_channels, 3, padding=1),
                nn.BatchNorm2d(out_channels),
                ACTIVATIONS[activation](),
                POOLINGS[pooling](2),
            ]
            channels = out_channels
        super().__init__(*layers, _GlobalAverage(), nn.Linear(channels, num_classes))


class _GlobalAverage(nn.Module):
    """The mean over positions; unlike torch's adaptive pooling it has a deterministic backward on CUDA."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((-2, -1))


class MLP(nn.Sequential):
    r"""So many times [linear, BatchNorm, activation] of one width, by default three, then linear.

    They have a bias only where a neuron needs it (``pnn.neurons``): BatchNorm would cancel that of a standard neuron.
    The last layer is always a plain linear one, with bias.

    - **Parameters** at depth ``n`` for ``d`` columns and ``k`` outputs, with :math:`m` maps a neuron (1 if standard,
      3 if polynomial): :math:`m (d w + (n - 1) w^2) + 2 n w + w k + k`.

    Args:
        in_features: columns of a row.
        num_classes: size of the output.
        width: features of each layer.
        neuron: a name in ``pnn.neurons.NEURONS``.
        activation: ``"relu"`` or ``"identity"``.
        depth: layers before the last one.

    Shape:
        ``(N, in_features)`` to ``(N, num_classes)``.

    Source: :cite:t:`oporture2026`, widths 200 (standard) and 98 (polynomial), one output.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        width: int,
        neuron: str = "standard",
        activation: str = "relu",
        *,
        depth: int = 3,
    ) -> None:
        check_names(neuron=neuron, activation=activation)
        layers: list[nn.Module] = []
        for features in (in_features, *[width] * (depth - 1)):
            layers += [
                linear(neuron, features, width),
                nn.BatchNorm1d(width),
                ACTIVATIONS[activation](),
            ]
        super().__init__(*layers, nn.Linear(width, num_classes))


class ResNet(nn.Sequential):
    r"""The residual network of ``6 n + 2`` layers for small images.

    [Convolution 3x3, BatchNorm, activation]; three stages of ``n`` residual blocks, of ``width``, ``2 * width`` and
    ``4 * width`` channels, the later two starting with stride 2; global average; linear. A block is [convolution,
    BatchNorm, activation, convolution, BatchNorm] plus its input, then an activation. Where the shape changes, the
    input passes a plain 1x1 convolution of stride 2 and a BatchNorm.

    Args:
        in_channels: channels of the image.
        num_classes: size of the output.
        width: channels of the first stage; 16 in the source.
        neuron: a name in ``pnn.neurons.NEURONS``, for all 3x3 convolutions.
        activation: ``"relu"`` or ``"identity"``.
        depth: 8, 14, 20, ...: ``6 n + 2``.

    Shape:
        ``(N, in_channels, H, W)`` to ``(N, num_classes)``.

    Raises:
        ValueError: another depth.

    Source: :cite:t:`he2016`, with projections where it pads by zeros; with quadratic neurons, that of
    :cite:t:`fan2023`.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int,
        neuron: str = "standard",
        activation: str = "relu",
        *,
        depth: int = 20,
    ) -> None:
        check_names(neuron=neuron, activation=activation)
        if depth < 8 or depth % 6 != 2:
            raise ValueError(f"depth must be 8, 14, 20, ... (6 n + 2), got {depth}")
        layers: list[nn.Module] = [
            conv2d(neuron, in_channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            ACTIVATIONS[activation](),
        ]
        channels = width
        for out_channels in (width, 2 * width, 4 * width):
            for _ in range((depth - 2) // 6):
                layers.append(_Residual(channels, out_channels, neuron, activation))
                channels = out_channels
        super().__init__(*layers, _GlobalAverage(), nn.Linear(channels, num_classes))


class _Residual(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, neuron: str, activation: str) -> None:
        super().__init__()
        changes = in_channels != out_channels
        self.branch = nn.Sequential(
            conv2d(neuron, in_channels, out_channels, 3, stride=2 if changes else 1, padding=1),
            nn.BatchNorm2d(out_channels),
            ACTIVATIONS[activation](),
            conv2d(neuron, out_channels, out_channels, 3, padding=1),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = nn.Identity()
        if changes:
            # every other pixel, then the map: torch 2.15 crashes on a CPU in the backward pass of a 1x1 convolution of
            # stride 2 in channels_last when the number of rows changes
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(1, 2), nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
            )
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.shortcut(x) + self.branch(x))


class PolyNeXt(nn.Sequential):
    r"""An activation-free network of :class:`pnn.PolyNeXtBlock`, a polynomial of its input at inference.

    Convolution 3x3; three stages of ``width``, ``2 * width`` and ``4 * width`` channels and of ``depth``,
    ``2 * depth`` and ``2 * depth`` blocks, joined by [BatchNorm, convolution 2x2 of stride 2]; BatchNorm, global
    average, linear. There is neither activation nor max-pooling nor a normalisation by the row's own statistics. The
    branches of the ``l``-th block start scaled by :math:`1 / (l + 9)`: at inference, where BatchNorm does not adapt to
    the rows, only small scales hold so many products in a row back.

    - **Degree** :math:`4^{5 \cdot \mathrm{depth}}`, **multiplicative depth** :math:`10 \cdot \mathrm{depth}`.

    Args:
        in_channels: channels of the image.
        num_classes: size of the output.
        width: channels of the first stage.
        depth: blocks of the first stage.

    Shape:
        ``(N, in_channels, H, W)`` to ``(N, num_classes)``, H and W divisible by 4.

    Source: this book's, after :cite:t:`polynext2026`.
    """

    def __init__(self, in_channels: int, num_classes: int, width: int, *, depth: int = 4) -> None:
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 3, padding=1)]
        channels, number = width, 0
        for out_channels, blocks in ((width, depth), (2 * width, 2 * depth), (4 * width, 2 * depth)):
            if out_channels != channels:
                layers += [nn.BatchNorm2d(channels), nn.Conv2d(channels, out_channels, 2, 2)]
            for _ in range(blocks):
                number += 1
                layers.append(PolyNeXtBlock(out_channels, scale=1 / (number + 9)))
            channels = out_channels
        super().__init__(*layers, nn.BatchNorm2d(channels), _GlobalAverage(), nn.Linear(channels, num_classes))
