"""What a build stands on: every Record counted once."""

import dataclasses

import pytest
from whole import whole_record

import pnn
from pnn.report import build
from pnn.runs.store import save_record


@pytest.fixture
def records() -> list[pnn.Record]:
    runs = pnn.experiments.higgs("smoke")["standard"]
    well = whole_record(runs[0], seconds=5400.0, device="an (R)abacus")
    lost = pnn.Record.of_failure(runs[1], "diverged", "step 1")
    other = dataclasses.replace(lost, seconds=1800.0, used=well.used)
    return [well, other, pnn.Record.of_failure(dataclasses.replace(runs[0], seed=9), "killed", "why")]


def test_records_are_counted_by_task_and_size(records, tmp_path):
    for record in records:
        save_record(record, tmp_path)
    found = build.all_records(str(tmp_path))
    table = build.records_table(found)
    assert table.frame.loc[("higgs, stand-in", "smoke"), ["records", "hours"]].tolist() == [3, 2.0]
    assert table.text.to_numpy().tolist() == [["3", "1 ok, 1 diverged, 1 killed", "2.00", "an abacus; unknown"]]


def test_without_a_record_the_table_is_empty(tmp_path):
    assert build.records_table(build.all_records(str(tmp_path))).text.empty


def test_experiments_say_how_many_of_their_runs_have_a_record(monkeypatch):
    runs = pnn.experiments.digits(seeds=3)["standard"]
    monkeypatch.setattr(build, "EXPERIMENTS", {"mine": lambda size: {"standard": runs, "again": runs[:1]}})
    table = build.experiments_table([whole_record(runs[0])])
    assert table.frame.loc["mine", "laptop_runs"] == 3
    assert table.text.loc["mine", "size laptop"] == "1 of 3"


def test_the_build_names_its_versions():
    assert build.this_build().frame.loc["pnn", "fact"] == pnn.__version__
    assert "torch" in build.versions().frame.index
