"""What a notebook glues reaches the sweep that started it: numbers as numbers, the last of each, nothing else."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from whole import whole_record

import pnn
from pnn import compare
from pnn.report.glue import glue, glue_comparison
from pnn.report.measures import accuracy
from pnn.runs.store import save_record
from pnn.system import sweep_channel


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The values of each kind that were kept so far."""
    path = tmp_path / "values.jsonl"
    monkeypatch.setenv(sweep_channel.VARIABLE, str(path))
    return lambda kind="value": sweep_channel.read(path)[kind]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("text", "text"),
        ("a\nline and ünicode", "a\nline and ünicode"),
        (3, 3),
        (10**30, 10**30),
        (True, True),
        (1 / 3, 1 / 3),
        (5e-324, 5e-324),
        (np.float64(0.1), 0.1),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.int64(7), 7),
        (np.bool_(False), False),
        (np.array([[2.5]]), 2.5),
        (np.array(4), 4),
        (np.str_("text"), "text"),
        (torch.tensor(0.5), 0.5),
        (torch.tensor([3]), 3),
        (torch.tensor(True), True),
        (torch.tensor(0.25, requires_grad=True), 0.25),
        (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        (pd.Series([1.5]), 1.5),
    ],
)
def test_numbers_and_text_are_kept_as_pythons_own(kept, value, plain):
    sweep_channel.keep("value", "name", value)
    assert kept() == {"name": plain}
    assert type(kept()["name"]) is type(plain)


@pytest.mark.parametrize(
    "value",
    [None, [1.0], {"a": 1}, 1j, np.array([1.0, 2.0]), np.array([]), torch.zeros(2), torch.tensor(1j), pd.Series([1, 2]),
     pd.DataFrame({"a": [1]}), np.datetime64("2026-01-01"), Figure()],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_neither_a_number_nor_text_is_not_kept(kept, value):
    sweep_channel.keep("value", "name", value)
    assert kept() == {}


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), np.float32("nan"), torch.tensor(float("inf"))])
def test_what_could_not_be_computed_is_a_missing_value(kept, value):
    sweep_channel.keep("value", "name", 1.0)  # of an earlier cell
    sweep_channel.keep("value", "name", value)
    assert kept() == {"name": None}


def test_the_last_of_each_name_counts_and_kinds_are_apart(kept):
    sweep_channel.keep("value", "a", 1)
    sweep_channel.keep("training", "a", "ok")
    sweep_channel.keep("value", "b", 2)
    sweep_channel.keep("value", "a", 3)
    assert kept() == {"a": 3, "b": 2}
    assert kept("training") == {"a": "ok"}


def test_without_a_sweep_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv(sweep_channel.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    sweep_channel.keep("value", "name", 1)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_not_there_has_no_values(tmp_path):
    assert sweep_channel.read(tmp_path / "nowhere") == {"value": {}, "training": {}}


@pytest.mark.parametrize("cut", range(1, 19))
def test_of_a_line_that_was_cut_off_nothing_is_left(kept, tmp_path, cut):
    sweep_channel.keep("value", "a", 1.25)
    path = tmp_path / "values.jsonl"
    whole = path.read_text()
    sweep_channel.keep("value", "b", 2.5)
    assert len(path.read_text()) - len(whole) == 18 + len("]\n")
    path.write_text(path.read_text()[: len(whole) + cut])
    assert kept() == {"a": 1.25}


# --- glue ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", [b"\xff\xfe", b"5", b"[]", b'["value", "a"]', b'["other", "a", 1]', b'[["value"], "a", 1]', b"[" * 100_000]
)
def test_a_damaged_line_takes_no_other_with_it(kept, tmp_path, line):
    sweep_channel.keep("value", "before", 1)
    with open(tmp_path / "values.jsonl", "ab") as file:
        file.write(line + b"\n")
    sweep_channel.keep("value", "after", 2)
    assert kept() == {"before": 1, "after": 2}


def test_what_a_notebook_glues_is_kept(kept, capsys):
    glue("accuracy", np.float64(0.875))
    glue("figure", Figure())
    glue("verdict", "no difference")
    assert kept() == {"accuracy": 0.875, "verdict": "no difference"}


def test_a_comparison_is_kept_with_all_its_digits(kept, capsys):
    comparison = compare([70.123456789, 71.2, 69.9, 70.4], [71.3, 71.987654321, 70.9, 71.2])
    glue_comparison("cifar10", comparison, "better")
    assert kept() == {
        "cifar10-verdict": "better",
        "cifar10-difference": comparison.difference,
        "cifar10-interval": f"{comparison.low:+.2f} to {comparison.high:+.2f}",
        "cifar10-standard": comparison.mean_a,
        "cifar10-polynomial": comparison.mean_b,
        "cifar10-p": comparison.p,
        "cifar10-n": 4,
    }
    assert round(comparison.difference, 2) != comparison.difference


def test_the_book_has_a_comparisons_texts_rounded(kept, monkeypatch):
    myst_nb = pytest.importorskip("myst_nb")
    shown = {}
    monkeypatch.setattr(myst_nb, "glue", lambda name, value, display: shown.update({name: value}))
    comparison = compare([70.123456789, 71.2, 69.9, 70.4], [71.3, 71.987654321, 70.9, 71.2])
    glue_comparison("cifar10", comparison, "better")
    assert shown["cifar10-difference"] == f"{comparison.difference:+.2f}"
    assert shown["cifar10-n"] == "4"


def test_where_every_run_of_an_arm_was_lost_the_book_has_no_number(kept, monkeypatch):
    myst_nb = pytest.importorskip("myst_nb")
    shown = {}
    monkeypatch.setattr(myst_nb, "glue", lambda name, value, display: shown.update({name: value}))
    runs = [pnn.Run(pnn.Digits(), pnn.CNN("polynomial", 2), pnn.Recipe(1), seed, "smoke") for seed in (0, 1, 2)]
    lost = [pnn.Record.of_failure(run, "diverged", "why") for run in runs]
    glue_comparison("cifar10", pnn.compare_records(list(map(whole_record, runs)), lost, accuracy), "cannot see")
    assert shown["cifar10-interval"] == "none of 0 pairs"
    assert "nan" not in " ".join(shown.values())
    assert shown["cifar10-difference"] == "–"


def test_a_study_tells_how_its_trainings_ended(kept, tmp_path):
    runs = [pnn.Run(pnn.Digits(), pnn.CNN("polynomial", 2), pnn.Recipe(1), seed, "smoke") for seed in (0, 1)]
    for run, outcome in zip(runs, ("ok", "diverged"), strict=True):
        record = whole_record(run) if outcome == "ok" else pnn.Record.of_failure(run, outcome, "why")
        save_record(record, tmp_path / "results")
    pnn.study(runs, results=tmp_path / "results")
    assert kept("training") == {runs[0].id: "ok", runs[1].id: "diverged"}
    assert json.loads((tmp_path / "values.jsonl").read_text().splitlines()[0]) == ["training", runs[0].id, "ok"]
