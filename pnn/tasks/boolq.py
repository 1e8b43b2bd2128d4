"""BoolQ: questions about a passage, as tokens: word pieces, or the words of a table of vectors."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..system.extras import needs
from .digits import cut
from .published import Published
from .sources import Companion, Source, labels

if TYPE_CHECKING:
    import pyarrow

PAD, UNKNOWN = 0, 1  # In the word-piece vocabulary, too, token 0 is [PAD].


QUESTION = 24  # So many of a row's tokens are the question's where question and passage are cut and padded apart.


class Texts(NamedTuple):
    """The rows of one file."""

    questions: list[str]
    passages: list[str]
    y: Tensor


def questions(source: Source, table: "pyarrow.Table") -> Texts:
    """The questions, passages and answers of one file, as they are."""
    question, passage, answer = (table[column].to_pylist() for column in source.columns)
    for name, texts in (("question", question), ("passage", passage)):
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise ValueError(f"the {name} of row {i} is {text!r}, expected text")
    if odd := next((a for a in answer if not isinstance(a, bool)), None):
        raise ValueError(f"an answer is {odd!r}, expected true or false")
    return Texts(question, passage, labels([None if a is None else int(a) for a in answer], source.classes))


def word_pieces(source: Source, rows: dict[str, list[Texts]], companions: dict[str, Path]) -> dict[str, Tensor]:
    """[CLS] question [SEP] passage [SEP] in word pieces, cut and padded to the source's length."""
    with needs("train", "decoding text"):
        from tokenizers import BertWordPieceTokenizer

    (length,) = source.shape
    tokenizer = BertWordPieceTokenizer(str(companions["vocabulary"]), lowercase=True)
    if (size := tokenizer.get_vocab_size()) != source.vocabulary:
        raise ValueError(f"{companions['vocabulary']} has {size} word pieces, expected {source.vocabulary}")
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, pad_id=PAD)
    tensors = {}
    for split, files in rows.items():
        pairs = [pair for file in files for pair in zip(file.questions, file.passages, strict=True)]
        encoded = tokenizer.encode_batch(pairs)
        tensors[f"{split}.x"] = torch.from_numpy(np.array([row.ids for row in encoded], np.int32))
        tensors[f"{split}.y"] = torch.cat([file.y for file in files])
    return tensors


def words(source: Source, rows: dict[str, list[Texts]], companions: dict[str, Path]) -> dict[str, Tensor]:
    """The question's words in the first `QUESTION` places, the passage's in the others; and the words' vectors.

    Words are in lower case, and a punctuation mark is a word. Token 2 is the first word of the file of vectors; a word
    that is not there is `UNKNOWN`, whose vector is their mean.
    """
    with needs("train", "reading parquet files"):
        import pyarrow.parquet

    table = pyarrow.parquet.read_table(companions["vectors"])
    number = {word: i for i, word in enumerate(table["word"].to_pylist(), 2)}
    vectors = torch.from_numpy(np.array(table["vector"].to_pylist(), np.float32))
    if len(vectors) + 2 != source.vocabulary:
        raise ValueError(f"{companions['vectors']} has {len(vectors)} words, expected {source.vocabulary - 2}")
    (length,) = source.shape
    tensors = {"vectors": torch.cat([torch.zeros_like(vectors[:1]), vectors.mean(0, keepdim=True), vectors])}
    for split, files in rows.items():
        x = np.full((sum(len(file.y) for file in files), length), PAD, np.int32)
        pairs = (pair for file in files for pair in zip(file.questions, file.passages, strict=True))
        for row, pair in zip(x, pairs, strict=True):
            for text, places in zip(pair, (row[:QUESTION], row[QUESTION:]), strict=True):
                found = [number.get(word, UNKNOWN) for word in re.findall(r"\w+|[^\w\s]", text.lower())[: len(places)]]
                places[: len(found)] = found
        tensors[f"{split}.x"] = torch.from_numpy(x)
        tensors[f"{split}.y"] = torch.cat([file.y for file in files])
    return tensors


