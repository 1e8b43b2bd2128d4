"""Spoken words as images: log-mel spectrograms of Speech Commands, version 2."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from .digits import cut, digits
from .log_mel import LogMel, recordings
from .published import Published
from .sources import Source, join

if TYPE_CHECKING:
    import pyarrow

LOG_MEL = LogMel(rate=16000, window=400, hop=160, bins=400, padding="reflect")
WORDS = 35
SILENCE = WORDS  # the class number that the hub gives to background noise, which is no word


class Spoken(NamedTuple):
    """The words of one file."""

    x: Tensor
    y: Tensor
    speakers: list[str]


def words(source: Source, table: "pyarrow.Table") -> Spoken:
    """Decode the recordings of words, and leave out those of background noise."""
    _, label, speaker = source.columns
    kept = [place for place, value in enumerate(table[label].to_pylist()) if value != SILENCE]
    table = table.take(kept)
    split = recordings(LOG_MEL)(source, table)
    return Spoken(split.x, split.y, table[speaker].to_pylist())


def by_speaker(source: Source, files: dict[str, list[Spoken]], companions: dict[str, Path]) -> dict[str, Tensor]:
    """Join the files; a number for each speaker of the training rows keeps them together."""
    speakers = [speaker for file in files["train"] for speaker in file.speakers]
    number = {speaker: place for place, speaker in enumerate(sorted(set(speakers)))}
    groups = torch.tensor([number[speaker] for speaker in speakers], dtype=torch.int32)
    return join(source, files, companions) | {"train.group": groups}


SPEECH_COMMANDS_SOURCE = Source(
    title="Speech Commands v2",
    folder="speech_commands",
    hub="google/speech_commands",
    revision="refs/convert/parquet",  # the hub's own copy: its `datasets` no longer runs the repository's script
    hub_folder="v0.02",
    parts={"train": ("train", "validation"), "test": ("test",)},
    columns=("audio", "label", "speaker_id"),
    decode=words,
    combine=by_speaker,
    shape=LOG_MEL.shape,
    classes=WORDS,
    rows={"train": 94_824, "test": 4_482},
)


def spoken_digits() -> dict[str, Tensor]:
    """scikit-learn's digits, enlarged, shared out among 35 classes by turns; twenty speakers."""
    tensors = digits(LOG_MEL.shape)
    x = torch.cat([tensors["train.x"], tensors["test.x"]])
    tensors = cut(x, torch.arange(len(x)) % WORDS)
    return tensors | {"train.group": (torch.arange(len(tensors["train.y"])) // WORDS % 20).to(torch.int32)}


@dataclass(frozen=True)
class SpeechCommands(Published):
    """Recordings of 35 words, as log-mel spectrograms of 64 bands and 101 steps, by the preparation of a source.

    94,824 recordings to train, of which the speakers of at least ``validation`` are set aside, and 4,482 to test:
    the words of the official training and validation files, and those of the official test set. Background noise is
    left out. Windows of 400 of 16,000 samples a second, one every 160, decibels below the loudest: the preparation of
    :cite:t:`alhossain2025`, whose scale from -1 to 0 a normalisation by channel makes the same as ours from 0 to 1. How
    many decibels that scale spans they do not say; here it is 80.

    A folder holds ``speech_commands/train-*.parquet``, ``validation-*.parquet`` and ``test-*.parquet``, with the
    columns ``audio`` (its field ``bytes`` is a WAV or FLAC file), ``label`` (0 to 34, in the order of the hub; 35 is
    noise) and ``speaker_id``. The stand-in is scikit-learn's digits, enlarged, in classes without meaning.

    Source: :cite:t:`warden2018`.
    """

    validation: int = 9_981
    rows: Literal["real", "stand-in"] = "real"
    name: ClassVar[str] = "speech-commands"
    source: ClassVar[Source] = SPEECH_COMMANDS_SOURCE
    make_stand_in = staticmethod(spoken_digits)
