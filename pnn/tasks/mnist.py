"""MNIST and Fashion-MNIST: grey images of 28x28 pixels."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from ..system.choice import added
from .cifar import images
from .digits import digits
from .published import Published
from .sources import Source, join

GREY = {"parts": {"train": ("train",), "test": ("test",)}, "decode": images, "combine": join, "revision": None}
GREY |= {"columns": ("image", "label"), "classes": 10, "shape": (1, 28, 28), "rows": {"train": 60_000, "test": 10_000}}
MNIST_SOURCE = Source(
    title="MNIST",
    folder="mnist",
    hub="ylecun/mnist",
    sha256={
        "train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"
        " 1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        "test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"
        " ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    },
    **GREY,
)
FASHION_SOURCE = Source(title="Fashion-MNIST", folder="fashion_mnist", hub="zalando-datasets/fashion_mnist", **GREY)


@dataclass(frozen=True)
class MNIST(Published):
    """60,000 and 10,000 handwritten digits. The stand-in is scikit-learn's digits, enlarged, in a black frame."""

    validation: int = 12_000
    rows: Literal["real", "stand-in"] = "real"
    train: int = added(0)  # how many training rows are kept beside those for validation; 0: all
    name: ClassVar[str] = "mnist"
    source: ClassVar[Source] = MNIST_SOURCE
    make_stand_in = staticmethod(partial(digits, MNIST_SOURCE.shape))


@dataclass(frozen=True)
class FashionMNIST(Published):
    """60,000 and 10,000 images of ten kinds of clothes; the stand-in is that of :class:`MNIST`."""

    validation: int = 12_000
    rows: Literal["real", "stand-in"] = "real"
    name: ClassVar[str] = "fashion-mnist"
    source: ClassVar[Source] = FASHION_SOURCE
    make_stand_in = staticmethod(partial(digits, FASHION_SOURCE.shape))
