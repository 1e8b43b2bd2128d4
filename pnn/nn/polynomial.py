"""The polynomial neuron, y = Ax + (Bx)(Cx), as drop-ins for torch's linear and convolution layers."""

from typing import Any

import torch
from torch import nn

from .fused import SETTINGS, FusedConv, FusedLinear, fuse, settings_of, unfuse

_Map = nn.Linear | nn.Conv1d | nn.Conv2d


def _load_branches(maps: _Map, branches: tuple[_Map, ...], groups: int) -> None:
    """Copy three layers' weights into the fused map; a missing bias counts as zero."""
    with torch.no_grad():
        maps.weight.copy_(fuse([layer.weight for layer in branches], groups))
        if maps.bias is not None:
            zero = torch.zeros_like(maps.bias[: len(maps.bias) // len(branches)])
            maps.bias.copy_(fuse([zero if m.bias is None else m.bias for m in branches], groups))


def _unload_branches(maps: _Map, layers: tuple[_Map, ...], groups: int) -> None:
    """Undo `_load_branches`."""
    with torch.no_grad():
        for layer, weight in zip(layers, unfuse(maps.weight, groups, len(layers)), strict=True):
            layer.weight.copy_(weight)
        if maps.bias is not None:
            for layer, bias in zip(layers, unfuse(maps.bias, groups, len(layers)), strict=True):
                assert layer.bias is not None  # The layers have biases where the fused map has one.
                layer.bias.copy_(bias)


def _agree(branches: tuple[_Map, ...], kind: type[_Map], names: tuple[str, ...]) -> None:
    for layer in branches:
        if not isinstance(layer, kind):
            raise TypeError(f"from_branches takes three {kind.__name__} layers, got {type(layer).__name__}")
    for name in names:
        values = [getattr(layer, name) for layer in branches]
        if any(value != values[0] for value in values):
            raise ValueError(f"the three branches must agree in {name}, got {values[0]}, {values[1]} and {values[2]}")
    weights = [layer.weight for layer in branches]
    if len({(w.dtype, w.device) for w in weights}) > 1:
        raise ValueError(
            "the three branches must agree in dtype and device, got "
            + ", ".join(f"{w.dtype} on {w.device}" for w in weights)
        )


class PolyLinear(FusedLinear):
    r"""Polynomial linear layer, a drop-in for :class:`torch.nn.Linear`.

    .. math:: y = (A x + a) + (B x + b) \odot (C x + c)

    The three maps are computed by one fused linear map of ``3 * out_features`` rows (``maps``).

    - **Degree** 2 in the input, **multiplicative depth** 1.
    - **Parameters** :math:`3 (\mathrm{in} + 1) \cdot \mathrm{out}`, or :math:`3 \cdot \mathrm{in} \cdot \mathrm{out}`
      without bias.
    - **Multiply-accumulates** a row: :math:`3 \cdot \mathrm{in} \cdot \mathrm{out}`, and one product an output.
    - **Initialisation** each map as :class:`torch.nn.Linear` does.

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        bias: whether each of the three maps has a bias.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(*, in_features)`` to ``(*, out_features)``; ``*`` is any number of dimensions, none included.

    When not to use it:
        Without a trial on the task at hand, at a learning rate of its own: see :doc:`Which product?
        </notebooks/ablations/neurons>` and :doc:`HIGGS </notebooks/datasets/higgs>`.

    Source: :cite:t:`oporture2026`, whose linear layer has a bias in all three maps. The same neuron, with a
    BatchNorm on each branch, is the one of :cite:t:`quadralib2022`.

    Example:
        >>> layer = pnn.PolyLinear(784, 128)
        >>> layer(torch.randn(32, 784)).shape
        torch.Size([32, 128])
    """

    _branches = 3
    _combine = staticmethod(torch.addcmul)

    @classmethod
    def from_branches(cls, a: nn.Linear, b: nn.Linear, c: nn.Linear) -> "PolyLinear":
        """The layer ``a(x) + b(x) * c(x)`` with copies of the weights of three linear layers.

        If any of the three has a bias, all three get one; a missing bias becomes a (trainable) zero.

        Raises:
            TypeError: a branch is not a :class:`torch.nn.Linear`.
            ValueError: the branches differ in shape, type or device.
        """
        branches = (a, b, c)
        _agree(branches, nn.Linear, ("in_features", "out_features"))
        bias = any(layer.bias is not None for layer in branches)
        layer = cls(a.in_features, a.out_features, bias, a.weight.device, a.weight.dtype)
        _load_branches(layer.maps, branches, 1)
        return layer

    def branches(self) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
        """Copies of the three maps A, B, C as linear layers; the inverse of :meth:`from_branches`."""
        maps = self.maps
        own: dict[str, Any] = {"bias": maps.bias is not None, "device": maps.weight.device, "dtype": maps.weight.dtype}
        a, b, c = (nn.Linear(self.in_features, self.out_features, **own) for _ in range(3))
        layers = (a, b, c)
        _unload_branches(maps, layers, 1)
        return layers


class _PolyConvNd(FusedConv):
    _branches = 3
    _combine = staticmethod(torch.addcmul)

    @classmethod
    def from_branches(cls, a: nn.Module, b: nn.Module, c: nn.Module):
        """The layer ``a(x) + b(x) * c(x)`` with copies of the weights of three convolutions.

        If any of the three has a bias, all three get one; a missing bias becomes a (trainable) zero.

        Raises:
            TypeError: a branch is not torch's convolution of this dimension.
            ValueError: the branches differ in a setting, in type or in device.
        """
        branches: tuple[Any, ...] = (a, b, c)
        _agree(branches, cls._conv, SETTINGS)
        bias, weight = any(layer.bias is not None for layer in branches), branches[0].weight
        layer = cls(**settings_of(a), bias=bias, device=weight.device, dtype=weight.dtype)
        _load_branches(layer.maps, branches, layer.groups)
        return layer

    def branches(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        """Copies of the three maps A, B, C as convolutions; the inverse of :meth:`from_branches`."""
        maps = self.maps
        own = {"bias": maps.bias is not None, "device": maps.weight.device, "dtype": maps.weight.dtype}
        a, b, c = (self._conv(**settings_of(self), **own) for _ in range(3))
        layers = (a, b, c)
        _unload_branches(maps, layers, self.groups)
        return layers


class PolyConv1d(_PolyConvNd):
    r"""Polynomial convolution over a sequence, a drop-in for :class:`torch.nn.Conv1d`.

    .. math:: y = (A * x + a) + (B * x + b) \odot (C * x + c)

    where :math:`*` is torch's cross-correlation. The three maps are one fused convolution (``maps``) of
    ``3 * out_channels`` channels, ordered by group, then branch, then channel.

    - **Degree** 2 in the input, **multiplicative depth** 1.
    - **Parameters** :math:`3 \cdot \mathrm{out} \cdot (\mathrm{in} / \mathrm{groups} \cdot k + 1)`; the 1 is the bias.
    - **Multiply-accumulates** :math:`3 \cdot \mathrm{out} \cdot \mathrm{in} / \mathrm{groups} \cdot k` an output
      position, and one product an output.
    - **Initialisation** each map as :class:`torch.nn.Conv1d` does.

    Args, shapes and errors are those of :class:`torch.nn.Conv1d`; ``bias`` gives a bias to each of the three maps.

    When not to use it:
        Without a trial on the task at hand: see :doc:`BoolQ </notebooks/datasets/boolq>`.

    Source: :cite:t:`oporture2026`, whose convolutions have a bias in the first map only, by default none.
    """

    _conv = nn.Conv1d
    _dims = 1


class PolyConv2d(_PolyConvNd):
    r"""Polynomial convolution over an image, a drop-in for :class:`torch.nn.Conv2d`.

    .. math:: y = (A * x + a) + (B * x + b) \odot (C * x + c)

    where :math:`*` is torch's cross-correlation. The three maps are one fused convolution (``maps``) of
    ``3 * out_channels`` channels, ordered by group, then branch, then channel.

    - **Degree** 2 in the input, **multiplicative depth** 1.
    - **Parameters** :math:`3 \cdot \mathrm{out} \cdot (\mathrm{in} / \mathrm{groups} \cdot k_h k_w + 1)`; the 1 is the
      bias.
    - **Multiply-accumulates** :math:`3 \cdot \mathrm{out} \cdot \mathrm{in} / \mathrm{groups} \cdot k_h k_w` an output
      pixel, and one product an output.
    - **Initialisation** each map as :class:`torch.nn.Conv2d` does.

    Args, shapes and errors are those of :class:`torch.nn.Conv2d`; ``bias`` gives a bias to each of the three maps.

    When not to use it:
        Without a trial on the task at hand: see :doc:`CIFAR-10 </notebooks/datasets/cifar10>` and :doc:`CIFAR-100
        </notebooks/datasets/cifar100>`.

    Source: :cite:t:`oporture2026`, whose convolutions have a bias in the first map only, by default none.

    Example:
        >>> layer = pnn.PolyConv2d(3, 86, kernel_size=3, padding=1, bias=False)
        >>> layer(torch.randn(8, 3, 32, 32)).shape
        torch.Size([8, 86, 32, 32])
    """

    _conv = nn.Conv2d
    _dims = 2
