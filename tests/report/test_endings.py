"""What is lost, exploded and collapsed: the same for all who ask."""

import dataclasses
from pathlib import Path

import pytest
from checks import answers
from whole import whole_record

import pnn
from pnn.analysis.health import Health
from pnn.report import claims, collapse, gates, tables
from pnn.report.endings import CLEARLY, collapsed, counted, lost, no_better

ROOT = Path(__file__).resolve().parents[2]
RUN = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 0, "smoke")
TRIVIAL = 10.0
EXPLODED = {"outcome": "exploded", "message": "the test loss is 1e+06", "loss": 1e6}
# By what happened: a Record, whether it is lost, whether it collapsed.
ENDINGS = {
    "learned": (whole_record(RUN, 0.12), False, False),  # just as far above the trivial answer as it must be
    "no better": (whole_record(RUN, 0.1199), False, True),
    "exploded, though right": (whole_record(RUN, 0.9, **EXPLODED), True, True),
    **{
        outcome: (pnn.Record.of_failure(RUN, outcome, "why"), True, True)
        for outcome in ("failed", "diverged", "oom", "timeout", "killed")
    },
}
every_ending = pytest.mark.parametrize(("record", "is_lost", "has_collapsed"), ENDINGS.values(), ids=ENDINGS)


@every_ending
def test_one_run(record, is_lost, has_collapsed):
    assert lost(record) == is_lost
    assert collapsed(record, TRIVIAL) == has_collapsed


@every_ending
def test_all_who_ask_say_the_same(record, is_lost, has_collapsed):
    """Tables, gates, claims and the page of ReLinear, and the checks of the book by code of their own."""
    arm = [dataclasses.replace(record, run=dataclasses.replace(RUN, seed=seed)) for seed in range(3)]
    good = [whole_record(run.run, 0.5) for run in arm]
    assert counted(arm)["lost"] == 3 * is_lost
    if record.outcome != "ok" or not no_better(100 * record.final["test"].accuracy, TRIVIAL):
        assert bool(gates.blind({"arm": arm}, TRIVIAL)) == is_lost
    else:
        assert "the trivial answer" in gates.blind({"arm": arm}, TRIVIAL)
    assert tables.endings({"arm": arm}).frame["share"].tolist() == [100.0 * is_lost]
    assert tables.reached({"arm": arm}).frame["ended_badly"].tolist() == [3 * is_lost]
    assert collapse.shares({"way": {2: arm}}, TRIVIAL) == {"way": [(2, 3 * has_collapsed, 3)]}
    assert collapse.table({"way": {2: arm}}, TRIVIAL).frame[["lost", "share"]].to_numpy().tolist() == [
        [3 * is_lost, 100.0 * has_collapsed]
    ]
    assert pnn.compare_records(good, arm, lambda record: 1.0).lost == 3 * is_lost
    assert claims._compare(good, arm, "collapse", TRIVIAL).mean_b == 100.0 * has_collapsed
    form = {"outcome": record.outcome, "final": {name: vars(score) for name, score in record.final.items()}}
    assert answers.collapsed(form, TRIVIAL) == has_collapsed
    assert answers.blind({"measure": "accuracy"}, [[form] * 3], TRIVIAL) == has_collapsed


def test_the_guide_says_what_the_code_does():
    text = " ".join((ROOT / "book/reading.md").read_text(encoding="utf-8").split())
    assert f"less than {CLEARLY:g} points above" in text
    assert f"a loss, on any split, above {({10.0: 'ten'})[pnn.runs.record_check.EXPLODED]} times" in text


def test_runs_are_counted_by_hand():
    def one(accuracy: float, rows: int, worst: float, **ended) -> pnn.Record:
        record = whole_record(RUN, accuracy, health=Health(0, 0, 1.0, 1.0, test_exploded=rows), **ended)
        curve = [worst] + [0.0] * (len(record.curves["train_loss"]) - 1)
        return dataclasses.replace(record, curves=record.curves | {"validation_exploded": curve})

    ended = [one(0.5, 0, 0.0), one(0.7, 2, 0.001), one(0.9, 30, 0.02, **EXPLODED)]
    found = counted([*ended, pnn.Record.of_failure(RUN, "diverged", "why")])
    assert (found["n"], found["lost"], found["share"], found["mean"]) == (4, 2, 50.0, pytest.approx(60.0))
    assert found["low"] == pytest.approx(6.76, abs=0.01)  # 1 - 0.9324, the Clopper-Pearson interval of 2 of 4
    assert found["high"] == pytest.approx(93.24, abs=0.01)
    assert (found["rows_median"], found["rows_most"], found["worst"]) == (2, 30, 2.0)


def test_what_older_records_do_not_know_is_missing():
    found = counted([whole_record(RUN, 0.5)])
    assert (found["rows_median"], found["rows_most"], found["worst"]) == (None, None, None)
    assert counted([pnn.Record.of_failure(RUN, "diverged", "why")])["mean"] is None
