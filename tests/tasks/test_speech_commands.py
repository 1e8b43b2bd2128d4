"""Spoken words: the published preparation against a plain Fourier sum; a folder and a repository of its schema."""

import dataclasses
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

import pnn
from pnn.tasks import sources
from pnn.tasks.speech_commands import LOG_MEL

WORDS = [(7, "ann"), (35, "none"), (0, "bob"), (34, "ann"), (12, "cid")]  # class numbers, one of them noise; speakers


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setenv("PNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PNN_DATA", raising=False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub")
    source = dataclasses.replace(pnn.SpeechCommands.source, rows={}, sha256={})
    monkeypatch.setattr(pnn.SpeechCommands, "source", source)


def tone(number: int, seconds: float = 0.8) -> np.ndarray:
    time = np.arange(int(16000 * seconds)) / 16000
    noise = np.random.default_rng(number).normal(size=len(time))
    return 0.4 * np.sin(2 * np.pi * (300 + 90 * number) * time) + 0.01 * noise


def plain(samples: np.ndarray) -> np.ndarray:
    """torchaudio's MelSpectrogram(16000, n_fft=400, hop_length=160, n_mels=64) in decibels, by sums."""
    samples = np.concatenate([samples, np.zeros(16000)])[:16000]
    padded = np.pad(samples, 200, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    angles = np.outer(np.arange(201), np.arange(400)) * 2 * np.pi / 400
    parts = np.stack([padded[160 * step : 160 * step + 400] * window for step in range(101)], 1)
    power = (np.cos(angles) @ parts) ** 2 + (np.sin(angles) @ parts) ** 2
    top = 2595 * np.log10(1 + 8000 / 700)
    corners = [700 * (10 ** (top * k / 65 / 2595) - 1) for k in range(66)]
    bands = np.zeros((64, 101))
    for k, (low, middle, high) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        for bin in range(201):
            f = bin * 40
            if low < f < high:
                bands[k] += power[bin] * ((f - low) / (middle - low) if f < middle else (high - f) / (high - middle))
    decibels = 10 * np.log10(np.maximum(bands, 1e-10))
    return np.maximum(decibels - decibels.max(), -80)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.2])
def test_the_preparation_is_the_published_one(seconds):
    samples = tone(3, seconds)
    found = LOG_MEL(torch.from_numpy(samples))
    assert found.shape == (1, 64, 101)
    expected = np.round((plain(samples) / 80 + 1) * 255)
    assert np.abs(found[0].numpy() - expected).max() <= 1
    assert (found[0].numpy() == expected).mean() > 0.999


def table(words: list[tuple[int, str]], form: str = "WAV", rate: int = 16000) -> pa.Table:
    def encode(samples: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        soundfile.write(buffer, (samples * 2**15).round().astype(np.int16), rate, format=form, subtype="PCM_16")
        return buffer.getvalue()

    audio = [{"bytes": encode(tone(label)), "path": f"{label}.wav"} for label, _ in words]
    return pa.table(
        {
            "file": [f"{label}.wav" for label, _ in words],
            "audio": pa.array(audio, pa.struct({"bytes": pa.binary(), "path": pa.string()})),
            "label": pa.array([label for label, _ in words], pa.int64()),
            "is_unknown": [label > 9 for label, _ in words],
            "speaker_id": [speaker for _, speaker in words],
        }
    )


def write(root, **settings) -> None:
    (root / "speech_commands").mkdir(parents=True)
    for part, rows in {"train": WORDS, "validation": [(3, "bob"), (5, "dan")], "test": WORDS[:3]}.items():
        pq.write_table(table(rows, **settings), root / "speech_commands" / f"{part}-00000-of-00001.parquet")


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
def test_a_folder_gives_its_words_without_the_noise_and_speakers_on_one_side(tmp_path, form):
    write(tmp_path, form=form)
    data = pnn.SpeechCommands(validation=2).load(tmp_path)
    assert data.test.y.tolist() == [7, 0]
    for x, label in zip(data.test.x, (7, 0), strict=True):
        stored = torch.from_numpy((tone(label) * 2**15).round() / 2**15)
        assert torch.equal(x, LOG_MEL(stored))
    speakers = {7: "ann", 0: "bob", 34: "ann", 12: "cid", 3: "bob", 5: "dan"}
    own, others = data.train.y.tolist(), data.validation.y.tolist()
    assert sorted(own + others) == sorted(speakers)
    assert not {speakers[label] for label in own} & {speakers[label] for label in others}


def test_the_hubs_parquet_copy_is_read_from_its_own_folder(tmp_path):
    """The layout of refs/convert/parquet, with another version of the data set beside the one that is meant."""
    for version, rows in {"v0.01": WORDS[:1] * 3, "v0.02": WORDS}.items():
        for part in ("train", "validation", "test"):
            folder = tmp_path / "copy" / version / part
            folder.mkdir(parents=True)
            pq.write_table(table(rows), folder / "0000.parquet")
    tensors = sources._read_hub(pnn.SpeechCommands.source, str(tmp_path / "copy"), None)
    assert tensors["train.y"].tolist() == [7, 0, 34, 12] * 2
    assert tensors["test.y"].tolist() == [7, 0, 34, 12]
    assert tensors["train.group"].tolist() == [0, 1, 0, 2] * 2


def test_a_recording_of_another_rate_is_named(tmp_path):
    write(tmp_path, rate=8000)
    with pytest.raises(pnn.DataError, match=r"recording 0 has 8000 Hz .*expected 16000 Hz, mono"):
        pnn.SpeechCommands(validation=1).load(tmp_path)
