"""Checkpoints: what comes back is what was saved; a folder that takes none keeps the one before. More in test_train."""

import errno
import os

import pytest
import torch

import pnn
from pnn.training import checkpoint


def test_every_tensor_and_the_state_come_back(tmp_path):
    tensors = {
        "scalar": torch.tensor(1.5),
        "empty": torch.empty(0, 3),
        "double": torch.arange(6, dtype=torch.float64).view(2, 3).T,
        "channels last": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        "bytes": torch.arange(256, dtype=torch.uint8),
        "steps": torch.tensor([-1, 2**62]),
        "half": torch.tensor([1.0, float("nan")], dtype=torch.float16),
    }
    state = {"curves": {"loss": [0.1, 1e-300]}, "epoch": 3, "name": "Größe"}
    checkpoint.save(tmp_path / "new" / "c.safetensors", tensors, state)
    loaded, known = checkpoint.load(tmp_path / "new" / "c.safetensors")
    assert known == state
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(
    ("function", "number"), [("fsync", errno.EIO), ("replace", errno.EROFS), ("fsync", errno.ENOSPC)]
)
def test_a_disk_that_fails_keeps_the_checkpoint_before(tmp_path, monkeypatch, function, number):
    path = tmp_path / "c.safetensors"
    checkpoint.save(path, {"x": torch.zeros(3)}, {"step": 1})

    def fail(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os, function, fail)
        with pytest.raises(pnn.CheckpointError, match=rf"{path} could not be .*{os.strerror(number)}.*disk has space"):
            checkpoint.save(path, {"x": torch.ones(3)}, {"step": 2})
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]
    assert checkpoint.load(path)[1] == {"step": 1}


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    path = tmp_path / "runs" / "one" / "c.safetensors"
    with pytest.raises(pnn.CheckpointError, match=rf"{path} could not be written"):
        checkpoint.save(path, {}, {})


def test_a_flipped_bit_of_the_counts_is_noticed_too(tmp_path):
    path = tmp_path / "c.safetensors"
    checkpoint.save(path, {"x": torch.zeros(3)}, {"step": 10})
    whole = path.read_bytes()
    path.write_bytes(whole.replace(rb"\"step\": 10", rb"\"step\": 30"))
    assert path.read_bytes() != whole
    with pytest.raises(pnn.CheckpointError, match=rf"{path} cannot be used: .*does not match its SHA-256"):
        checkpoint.load(path)


def test_a_checkpoint_that_is_not_there_is_named(tmp_path):
    with pytest.raises(pnn.CheckpointError, match="absent"):
        checkpoint.load(tmp_path / "absent.safetensors")
