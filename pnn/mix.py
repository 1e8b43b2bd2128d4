"""Strong augmentation by torchvision's own parts: RandAugment, MixUp and CutMix."""

import torch
from torch import Tensor

SHARED = 8  # images of a batch that share one draw of RandAugment: torchvision draws once a call, and a call is slow
MIXUP, CUTMIX = 0.8, 1.0  # parameters of the Beta distributions of the shares


def rand_augment(x: Tensor) -> Tensor:
    """Two random operations (rotation, shear, contrast, ...) of medium strength on uint8 images, drawn for 8 at a time.

    Source: :cite:t:`cubuk2020`, by :class:`torchvision.transforms.v2.RandAugment`.
    """
    from torchvision.transforms import v2  # here, as it takes seconds and few runs need it

    policy = v2.RandAugment()
    return torch.cat([policy(part) for part in x.split(SHARED)])


def mixup_or_cutmix(x: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """A batch mixed with itself, rolled by one, and the probabilities of its classes; one of the two ways by chance.

    Source: :cite:t:`zhang2018` and :cite:t:`yun2019`, by torchvision.
    """
    from torchvision.transforms import v2

    mixing = v2.MixUp(alpha=MIXUP, num_classes=classes), v2.CutMix(alpha=CUTMIX, num_classes=classes)
    return mixing[int(torch.rand(()) < 0.5)](x, y)
