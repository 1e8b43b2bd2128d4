"""Networks of texts, each generic over neuron, activation and width."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .neurons import ACTIVATIONS, check_names, conv1d


class PairCNN(nn.Module):
    r"""One block of [convolution of 3 tokens, BatchNorm, activation, max-pool 2] over a question and over its passage.

    Both go through the same embedding, which starts from given vectors, and the same block; the two means over
    positions, side by side, go through dropout and a linear layer. Token 0 is padding, treated as in :class:`TextCNN`.

    - **Parameters** for ``v`` vectors of size ``e`` and ``k`` outputs, with :math:`m` maps a neuron (1 if standard, 3
      if polynomial): :math:`v e + 3 m e w + 2 w + 2 w k + k`.

    Args:
        vectors: ``(vocabulary, dimensions)``, what the embedding starts from.
        num_classes: size of the output.
        width: channels of the block.
        neuron: a name in ``pnn.neurons.NEURONS``.
        activation: ``"relu"`` or ``"identity"``.
        question: places of the question; the others are the passage's.
        word_dropout: share of the tokens whose vectors are set to 0 in training.
        dropout: the same of the last layer's inputs.

    Shape:
        ``(N, L)`` whole numbers to ``(N, num_classes)``.

    Source: this book's.
    """

    def __init__(
        self,
        vectors: Tensor,
        num_classes: int,
        width: int,
        neuron: str = "standard",
        activation: str = "relu",
        *,
        question: int = 24,
        word_dropout: float = 0.2,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_names(neuron=neuron, activation=activation)
        self.question = question
        self.embedding = nn.Embedding.from_pretrained(vectors.clone(), freeze=False, padding_idx=0)
        self.word_dropout = nn.Dropout1d(word_dropout)  # of (N, L, dimensions): whole words
        self.convolution = conv1d(neuron, vectors.shape[1], width, 3, padding=1)
        self.norm = nn.BatchNorm1d(width)
        self.activation = ACTIVATIONS[activation]()
        self.pool = nn.MaxPool1d(2)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        parts = tokens[:, : self.question], tokens[:, self.question :]
        means = [self._mean(_padded(part, 2)) for part in parts]
        return self.head(self.dropout(torch.cat(means, 1)))

    def _mean(self, tokens: Tensor) -> Tensor:
        there = (tokens != 0)[:, None]
        x = self.word_dropout(self.embedding(tokens)).transpose(1, 2)
        x = self.pool(self.activation(self.norm(self.convolution(x))) * there)
        return _mean_over(x, self.pool(there.to(x.dtype)) > 0)


class TextCNN(nn.Module):
    r"""Embedding, three blocks of [convolution of 3 tokens, BatchNorm, activation, max-pool 2], mean, linear.

    The blocks have ``width``, ``2 * width`` and ``4 * width`` channels; convolutions have no bias, and the last layer
    is always a plain linear one. Token 0 is padding: what stands there is zero before every convolution and pooling,
    and is left out of the mean, so that in evaluation mode the output does not depend on how far a text is padded.
    (In training mode padding still takes part in BatchNorm's statistics.)

    - **Parameters** for a vocabulary of ``v``, an embedding of ``e`` and ``k`` outputs, with :math:`m` maps a neuron
      (1 if standard, 3 if polynomial): :math:`v e + m (3 e w + 30 w^2) + 14 w + 4 w k + k`.

    Args:
        vocabulary: number of tokens, padding included.
        num_classes: size of the output.
        width: channels of the first block.
        neuron: a name in ``pnn.neurons.NEURONS``.
        activation: ``"relu"`` or ``"identity"``.
        embedding_dim: size of a token's vector.

    Shape:
        ``(N, L)`` whole numbers to ``(N, num_classes)``.

    Source: :cite:t:`oporture2026`, widths 256 (standard) and 148 (polynomial), one output, padding in the mean.
    """

    def __init__(
        self,
        vocabulary: int,
        num_classes: int,
        width: int,
        neuron: str = "standard",
        activation: str = "relu",
        *,
        embedding_dim: int = 128,
    ) -> None:
        super().__init__()
        check_names(neuron=neuron, activation=activation)
        self.embedding = nn.Embedding(vocabulary, embedding_dim, padding_idx=0)
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        channels = embedding_dim
        for out_channels in (width, 2 * width, 4 * width):
            self.convolutions.append(conv1d(neuron, channels, out_channels, 3, padding=1))
            self.norms.append(nn.BatchNorm1d(out_channels))
            channels = out_channels
        self.activation = ACTIVATIONS[activation]()
        self.pool = nn.MaxPool1d(2)
        self.head = nn.Linear(channels, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = _padded(tokens, 8)
        there = (tokens != 0)[:, None]
        x = self.embedding(tokens).transpose(1, 2)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = self.pool(self.activation(norm(convolution(x))) * there)
            there = self.pool(there.to(x.dtype)) > 0
        return self.head(_mean_over(x, there))


def _padded(tokens: Tensor, multiple: int) -> Tensor:
    """So far that pooling leaves no position out."""
    return F.pad(tokens, (0, -tokens.shape[1] % multiple))


def _mean_over(x: Tensor, there: Tensor) -> Tensor:
    """The mean over the positions that are there; 0 if none is."""
    return (x * there).sum(-1) / there.sum(-1).clamp(min=1)
