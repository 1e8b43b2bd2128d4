"""Kolmogorov-Arnold layers: a learned function on every edge, as drop-ins for torch's linear layer and convolution.

Each input is expanded into the values of all functions of its edges, and one linear layer or convolution of the
expanded input (``maps``) sums them: function ``m`` of input ``i`` is its input ``i * functions + m``.
"""

import math
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .fused import Fused, FusedConv, FusedLinear

BASES = ("spline", "chebyshev")


class _Edges(Fused):
    """What the layers share: the functions of an edge, and their first weights."""

    _branches = 1

    def _set_edges(self, basis: str, grid: int, degree: int, interval: tuple[float, float]) -> None:
        if basis not in BASES:
            raise ValueError(f"basis must be one of {', '.join(map(repr, BASES))}, got {basis!r}")
        for name, value in {"grid": grid, "degree": degree}.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number, at least 1, got {value!r}")
        try:
            low, high = (float(end) for end in interval)
        except (TypeError, ValueError):
            low = high = math.nan
        if not -math.inf < low < high < math.inf:
            raise ValueError(f"interval must be two finite numbers, the lower first, got {interval!r}")
        self.basis = basis
        self.grid = grid
        self.degree = degree
        self.interval = (low, high)

    @property
    def functions(self) -> int:
        """How many functions an edge sums."""
        return self.degree if self.basis == "chebyshev" else 1 + self.grid + self.degree

    def reset_parameters(self) -> None:
        """Draw the weights again."""
        weight = self.maps.weight.unflatten(1, (-1, self.functions))
        fan_in = math.prod(self.maps.weight.shape[1:]) // self.functions
        bound = 1 / math.sqrt(max(1, fan_in))
        nn.init.uniform_(weight[:, :, 0], -bound, bound)
        nn.init.normal_(weight[:, :, 1:], std=0.1 * bound)
        if self.maps.bias is not None:
            nn.init.uniform_(self.maps.bias, -bound, bound)

    def _expand(self, x: Tensor, dim: int) -> Tensor:
        """Put the values of its functions in the place of each input along ``dim``, a negative number."""
        values = self._chebyshev(x, dim) if self.basis == "chebyshev" else self._splines(x, dim)
        return values.flatten(dim - 1, dim)

    def _chebyshev(self, x: Tensor, dim: int) -> Tensor:
        low, high = self.interval
        u = (x - (low + high) / 2) * (2 / (high - low))
        values = [u]  # T_m is values[m - 1], and T_0 is 1.
        for m in range(2, self.degree + 1):  # T_m comes from the two halves of m, so that depth grows as log2(m).
            values.append(2 * (values[m // 2 - 1] * values[m - m // 2 - 1]) - (u if m % 2 else 1.0))
        return torch.stack(values, dim)

    def _splines(self, x: Tensor, dim: int) -> Tensor:
        """silu, then the splines: each is one even bump of the distance to its centre, in knots (Schoenberg's form)."""
        low, high = self.interval
        k, knots = self.degree, (x - low) * (self.grid / (high - low))
        centres = torch.arange(self.grid + k, device=x.device, dtype=x.dtype) - (k - 1) / 2
        distance = (knots.unsqueeze(dim) - centres.view(-1, *[1] * (-1 - dim))).abs()
        powers = (
            (-1) ** i * math.comb(k + 1, i) / math.factorial(k) * F.relu((k + 1) / 2 - i - distance) ** k
            for i in range(k // 2 + 1)
        )
        bumps = reduce(torch.add, powers)
        return torch.cat([F.silu(x).unsqueeze(dim), bumps], dim)

    def extra_repr(self) -> str:
        grid = f", grid={self.grid}" if self.basis == "spline" else ""
        return f"{super().extra_repr()}, basis={self.basis!r}{grid}, degree={self.degree}, interval={self.interval}"


class KANLinear(_Edges, FusedLinear):
    r"""Kolmogorov-Arnold layer, a drop-in for :class:`torch.nn.Linear`.

    Every pair of an input and an output has a learned function of one variable, and an output sums its own:

    .. math:: y_j = b_j + \sum_i \phi_{ji}(x_i)

    With splines, :math:`\phi(x) = w \, \mathrm{silu}(x) + \sum_{m=1}^{G + k} c_m B_m(x)`: the :math:`B_m` are the
    B-splines of ``degree`` :math:`k` on a uniform grid of ``grid`` :math:`G` pieces over ``interval``, continued by
    :math:`k` pieces at both ends. They sum to one inside the interval, fade out beyond it, and are zero farther than
    :math:`k` pieces from it, where :math:`w \, \mathrm{silu}(x)` remains. The source's further factor on the spline
    sum is part of the :math:`c_m` here.

    With Chebyshev polynomials, :math:`\phi(x) = \sum_{m=1}^{k} c_m T_m(u)`, where :math:`u` is :math:`x` with
    ``interval`` mapped linearly to [-1, 1], and nothing else: the layer is a polynomial of its input. The constants
    :math:`T_0` of all edges are the bias. Nothing is clamped or squashed: beyond the interval :math:`T_m` grows as
    :math:`2^{m - 1} u^m`, so keep the input inside, by a normalisation or a wider ``interval``. At degree 1, on the
    default interval, the layer is :class:`torch.nn.Linear`.

    With :math:`F` functions an edge (``functions``), :math:`G + k + 1` or :math:`k`:

    - **Degree** :math:`k` in the input and **multiplicative depth** :math:`\lceil \log_2 k \rceil` with Chebyshev
      polynomials; with splines it is no polynomial.
    - **Parameters** :math:`(F \cdot \mathrm{in} + 1) \cdot \mathrm{out}`; the 1 is the bias.
    - **Multiply-accumulates** a row: :math:`F \cdot \mathrm{in} \cdot \mathrm{out}`, and about ten element-wise
      operations a function of an input.
    - **Memory** for the backward pass: an input becomes :math:`F` numbers, and the steps towards them are kept too: 33
      numbers an input with the default splines, 5 with Chebyshev polynomials of degree 3.
    - **Initialisation** the weights of the first function (silu, or :math:`T_1`) and the bias as
      :class:`torch.nn.Linear` does, all others normal with standard deviation :math:`0.1 / \sqrt{\mathrm{in}}`.

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        bias: whether there is a constant :math:`b`; with Chebyshev polynomials there is no other.
        device: device of the parameters.
        dtype: type of the parameters.
        basis: ``"spline"`` or ``"chebyshev"``.
        grid: pieces of the interval, at least 1; splines only.
        degree: degree of the splines or of the polynomial, at least 1.
        interval: where the inputs are expected, lower end first.

    Shape:
        ``(*, in_features)`` to ``(*, out_features)``; ``*`` is any number of dimensions, none included.

    Raises:
        ValueError: an argument is out of range, or the last dimension of the input is not ``in_features``.

    When not to use it:
        Where time counts: every edge evaluates a basis of functions. Chebyshev polynomials grow without bound outside
        of ``interval``, so that inputs with heavy tails let a training explode. See :doc:`Which product?
        </notebooks/ablations/neurons>`.

    Source: :cite:t:`liu2025`, with splines.

    Example:
        >>> layer = pnn.KANLinear(784, 64, basis="chebyshev", degree=4, interval=(-3, 3))
        >>> layer(torch.randn(32, 784)).shape
        torch.Size([32, 64])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device=None,
        dtype=None,
        *,
        basis: str = "spline",
        grid: int = 5,
        degree: int = 3,
        interval: tuple[float, float] = (-1.0, 1.0),
    ) -> None:
        # This names the sizes; the map below takes its place.
        super().__init__(in_features, out_features, bias, "meta")
        self._set_edges(basis, grid, degree, interval)
        self.maps = nn.Linear(self.functions * in_features, out_features, bias, device, dtype)
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.in_features:
            raise ValueError(f"expected {self.in_features} features, got shape {tuple(x.shape)}")
        return self.maps(self._expand(x, -1))


class KANConv2d(_Edges, FusedConv):
    r"""Kolmogorov-Arnold convolution over an image, a drop-in for :class:`torch.nn.Conv2d`.

    .. math:: y_j = b_j + \sum_i \sum_p \phi_{jip}(x_i \text{ shifted by } p)

    over the input channels :math:`i` of its group and the positions :math:`p` of the kernel, each with a function as in
    :class:`KANLinear`. The image is padded before the functions are taken, so a margin of zeros contributes
    :math:`\phi(0)`. The sum is one convolution (``maps``) of the expanded image.

    With :math:`F` functions an edge (``functions``), :math:`G + k + 1` with splines or :math:`k` with Chebyshev
    polynomials:

    - **Degree** :math:`k` in the input and **multiplicative depth** :math:`\lceil \log_2 k \rceil` with Chebyshev
      polynomials; with splines it is no polynomial.
    - **Parameters** :math:`\mathrm{out} \cdot (F \cdot \mathrm{in} / \mathrm{groups} \cdot k_h k_w + 1)`; the 1 is the
      bias.
    - **Multiply-accumulates** :math:`F \cdot \mathrm{out} \cdot \mathrm{in} / \mathrm{groups} \cdot k_h k_w` an output
      pixel, and about ten element-wise operations a function of an input pixel.
    - **Memory** for the backward pass: as :class:`KANLinear`, an input pixel of a channel for an input.
    - **Initialisation** as :class:`KANLinear`, with :math:`\mathrm{in} / \mathrm{groups} \cdot k_h k_w` for
      :math:`\mathrm{in}`.

    Args, shapes and errors are those of :class:`torch.nn.Conv2d`, and ``basis``, ``grid``, ``degree`` and ``interval``
    those of :class:`KANLinear`.

    When not to use it:
        Where :class:`KANLinear` is not; see :doc:`Which product? </notebooks/ablations/neurons>`.

    Source: the layer of :cite:t:`liu2025` on every patch.

    Example:
        >>> layer = pnn.KANConv2d(3, 16, kernel_size=3, padding=1)
        >>> layer(torch.randn(8, 3, 32, 32)).shape
        torch.Size([8, 16, 32, 32])
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
        basis: str = "spline",
        grid: int = 5,
        degree: int = 3,
        interval: tuple[float, float] = (-1.0, 1.0),
    ) -> None:
        # This checks and names the settings; the map below takes its place.
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, "meta"
        )
        self._set_edges(basis, grid, degree, interval)
        channels = self.functions * in_channels
        self.maps = nn.Conv2d(
            channels, out_channels, kernel_size, stride, 0, dilation, groups, bias, device=device, dtype=dtype
        )
        self.reset_parameters()

    def _pad(self, x: Tensor) -> Tensor:
        if self.padding == "same":
            spans = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            sides = [(span // 2, span - span // 2) for span in spans]
        else:
            sides = [(p, p) for p in ((0, 0) if isinstance(self.padding, str) else self.padding)]
        sides = (*sides[1], *sides[0])  # Torch wants the last dimension first.
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return F.pad(x, sides, mode) if any(sides) else x

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-3] != self.in_channels:
            raise ValueError(f"expected {self.in_channels} channels, got shape {tuple(x.shape)}")
        padded = self._pad(x)
        if x.dim() == 4 and x.movedim(-3, -1).is_contiguous() and not x.is_contiguous():  # It is in channels_last.
            values = self._expand(padded.movedim(-3, -1), -1).movedim(-1, -3)
        else:
            values = self._expand(padded, -3)
        return self.maps(values)
