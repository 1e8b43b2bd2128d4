"""Rows that need no file of ours, in the shapes of the published data sets."""

import torch

from .sources import Source, Split


def digits(shape: tuple[int, int, int]) -> dict[str, Split]:
    """scikit-learn's 1,797 real 8x8 digits, enlarged to the shape by repetition; the last fifth is the test set."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    channels, height, width = shape
    pixels = torch.from_numpy(x * (255 / 16)).round().to(torch.uint8).view(-1, 1, 8, 8)
    pixels = pixels.repeat_interleave(height // 8, 2).repeat_interleave(width // 8, 3).repeat(1, channels, 1, 1)
    return _cut(pixels, torch.from_numpy(y).long())


def tumours(columns: int) -> dict[str, Split]:
    """The first columns of scikit-learn's 569 real breast-cancer rows; the last fifth is the test set."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return _cut(torch.from_numpy(x[:, :columns]).float(), torch.from_numpy(y).long())


def tokens(length: int, vocabulary: int, rows: int = 600) -> dict[str, Split]:
    """Random tokens of random length, padded with 0; each class strews eight tokens of its own ten among them."""
    draw = torch.Generator().manual_seed(0)

    def integers(low: int, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=draw)

    y = (torch.rand(rows, generator=draw) < 0.6).long()
    x = integers(30, vocabulary, rows, length)
    x.scatter_(1, integers(0, length // 4, rows, 8), 10 + 10 * y[:, None] + integers(0, 10, rows, 8))
    x[torch.arange(length) >= integers(length // 4, length + 1, rows, 1)] = 0
    return _cut(x.int(), y)


def vectors(vocabulary: int, dimensions: int = 50) -> torch.Tensor:
    """A random vector for each token; that of the padding is 0."""
    made = torch.randn(vocabulary, dimensions, generator=torch.Generator().manual_seed(0))
    made[0] = 0
    return made


def of(source: Source) -> dict[str, Split]:
    """The stand-in for a data set, in its shape."""
    if source.vocabulary:
        return tokens(*source.shape, source.vocabulary)
    return tumours(*source.shape) if len(source.shape) == 1 else digits(source.shape)


def _cut(x: torch.Tensor, y: torch.Tensor) -> dict[str, Split]:
    cut = len(y) * 4 // 5
    return {"train": Split(x[:cut], y[:cut]), "test": Split(x[cut:], y[cut:])}
