"""Product units, y = prod_i x_i ** w_i with learnt exponents, as drop-ins for torch's linear and convolution layers."""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .drop_in import DropIn
from .fused import settings_of


class _Product(DropIn):
    """One map (``maps``) takes the inputs' logarithms and their signs; exp, cos and the bias follow."""

    maps: nn.Linear | nn.Conv2d
    _dims: ClassVar[int]  # One channel of one sample has so many dimensions.
    _biased: ClassVar[tuple[str, str]]  # In torch's words: without a bias, and with it.

    def _finish(self, outputs: int, bias: bool, eps: float | None) -> None:
        weight = self.maps.weight
        tiny = torch.finfo(weight.dtype).tiny
        if eps is not None and not tiny <= eps < math.inf:
            raise ValueError(f"eps must be None or finite and at least {tiny} ({weight.dtype}), got {eps}")
        self.eps = eps
        self.bias = nn.Parameter(torch.empty(outputs, device=weight.device, dtype=weight.dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the exponents again, uniform within 1 / (2 sqrt(fan_in)); the bias becomes zero."""
        bound = 0.5 / math.sqrt(max(1, self.maps.weight.shape[1:].numel()))
        nn.init.uniform_(self.maps.weight, -bound, bound)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Take the logarithm of |x|, and mark with 1 where x is negative."""
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        return x.abs().clamp(min=eps).log(), (x < 0).to(x.dtype)

    def _product(self, logs: Tensor, negatives: Tensor) -> Tensor:
        y = logs.exp() * (math.pi * negatives).cos()
        return y if self.bias is None else y + self.bias.view(-1, *[1] * self._dims)

    def extra_repr(self) -> str:
        text = self.maps.extra_repr()  # The map has no bias, so torch says that there is none.
        if self.bias is not None:
            text = text.replace(*self._biased)
        return text if self.eps is None else f"{text}, eps={self.eps}"


class ProductUnit(_Product):
    r"""Product units, a drop-in for :class:`torch.nn.Linear`.

    .. math::

        y_j = \prod_i x_i^{w_{ji}} + b_j \quad\text{as}\quad \exp\Bigl(\sum_i w_{ji} \log \max(|x_i|, \varepsilon)\Bigr)
        \cos\Bigl(\pi \sum_i w_{ji} [x_i < 0]\Bigr) + b_j

    The exponents are the weights. A negative number to a real power is complex; the cosine makes the product the real
    part of it, exact where the exponents are whole. Both sums are one linear map of twice the rows (``maps``).

    - **Degree** :math:`\sum_i w_{ji}` where the exponents are whole and not negative; otherwise the unit is not a
      polynomial. Its exp, log and cos are not sums and products, so it has no **multiplicative depth**.
    - **Parameters** :math:`(\mathrm{in} + 1) \cdot \mathrm{out}`; the 1 is the bias.
    - **Multiply-accumulates** a row: :math:`2 \cdot \mathrm{in} \cdot \mathrm{out}`, with a logarithm an input, and an
      exponential, a cosine and a product an output.
    - **Initialisation** exponents uniform within :math:`1 / (2 \sqrt{\mathrm{in}})`, half of the bound of
      :class:`torch.nn.Linear`, bias zero. From standard normal inputs the outputs then have mean 0.87, standard
      deviation about 0.4 at any width, and about 2 % are negative; with the whole bound a fifth would be, with standard
      deviations from 1.1 to 1.7. Much smaller exponents hold the cosine at its top, where it has no slope.

    **At zero.** :math:`|x_i| < \varepsilon` counts as :math:`\varepsilon`: a zero to the power :math:`w` is
    :math:`\varepsilon^w`, a number for negative :math:`w` too, and the gradient with respect to :math:`x_i` is zero.
    From :math:`\varepsilon` on that gradient is :math:`w_{ji} (y_j - b_j) / x_i`. A zero is far away in logarithms
    (:math:`\log \varepsilon = -15.9` in float32): behind a ReLU the outputs spread over many orders of magnitude.

    **Overflow.** The sum of logarithms is not bounded: beyond the logarithm of the type's largest number (88.7 in
    float32) the output is infinite, and gradients are infinite or NaN.

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        bias: whether :math:`b` is added, after the product; in the source a summing unit follows.
        device: device of the parameters.
        dtype: type of the parameters.
        eps: :math:`\varepsilon`, the least :math:`|x_i|`. By default the machine epsilon of the input's type, so that
            what it changes in a product of numbers near 1 is what rounding changes.

    Shape:
        ``(*, in_features)`` to ``(*, out_features)``; ``*`` is any number of dimensions, none included.

    Raises:
        ValueError: ``eps`` is not a finite positive number of the type.

    When not to use it:
        On inputs near 0, whose logarithms it takes, and where time counts. See :doc:`Which product?
        </notebooks/ablations/neurons>`.

    Source: :cite:t:`durbin1989`.

    Example:
        >>> layer = pnn.ProductUnit(2, 1, bias=False)
        >>> _ = layer.load_state_dict({"maps.weight": torch.tensor([[1.0, -1.0]])})
        >>> round(layer(torch.tensor([-6.0, 2.0])).item(), 4)
        -3.0
    """

    _dims = 0
    _biased = ("bias=False", "bias=True")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device=None,
        dtype=None,
        *,
        eps: float | None = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.maps = nn.Linear(in_features, out_features, False, device, dtype)
        self._finish(out_features, bias, eps)

    def forward(self, x: Tensor) -> Tensor:
        return self._product(*self.maps(torch.stack(self._parts(x))).unbind())


class ProductConv2d(_Product):
    r"""Product units over the patches of an image, a drop-in for :class:`torch.nn.Conv2d`.

    .. math::

        y = \exp\bigl(W * \log \max(|x|, \varepsilon)\bigr) \odot \cos\bigl(\pi \, W * [x < 0]\bigr) + b

    where :math:`*` is torch's cross-correlation: an output is the product of its patch's numbers to the power of their
    weights. Both convolutions are one, of twice the batch (``maps``). Zero padding pads the logarithms and the signs,
    so a padded place counts as 1, the neutral factor, and not as 0.

    - **Degree**, **multiplicative depth**, values at zero and overflow as in :class:`ProductUnit`.
    - **Parameters** :math:`\mathrm{out} \cdot (\mathrm{in} / \mathrm{groups} \cdot k_h k_w + 1)`; the 1 is the bias.
    - **Multiply-accumulates** :math:`2 \cdot \mathrm{out} \cdot \mathrm{in} / \mathrm{groups} \cdot k_h k_w` an output
      pixel, with a logarithm an input, and an exponential, a cosine and a product an output.
    - **Initialisation** exponents uniform within :math:`1 / (2 \sqrt{\mathrm{in} / \mathrm{groups} \cdot k_h k_w})`,
      bias zero.

    Args, shapes and errors are those of :class:`torch.nn.Conv2d`; ``bias`` and ``eps`` are as in :class:`ProductUnit`.

    When not to use it:
        Where :class:`ProductUnit` is not; see :doc:`Which product? </notebooks/ablations/neurons>`.

    Source: :cite:t:`durbin1989`, for a unit of a whole vector; here it is that of a patch.

    Example:
        >>> layer = pnn.ProductConv2d(3, 32, kernel_size=3, padding=1)
        >>> layer(torch.randn(8, 3, 32, 32)).shape
        torch.Size([8, 32, 32, 32])
    """

    _dims = 2
    _biased = (", bias=False", "")

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device=None,
        dtype=None,
        *,
        eps: float | None = None,
    ) -> None:
        super().__init__()
        rest: dict[str, Any] = {"bias": False, "padding_mode": padding_mode, "device": device, "dtype": dtype}
        self.maps = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, **rest)
        vars(self).update(settings_of(self.maps))
        self._finish(out_channels, bias, eps)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 3:  # The batch dimension is missing.
            return self.forward(x.unsqueeze(0)).squeeze(0)
        both = self.maps(torch.cat(self._parts(x)))
        return self._product(*both.unflatten(0, (2, -1)).unbind())  # An exported chunk would keep the size of a batch.
