"""The polynomials of Π-nets, of any degree: a recursion over maps of one input, coupled (CCP) or nested (NCP)."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .drop_in import DropIn, reset_inside
from .fused import describe, settings_of


def _at_least_one(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return value


class _Pi(DropIn):
    """A network of this kind is a fused map of the input, a recursion over its branches, and the output map.

    Each group of a fused convolution has all the branches, so the groups are a dimension of their own in the recursion.
    """

    _dim: ClassVar[int]  # The features or channels are at this dimension.
    _add_steps: Callable[[int, Callable[[], nn.Module], dict[str, Any]], None]  # A recursion brings its own parameters,
    _recur: Callable[..., Tensor]  # and combines the branches.
    groups: int = 1
    degree: int
    maps: nn.Linear | nn.Conv2d
    norm: nn.BatchNorm1d | nn.BatchNorm2d | None
    readout: nn.Linear | nn.Conv2d

    def reset_parameters(self) -> None:
        """Draw the weights again, each of the maps as torch's own layer does."""
        for module in self.children():
            reset_inside(module)

    def forward(self, z: Tensor) -> Tensor:
        u = self.maps(z)
        if self.norm is not None:
            u = self._normalise(self.norm, u)
        branches = u.unflatten(self._dim, (self.groups, self.degree, -1)).unbind(self._dim - 1)
        return self.readout(self._join(self._recur(*branches)))

    def _normalise(self, norm: nn.Module, u: Tensor) -> Tensor:
        return norm(u)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(self._dim, (self.groups, -1))

    def _join(self, x: Tensor) -> Tensor:
        return x.flatten(self._dim - 1, self._dim)


START = 0.1  # The maps of the steps of CCP start at this share of torch's own draw.


class _Coupled(_Pi):
    """The recursion of CCP multiplies by a branch and adds what was there before."""

    def _add_steps(self, hidden: int, square: Callable[[], nn.Module], factory: dict) -> None:
        """This recursion has no parameters."""
        self._shrink_steps()

    def _shrink_steps(self) -> None:
        # A norm would undo what is done to the weights before it.
        weight = self.maps.weight if self.norm is None else self.norm.weight
        with torch.no_grad():
            weight.unflatten(0, (self.groups, self.degree, -1))[:, 1:].mul_(START)

    def reset_parameters(self) -> None:
        """Draw the weights again: each of the maps as torch's own layer does, then the steps' are made small."""
        super().reset_parameters()
        self._shrink_steps()

    def _recur(self, x: Tensor, *rest: Tensor) -> Tensor:
        for u in rest:
            x = torch.addcmul(x, u, x)
        return x


class _Nested(_Pi):
    """The recursion of NCP maps what was there before and multiplies; the bias of a step is the b of its degree."""

    def _add_steps(self, hidden: int, square: Callable[[], nn.Module], factory: dict) -> None:
        self.start = nn.Parameter(torch.empty(hidden, **factory))  # This vector is b_1.
        self.steps = nn.ModuleList(square() for _ in range(self.degree - 1))
        self._set_vectors()

    def _set_vectors(self) -> None:
        vectors: list[Any] = [self.start, *(step.bias for step in self.steps)]
        for vector in vectors:
            nn.init.ones_(vector)

    def reset_parameters(self) -> None:
        """Draw the weights again, each of the maps as torch's own layer does; the vectors become ones."""
        super().reset_parameters()
        self._set_vectors()

    def _recur(self, x: Tensor, *rest: Tensor) -> Tensor:
        x = x * self._split(self.start.view(-1, *[1] * (-1 - self._dim)))
        for u, step in zip(rest, self.steps, strict=True):
            x = u * self._split(step(self._join(x)))
        return x


