"""Questions about a passage, as tokens: word pieces, or the words of a table of vectors."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .sources import Source, labels

if TYPE_CHECKING:
    import pyarrow

PAD, UNKNOWN = 0, 1  # tokens; in the word-piece vocabulary 0 is [PAD] too


QUESTION = 24  # of the row's tokens, where question and passage have places of their own: cut and padded apart


class Texts(NamedTuple):
    """The rows of one file."""

    questions: list[str]
    passages: list[str]
    y: Tensor


def questions(source: Source, table: "pyarrow.Table") -> Texts:
    """Questions, passages and answers, as they are."""
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

    Words are in lower case, a punctuation mark is one. Token 2 is the first word of the file of vectors; a word that is
    not there is `UNKNOWN`, whose vector is their mean.
    """
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
