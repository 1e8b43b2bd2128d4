"""The convolutional network of texts."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from ..nn import activation as activations
from ..system.choice import check_at_least, check_types
from ..tasks.data import Form
from .neurons import NeuronName, check_activation, check_names, conv1d


@dataclass(frozen=True)
class TextCNN:
    """The choice of a :class:`TextCNNModule`."""

    neuron: NeuronName
    width: int  # channels of the first block
    activation: "activations.Activation" = activations.RELU
    name: ClassVar[str] = "text-cnn"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "width")

    def fits(self, form: Form) -> bool:
        """Whether it is made for rows of this form; it is for tokens."""
        return bool(form.vocabulary)

    def build(self, form: Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's global generator."""
        return TextCNNModule(form.vocabulary, form.outputs, self.width, self.neuron, self.activation)


class TextCNNModule(nn.Module):
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
        neuron: a name in ``pnn.networks.neurons.NEURONS``.
        activation: a choice such as ``pnn.ReLU()``.
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
        activation: activations.Activation = activations.RELU,
        *,
        embedding_dim: int = 128,
    ) -> None:
        super().__init__()
        check_names(neuron=neuron)
        check_activation(activation)
        self.embedding = nn.Embedding(vocabulary, embedding_dim, padding_idx=0)
        self.convolutions, self.norms, self.activations = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        channels = embedding_dim
        for out_channels in (width, 2 * width, 4 * width):
            self.convolutions.append(conv1d(neuron, channels, out_channels, 3, padding=1))
            self.norms.append(nn.BatchNorm1d(out_channels))
            self.activations.append(activation.build(out_channels))
            channels = out_channels
        self.pool = nn.MaxPool1d(2)
        self.head = nn.Linear(channels, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = padded(tokens, 8)
        there = (tokens != 0)[:, None]
        x = self.embedding(tokens).transpose(1, 2)
        for convolution, norm, activation in zip(self.convolutions, self.norms, self.activations, strict=True):
            x = self.pool(activation(norm(convolution(x))) * there)
            there = self.pool(there.to(x.dtype)) > 0
        return self.head(mean_over(x, there))


def padded(tokens: Tensor, multiple: int) -> Tensor:
    """The tokens, padded so far that pooling leaves no position out."""
    return F.pad(tokens, (0, -tokens.shape[1] % multiple))


def mean_over(x: Tensor, there: Tensor) -> Tensor:
    """The mean over the positions that are no padding; 0 if all are."""
    return (x * there).sum(-1) / there.sum(-1).clamp(min=1)
