"""The network of a question and its passage, from given vectors."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..nn import activation as activations
from ..system.choice import RunError, check_at_least, check_types
from ..tasks.data import Form
from .neurons import NeuronName, check_activation, check_names, conv1d
from .text_cnn import mean_over, padded


@dataclass(frozen=True)
class PairCNN:
    """The choice of a :class:`PairCNNModule`."""

    neuron: NeuronName
    width: int  # channels of the block
    activation: "activations.Activation" = activations.RELU
    name: ClassVar[str] = "pair-cnn"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "width")

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for tokens."""
        return bool(form.vocabulary)

    def build(self, form: Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's generator; the tokens' vectors start it."""
        if vectors is None:
            raise RunError(f"the network {self.name!r} needs a task with vectors, such as 'boolq-words'")
        return PairCNNModule(vectors, form.outputs, self.width, self.neuron, self.activation)


class PairCNNModule(nn.Module):
    r"""One block of [convolution of 3 tokens, BatchNorm, activation, max-pool 2] over a question and over its passage.

    Both go through the same embedding, which starts from given vectors, and the same block; the two means over
    positions, side by side, go through dropout and a linear layer. Token 0 is padding, treated as in
    :class:`TextCNNModule`.

    - **Parameters** for ``v`` vectors of size ``e`` and ``k`` outputs, with :math:`m` maps a neuron (1 if standard, 3
      if polynomial): :math:`v e + 3 m e w + 2 w + 2 w k + k`.

    Args:
        vectors: ``(vocabulary, dimensions)``, what the embedding starts from.
        num_classes: size of the output.
        width: channels of the block.
        neuron: a name in ``pnn.networks.neurons.NEURONS``.
        activation: a choice such as ``pnn.ReLU()``.
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
        activation: activations.Activation = activations.RELU,
        *,
        question: int = 24,
        word_dropout: float = 0.2,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_names(neuron=neuron)
        check_activation(activation)
        self.question = question
        self.embedding = nn.Embedding.from_pretrained(vectors.clone(), freeze=False, padding_idx=0)
        self.word_dropout = nn.Dropout1d(word_dropout)  # On (N, L, dimensions) it drops whole words.
        self.convolution = conv1d(neuron, vectors.shape[1], width, 3, padding=1)
        self.norm = nn.BatchNorm1d(width)
        self.activation = activation.build(width)
        self.pool = nn.MaxPool1d(2)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        parts = tokens[:, : self.question], tokens[:, self.question :]
        means = [self._mean(padded(part, 2)) for part in parts]
        return self.head(self.dropout(torch.cat(means, 1)))

    def _mean(self, tokens: Tensor) -> Tensor:
        there = (tokens != 0)[:, None]
        x = self.word_dropout(self.embedding(tokens)).transpose(1, 2)
        x = self.pool(self.activation(self.norm(self.convolution(x))) * there)
        return mean_over(x, self.pool(there.to(x.dtype)) > 0)
