"""Which function is learnt: architectures, each generic over neuron, activation and width, and baselines.

`Network` lists what may be chosen. A network has a ``name``, says by ``fits(form)`` whether it is made for rows of a
:class:`pnn.Form`, and makes its module by ``build(form, vectors)``; a baseline has no module.
"""

from .baselines import BagOfWords, Baseline, BoostedTrees, Majority, QuadraticRidge
from .cnn import CNN
from .cnn1d import CNN1d
from .convnext import ConvNeXt
from .funnel_mlp import FunnelMLP
from .lenet import LeNet
from .mlp import MLP
from .pair_cnn import PairCNN
from .polynext import PolyNeXt
from .resnet import ResNet
from .text_cnn import TextCNN

Network = (
    CNN
    | MLP
    | ResNet
    | LeNet
    | ConvNeXt
    | PolyNeXt
    | TextCNN
    | PairCNN
    | CNN1d
    | FunnelMLP
    | Majority
    | BagOfWords
    | BoostedTrees
    | QuadraticRidge
)

__all__ = ["Baseline", "Network", "label"]


def label(network: Network) -> str:
    """A network in the names of Records and in messages: neuron and width where it has them, else its own name."""
    if isinstance(network, Baseline) or not (hasattr(network, "neuron") and hasattr(network, "width")):
        return network.name
    return f"{network.neuron}-{network.width}"
