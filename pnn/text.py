"""Questions about a passage, as tokens: word pieces, or the words of a table of vectors."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .sources import Source, labels

if TYPE_CHECKING:
    import pyarrow

PAD, UNKNOWN = 0, 1  # tokens; in the word-piece vocabulary 0 is [PAD] too


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
    return Texts(question, passage, labels([int(a) if a is not None else None for a in answer], source.classes))


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
