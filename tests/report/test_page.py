"""What every page does: it says how long before it trains, and keeps what the prose needs."""

import pytest
from whole import whole_record

import pnn
from pnn.report import page
from pnn.report.claim_file import Claim
from pnn.report.claims import Answer
from pnn.runs.store import save_record

RUN = pnn.Run(pnn.Digits(), pnn.CNN("standard", 4), pnn.Recipe(2), 0, "laptop")


@pytest.fixture
def kept(monkeypatch) -> dict:
    found = {}
    monkeypatch.setattr(page, "glue", found.__setitem__)
    monkeypatch.setattr("pnn.report.glue.glue", found.__setitem__)
    return found


@pytest.mark.parametrize("size", ["largest", "smoke"])
def test_a_page_says_how_long_before_it_trains(size, monkeypatch, capsys):
    done = []

    def experiment(size: str, seeds: int) -> dict:
        return {"standard": [(size, seeds)]}

    def study(runs, results, data, device):
        done.append(capsys.readouterr().out)
        return runs | {"given": (results, data, device)}

    monkeypatch.setattr(page, "largest_size", lambda experiment, results, **settings: "paper")
    monkeypatch.setattr(page, "forecast", lambda runs, device, results: f"a minute for {runs} on {device}")
    monkeypatch.setattr(page, "study", study)
    records = page.trained(experiment, size, device="cpu", data="", results="there", seeds=3)
    expected = "paper" if size == "largest" else "smoke"
    assert records == {"standard": [(expected, 3)], "given": ("there", None, "cpu")}
    assert done == [f"a minute for {{'standard': [('{expected}', 3)]}} on cpu\n"]


def test_a_page_has_the_tuning_whose_records_are_there_and_starts_none(tmp_path):
    higgs = pnn.experiments.EXPERIMENTS["higgs"]("laptop", seeds=1)
    arms = {name: [whole_record(runs[0])] for name, runs in higgs.items() if "parameters" in name}
    folder = str(tmp_path / "results")
    assert page.tuned("higgs", arms, results=folder) == {}
    tuning = pnn.experiments.EXPERIMENTS["rates-higgs"]("laptop")
    for run in {run for runs in tuning.values() for run in runs}:
        save_record(whole_record(run), tmp_path / "results")
    found = page.tuned("higgs", arms, results=folder)
    assert {one: [record.run for record in own] for one, own in found.items()} == tuning
    assert page.tuned("cifar10", arms, results=folder) == {}, "an experiment whose rates were not tuned"


def test_setting_and_size_are_kept(kept):
    page.glue_setting({"standard": [whole_record(RUN)]})
    assert kept["size"] == "laptop"
    assert kept["setting"].startswith("size laptop, scikit-learn's digits, 2 epochs, 1 seeds an arm")


def test_answers_are_kept_under_the_end_of_their_id(kept):
    claim = Claim("s-higgs-gap", "s", "t", "c", "higgs", "parameters", "gap", "no worse", 9.0)
    page.glue_answers([Answer(claim, "laptop", pnn.compare([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]), (), 1.0)])
    assert (kept["gap-verdict"], kept["gap-difference"], kept["gap-n"]) == ("as claimed", "+1.00", "3")
    assert kept["gap-interval"] == "+1.00 to +1.00"
    page.glue_answers([Answer(claim, "laptop", pnn.compare([1.0, 2.0], [2.0, 3.0]), (), 1.0)])
    assert (kept["gap-verdict"], kept["gap-interval"]) == ("cannot tell", "none of 2 pairs")
