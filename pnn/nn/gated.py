"""Two linear maps multiplied, with or without an activation on one of them: bilinear and star layers."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .drop_in import reset_inside
from .fused import Fused, FusedConv, FusedLinear
from .plain import is_plain


class BilinearLinear(FusedLinear):
    r"""Bilinear layer, a drop-in for :class:`torch.nn.Linear`.

    .. math:: y = (A x + a) \odot (B x + b)

    a gated linear unit whose gate has no activation. It is the same function as ``QuadraticLinear(form="compact")``,
    and :class:`StarLinear` with the identity for its activation. The two maps are computed by one fused linear map of
    ``2 * out_features`` rows (``maps``).

    - **Degree** 2 in the input, **multiplicative depth** 1.
    - **Parameters** :math:`2 (\mathrm{in} + 1) \cdot \mathrm{out}`, or :math:`2 \cdot \mathrm{in} \cdot \mathrm{out}`
      without bias.
    - **Multiply-accumulates** a row: :math:`2 \cdot \mathrm{in} \cdot \mathrm{out}`, and one product an output.
    - **Initialisation** each map as :class:`torch.nn.Linear` does.

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        bias: whether each of the two maps has a bias; without, the layer has no linear part.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(*, in_features)`` to ``(*, out_features)``; ``*`` is any number of dimensions, none included.

    When not to use it:
        At the learning rate of a plain layer: it has no linear path, and starts with products of small factors.
        :doc:`Which product? </notebooks/ablations/neurons>` compares both at equal parameters and at equal time.

    Source: :cite:t:`shazeer2020`, after the gated convolution of :cite:t:`dauphin2017`.

    Example:
        >>> layer = pnn.BilinearLinear(784, 128)
        >>> layer(torch.randn(32, 784)).shape
        torch.Size([32, 128])
    """

    _branches = 2
    _combine = staticmethod(torch.mul)


class BilinearConv1d(FusedConv):
    r"""Bilinear convolution over a sequence, a drop-in for :class:`torch.nn.Conv1d`.

    .. math:: y = (A * x + a) \odot (B * x + b)

    where :math:`*` is torch's cross-correlation. The two maps are one fused convolution (``maps``) of
    ``2 * out_channels`` channels, ordered by group, then branch, then channel.

    - **Degree** 2 in the input, **multiplicative depth** 1.
    - **Parameters** :math:`2 \cdot \mathrm{out} \cdot (\mathrm{in} / \mathrm{groups} \cdot k + 1)`; the 1 is the bias.
    - **Multiply-accumulates** :math:`2 \cdot \mathrm{out} \cdot \mathrm{in} / \mathrm{groups} \cdot k` an output
      position, and one product an output.
    - **Initialisation** each map as :class:`torch.nn.Conv1d` does.

    Args, shapes and errors are those of :class:`torch.nn.Conv1d`; ``bias`` gives a bias to each of the two maps.

    When not to use it:
        Where :class:`BilinearLinear` is not; see :doc:`Which product? </notebooks/ablations/neurons>`.

    Source: the gated convolution of :cite:t:`dauphin2017`, without the sigmoid on the gate.
    """

    _branches = 2
    _conv = nn.Conv1d
    _dims = 1
    _combine = staticmethod(torch.mul)


class BilinearConv2d(FusedConv):
    r"""Bilinear convolution over an image, a drop-in for :class:`torch.nn.Conv2d`.

    .. math:: y = (A * x + a) \odot (B * x + b)

    where :math:`*` is torch's cross-correlation. The two maps are one fused convolution (``maps``) of
    ``2 * out_channels`` channels, ordered by group, then branch, then channel.

    - **Degree** 2 in the input, **multiplicative depth** 1.
    - **Parameters** :math:`2 \cdot \mathrm{out} \cdot (\mathrm{in} / \mathrm{groups} \cdot k_h k_w + 1)`; the 1 is the
      bias.
    - **Multiply-accumulates** :math:`2 \cdot \mathrm{out} \cdot \mathrm{in} / \mathrm{groups} \cdot k_h k_w` an output
      pixel, and one product an output.
    - **Initialisation** each map as :class:`torch.nn.Conv2d` does.

    Args, shapes and errors are those of :class:`torch.nn.Conv2d`; ``bias`` gives a bias to each of the two maps.

    When not to use it:
        Where :class:`BilinearLinear` is not; see :doc:`Which product? </notebooks/ablations/neurons>`.

    Source: the gated convolution of :cite:t:`dauphin2017`, without the sigmoid on the gate.

    Example:
        >>> layer = pnn.BilinearConv2d(3, 64, kernel_size=3, padding=1)
        >>> layer(torch.randn(8, 3, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    _branches = 2
    _conv = nn.Conv2d
    _dims = 2
    _combine = staticmethod(torch.mul)


class _Star(Fused):
    """What the star layers share: the activation of the first map."""

    _branches = 2

    def _chunk(self, maps: Tensor, number: int, channels: int) -> list[Tensor] | tuple[Tensor, ...]:
        """Split the fused map into parts into which an activation that works in place may write.

        Torch forbids that of several views. A linear map does not read its output again, so that these need not be
        marked as views of it; what else stands there, or hooks it, may.
        """
        if is_plain(self.maps):
            return torch.unsafe_chunk(maps, number, channels)
        return [part.clone() for part in maps.chunk(number, channels)]

    def _set_activation(self, activation: Callable[[], nn.Module]) -> None:
        try:
            module = activation()
        except TypeError as error:
            raise ValueError(
                "activation must make a module when called without arguments, such as the class torch.nn.ReLU6; "
                f"got {activation!r}: {error}"
            ) from error
        if not isinstance(module, nn.Module):
            raise ValueError(f"activation must make a torch.nn.Module, such as torch.nn.ReLU6 does; got {module!r}")
        self.activation = module.to(self.maps.weight.device, self.maps.weight.dtype)

    def reset_parameters(self) -> None:
        """Draw the weights again, each of the maps as torch's own layer does, and those of the activation."""
        super().reset_parameters()
        reset_inside(self.activation)

    def _combine(self, a: Tensor, b: Tensor) -> Tensor:
        return self.activation(a) * b


class StarLinear(_Star, FusedLinear):
    r"""Star layer, a drop-in for :class:`torch.nn.Linear`.

    .. math:: y = \sigma(A x + a) \odot (B x + b)

    with an activation :math:`\sigma` on one of the two maps. The two maps are computed by one fused linear map of
    ``2 * out_features`` rows (``maps``).

    - **Degree** and **multiplicative depth** 1 more than those of the activation: with the identity, 2 and 1, as
      :class:`BilinearLinear`; with ReLU6 the layer is no polynomial.
    - **Parameters** :math:`2 (\mathrm{in} + 1) \cdot \mathrm{out}`, or :math:`2 \cdot \mathrm{in} \cdot \mathrm{out}`
      without bias, and those of the activation.
    - **Multiply-accumulates** a row: :math:`2 \cdot \mathrm{in} \cdot \mathrm{out}`, and one product an output.
    - **Initialisation** each map as :class:`torch.nn.Linear` does.

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        bias: whether each of the two maps has a bias.
        device: device of the parameters.
        dtype: type of the parameters.
        activation: what makes the module :math:`\sigma` when called without arguments: a class such as
            :class:`torch.nn.GELU`, or a function that returns a module. It must work element by element.

    Shape:
        ``(*, in_features)`` to ``(*, out_features)``; ``*`` is any number of dimensions, none included.

    Raises:
        ValueError: the activation does not make a module.

    When not to use it:
        Where time counts: it has two maps and multiplies them. :doc:`Which product? </notebooks/ablations/neurons>`
        compares it with a plain layer at equal parameters and at equal time.

    Source: :cite:t:`ma2024`.

    Example:
        >>> layer = pnn.StarLinear(784, 128, activation=torch.nn.GELU)
        >>> layer(torch.randn(32, 784)).shape
        torch.Size([32, 128])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device=None,
        dtype=None,
        *,
        activation: Callable[[], nn.Module] = nn.ReLU6,
    ) -> None:
        super().__init__(in_features, out_features, bias, device, dtype)
        self._set_activation(activation)


class StarConv2d(_Star, FusedConv):
    r"""Star convolution over an image, a drop-in for :class:`torch.nn.Conv2d`.

    .. math:: y = \sigma(A * x + a) \odot (B * x + b)

    where :math:`*` is torch's cross-correlation and :math:`\sigma` an activation. The two maps are one fused
    convolution (``maps``) of ``2 * out_channels`` channels, ordered by group, then branch, then channel.

    - **Degree** and **multiplicative depth** 1 more than those of the activation: with the identity, 2 and 1, as
      :class:`BilinearConv2d`; with ReLU6 the layer is no polynomial.
    - **Parameters** :math:`2 \cdot \mathrm{out} \cdot (\mathrm{in} / \mathrm{groups} \cdot k_h k_w + 1)`, the 1 for the
      bias, and those of the activation.
    - **Multiply-accumulates** :math:`2 \cdot \mathrm{out} \cdot \mathrm{in} / \mathrm{groups} \cdot k_h k_w` an output
      pixel, and one product an output.
    - **Initialisation** each map as :class:`torch.nn.Conv2d` does.

    Args, shapes and errors are those of :class:`torch.nn.Conv2d`; ``bias`` gives a bias to each of the two maps, and
    ``activation`` is that of :class:`StarLinear`.

    When not to use it:
        Where :class:`StarLinear` is not; see :doc:`Which product? </notebooks/ablations/neurons>`.

    Source: :cite:t:`ma2024`, whose two maps are 1x1 convolutions.

    Example:
        >>> layer = pnn.StarConv2d(3, 64, kernel_size=3, padding=1)
        >>> layer(torch.randn(8, 3, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    _conv = nn.Conv2d
    _dims = 2

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
        activation: Callable[[], nn.Module] = nn.ReLU6,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self._set_activation(activation)