def tokens(length: int, vocabulary: int, rows: int = 600) -> dict[str, Tensor]:
    """Random tokens of random length, padded with 0; eight of a class's own ten tokens are strewn among them."""
    draw = torch.Generator().manual_seed(0)

    def integers(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=draw)

    y = (torch.rand(rows, generator=draw) < 0.6).long()
    x = integers(30, vocabulary, rows, length)
    x.scatter_(1, integers(0, length // 4, rows, 8), 10 + 10 * y[:, None] + integers(0, 10, rows, 8))
    x[torch.arange(length) >= integers(length // 4, length + 1, rows, 1)] = 0
    return cut(x.int(), y)


def random_vectors(vocabulary: int, dimensions: int = 50) -> Tensor:
    """A random vector for each token; the vector of the padding is 0."""
    made = torch.randn(vocabulary, dimensions, generator=torch.Generator().manual_seed(0))
    made[0] = 0
    return made


BOOLQ = {
    "folder": "boolq",
    "hub": "google/boolq",
    "revision": "35b264d03638db9f4ce671b711558bf7ff0f80d5",
    "parts": {"train": ("train",), "test": ("validation",)},  # The published test rows have no answers.
    "columns": ("question", "passage", "answer"),
    "decode": questions,
    "shape": (256,),
    "classes": 2,
    "rows": {"train": 9_427, "test": 3_270},
}
PIECES_SOURCE = Source(
    title="BoolQ",
    combine=word_pieces,
    sha256={
        "train": "962a8939e4309650bcf991be7aae702869f828de33bc7aaacb8509e50f8aa96a"
        " e866b660d911303c965452c2af836047c8a94a44e1776ebc05305912f111f2ff",
        "test": "91bb6bece8932ac8a3e5b732b31b4726063b4b5d9ae0584e2e9ee16be473dc95"
        " da30f5887b4c152bfe9ea3930c44affd3a77bb95bb6c0ef4e4aa84bf103248bb",
    },
    companions={
        "vocabulary": Companion("tokenizer/bert-base-uncased-vocab.txt", "google-bert/bert-base-uncased", "vocab.txt")
    },
    vocabulary=30_522,
    **BOOLQ,
)
WORDS_SOURCE = Source(
    title="BoolQ",
    combine=words,
    sha256={
        "train": "3c64b0b322391ad07d10f6b451c6c53e0f484fa1c655a605459784bf0c283773"
        " e866b660d911303c965452c2af836047c8a94a44e1776ebc05305912f111f2ff",
        "test": "e49e9dc40efd3b9802bd98458d078882e3ead9b4b1b3dac26e523d0261798916"
        " da30f5887b4c152bfe9ea3930c44affd3a77bb95bb6c0ef4e4aa84bf103248bb",
        "vectors": "30640b405436b58de5703deec6e53aa333d5c1edd60815faaaa33c6d6ad04b77",
    },
    companions={"vectors": Companion("glove/glove6B50d_boolq_float16.parquet", "")},
    vocabulary=43_408,
    **BOOLQ,
)


@dataclass(frozen=True)
class BoolQ(Published):
    """9,427 and 3,270 questions, answered by yes or no, in word pieces. The stand-in is random tokens."""

    validation: int = 5000
    rows: Literal["real", "stand-in"] = "real"
    name: ClassVar[str] = "boolq"
    source: ClassVar[Source] = PIECES_SOURCE

    @staticmethod
    def make_stand_in() -> dict[str, Tensor]:
        """Random tokens."""
        return tokens(*PIECES_SOURCE.shape, PIECES_SOURCE.vocabulary)


@dataclass(frozen=True)
class BoolQWords(Published):
    """The same questions in words, with GloVe vectors. The stand-in is random tokens with random vectors."""

    validation: int = 5000
    rows: Literal["real", "stand-in"] = "real"
    name: ClassVar[str] = "boolq-words"
    source: ClassVar[Source] = WORDS_SOURCE

    @staticmethod
    def make_stand_in() -> dict[str, Tensor]:
        """Random tokens, and a random vector for each."""
        rows = tokens(*WORDS_SOURCE.shape, WORDS_SOURCE.vocabulary)
        return rows | {"vectors": random_vectors(WORDS_SOURCE.vocabulary)}