class _PiLinear(_Pi):
    _dim = -1

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device=None,
        dtype=None,
        *,
        degree: int = 2,
        hidden_features: int | None = None,
        norm: bool = False,
    ) -> None:
        super().__init__()
        hidden = out_features if hidden_features is None else _at_least_one("hidden_features", hidden_features)
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        self.in_features, self.out_features, self.hidden_features = in_features, out_features, hidden
        self.degree = _at_least_one("degree", degree)
        self.maps = nn.Linear(in_features, degree * hidden, bias=False, **factory)
        self.norm = nn.BatchNorm1d(degree * hidden, **factory) if norm else None
        self._add_steps(hidden, lambda: nn.Linear(hidden, hidden, **factory), factory)
        self.readout = nn.Linear(hidden, out_features, bias, **factory)

    def _normalise(self, norm: nn.Module, u: Tensor) -> Tensor:
        return norm(u.reshape(-1, u.shape[-1])).view(u.shape)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.readout.bias is not None}, "
            f"degree={self.degree}, hidden_features={self.hidden_features}"
        )


class _PiConv2d(_Pi):
    _dim = -3

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
        degree: int = 2,
        hidden_channels: int | None = None,
        norm: bool = False,
    ) -> None:
        super().__init__()
        hidden = out_channels if hidden_channels is None else _at_least_one("hidden_channels", hidden_channels)
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        self.degree = _at_least_one("degree", degree)
        rest: dict[str, Any] = {"bias": False, "padding_mode": padding_mode, **factory}
        self.maps = nn.Conv2d(in_channels, degree * hidden, kernel_size, stride, padding, dilation, groups, **rest)
        for name, channels in {"out_channels": out_channels, "hidden_channels": hidden}.items():
            if channels % groups:
                raise ValueError(f"{name} must be divisible by groups, got {channels} and {groups}")
        vars(self).update(settings_of(self.maps), out_channels=out_channels, hidden_channels=hidden)
        self.norm = nn.BatchNorm2d(degree * hidden, **factory) if norm else None
        self._add_steps(hidden, lambda: nn.Conv2d(hidden, hidden, 1, groups=groups, **factory), factory)
        self.readout = nn.Conv2d(hidden, out_channels, 1, groups=groups, bias=bias, **factory)

    def extra_repr(self) -> str:
        text = describe(self, self.readout.bias is not None)
        return f"{text}, degree={self.degree}, hidden_channels={self.hidden_channels}"


class CCP(_Coupled, _PiLinear):
    r"""Polynomial of any degree by coupled factors, a drop-in for :class:`torch.nn.Linear`.

    .. math:: x_1 = U_1 z, \qquad x_n = (U_n z) \odot x_{n-1} + x_{n-1}, \qquad y = C x_N + \beta

    where :math:`z` is the input and :math:`N` the degree. A step multiplies by :math:`U_n z + 1`, so :math:`x_N` is a
    product of :math:`N` affine maps. The :math:`U_n` are one fused linear map of :math:`N h` rows (``maps``), with
    :math:`h` hidden features; :math:`C` and :math:`\beta` are ``readout``.

    - **Degree** :math:`N` in the input, **multiplicative depth** :math:`N - 1`; degree 1 is :math:`C U_1 z + \beta`.
    - **Parameters** :math:`N h \cdot \mathrm{in} + (h + 1) \cdot \mathrm{out}`; the 1 is the bias. ``norm`` adds
      :math:`2 N h`.
    - **Multiply-accumulates** a row: :math:`N h \cdot \mathrm{in} + h \cdot \mathrm{out}`, and :math:`N - 1` products a
      hidden feature.
    - **Initialisation** :math:`U_1` and :math:`C` as :class:`torch.nn.Linear` does, each further :math:`U_n` a tenth
      of that: the layer starts near :math:`C U_1 z + \beta`. At torch's own size a stack of them starts with products
      of many large factors, and does not train on inputs with heavy tails. With ``norm`` the norms' weights start so.

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        bias: whether there is a :math:`\beta`. The :math:`U_n` have no bias.
        device: device of the parameters.
        dtype: type of the parameters.
        degree: :math:`N`, at least 1.
        hidden_features: :math:`h`, by default ``out_features``.
        norm: whether each :math:`U_n z` goes through a BatchNorm, over all dimensions but the last. In evaluation it is
            an affine map and the degree is the same; in training the layer is not a polynomial of a single row.

    Shape:
        ``(*, in_features)`` to ``(*, out_features)``; ``*`` is any number of dimensions, none included.

    Raises:
        ValueError: ``degree`` or ``hidden_features`` is not a whole number of at least 1.

    When not to use it:
        In a deep network on inputs with heavy tails, unless its learning rate is small: of :math:`n` layers of degree
        :math:`N` the degree is :math:`N^n`. See :doc:`Which product? </notebooks/ablations/neurons>`.

    Source: :cite:t:`chrysos2020` and :cite:t:`chrysos2021`.

    Example:
        >>> layer = pnn.CCP(784, 128, degree=3)
        >>> layer(torch.randn(32, 784)).shape
        torch.Size([32, 128])
    """


