"""What the benchmarks share, and the layer that one of them restates. Nothing is timed in earnest."""

import importlib
import json
import sys
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

import pnn

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Import a benchmark as its script does, from its own folder."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rounds", "1"], "--rounds must be at least 2, so that there is a range; got 1"),
        (["--device", "abacus"], "got 'abacus'"),
        (["--size", "smoke"], "invalid choice: 'smoke' (choose from"),
    ],
)
def test_a_wrong_argument_says_what_is_allowed(words, message, load, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmark", *words])
    with pytest.raises(SystemExit, match="2"):
        load("common").arguments("", sizes=("laptop", "paper"))
    assert message in capsys.readouterr().err


def test_a_race_times_each_candidate_once_a_round_and_forgets_the_warm_up(load):
    common, calls = load("common"), []
    steps = {name: lambda name=name: calls.append(name) for name in ("quick", "slow")}
    seconds = common.race(steps, 20)
    assert {name: len(own) for name, own in seconds.items()} == {"quick": 20, "slow": 20}
    rounds = [tuple(calls[i : i + 2]) for i in range(0, len(calls), 2)]
    assert len(rounds) == 20 + common.WARM_UP
    assert set(rounds) == {("quick", "slow"), ("slow", "quick")}


def test_a_ratio_is_taken_within_the_round(load):
    noise = [1.0, 100.0] * 5 + [1.0]  # a machine that others use, too
    found = load("common").ratio([times * second for times, second in zip(range(11, 0, -1), noise, strict=True)], noise)
    assert found == pytest.approx({"median": 6.0, "low": 1.2, "high": 10.8})


def test_a_step_moves_every_parameter(load):
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 3)
    before = [p.clone() for p in model.parameters()]
    load("common").training_step(model, torch.randn(8, 4), torch.randint(0, 3, (8,)))()
    assert not any(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("outside", [False, True], ids=["inside", "anywhere"])
def test_the_restated_layer_computes_what_the_books_own_does(outside, load):
    torch.manual_seed(0)
    theirs, ours = load("kan_cost").RecursiveKANLinear(5, 3).double(), pnn.KANLinear(5, 3, bias=False).double()
    with torch.no_grad():
        maps = torch.cat([theirs.base.unsqueeze(-1), theirs.scale.unsqueeze(-1) * theirs.coefficients], -1)
        ours.maps.weight.copy_(maps.flatten(1))
    x = (4 if outside else 1) * (2 * torch.rand(200, 5, dtype=torch.float64) - 1)
    assert_close(theirs(x), ours(x), rtol=0, atol=1e-6)  # its knots are of single precision


def test_the_cost_of_a_kan_is_written_as_the_page_reads_it(load, monkeypatch, tmp_path):
    kan_cost = load("kan_cost")
    monkeypatch.setattr(kan_cost, "SETTINGS", (((40, 20, 30), 4),))
    monkeypatch.setattr(load("common"), "RESULTS", tmp_path / "results")
    monkeypatch.setattr(sys, "argv", ["kan_cost", "--rounds", "2", "--device", "cpu"])
    kan_cost.main()
    (path,) = (tmp_path / "results").glob("kan_cost-*.json")
    written = json.loads(path.read_text())
    (shown,) = (json.loads(file.read_text()) for file in (BENCHMARKS / "results").glob("kan_cost-intel*.json"))
    assert written.keys() == shown.keys()
    rows = {row["layers"]: row for row in written["rows"]}
    assert {name: row.keys() for name, row in rows.items()} == {row["layers"]: row.keys() for row in shown["rows"]}
    for name in kan_cost.LAYERS:
        over = rows[name]["over"]
        rival = rows[f"{kan_cost.LINEAR}, as many parameters as {name}"]
        assert rival["parameters"] == pytest.approx(rows[name]["parameters"], rel=0.01)
        assert over["equal parameters"]["activation_bytes"] == pytest.approx(
            rows[name]["activation_bytes"] / rival["activation_bytes"]
        )
        assert ("efficient-kan" in over) == (name != kan_cost.RESTATED)


@pytest.fixture
def written(load, monkeypatch, tmp_path):
    """Call a benchmark's main with arguments; what it wrote."""

    def run(name: str, *words: str) -> dict:
        monkeypatch.setattr(load("common"), "RESULTS", tmp_path / "results")
        monkeypatch.setattr(sys, "argv", [name, *words])
        load(name).main()
        (path,) = (tmp_path / "results").glob(f"{name}-*.json")
        return json.loads(path.read_text())

    return run


def test_the_cost_of_activations_is_written_as_the_page_reads_it(written, load, monkeypatch):
    activations = load("activations")
    monkeypatch.setattr(activations, "INPUTS", {"maps": ((2, 64, 3, 3), 1), "rows": ((5, 64), 2)})
    monkeypatch.setattr(torch, "compile", lambda model: model)
    found = written("activations", "--rounds", "2", "--device", "cpu")
    assert {(row["input"], row["compiled"]) for row in found["rows"]} == {
        (name, compiled) for name in ("maps", "rows") for compiled in (False, True)
    }
    kept = {(row["activation"], row["degree"]): row["kept"] for row in found["rows"] if row["input"] == "maps"}
    assert kept.keys() == activations.candidates().keys()
    for degree in activations.DEGREES:
        assert kept["Chebyshev, frozen", degree] == pytest.approx(1, abs=0.1)  # and a few coefficients
        assert kept["powers", degree] == pytest.approx(degree + 2, abs=0.1)
    assert all(row["over SiLU"]["median"] == 1 for row in found["rows"] if row["activation"] == "SiLU")


def test_the_powers_are_the_same_polynomial(load):
    x = torch.linspace(-5, 5, 50)
    for degree in (2, 8):
        assert_close(load("activations").Powers(degree)(x), pnn.PolynomialActivation(degree)(x), rtol=0, atol=1e-4)


@pytest.mark.slow
def test_the_cost_of_a_sweep_is_written_as_the_page_reads_it(written):
    pytest.importorskip("distributed")
    rows = written("sweep_overhead", "--runs", "2", "--jobs", "2")["rows"]
    assert [(row["engine"], row["runs"]) for row in rows] == [("local", 2), ("dask", 2)]
    assert all(row["seconds"] > row["driver"] * row["runs"] > 0 for row in rows)
    assert all(row["nothing to do"] < row["seconds"] for row in rows)  # no run is done twice


@pytest.mark.slow
def test_trainings_side_by_side_are_written_as_the_page_reads_it(written, monkeypatch):
    monkeypatch.delenv("PNN_DATA", raising=False)
    monkeypatch.setenv("PNN_RESULTS", "kept")  # the benchmark sets it
    words = ["--device", "cpu", "--size", "smoke", "--runs", "2", "--jobs", "2", "--rounds", "1"]
    found = written("side_by_side", *words)
    assert (found["experiment"], found["size"], found["runs"]) == ("higgs", "smoke", 2)
    assert {(row["way"], row["jobs"]) for row in found["rows"]} == {(w, n) for w in ("study", "sweep") for n in (1, 2)}
    for row in found["rows"]:
        assert row["runs a minute"] == pytest.approx(60 * 2 / row["seconds"][0])
        assert (row["over one at once"] == 1.0) == (row["jobs"] == 1)


@pytest.mark.parametrize("words", [["--runs", "0"], ["--rounds", "-1"], ["--jobs", "2", "0"]])
def test_trainings_side_by_side_are_at_least_one(load, monkeypatch, capsys, words):
    monkeypatch.setattr(sys, "argv", ["side_by_side", *words])
    with pytest.raises(SystemExit, match="2"):
        load("side_by_side").main()
    assert "--runs, --jobs and --rounds must be at least 1" in capsys.readouterr().err
