"""Questions about a passage as word pieces, against a hand-worked example and a plain statement of the algorithm."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

import pnn
from pnn.tasks import boolq, sources

# --- a hand-worked example -----------------------------------------------------------------------------------------

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "is", "the", "sky", "blue", "play", "##ing", "##ed", ",", "?"]
PIECES += ["cafe", "##s", "b", "##lu"]
QUESTION, PASSAGE = "Is the SKY blue?", "Playing, played\tthe skys  Café xyz"
ASKED = [4, 5, 6, 7, 12]  # is the sky blue ?
TOLD = [8, 9, 11, 8, 10, 5, 6, 14, 13, 1]  # play ##ing , play ##ed the sky ##s cafe [UNK]
CLS, SEP = [2], [3]


@pytest.fixture
def vocabulary(tmp_path) -> dict[str, Path]:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(PIECES) + "\n")
    return {"vocabulary": path}


def source_of(length: int, vocabulary: int = len(PIECES)) -> sources.Source:
    return dataclasses.replace(boolq.PIECES_SOURCE, shape=(length,), vocabulary=vocabulary)


def texts_of(*pairs: tuple[str, str], y=None) -> boolq.Texts:
    questions, passages = zip(*pairs, strict=True)
    return boolq.Texts(list(questions), list(passages), torch.tensor(y or [0] * len(pairs)))


def tokens_of(pair: tuple[str, str], length: int, vocabulary: dict[str, Path]) -> list[int]:
    rows = {"train": [texts_of(pair)], "test": [texts_of(pair)]}
    tensors = boolq.word_pieces(source_of(length), rows, vocabulary)
    assert tensors["train.x"].dtype == torch.int32
    assert torch.equal(tensors["train.x"], tensors["test.x"])
    return tensors["train.x"][0].tolist()


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (22, CLS + ASKED + SEP + TOLD + SEP + [0] * 4),
        (18, CLS + ASKED + SEP + TOLD + SEP),
        (17, CLS + ASKED + SEP + TOLD[:-1] + SEP),  # the passage is cut at its end
        (14, CLS + ASKED + SEP + TOLD[:6] + SEP),
        (9, CLS + ASKED[:3] + SEP + TOLD[:3] + SEP),  # where a half is not enough for the question, it is cut too
    ],
)
def test_a_row_is_the_question_and_the_passage_cut_and_padded(vocabulary, length, expected):
    assert tokens_of((QUESTION, PASSAGE), length, vocabulary) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("blue", [7]),  # the longest piece first, not b ##lu
        ("blu", [15, 16]),
        ("blues", [7, 14]),
        ("blux", [1]),  # a word that does not come out whole is unknown as a whole
        ("ing", [1]),  # ##ing is no beginning
        ("BLUE,blue", [7, 11, 7]),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", [13]),
        ("cafe\N{COMBINING ACUTE ACCENT}", [13]),
        ("sky\u0000\u200bblue", [1]),  # control characters vanish: skyblue
        ("", []),
    ],
)
def test_words_become_pieces(vocabulary, word, expected):
    row = tokens_of((word, "the"), 12, vocabulary)
    assert row == [*CLS, *expected, *SEP, 5, *SEP] + [0] * (8 - len(expected))


def test_the_files_of_a_split_are_joined_in_order(vocabulary):
    files = [texts_of(("is", "the"), ("sky", "blue"), y=[1, 0]), texts_of(("blue", "sky"), y=[1])]
    tensors = boolq.word_pieces(source_of(8), {"train": files, "test": files[1:]}, vocabulary)
    expected = [[2, 4, 3, 5, 3, 0, 0, 0], [2, 6, 3, 7, 3, 0, 0, 0], [2, 7, 3, 6, 3, 0, 0, 0]]
    assert tensors["train.x"].tolist() == expected
    assert tensors["test.x"].tolist() == expected[2:]
    assert (tensors["train.y"].tolist(), tensors["test.y"].tolist()) == ([1, 0, 1], [1])


def test_a_vocabulary_of_another_size_is_an_error(vocabulary):
    rows = {"train": [texts_of(("is", "the"))]}
    with pytest.raises(ValueError, match=rf"{vocabulary['vocabulary']} has 17 word pieces, expected 30522"):
        boolq.word_pieces(source_of(8, 30_522), rows, vocabulary)


# --- the rows of a file --------------------------------------------------------------------------------------------


def table_of(question, passage, answer) -> pa.Table:
    return pa.table({"passage": passage, "question": question, "answer": answer})


def test_questions_passages_and_answers_are_as_published():
    rows = boolq.questions(boolq.PIECES_SOURCE, table_of(["a", "b?"], ["C", " d"], [True, False]))
    assert (rows.questions, rows.passages) == (["a", "b?"], ["C", " d"])
    assert rows.y.dtype == torch.int64
    assert rows.y.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("question", "passage", "message"),
    [
        (["a", None], ["c", "d"], "the question of row 1 is None, expected text"),
        (["a", "b"], [None, "d"], "the passage of row 0 is None, expected text"),
        ([1, 2], ["c", "d"], "the question of row 0 is 1, expected text"),
        (["a", "b"], [b"c", b"d"], "the passage of row 0 is b'c', expected text"),
    ],
)
def test_what_is_not_text_is_an_error(question, passage, message):
    with pytest.raises(ValueError, match=message):
        boolq.questions(boolq.PIECES_SOURCE, table_of(question, passage, [True, False]))


@pytest.mark.parametrize("answers", [[2, 0], [-1, 0], ["yes", "no"]])
def test_what_is_no_answer_is_an_error(answers):
    with pytest.raises(ValueError, match="expected true or false"):
        boolq.questions(boolq.PIECES_SOURCE, table_of(["a", "b"], ["c", "d"], answers))


@pytest.mark.parametrize("answers", [[None, True], [True, None]])
def test_a_missing_answer_is_an_error(answers):
    with pytest.raises((ValueError, RuntimeError)):
        boolq.questions(boolq.PIECES_SOURCE, table_of(["a", "b"], ["c", "d"], answers))


# --- the words of a file of vectors ---------------------------------------------------------------------------------


@pytest.fixture
def vectors(tmp_path) -> dict[str, Path]:
    path = tmp_path / "vectors.parquet"
    column = pa.array([[1.0, 2.0], [3.0, 0.5], [-1.0, 0.25]], pa.list_(pa.float16(), 2))
    pq.write_table(pa.table({"word": ["sky", "?", "blue"], "vector": column}), path)
    return {"vectors": path}


def words_source(length: int, vocabulary: int = 5) -> sources.Source:
    return dataclasses.replace(boolq.WORDS_SOURCE, shape=(length,), vocabulary=vocabulary)


def test_words_stand_in_the_places_of_question_and_passage(vectors):
    rows = {
        "train": [texts_of(("The SKY??", "Blue, it's a sky")), texts_of(("sky " * 30, "sky " * 30), y=[1])],
        "test": [texts_of(("", "blue"))],
    }
    tensors = boolq.words(words_source(30), rows, vectors)
    first, second = tensors["train.x"].tolist()
    assert first == [1, 2, 3, 3] + [0] * 20 + [4, 1, 1, 1, 1, 1]  # blue , it ' s a: cut before sky
    assert second == [2] * 30
    assert tensors["test.x"].tolist() == [[0] * 24 + [4] + [0] * 5]
    assert tensors["train.y"].tolist() == [0, 1]
    assert tensors["vectors"].tolist() == [[0, 0], [1, pytest.approx(2.75 / 3)], [1, 2], [3, 0.5], [-1, 0.25]]


def test_vectors_of_another_number_of_words_are_an_error(vectors):
    with pytest.raises(ValueError, match="has 3 words, expected 7"):
        boolq.words(words_source(30, vocabulary=9), {"train": [], "test": []}, vectors)


# --- the real data -------------------------------------------------------------------------------------------------


def pieces_plainly(string: str, vocabulary: dict[str, int]) -> list[int]:
    """BERT's word pieces of an ASCII text: lower case, punctuation apart, the longest piece first."""
    spaced = "".join(f" {c} " if c.isprintable() and not c.isalnum() and c != " " else c for c in string.lower())
    found = []
    for word in spaced.split():
        pieces, start = [], 0
        while start < len(word):
            ends = range(len(word), start, -1)
            candidates = (("##" if start else "") + word[start:end] for end in ends)
            piece = next((piece for piece in candidates if piece in vocabulary), None)
            if piece is None:
                pieces = ["[UNK]"]
                break
            pieces.append(piece)
            start += len(piece.removeprefix("##") if start else piece)
        found += [vocabulary[piece] for piece in pieces]
    return found


