"""What a quadratic network's weights say is kept: the spectra of its interaction matrices, and their eigenvectors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..nn.activation import IDENTITY
from ..nn.quadratic_form import QuadraticForm, quadratic_form
from ..system.choice import RunError, check_types
from .method import MethodBase, Run

RANKS = (1, 2, 4, 8, 16, 32, 64)  # so many eigenvectors of each matrix are kept when decisions are compared
ROWS = 2000  # on which they are
SPECTRUM = 64  # so many eigenvalues are kept
OF_TWO = ("bilinear", "polynomial", "quadratic")  # the neurons of which one layer has degree 2


@dataclass(frozen=True)
class WatchInteractions(MethodBase):
    r"""Keep what the weights of a network of degree 2 say of each class, when it has ended; nothing else is changed.

    From :func:`pnn.quadratic_form`, with the matrix :math:`Q_k` of class k, ``Record.readings`` has:

    - ``interactions.eigenvalues``, (classes, 64): the largest in absolute value, in that order;
    - ``interactions.rank``, (classes): the participation ratio :math:`(\sum_i |\lambda_i|)^2 / \sum_i \lambda_i^2` of
      all of them, which is r where r are equal and the others 0;
    - ``interactions.vectors``, (classes, 2, inputs): the eigenvectors of the largest and of the smallest eigenvalue,
      each divided by its largest entry and rounded to hundredths, of the sign that makes that entry positive;
    - ``interactions.agreement``, (7): the share of 2,000 training rows whose decision stays if 1, 2, 4, ..., 64
      eigenvectors of each matrix are kept.
    """

    name: ClassVar[str] = "watch-interactions"

    def __post_init__(self) -> None:
        check_types(self)

    def check(self, run: Run) -> None:
        """It is for networks of degree 2; see :meth:`~pnn.methods.method.MethodBase.check`."""
        network: Any = run.network
        if (
            network.name != "mlp"
            or network.depth != 1
            or network.activation != IDENTITY
            or network.neuron not in OF_TWO
        ):
            raise RunError(
                f'the method "watch-interactions" is for an MLP of one layer of products ({", ".join(OF_TWO)}) without '
                f"activation, got {network}"
            )

    def at_end(self, model: nn.Module, rows: Callable[[int], Tensor]) -> dict[str, Tensor]:
        """See :meth:`~pnn.methods.method.MethodBase.at_end`."""
        x = rows(ROWS)
        form = quadratic_form(model, x[:1])
        values, vectors = form.eigenvectors()
        ends = torch.stack([values.argmax(1), values.argmin(1)], 1)
        return {
            "interactions.eigenvalues": values[:, :SPECTRUM],
            "interactions.rank": participation_ratio(values),
            "interactions.vectors": _images(vectors.gather(1, ends[:, :, None].expand(-1, -1, vectors.shape[2]))),
            "interactions.agreement": _agreement(form, values, vectors, x.flatten(1).double()),
        }


def participation_ratio(values: Tensor) -> Tensor:
    r""":math:`(\sum_i |\lambda_i|)^2 / \sum_i \lambda_i^2` over the last dimension: how many eigenvalues matter."""
    return values.abs().sum(-1).square() / values.square().sum(-1)


def _images(vectors: Tensor) -> Tensor:
    """Each vector over its entry of largest absolute value, in hundredths."""
    largest = vectors.gather(2, vectors.abs().argmax(2, keepdim=True))
    return (vectors / largest * 100).round() / 100


def _agreement(form: QuadraticForm, values: Tensor, vectors: Tensor, x: Tensor) -> Tensor:
    """By `RANKS`, the share of rows with the decision of the whole form."""
    terms = torch.stack([(x @ own.T).square() * value for own, value in zip(vectors, values, strict=True)], 1)
    affine = x @ form.vectors.T + form.constants
    decisions = (terms.sum(2) + affine).argmax(1)
    kept = [(terms[:, :, :rank].sum(2) + affine).argmax(1) == decisions for rank in RANKS]
    return torch.stack(kept).double().mean(1)
