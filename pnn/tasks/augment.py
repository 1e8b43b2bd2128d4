"""What is random about a pass over the training rows: order, crops and flips, RandAugment, mixing."""

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..system.extras import needs
from .data import Split

PAD = 4  # A crop of the original size is taken from the image with so many black pixels around it.
SHARED = 8  # So many images share one draw of RandAugment: torchvision draws once a call, and a call is slow.
MIXUP, CUTMIX = 0.8, 1.0  # These are the parameters of the Beta distributions of the shares.


@dataclass(frozen=True)
class Epoch:
    """Everything random about one pass over the training rows: a pure function of seed and epoch."""

    order: Tensor  # (N,) row numbers
    shift: Tensor | None  # (N, 2) offsets of the crop, 0 .. 2 * PAD
    flip: Tensor | None  # (N,) whether to mirror left to right


def draw_epoch(rows: int, seed: int, epoch: int, augment: bool, device: torch.device | str) -> Epoch:
    """Draw the order of the rows and, with ``augment``, each row's crop and flip.

    It is drawn on the CPU, so that every device sees the same stream. It does not depend on what ran before, so that a
    continued run needs no state.
    """
    generator = torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(f"{seed}/{epoch}".encode()).digest()[:7]))
    order = torch.randperm(rows, generator=generator)
    if not augment:
        return Epoch(order.to(device), None, None)
    shift = torch.randint(0, 2 * PAD + 1, (rows, 2), generator=generator)
    flip = torch.rand(rows, generator=generator) < 0.5
    return Epoch(order.to(device), shift.to(device), flip.to(device))


def take_batch(split: Split, epoch: Epoch, start: int, size: int) -> tuple[Tensor, Tensor]:
    """Rows ``start .. start + size`` of an epoch, cropped and flipped if it says so: uint8 images and labels."""
    rows = epoch.order[start : start + size]
    x, y = split.x[rows], split.y[rows]
    if epoch.shift is None:
        return x, y
    shift, flip = epoch.shift[start : start + size], epoch.flip[start : start + size]
    return crop_and_flip(x, shift, flip), y


def crop_and_flip(x: Tensor, shift: Tensor, flip: Tensor) -> Tensor:
    """Pad each image by `PAD` black pixels, cut the original size at its own offset, mirror where told to."""
    n, channels, height, width = x.shape
    rows = shift[:, 0, None] + torch.arange(height, device=x.device)
    columns = torch.arange(width, device=x.device).expand(n, -1)
    columns = shift[:, 1, None] + torch.where(flip[:, None], columns.flip(1), columns)
    padded = F.pad(x, (PAD,) * 4)
    image = torch.arange(n, device=x.device)[:, None, None, None]
    channel = torch.arange(channels, device=x.device)[:, None, None]
    return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


def rand_augment(x: Tensor) -> Tensor:
    """Two random operations (rotation, shear, contrast, ...) of medium strength on uint8 images, drawn for 8 at a time.

    Source: :cite:t:`cubuk2020`, by :class:`torchvision.transforms.v2.RandAugment`.
    """
    with needs("train", "RandAugment"):
        from torchvision.transforms import v2  # The import takes seconds, and few runs need it.

    policy = v2.RandAugment()
    return torch.cat([policy(part) for part in x.split(SHARED)])


def mixup_or_cutmix(x: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """A batch mixed with itself, rolled by one, and the probabilities of its classes; one of the two ways by chance.

    Source: :cite:t:`zhang2018` and :cite:t:`yun2019`, by torchvision.
    """
    with needs("train", "mixing images"):
        from torchvision.transforms import v2

    mixing = v2.MixUp(alpha=MIXUP, num_classes=classes), v2.CutMix(alpha=CUTMIX, num_classes=classes)
    return mixing[int(torch.rand(()) < 0.5)](x, y)
