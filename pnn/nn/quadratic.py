"""Quadratic neurons, y = (Rx + b)(Gx + g) + B(x * x) + c and its relatives, as drop-ins for torch's layers."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .drop_in import DropIn, reset_inside
from .fused import SETTINGS, fuse
from .plain import is_plain

_MAPS = {"full": "rgb", "compact": "rg", "type2": "b", "type3": "r"}  # Each form has these maps.
_ELSEWHERE = {
    "type1": "is torch.nn.Bilinear, called with (x, x)",
    "type4": "is the form 'compact'",
    "quadralib": "is the equation of PolyLinear, PolyConv1d and PolyConv2d",
}


class _Quadratic(DropIn):
    """The maps of this neuron are torch's own layers (``_layer``), each a child with the name of the map."""

    _layer: ClassVar[Callable[..., nn.Module]]
    _settings: ClassVar[tuple[str, ...]]  # Such a layer keeps these arguments.
    _channels: ClassVar[int]  # The outputs are at this dimension.
    groups: int = 1
    r: Any  # Of these three there are the maps of the form, each a layer of torch's.
    g: Any
    b: Any

    def __init__(self, form: str, arguments: tuple, device, dtype) -> None:
        super().__init__()
        if form in _ELSEWHERE:
            raise ValueError(f"form {form!r} {_ELSEWHERE[form]}")
        if form not in _MAPS:
            raise ValueError(f"form must be one of {', '.join(map(repr, _MAPS))}, got {form!r}")
        self.form = form
        one_map = self._layer(*arguments, device="meta")
        for name in self._settings:
            setattr(self, name, getattr(one_map, name))
        self._representation = f"{one_map.extra_repr()}, form={form!r}"
        for name in _MAPS[form]:
            setattr(self, name, self._layer(*arguments, device=device, dtype=dtype))

    def reset_parameters(self) -> None:
        """Draw the weights again, each of the maps as torch's own layer does."""
        for name in _MAPS[self.form]:
            reset_inside(getattr(self, name))

    def forward(self, x: Tensor) -> Tensor:
        if self.form == "type2":
            return self.b(x * x)
        if self.form == "type3":
            r = self.r(x)
            return r * r
        r, g = self._fused(x) if self._may_fuse() else self._called(x)
        y = r * g if self.form == "compact" else torch.addcmul(self._grouped(self.b(x * x)), r, g)
        return y if self.groups == 1 else y.flatten(self._channels - 1, self._channels)

    def _may_fuse(self) -> bool:
        """Whether R and G are nothing but two maps of the same settings, so that one joined map is both."""
        r, g = self.r, self.g
        return (
            is_plain(r)
            and is_plain(g)
            and (r.bias is None) == (g.bias is None)
            and all(getattr(r, name) == getattr(g, name) for name in self._settings)
        )

    def _called(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """R x + b and G x + g as their layers compute them; with groups, as `_fused` gives them."""
        return self._grouped(self.r(x)), self._grouped(self.g(x))

    def _grouped(self, y: Tensor) -> Tensor:
        """With groups, split the channels into (group, channel)."""
        return y if self.groups == 1 else y.unflatten(self._channels, (self.groups, -1))

    def _fused(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute R x + b and G x + g by one map; with groups, their channels are split into (group, channel)."""
        weights, biases = [self.r.weight, self.g.weight], [self.r.bias, self.g.bias]
        join: Callable[..., Tensor] = torch.cat  # This keeps channels_last.
        if self.groups > 1:
            join = partial(fuse, groups=self.groups)
        y = self._map(x, join(weights), None if biases[0] is None else join(biases))
        if self.groups == 1:
            return y.chunk(2, self._channels)
        return y.unflatten(self._channels, (self.groups, 2, -1)).unbind(self._channels - 1)

    def _map(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Do what the layer of R does, with another weight and bias."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        return self._representation


class QuadraticLinear(_Quadratic):
    r"""Quadratic linear layer, a drop-in for :class:`torch.nn.Linear`.

    .. math:: y = (R x + b) \odot (G x + g) + B (x \odot x) + c

    is the form ``"full"``. The others are

    .. math::

        \text{compact:} \quad & y = (R x + b) \odot (G x + g) \\
        \text{type2:} \quad & y = B (x \odot x) + c \\
        \text{type3:} \quad & y = (R x + b) \odot (R x + b)

    QuadraLib's type 4 is the form ``"compact"``, which :class:`BilinearLinear` computes from one stored map; its type
    1, :math:`y_o = x^\top W_o x`, is :class:`torch.nn.Bilinear` of :math:`(x, x)`; its own neuron,
    :math:`(R x)(G x) + A x`, is :class:`PolyLinear`.

    Each map is a layer of its own (``r``, ``g``, ``b``), so that an optimiser can treat one of them apart, as
    :func:`relinear_groups` does. R and G are still computed by one fused linear map, for which their weights are
    joined in every forward pass; B, whose input is another, is a second one. Where something was done to the layers
    (a hook, a norm, a mask, an adapter in their place, quantisation, sharding), they are called one by one instead.

    - **Degree** 2 in the input, **multiplicative depth** 1.
    - **Parameters** :math:`m (\mathrm{in} + 1) \cdot \mathrm{out}` with :math:`m` maps (full 3, compact 2, type2 and
      type3 1); the 1 is the bias.
    - **Multiply-accumulates** a row: :math:`m \cdot \mathrm{in} \cdot \mathrm{out}`; one product an input where there
      is B, and one an output where there is R.
    - **Initialisation** each map as :class:`torch.nn.Linear` does; :func:`relinear_` makes it start as
      :math:`R x + b`.

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        bias: whether there are the constants :math:`b`, :math:`g` and :math:`c`, those of them that the form has.
            Without, all terms are of degree 2.
        device: device of the parameters.
        dtype: type of the parameters.
        form: ``"full"``, ``"compact"``, ``"type2"`` or ``"type3"``.

    Shape:
        ``(*, in_features)`` to ``(*, out_features)``; ``*`` is any number of dimensions, none included.

    Raises:
        ValueError: the form is unknown.

    When not to use it:
        At the learning rate of a plain layer, or in a deep network: its degree doubles with every layer.
        :func:`relinear_` makes it start as a plain one. See :doc:`Which product? </notebooks/ablations/neurons>` and
        :doc:`ReLinear </notebooks/ablations/relinear>`.

    Source: :cite:t:`fan2023` for full and compact, :cite:t:`quadralib2022` for the types.

    Example:
        >>> layer = pnn.QuadraticLinear(784, 128)
        >>> layer(torch.randn(32, 784)).shape
        torch.Size([32, 128])
    """

    _layer = nn.Linear
    _settings = ("in_features", "out_features")
    _channels = -1

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device=None,
        dtype=None,
        *,
        form: str = "full",
    ) -> None:
        super().__init__(form, (in_features, out_features, bias), device, dtype)

    def _map(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.linear(x, weight, bias)


class _QuadraticConvNd(_Quadratic):
    _settings = SETTINGS

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
        form: str = "full",
    ) -> None:
        arguments = (in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode)
        super().__init__(form, arguments, device, dtype)

    def _map(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self.r._conv_forward(x, weight, bias)


class QuadraticConv1d(_QuadraticConvNd):
    r"""Quadratic convolution over a sequence, a drop-in for :class:`torch.nn.Conv1d`.

    .. math:: y = (R * x + b) \odot (G * x + g) + B * (x \odot x) + c

    where :math:`*` is torch's cross-correlation; this is the form ``"full"``, the others are those of
    :class:`QuadraticLinear`. R and G are computed by one fused convolution.

    - **Degree** 2 in the input, **multiplicative depth** 1.
    - **Parameters** :math:`m \cdot \mathrm{out} \cdot (\mathrm{in} / \mathrm{groups} \cdot k + 1)` with :math:`m`
      maps (full 3, compact 2, type2 and type3 1); the 1 is the bias.
    - **Multiply-accumulates** :math:`m \cdot \mathrm{out} \cdot \mathrm{in} / \mathrm{groups} \cdot k` an output
      position, and the products of :class:`QuadraticLinear`.
    - **Initialisation** each map as :class:`torch.nn.Conv1d` does; :func:`relinear_` makes it start as
      :math:`R * x + b`.

    Args, shapes and errors are those of :class:`torch.nn.Conv1d`, ``bias`` and ``form`` those of
    :class:`QuadraticLinear`.

    When not to use it:
        Where :class:`QuadraticLinear` is not; see :doc:`Which product? </notebooks/ablations/neurons>`.

    Source: :cite:t:`fan2023` for full and compact, :cite:t:`quadralib2022` for the types.

    Example:
        >>> layer = pnn.QuadraticConv1d(128, 64, kernel_size=3, padding=1)
        >>> layer(torch.randn(8, 128, 256)).shape
        torch.Size([8, 64, 256])
    """

    _layer = nn.Conv1d
    _channels = -2


class QuadraticConv2d(_QuadraticConvNd):
    r"""Quadratic convolution over an image, a drop-in for :class:`torch.nn.Conv2d`.

    .. math:: y = (R * x + b) \odot (G * x + g) + B * (x \odot x) + c

    where :math:`*` is torch's cross-correlation; this is the form ``"full"``, the others are those of
    :class:`QuadraticLinear`. R and G are computed by one fused convolution.

    - **Degree** 2 in the input, **multiplicative depth** 1.
    - **Parameters** :math:`m \cdot \mathrm{out} \cdot (\mathrm{in} / \mathrm{groups} \cdot k_h k_w + 1)` with :math:`m`
      maps (full 3, compact 2, type2 and type3 1); the 1 is the bias.
    - **Multiply-accumulates** :math:`m \cdot \mathrm{out} \cdot \mathrm{in} / \mathrm{groups} \cdot k_h k_w` an output
      pixel, and the products of :class:`QuadraticLinear`.
    - **Initialisation** each map as :class:`torch.nn.Conv2d` does; :func:`relinear_` makes it start as
      :math:`R * x + b`.

    Args, shapes and errors are those of :class:`torch.nn.Conv2d`, ``bias`` and ``form`` those of
    :class:`QuadraticLinear`.

    When not to use it:
        Where :class:`QuadraticLinear` is not; see :doc:`Which product? </notebooks/ablations/neurons>`.

    Source: :cite:t:`fan2023` for full and compact, :cite:t:`quadralib2022` for the types.

    Example:
        >>> layer = pnn.QuadraticConv2d(3, 64, kernel_size=3, padding=1)
        >>> layer(torch.randn(8, 3, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    _layer = nn.Conv2d
    _channels = -3