class NCP(_Nested, _PiLinear):
    r"""Polynomial of any degree by nested factors, a drop-in for :class:`torch.nn.Linear`.

    .. math:: x_1 = (A_1 z) \odot b_1, \qquad x_n = (A_n z) \odot (S_n x_{n-1} + b_n), \qquad y = C x_N + \beta

    where :math:`z` is the input and :math:`N` the degree. The source writes :math:`B_n b_n` for :math:`b_n`; that
    product does not depend on the input and can be any vector, so one learnt vector a degree gives the same functions.
    The :math:`A_n` are one fused linear map of :math:`N h` rows (``maps``), with :math:`h` hidden features. ``start``
    is :math:`b_1`; weight and bias of ``steps[n - 2]`` are :math:`S_n` and :math:`b_n`; those of ``readout`` are
    :math:`C` and :math:`\beta`.

    - **Degree** :math:`N` in the input, **multiplicative depth** :math:`N - 1`: the first product is by a constant.
      Degree 1 is the linear map :math:`C (A_1 z \odot b_1) + \beta`.
    - **Parameters** :math:`N h (\mathrm{in} + 1) + (N - 1) h^2 + (h + 1) \cdot \mathrm{out}`; the last 1 is the bias.
      ``norm`` adds :math:`2 N h`.
    - **Multiply-accumulates** a row: :math:`N h \cdot \mathrm{in} + (N - 1) h^2 + h \cdot \mathrm{out}`, and :math:`N`
      products a hidden feature.
    - **Initialisation** each map as :class:`torch.nn.Linear` does, the vectors :math:`b_n` ones: then
      :math:`x_n = A_n z + (A_n z) \odot S_n x_{n-1}`, and every degree from 1 to :math:`N` takes part. With zeros,
      :math:`x_N` would start as zero.

    Args, shapes and errors are those of :class:`CCP`: ``bias`` is whether there is a :math:`\beta`, and ``norm`` is a
    BatchNorm of each :math:`A_n z`. The :math:`A_n` have no bias; the :math:`b_n` are always there.

    When not to use it:
        Where :class:`CCP` is not: it does not start near a linear layer either. See :doc:`Which product?
        </notebooks/ablations/neurons>`.

    Source: :cite:t:`chrysos2020` and :cite:t:`chrysos2021`.

    Example:
        >>> layer = pnn.NCP(784, 128, degree=3)
        >>> layer(torch.randn(32, 784)).shape
        torch.Size([32, 128])
    """


