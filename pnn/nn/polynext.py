"""An activation-free residual block in the manner of PolyNeXt: a polynomial of its input at inference."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .drop_in import reset_inside


class _Scaled(nn.Module):
    """Multiply each channel by the sigmoid of a learnt number, which starts as `scale`."""

    def __init__(self, channels: int, scale: float, device=None, dtype=None) -> None:
        super().__init__()
        self.scale = scale
        self.logit = nn.Parameter(torch.empty(channels, 1, 1, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.logit, math.log(self.scale / (1 - self.scale)))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.logit.sigmoid()


MERGES = ("product", "sum")


class PolyNeXtBlock(nn.Module):
    r"""Two residual branches, each a product of two maps: depthwise convolutions, then 1x1 convolutions.

    .. math::

        x &\leftarrow x + \sigma(s) \odot P\, N_2\big[(D * N_1 x) \odot (E * N_1 x)\big] \\
        x &\leftarrow x + \sigma(t) \odot V\, N_4\big[(H N_3 x) \odot (L N_3 x)\big]

    with depthwise convolutions :math:`D` and, dilated, :math:`E`; 1x1 convolutions :math:`P`, :math:`H`, :math:`L` to
    ``expansion * channels`` and :math:`V` back; BatchNorms :math:`N_i`; and learnt numbers :math:`s`, :math:`t`, one a
    channel. :math:`\sigma(s)` does not depend on the input, and BatchNorm at inference is affine: the block is a
    polynomial then, which :func:`pnn.audit` certifies.

    Two changes undo what is special about it, for comparison: an activation behind each product, in front of the
    BatchNorm that follows, and a sum in the place of each product.

    - **Degree** 4 in the input, **multiplicative depth** 2; with sums 1 and 0; with an activation that is no polynomial
      neither is the block.
    - **Parameters** for ``c`` channels, kernel ``k`` and expansion ``e``:
      :math:`c^2 (1 + 3 e) + c (2 k^2 + 4 e + 12)`, biases, BatchNorm and scales included.
    - **Multiply-accumulates** a pixel: :math:`c^2 (1 + 3 e) + 2 k^2 c`, and :math:`(1 + e) c` products.
    - **Initialisation** each map as torch does; the scales as given.

    Args:
        channels: of the input and of the output.
        kernel_size: of the depthwise convolutions, odd.
        dilation: of the second one.
        expansion: channels of the second product over those of the input, a whole number.
        scale: what both branches are multiplied by at the start, between 0 and 1; deep blocks want a small one.
        activation: what makes the module behind each product when called without arguments, such as the class
            ``torch.nn.ReLU``; it has no parameters.
        merge: ``"product"``, or ``"sum"``.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(N, channels, H, W)`` to the same.

    Raises:
        ValueError: an even kernel, a scale that is not between 0 and 1, an unknown way to merge.

    When not to use it:
        Where the network need not be a polynomial, or an image can be far from those of the training: its logits can
        overflow at inference. Trained on mixed images it may need :class:`pnn.BoundaryLoss`, or a low
        learning rate. See :doc:`the showcase </notebooks/analysis/showcase>`.

    Source: the ideas are those of :cite:t:`polynext2026`; the arrangement, and BatchNorm throughout, are this book's.

    Example:
        >>> block = pnn.PolyNeXtBlock(64, scale=0.5)
        >>> block(torch.randn(8, 64, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        dilation: int = 2,
        expansion: int = 2,
        *,
        scale: float = 0.5,
        activation: Callable[[], nn.Module] = nn.Identity,
        merge: str = "product",
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, so that the size of the image stays; got {kernel_size}")
        if not 0 < scale < 1:
            raise ValueError(f"scale must be between 0 and 1, both excluded; got {scale}")
        if merge not in MERGES:
            raise ValueError(f"merge must be one of {', '.join(map(repr, MERGES))}, got {merge!r}")
        self.channels, self.kernel_size, self.dilation = channels, kernel_size, dilation
        self.expansion, self.scale, self.merge = expansion, scale, merge
        own: dict[str, Any] = {"device": device, "dtype": dtype}
        hidden, margin = expansion * channels, kernel_size // 2
        depthwise = {"groups": channels, **own}
        self.norm1 = nn.BatchNorm2d(channels, **own)
        self.near = nn.Conv2d(channels, channels, kernel_size, padding=margin, **depthwise)
        self.far = nn.Conv2d(channels, channels, kernel_size, padding=margin * dilation, dilation=dilation, **depthwise)
        self.norm2 = nn.BatchNorm2d(channels, **own)
        self.mix = nn.Conv2d(channels, channels, 1, **own)
        self.scale1 = _Scaled(channels, scale, **own)
        self.norm3 = nn.BatchNorm2d(channels, **own)
        self.maps = nn.Conv2d(channels, 2 * hidden, 1, **own)
        self.norm4 = nn.BatchNorm2d(hidden, **own)
        self.back = nn.Conv2d(hidden, channels, 1, **own)
        self.scale2 = _Scaled(channels, scale, **own)
        self.activation = activation()

    def reset_parameters(self) -> None:
        """Draw the weights again, and set scales and BatchNorms to their start."""
        for module in self.children():
            reset_inside(module)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.scale1(self.mix(self.norm2(self._merged(self.near(y), self.far(y)))))
        high, low = self.maps(self.norm3(x)).chunk(2, 1)
        return x + self.scale2(self.back(self.norm4(self._merged(high, low))))

    def _merged(self, a: Tensor, b: Tensor) -> Tensor:
        return self.activation(a + b if self.merge == "sum" else a * b)

    def extra_repr(self) -> str:
        text = f"{self.channels}, kernel_size={self.kernel_size}, dilation={self.dilation}"
        text = f"{text}, expansion={self.expansion}, scale={self.scale}"
        return text if self.merge == "product" else f"{text}, merge={self.merge!r}"
