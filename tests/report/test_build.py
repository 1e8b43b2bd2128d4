"""What a build stands on: every Record counted once."""

import dataclasses

import pytest
from whole import whole_record

import pnn
from pnn.report import build
from pnn.report.show import shown
from pnn.runs.store import save_record


@pytest.fixture
def records() -> list[pnn.Record]:
    runs = pnn.experiments.higgs("smoke")["standard"]
    well = whole_record(runs[0], seconds=5400.0, device="an (R)abacus")
    lost = pnn.Record.of_failure(runs[1], "diverged", "step 1")
    other = dataclasses.replace(lost, seconds=1800.0, used=well.used)
    return [well, other, pnn.Record.of_failure(dataclasses.replace(runs[0], seed=9), "killed", "why")]


def test_records_are_counted_by_task_size_and_device(records, tmp_path):
    for record in records:
        save_record(record, tmp_path)
    found = build.all_records(str(tmp_path))
    table = build.records_table(found)
    assert table.loc[("higgs, stand-in", "smoke", "an abacus"), ["records", "hours"]].tolist() == [2, 2.0]
    assert shown(table).to_numpy().tolist() == [["2", "1 ok, 1 diverged", "2.00"], ["1", "1 killed", "0.00"]]


def test_without_a_record_the_table_is_empty(tmp_path):
    assert shown(build.records_table(build.all_records(str(tmp_path)))).empty


def test_experiments_say_how_many_of_their_runs_have_a_record(monkeypatch):
    runs = pnn.experiments.digits(seeds=3)["standard"]
    monkeypatch.setattr(build, "EXPERIMENTS", {"mine": lambda size: {"standard": runs, "again": runs[:1]}})
    table = build.experiments_table([whole_record(runs[0])])
    assert table.loc["mine", "laptop_runs"] == 3
    assert shown(table).loc["mine", "size laptop"] == "1 of 3"


def test_the_build_names_its_versions():
    assert build.this_build().loc["pnn", "build"] == pnn.__version__
    assert "torch" in build.versions().index
