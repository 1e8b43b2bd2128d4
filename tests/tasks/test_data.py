"""Tasks' rows: the stand-ins, the split, the statistics and the random crops, each against a plain statement of it."""

from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torchvision.transforms import functional as TF

import pnn
from pnn.tasks import data
from pnn.tasks import digits as digits_module
from pnn.tasks.augment import PAD, Epoch, crop_and_flip, draw_epoch, take_batch

STAND_INS = [
    (pnn.Digits(validation=200), (1, 8, 8)),
    (pnn.CIFAR10(validation=200, rows="stand-in"), (3, 32, 32)),
]
each_stand_in = pytest.mark.parametrize(("task", "shape"), STAND_INS, ids=["digits", "cifar10"])


def rows_of(*splits: pnn.Split) -> Counter:
    """Images with their labels, whatever their order."""
    return Counter((x.numpy().tobytes(), int(y)) for split in splits for x, y in zip(split.x, split.y, strict=True))


# --- the stand-ins -------------------------------------------------------------------------------------------------


@each_stand_in
def test_a_stand_in_is_scikit_learns_digits_in_the_tasks_shape(task, shape):
    loaded = task.load()
    images, labels = load_digits(return_X_y=True)
    images = np.rint(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    block = np.ones((shape[1] // 8, shape[2] // 8), np.uint8)
    expected = torch.stack([torch.from_numpy(np.kron(image, block)).expand(shape) for image in images])
    first, rest = (pnn.Split(expected[part], torch.from_numpy(labels[part])) for part in np.s_[:1437, 1437:])

    assert (loaded.origin, loaded.form.classes, loaded.form.shape) == ("stand-in", 10, shape)
    assert (len(loaded.train), len(loaded.validation), len(loaded.test)) == (1237, 200, 360)
    assert torch.equal(loaded.test.x, rest.x)
    assert torch.equal(loaded.test.y, rest.y)
    assert rows_of(loaded.train, loaded.validation) == rows_of(first)  # every row once: none lost, none in both
    assert {(split.x.dtype, split.y.dtype) for split in (loaded.train, loaded.test)} == {(torch.uint8, torch.int64)}


def test_the_validation_rows_are_fixed():
    split = pnn.Digits(validation=12).load().validation
    assert split.y.tolist() == [6, 7, 9, 2, 0, 1, 2, 1, 6, 2, 1, 2]  # as they were when the first Record was made


@pytest.mark.parametrize("validation", [1437, 5000])
def test_more_validation_rows_than_there_are_is_an_error(validation):
    with pytest.raises(pnn.DataError, match=f"1437 training rows; {validation} of them"):
        pnn.Digits(validation=validation).load()


def test_the_fingerprint_is_of_every_pixel_and_label_and_of_nothing_else(monkeypatch):
    fingerprint = pnn.Digits(validation=200).load().fingerprint
    assert pnn.Digits(validation=100).load().fingerprint == fingerprint
    original, seen = digits_module.digits, {fingerprint}
    for split in ("train", "test"):
        for column in "xy":

            def changed(shape, split=split, column=column):
                tensors = original(shape)
                tensors[f"{split}.{column}"][-1] += 1
                return tensors

            monkeypatch.setattr(digits_module, "digits", changed)
            seen.add(pnn.Digits(validation=200).load().fingerprint)
    assert len(seen) == 5


# --- statistics ----------------------------------------------------------------------------------------------------


def test_channel_statistics_are_those_of_the_floats():
    x = torch.randint(0, 256, (50, 3, 9, 7), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    x[:, 1] //= 3
    x[:, 2] = 200
    floats = x.double() / 255
    mean, std = data._channel_statistics(x)
    torch.testing.assert_close(mean.double(), floats.mean((0, 2, 3)), rtol=1e-6, atol=0)
    torch.testing.assert_close(std.double(), floats.std((0, 2, 3), correction=0), rtol=1e-6, atol=1e-8)


@each_stand_in
def test_normalised_training_rows_have_mean_0_and_deviation_1(task, shape):
    loaded = task.load()
    x = loaded.normalise(loaded.train.x)
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.double().mean((0, 2, 3)), torch.zeros(shape[0]).double(), rtol=0, atol=1e-5)
    torch.testing.assert_close(x.double().std((0, 2, 3)), torch.ones(shape[0]).double(), rtol=0, atol=1e-5)


# --- crops and flips -----------------------------------------------------------------------------------------------


def crop_and_flip_plainly(image: torch.Tensor, top: int, left: int, flip: bool) -> torch.Tensor:
    height, width = image.shape[1:]
    cut = TF.crop(TF.pad(image, [4, 4, 4, 4]), top, left, height, width)
    return TF.hflip(cut) if flip else cut


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8), (2, 5, 7)])
def test_every_crop_and_flip_is_torchvisions(shape):
    choices = [(top, left, flip) for top in range(9) for left in range(9) for flip in (False, True)]
    x = torch.randint(0, 256, (len(choices), *shape), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    shift, flip = torch.tensor([choice[:2] for choice in choices]), torch.tensor([choice[2] for choice in choices])
    expected = [crop_and_flip_plainly(image, *choice) for image, choice in zip(x, choices, strict=True)]
    assert torch.equal(crop_and_flip(x, shift, flip), torch.stack(expected))


def same(a: Epoch, b: Epoch) -> bool:
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("order", "shift", "flip"))


