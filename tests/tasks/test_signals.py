"""Sounds and motion: spectrograms against a plain Fourier sum, windows against their definition, people kept apart."""

import dataclasses
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

import pnn
from pnn.tasks import digests, hapt, mnist, sources
from pnn.tasks.fsdd import LOG_MEL


@pytest.fixture(autouse=True)
def nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("PNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PNN_DATA", raising=False)


def unpublished(monkeypatch, task: type, **changes) -> None:
    """The task's source without the published rows and sums."""
    monkeypatch.setattr(task, "source", dataclasses.replace(task.source, **{"rows": {}, "sha256": {}} | changes))


# --- spoken digits ---------------------------------------------------------------------------------------------------


def plain_spectrogram(samples: np.ndarray) -> np.ndarray:
    """Decibels below the loudest, by sums over the samples and over the bins."""
    samples = np.concatenate([samples, np.zeros(8000)])[:8000]
    padded = np.concatenate([np.zeros(256), samples, np.zeros(256)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(200) / 200)
    angles = np.outer(np.arange(257), np.arange(200)) * 2 * np.pi / 512
    power = np.empty((257, 101))
    for step in range(101):
        part = padded[80 * step + 156 : 80 * step + 356] * window
        power[:, step] = (np.cos(angles) @ part) ** 2 + (np.sin(angles) @ part) ** 2
    top = 2595 * np.log10(1 + 4000 / 700)
    corners = [700 * (10 ** (top * k / 65 / 2595) - 1) for k in range(66)]
    bands = np.zeros((64, 101))
    for k in range(64):
        low, middle, high = corners[k : k + 3]
        for bin in range(257):
            f = bin * 8000 / 512
            if low < f < high:
                bands[k] += power[bin] * ((f - low) / (middle - low) if f < middle else (high - f) / (high - middle))
    decibels = 10 * np.log10(np.maximum(bands, 1e-10))
    return np.maximum(decibels - decibels.max(), -80)


def tone(seconds: float, frequency: float) -> np.ndarray:
    time = np.arange(int(8000 * seconds)) / 8000
    return 0.5 * np.sin(2 * np.pi * frequency * time) + 0.01 * np.random.default_rng(0).normal(size=len(time))


@pytest.mark.parametrize("seconds", [0.4, 1.0, 1.7])
def test_a_spectrogram_is_the_sum_that_defines_it(seconds):
    samples = tone(seconds, 700)
    found = LOG_MEL(torch.from_numpy(samples))
    assert found.shape == (1, 64, 101)
    assert found.dtype == torch.uint8
    expected = np.round((plain_spectrogram(samples) / 80 + 1) * 255)
    assert np.abs(found[0].numpy() - expected).max() <= 1
    assert (found[0].numpy() == expected).mean() > 0.999


def test_a_tone_is_loudest_in_its_own_band_and_no_band_is_empty():
    bands = LOG_MEL.filters()
    assert (bands.sum(1) > 0).all()
    for frequency in (150, 1000, 3000):
        loudest = LOG_MEL(torch.from_numpy(tone(1, frequency)))[0, :, 50].argmax().item()
        nearest = bands[:, round(frequency / 8000 * 512)].argmax()
        assert loudest == nearest


def audio_table(clips: list[np.ndarray], labels: list[int], form: str = "FLAC", rate: int = 8000) -> pa.Table:
    def encode(samples: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        soundfile.write(buffer, (samples * 2**15).round().astype(np.int16), rate, format=form, subtype="PCM_16")
        return buffer.getvalue()

    column = pa.array([{"bytes": encode(clip), "path": None} for clip in clips])
    return pa.table({"audio": column, "label": labels, "speaker": ["theo"] * len(clips)})


def write_fsdd(root, clips, labels, **settings) -> None:
    (root / "fsdd").mkdir(parents=True)
    for part in ("train", "test"):
        pq.write_table(audio_table(clips, labels, **settings), root / "fsdd" / f"{part}-00000-of-00001.parquet")


def test_spoken_digits_are_the_same_whichever_way_the_files_were_encoded_and_ordered(tmp_path, monkeypatch):
    unpublished(monkeypatch, pnn.FSDD)
    clips, labels = [tone(0.3 + 0.1 * k, 300 + 400 * k) for k in range(5)], [3, 1, 4, 1, 5]
    write_fsdd(tmp_path / "one", clips, labels)
    write_fsdd(tmp_path / "other", clips[::-1], labels[::-1], form="WAV")
    one, other = (pnn.FSDD(validation=1).load(tmp_path / name) for name in ("one", "other"))
    assert one.fingerprint == other.fingerprint
    assert torch.equal(one.test.x, other.test.x)
    assert torch.equal(one.test.y, other.test.y)
    assert sorted(one.test.y.tolist()) == sorted(labels)


def test_a_recording_of_another_rate_is_named(tmp_path, monkeypatch):
    unpublished(monkeypatch, pnn.FSDD)
    write_fsdd(tmp_path, [tone(0.3, 300)] * 2, [1, 2], rate=16000)
    with pytest.raises(pnn.DataError, match=r"recording 0 has 16000 Hz .*expected 8000 Hz, mono"):
        pnn.FSDD(validation=1).load(tmp_path)


# --- motion ----------------------------------------------------------------------------------------------------------


def write_hapt(root, segments: list[tuple[int, int, int, int, int]], samples: int = 400) -> None:
    """Two experiments, whose first signal counts their samples, after an offset of 1000 for the second."""
    (root / "hapt").mkdir(parents=True)
    rows = {name: np.zeros(2 * samples, np.int32) for name in hapt.HAPT_SOURCE.columns}
    rows["exp"] = np.repeat([1, 2], samples).astype(np.int8)
    rows["acc_x"] = np.concatenate([np.arange(samples), 1000 + np.arange(samples)]).astype(np.int32)
    rows["gyro_z"] = np.full(2 * samples, 180, np.int32)
    pq.write_table(pa.table(rows), root / "hapt" / "hapt_raw.parquet")
    (root / "hapt" / "labels.txt").write_text("".join(f"{' '.join(map(str, line))}\n" for line in segments))


def test_windows_lie_inside_their_segments_and_overlap_by_half(tmp_path, monkeypatch):
    unpublished(monkeypatch, pnn.HAPT)
    # experiment, user, activity, first and last sample, counted from 1; user 2 is one of the test set
    write_hapt(tmp_path, [(1, 1, 5, 11, 202), (1, 1, 7, 203, 300), (2, 3, 12, 1, 128), (2, 2, 1, 129, 400)])
    data = pnn.HAPT(validation=1).load(tmp_path)
    rest = {"validation": data.validation, "train": data.train, "test": data.test}
    found = {
        name: sorted((round(x[0, 0].item() * 720), y.item()) for x, y in zip(split.x, split.y, strict=True))
        for name, split in rest.items()
    }
    assert found["test"] == [(1128, 0), (1192, 0), (1256, 0)]
    assert sorted(found["train"] + found["validation"]) == [(10, 4), (74, 4), (1000, 11)]
    assert {len(found["train"]), len(found["validation"])} == {1, 2}  # a user is on one side
    window = data.test.x[0]
    assert window.shape == (6, 128)
    torch.testing.assert_close(window[0] * 720, torch.arange(1128.0, 1256.0))
    torch.testing.assert_close(window[5], torch.full((128,), np.pi * 0.0175))


def test_windows_come_from_the_cache_as_they_were(tmp_path, monkeypatch):
    unpublished(monkeypatch, pnn.HAPT)
    write_hapt(tmp_path, [(1, 1, 5, 11, 202), (2, 3, 12, 1, 128), (2, 2, 1, 129, 400)])
    _, tensors = sources.load_source(pnn.HAPT.source, tmp_path)
    unpublished(monkeypatch, pnn.HAPT, sha256=digests.sums(tensors))
    first = pnn.HAPT(validation=1).load(tmp_path)
    monkeypatch.setattr(sources, "_read_folder", None)
    again = pnn.HAPT(validation=1).load(tmp_path)
    assert torch.equal(first.train.x, again.train.x)
    assert torch.equal(first.validation.x, again.validation.x)


@pytest.mark.parametrize(("rows", "test"), [(100, 30), (7767, 3162)])
def test_a_split_is_what_it_says_by_the_numbers_of_its_rows(rows, test):
    own, tested = (set(part.tolist()) for part in hapt.split_rows("users", rows, test))
    assert (own, tested) == (set(range(rows)), set(range(rows, rows + test)))
    drawn, drawn_test = hapt.split_rows("rows", rows, test)
    assert sorted([*drawn.tolist(), *drawn_test.tolist()]) == list(range(rows + test))
    assert len(drawn_test) == test
    # The fault, in the two lines that it takes: places among the rest are taken for numbers of the table.
    leaking, leaking_test = hapt.split_rows("leaking", rows, test)
    rest = [row for row in range(rows + test) if row not in set(drawn_test.tolist())]
    assert leaking.tolist() == [place for place, _ in enumerate(rest)]
    assert torch.equal(leaking_test, drawn_test)


def test_the_splits_of_hapt_have_the_same_table(tmp_path, monkeypatch):
    unpublished(monkeypatch, pnn.HAPT)
    write_hapt(tmp_path, [(1, 1, 5, 11, 202), (1, 1, 7, 203, 400), (2, 3, 12, 1, 128), (2, 2, 1, 129, 400)])
    found = {split: pnn.HAPT(validation=1, split=split).load(tmp_path) for split in ("users", "rows", "leaking")}

    def first(*splits) -> list[float]:
        return sorted(round(x[0, 0].item() * 720) for split in splits for x in split.x)

    whole = first(*found["users"].splits.values())
    assert first(*found["rows"].splits.values()) == whole
    train, test = hapt.split_rows("leaking", 5, 3)
    order = first(found["users"].train, found["users"].validation) + first(found["users"].test)
    assert first(found["leaking"].train, found["leaking"].validation) == sorted(order[i] for i in train)
    assert first(found["leaking"].test) == sorted(order[i] for i in test)
    assert len({data.fingerprint for data in found.values()}) == 3


def test_without_its_files_it_is_said_where_they_are(tmp_path):
    with pytest.raises(pnn.DataError, match=r"not on the hub.*hapt/labels.txt.*UCI Machine Learning.*C54G7M"):
        pnn.HAPT().load()
    with pytest.raises(pnn.DataError, match=r"no file .*hapt_raw.*UCI Machine Learning Repository, DOI 10"):
        pnn.HAPT().load(tmp_path)


def test_signals_are_normalised_by_channel(tmp_path):
    data = pnn.HAPT(rows="stand-in", validation=30).load()
    x = data.normalise(data.train.x)
    assert x.shape[1:] == (6, 128)
    torch.testing.assert_close(x.mean((0, 2)), torch.zeros(6), rtol=0, atol=1e-5)
    torch.testing.assert_close(x.std((0, 2), correction=0), torch.ones(6))


def test_groups_are_carved_whole():
    groups = torch.arange(10).repeat_interleave(7)
    split = pnn.Split(groups[:, None].float(), torch.zeros(70, dtype=torch.long))
    kept = {"form": pnn.Form((1,), 2), "origin": "made", "fingerprint": ""}
    data = pnn.tasks.data.carve(split, split, validation=15, groups=groups, **kept)
    own, others = set(data.validation.x.flatten().tolist()), set(data.train.x.flatten().tolist())
    assert len(data.validation) == 21
    assert not own & others
    assert len(own) == 3
    with pytest.raises(pnn.DataError, match="the task has too few groups of training rows"):
        pnn.tasks.data.carve(split, split, validation=64, groups=groups, **kept)


# --- grey images -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [pnn.MNIST, pnn.FashionMNIST])
def test_grey_images_are_their_pixels(task, tmp_path, monkeypatch):
    from PIL import Image

    unpublished(monkeypatch, task)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)

    def encode(image: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        return buffer.getvalue()

    folder = tmp_path / task.source.folder
    folder.mkdir()
    table = pa.table({"image": [{"bytes": encode(p), "path": ""} for p in pixels], "label": [0, 9, 5, 5, 1]})
    for part in ("train", "test"):
        pq.write_table(table, folder / f"{part}-00000-of-00001.parquet")
    data = task(validation=1).load(tmp_path)
    assert np.array_equal(data.test.x[:, 0].numpy(), pixels)
    assert data.test.y.tolist() == [0, 9, 5, 5, 1]
    if task is pnn.MNIST:
        few = pnn.MNIST(validation=1, train=3).load(tmp_path)
        assert {name: len(split) for name, split in few.splits.items()} == {"train": 3, "validation": 1, "test": 5}
        assert torch.equal(few.validation.x, data.validation.x)
        assert {row.numpy().tobytes() for row in few.train.x} <= {row.numpy().tobytes() for row in data.train.x}
        with pytest.raises(pnn.DataError, match="mnist has 4 training rows beside the validation rows, not 5"):
            pnn.MNIST(validation=1, train=5).load(tmp_path)


def test_mnist_with_fewer_rows_says_so_and_its_stand_in_has_all():
    few, whole = pnn.MNIST(validation=2000, train=12_000), pnn.MNIST(validation=2000)
    assert (few.title, whole.title) == ("MNIST, 12,000 training rows", "MNIST")
    assert few.counts() == {"train": 14_000, "test": 10_000}
    assert whole.counts() == {"train": 60_000, "test": 10_000}
    assert few.stand_in() == whole.stand_in() == pnn.MNIST(validation=1, rows="stand-in")
    assert len(few.stand_in().load().train) == len(whole.stand_in().load().train)


@pytest.mark.parametrize("task", [pnn.MNIST, pnn.FashionMNIST, pnn.FSDD, pnn.SpeechCommands, pnn.HAPT, pnn.UCIHAR])
def test_a_stand_in_has_the_tasks_form_and_all_its_classes(task):
    data = task(rows="stand-in", validation=50).load()
    assert data.test.x.shape[1:] == data.form.shape
    assert set(data.train.y.tolist()) == set(range(data.form.classes))


def test_the_stand_in_of_mnist_is_the_digits_in_a_frame():
    pixels = mnist.MNIST.make_stand_in()["train.x"][0, 0]
    plain = pnn.Digits().load().train.x
    assert not pixels[:2].any()
    assert not pixels[:, -2:].any()
    assert pixels[2:26:3, 2:26:3].shape == plain.shape[2:]
    assert torch.equal(pixels[2:26:3, 2:26:3], pixels[4:26:3, 4:26:3])
