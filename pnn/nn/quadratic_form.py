"""The exact polynomial of a quadratic layer or network, and what its matrices say."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

POINTS = 8  # so many random inputs, of deviation 1 and 10, must agree
TOLERANCE = 1e-8  # to this share of the largest output


@dataclass(frozen=True)
class QuadraticForm:
    r"""Polynomials of degree 2, one an output, in float64.

    .. math:: y_k = x^\top Q_k \, x + b_k^\top x + c_k, \qquad Q_k = Q_k^\top

    Called with rows ``(N, d)``, or with more dimensions that are flattened to d, it gives ``(N, outputs)``.
    """

    matrices: Tensor  # Q, (outputs, d, d), symmetric
    vectors: Tensor  # b, (outputs, d)
    constants: Tensor  # c, (outputs)

    def __call__(self, x: Tensor) -> Tensor:
        x = x.flatten(1).double()
        return torch.einsum("ni,kij,nj->nk", x, self.matrices, x) + x @ self.vectors.T + self.constants

    def eigenvectors(self) -> tuple[Tensor, Tensor]:
        r"""The spectrum of every matrix, :math:`Q_k = \sum_i \lambda_{k,i} v_{k,i} v_{k,i}^\top`.

        Returns:
            The eigenvalues ``(outputs, d)``, from the largest in absolute value to the smallest, and the eigenvectors
            ``(outputs, d, d)``, whose row i belongs to eigenvalue i.
        """
        values, vectors = torch.linalg.eigh(self.matrices)
        order = values.abs().argsort(dim=1, descending=True)
        vectors = vectors.transpose(1, 2).gather(1, order[:, :, None].expand_as(vectors))
        return values.gather(1, order), vectors

    def truncated(self, rank: int) -> "QuadraticForm":
        """The form with the eigenvectors of the ``rank`` eigenvalues of each matrix that are largest in absolute value.

        Raises:
            ValueError: rank is no whole number of at least 0.
        """
        if type(rank) is not int or rank < 0:
            raise ValueError(f"rank must be a whole number of at least 0, got {rank!r}")
        values, vectors = (part[:, :rank] for part in self.eigenvectors())
        return QuadraticForm(vectors.transpose(1, 2) * values[:, None] @ vectors, self.vectors, self.constants)


def quadratic_form(model: nn.Module, example: Tensor) -> QuadraticForm:
    r"""The exact polynomial that a layer, or a network of degree 2 at most, computes in evaluation mode.

    The gradient of a polynomial of degree 2 is affine, :math:`2 Q x + b`: its values at 0 and at the unit vectors are
    b and Q, and they are taken in float64 by automatic differentiation. That the network is one is not assumed: random
    inputs must give what the form says. Any module will do: a neuron, a convolution, neurons between linear maps and
    BatchNorm.

    Args:
        model: the layer or network; it is left as it was.
        example: an input, of which only the shape after the first dimension counts.

    Returns:
        The form in the numbers of one flattened input; of outputs of several dimensions, in flattened outputs.

    Raises:
        ValueError: the network is no polynomial of degree 2 or less; :func:`pnn.audit` tells what stops it.

    Example:
        >>> layer = pnn.BilinearLinear(3, 2)
        >>> form, x = pnn.quadratic_form(layer, torch.zeros(1, 3)), torch.randn(5, 3)
        >>> torch.allclose(form(x).float(), layer(x), atol=1e-6)
        True
    """
    training = {module: module.training for module in model.modules()}
    weights = {
        name: value.detach().double() if value.is_floating_point() else value
        for name, value in (*model.named_parameters(), *model.named_buffers())
    }
    zero = torch.zeros(1, *example.shape[1:], dtype=torch.float64, device=example.device)

    def outputs(x: Tensor) -> Tensor:
        return torch.func.functional_call(model, weights, (x.view_as(zero),)).flatten()

    try:
        model.eval()
        flat = zero.flatten()
        slopes = torch.func.jacrev(outputs)
        at_zero = slopes(flat).detach()
        # Not all at once: the values inside of the network would be held for every unit vector.
        at_units = torch.func.vmap(slopes, chunk_size=64)(torch.eye(len(flat), dtype=flat.dtype, device=flat.device))
        matrices = (at_units.detach() - at_zero).movedim(0, 2) / 2
        form = QuadraticForm((matrices + matrices.mT) / 2, at_zero, outputs(flat).detach())
        generator = torch.Generator().manual_seed(0)
        scales = torch.tensor([1.0, 10.0], dtype=zero.dtype).repeat(POINTS // 2)
        points = torch.randn(POINTS, len(flat), generator=generator, dtype=zero.dtype) * scales[:, None]
        seen = torch.stack([outputs(point).detach() for point in points.to(zero.device)])
        told = form(points.to(zero.device))
        if not (told - seen).abs().max() <= TOLERANCE * seen.abs().max().clamp(min=1):
            raise ValueError(
                f"{type(model).__name__} is no polynomial of degree 2 or less: at random inputs its outputs are off "
                "from those of its quadratic part at 0. pnn.audit(model, example) says what stops it, or its degree"
            )
        return form
    finally:
        for module, mode in training.items():
            module.training = mode