real = pytest.mark.skipif("PNN_DATA" not in os.environ, reason="PNN_DATA names no folder with the real data")
FINGERPRINTS = {
    ("boolq", "real"): "d88f7b90e97e28595dd030b6030141aa1ec33e6e31cf60336297b045cefd53d5",
    ("cifar100", "real"): "a30161fb62644295f2e08dbc7577b390375e8abb590b35e8a5445e8adefeda48",
    ("higgs", "35k"): "2c2f5eaf4253fc5ebe4e5928adefff3d5def2239497bd11cf44fb4a7f200171f",
}


def load_twice(monkeypatch, tmp_path, name: str, rows: str = "real") -> pnn.Data:
    """From the files, then from the cache: the same rows, those of the first Records."""
    monkeypatch.setenv("PNN_CACHE", str(tmp_path))
    kinds = (pnn.BoolQ, pnn.BoolQWords, pnn.CIFAR100, pnn.HIGGS)
    task = {kind.name: kind for kind in kinds}[name](rows=rows, validation=1000)
    first = task.load()
    monkeypatch.setattr(sources, "_read_folder", None)
    again = task.load()
    assert first.origin == again.origin == "folder"
    assert first.fingerprint == again.fingerprint == FINGERPRINTS[name, rows]
    for split in ("train", "validation", "test"):
        assert torch.equal(getattr(first, split).x, getattr(again, split).x)
        assert torch.equal(getattr(first, split).y, getattr(again, split).y)
    return first