class CCPConv2d(_Coupled, _PiConv2d):
    r"""Polynomial of any degree by coupled factors, over an image: a drop-in for :class:`torch.nn.Conv2d`.

    .. math:: x_1 = U_1 * z, \qquad x_n = (U_n * z) \odot x_{n-1} + x_{n-1}, \qquad y = C x_N + \beta

    as :class:`CCP`, where :math:`*` is torch's cross-correlation and :math:`C` a 1x1 convolution (``readout``). The
    :math:`U_n` are one fused convolution (``maps``) of :math:`N h` channels, ordered by group, then branch, then
    channel. :math:`C` has the layer's groups too, so that a group of outputs sees its own group of inputs only.

    - **Degree** :math:`N` in the input, **multiplicative depth** :math:`N - 1`.
    - **Parameters** :math:`N h \cdot \mathrm{in} / \mathrm{groups} \cdot k_h k_w + (h / \mathrm{groups} + 1) \cdot
      \mathrm{out}`; the 1 is the bias. ``norm`` adds :math:`2 N h`.
    - **Multiply-accumulates** :math:`N h \cdot \mathrm{in} / \mathrm{groups} \cdot k_h k_w + h \cdot \mathrm{out} /
      \mathrm{groups}` an output pixel, and :math:`N - 1` products a hidden channel.
    - **Initialisation** :math:`U_1` and :math:`C` as :class:`torch.nn.Conv2d` does, each further :math:`U_n` a tenth
      of that, as in :class:`CCP`.

    Args, shapes and errors are those of :class:`torch.nn.Conv2d`; ``degree``, ``hidden_channels`` (a multiple of
    ``groups``), ``norm`` and ``bias`` are as in :class:`CCP`. With ``norm`` the input needs its batch dimension.

    When not to use it:
        Where :class:`CCP` is not; see :doc:`Which product? </notebooks/ablations/neurons>`.

    Source: :cite:t:`chrysos2020` and :cite:t:`chrysos2021`.

    Example:
        >>> layer = pnn.CCPConv2d(3, 32, kernel_size=3, padding=1, degree=3)
        >>> layer(torch.randn(8, 3, 32, 32)).shape
        torch.Size([8, 32, 32, 32])
    """


class NCPConv2d(_Nested, _PiConv2d):
    r"""Polynomial of any degree by nested factors, over an image: a drop-in for :class:`torch.nn.Conv2d`.

    .. math:: x_1 = (A_1 * z) \odot b_1, \qquad x_n = (A_n * z) \odot (S_n x_{n-1} + b_n), \qquad y = C x_N + \beta

    as :class:`NCP`, where :math:`*` is torch's cross-correlation, :math:`S_n` and :math:`C` are 1x1 convolutions, and a
    vector :math:`b_n` has one number a channel. The :math:`A_n` are one fused convolution (``maps``) of :math:`N h`
    channels, ordered by group, then branch, then channel. :math:`S_n` and :math:`C` have the layer's groups too, so
    that a group of outputs sees its own group of inputs only.

    - **Degree** :math:`N` in the input, **multiplicative depth** :math:`N - 1`.
    - **Parameters** :math:`N h (\mathrm{in} / \mathrm{groups} \cdot k_h k_w + 1) + (N - 1) h^2 / \mathrm{groups} +
      (h / \mathrm{groups} + 1) \cdot \mathrm{out}`; the last 1 is the bias. ``norm`` adds :math:`2 N h`.
    - **Multiply-accumulates** :math:`N h \cdot \mathrm{in} / \mathrm{groups} \cdot k_h k_w + ((N - 1) h^2 +
      h \cdot \mathrm{out}) / \mathrm{groups}` an output pixel, and :math:`N` products a hidden channel.
    - **Initialisation** each map as :class:`torch.nn.Conv2d` does, the vectors ones.

    Args, shapes and errors are those of :class:`torch.nn.Conv2d`; ``degree``, ``hidden_channels`` (a multiple of
    ``groups``), ``norm`` and ``bias`` are as in :class:`NCP`. With ``norm`` the input needs its batch dimension.

    When not to use it:
        Where :class:`NCP` is not; see :doc:`Which product? </notebooks/ablations/neurons>`.

    Source: :cite:t:`chrysos2020` and :cite:t:`chrysos2021`.

    Example:
        >>> layer = pnn.NCPConv2d(3, 32, kernel_size=3, padding=1, degree=3)
        >>> layer(torch.randn(8, 3, 32, 32)).shape
        torch.Size([8, 32, 32, 32])
    """