def test_an_epoch_is_a_pure_function_of_seed_and_epoch():
    pairs = [(seed, epoch) for seed in (0, 1, 2, 11) for epoch in (0, 1, 2, 11)]
    epochs = [draw_epoch(300, *pair, True, "cpu") for pair in pairs]
    torch.manual_seed(5)
    state = torch.get_rng_state()
    for pair, drawn in zip(reversed(pairs), reversed(epochs), strict=True):
        assert same(draw_epoch(300, *pair, True, "cpu"), drawn)
    assert torch.equal(torch.get_rng_state(), state)
    for name in ("order", "shift", "flip"):
        assert len({getattr(drawn, name).numpy().tobytes() for drawn in epochs}) == len(pairs)


def test_an_epoch_draws_every_row_once_and_every_crop_alike():
    drawn = draw_epoch(9000, 0, 0, True, "cpu")
    assert sorted(drawn.order.tolist()) == list(range(9000))
    for axis in (0, 1):
        counts = torch.bincount(drawn.shift[:, axis], minlength=2 * PAD + 1)
        assert len(counts) == 9
        assert (counts - 1000).abs().max() < 150  # five deviations
    assert abs(int(drawn.flip.sum()) - 4500) < 240


def test_augmentation_leaves_the_order_as_it_is():
    plain = draw_epoch(300, 3, 4, False, "cpu")
    assert torch.equal(plain.order, draw_epoch(300, 3, 4, True, "cpu").order)
    assert plain.shift is None
    assert plain.flip is None


@pytest.mark.parametrize("augment", [False, True])
def test_the_batches_are_the_rows_in_order_each_with_its_own_crop(augment):
    split = pnn.Digits(validation=1427).load().train
    drawn = draw_epoch(len(split), 0, 0, augment, "cpu")
    expected = split.x[drawn.order]
    if augment:
        choices = zip(expected, drawn.shift.tolist(), drawn.flip.tolist(), strict=True)
        expected = torch.stack([crop_and_flip_plainly(image, *shift, flip) for image, shift, flip in choices])
    batches = [take_batch(split, drawn, start, 4) for start in range(0, 10, 4)]
    assert [len(y) for _, y in batches] == [4, 4, 2]
    assert torch.equal(torch.cat([x for x, _ in batches]), expected)
    assert torch.equal(torch.cat([y for _, y in batches]), split.y[drawn.order])