@pytest.mark.slow
@real
def test_the_real_boolq_is_as_published(tmp_path, monkeypatch):
    loaded = load_twice(monkeypatch, tmp_path, "boolq")
    yes = {split: getattr(loaded, split).y.sum().item() for split in ("train", "validation", "test")}
    assert (len(loaded.train), len(loaded.validation), len(loaded.test)) == (8427, 1000, 3270)
    assert round(yes["test"] / 3270, 4) == 0.6217  # the majority class of the validation set, by its paper
    assert yes["train"] + yes["validation"] == 5874
    x = loaded.test.x
    assert (x.shape, x.dtype) == ((3270, 256), torch.int32)
    assert (x[:, 0] == 101).all()
    assert ((x == 102).sum(1) == 2).all()

    root = Path(os.environ["PNN_DATA"])
    words = (root / "tokenizer" / "bert-base-uncased-vocab.txt").read_text().splitlines()
    vocabulary = {word: i for i, word in enumerate(words)}
    table = pq.read_table(root / "boolq" / "validation-00000-of-00001.parquet").to_pylist()
    compared = 0
    for row, published in zip(x.tolist(), table, strict=True):
        if not (published["question"] + published["passage"]).isascii():
            continue
        question, passage = (pieces_plainly(published[name], vocabulary) for name in ("question", "passage"))
        if len(question) > 126:
            continue
        expected = [101, *question, 102, *passage[: 253 - len(question)], 102]
        assert row == expected + [0] * (256 - len(expected)), published["question"]
        compared += 1
    assert compared > 1000


