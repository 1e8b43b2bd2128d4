"""A quadratic activation function that normalises each of its basis functions over the batch."""

import math

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

# These are the coefficients of ReLU: the means of relu(z) h_k(z) over a normally distributed z.
LINEAR, QUADRATIC = 1 / 2, 1 / (2 * math.sqrt(math.pi))


class HermiteBatchNorm(nn.Module):
    r"""ReLU's quadratic in Hermite polynomials, with a batch normalisation of each: activation and BatchNorm in one.

    .. math::

        y = \gamma \left( \hat f_1 N_1(x) + \hat f_2 N_2\!\left(\tfrac{x^2 - 1}{\sqrt 2}\right) \right) + \beta,
        \qquad \hat f_1 = \tfrac12, \quad \hat f_2 = \tfrac{1}{2 \sqrt \pi}

    where :math:`N_1` and :math:`N_2` are batch normalisations without numbers of their own, and :math:`\gamma`,
    :math:`\beta` are learnt, one a channel. The constant :math:`h_0` of the source is left out: its normalisation is 0.
    At inference the layer is a quadratic polynomial. Since a square cannot escape its own normalisation, values stay
    bounded in training, but not those of a row at inference that is unlike the training's.

    - **Degree** 2 in the input and **multiplicative depth** 1.
    - **Parameters** 2 a channel, and 4 running statistics.
    - **Multiply-accumulates** 5 an element in training, 2 at inference once the normalisations are folded.
    - **Initialisation** :math:`\gamma = 1`, :math:`\beta = 0`.

    Args:
        num_features: channels, dimension 1 of the input.
        eps: what is added to the variances.
        momentum: of the running statistics.
        device: device of the parameters.
        dtype: type of the parameters.

    Shape:
        ``(N, num_features, *)`` to the same.

    Raises:
        ValueError: the input has one dimension, or another number of channels.

    When not to use it:
        Where the network need not be a polynomial, and in very deep ones: the degree doubles with every layer. With a
        BatchNorm after it, which would be a second one. See
        :doc:`Which of them train? </notebooks/ablations/stable_training>`.

    Source: :cite:t:`park2022`, of degree 2.

    Example:
        >>> pnn.HermiteBatchNorm(64)(torch.randn(8, 64, 32, 32)).shape
        torch.Size([8, 64, 32, 32])
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, *, device=None, dtype=None) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.norm1, self.norm2 = (
            _Normalisation(num_features, eps, momentum, affine=False, device=device, dtype=dtype) for _ in range(2)
        )
        self.weight = nn.Parameter(torch.empty(num_features, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(num_features, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight, bias and statistics to their start."""
        self.norm1.reset_parameters()
        self.norm2.reset_parameters()
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() < 2 or x.shape[1] != self.num_features:
            raise ValueError(f"expected {self.num_features} channels in dimension 1, got shape {tuple(x.shape)}")
        shape = (-1,) + (1,) * (x.dim() - 2)
        quadratic = (x * x - 1) * (1 / math.sqrt(2))
        y = LINEAR * self.norm1(x) + QUADRATIC * self.norm2(quadratic)
        return y * self.weight.view(shape) + self.bias.view(shape)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


class _Normalisation(_BatchNorm):
    """A BatchNorm of any number of dimensions."""

    def _check_input_dim(self, input: Tensor) -> None:
        """The layer that it belongs to has checked it."""