@pytest.mark.slow
@real
def test_the_real_cifar100_is_as_published(tmp_path, monkeypatch):
    loaded = load_twice(monkeypatch, tmp_path, "cifar100")
    assert loaded.train.x.shape == (49_000, 3, 32, 32)
    assert torch.cat([loaded.train.y, loaded.validation.y]).bincount().tolist() == [500] * 100
    assert loaded.test.y.bincount().tolist() == [100] * 100
    known = {"mean": [0.5071, 0.4865, 0.4409], "std": [0.2673, 0.2564, 0.2762]}  # of all 50,000, by the literature
    for name, values in known.items():
        torch.testing.assert_close(getattr(loaded, name), torch.tensor(values), rtol=0, atol=2e-3)


@pytest.mark.slow
@real
def test_the_35k_rows_of_higgs_are_as_published(tmp_path, monkeypatch):
    loaded = load_twice(monkeypatch, tmp_path, "higgs", "35k")
    assert (len(loaded.train), len(loaded.validation), len(loaded.test)) == (27_237, 1000, 7_059)
    table = pq.read_table(Path(os.environ["PNN_DATA"]) / "higgs_small" / "train-00000-of-00001.parquet")
    table = table.filter(pc.starts_with(table["source"], "openml23512"))
    x, y = np.array(table["inputs"].to_pylist(), np.float32), table["label"].to_pylist()
    every = [getattr(loaded, split) for split in ("train", "validation", "test")]

    def in_order(rows, labels):
        return sorted((row.tobytes(), int(label)) for row, label in zip(rows, labels, strict=True))

    found = in_order(torch.cat([s.x for s in every]).numpy(), torch.cat([s.y for s in every]))
    assert found == in_order(x, y)  # every published row, once
    assert 0.52 < np.mean(y) < 0.54  # signal is 53 % of all 11 million, by its page
    normal = loaded.normalise(loaded.train.x).double()
    torch.testing.assert_close(normal.mean(0), torch.zeros(28).double(), rtol=0, atol=1e-5)
    torch.testing.assert_close(normal.std(0), torch.ones(28).double(), rtol=0, atol=1e-4)


# --- the stand-in ----------------------------------------------------------------------------------------------------

BOOLQ = pnn.BoolQ(validation=80, rows="stand-in")
SPLITS = ("train", "validation", "test")


def test_the_stand_in_for_texts_has_a_tasks_shape_and_its_answer_in_its_words():
    loaded = BOOLQ.load()
    assert (loaded.origin, loaded.form.shape, loaded.form.classes) == ("stand-in", (256,), 2)
    assert [len(getattr(loaded, split)) for split in SPLITS] == [400, 80, 120]
    x = torch.cat([getattr(loaded, split).x for split in SPLITS])
    y = torch.cat([getattr(loaded, split).y for split in SPLITS])
    assert (x.dtype, y.dtype, x.shape) == (torch.int32, torch.int64, (600, 256))
    assert 0.5 < y.double().mean() < 0.7
    lengths = set()
    for row, label in zip(x.tolist(), y.tolist(), strict=True):
        length = row.index(0) if 0 in row else 256
        lengths.add(length)
        assert length >= 64
        assert not any(row[length:])  # padding is at the end alone
        told = [token for token in row[:length] if token < 30]
        assert 1 <= len(told) <= 8
        assert all(10 + 10 * label <= token < 20 + 10 * label for token in told)
        assert max(row) < loaded.form.vocabulary
    assert len(lengths) > 100
    assert max(lengths) > 240


def test_token_rows_are_always_the_same_and_leave_the_generator_alone():
    torch.manual_seed(0)
    first, state = boolq.tokens(16, 100), torch.get_rng_state()
    torch.manual_seed(1)
    other = torch.get_rng_state()
    again = boolq.tokens(16, 100)
    assert torch.equal(torch.get_rng_state(), other)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)
    for name, rows in first.items():
        assert torch.equal(rows, again[name])


def test_the_rows_of_the_stand_in_are_fixed():
    assert BOOLQ.load().fingerprint.startswith("019171d5a4d3f572")  # as they were when Records began
