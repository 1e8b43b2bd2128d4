"""To add an activation, a network, a method or a task is to write one file and to name it in one union."""

import dataclasses
import importlib.util
import json
import os
import sys
from pathlib import Path

import nbformat
import pytest
import torch

import pnn
from pnn.report import measures, plots
from pnn.report.arms import setting
from pnn.sweep.parameters import run_notebook

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("toys", HERE / "toys.py")
toys = importlib.util.module_from_spec(spec)
sys.modules["toys"] = toys
spec.loader.exec_module(toys)


@pytest.fixture(autouse=True)
def extended(monkeypatch):
    toys.extend(monkeypatch.setattr)


def run_of(network, seed: int = 0, **recipe) -> pnn.Run:
    recipe = {"epochs": 8, "batch_size": 50, "learning_rate": 0.01, "augment": "none"} | recipe
    return pnn.Run(toys.Ring(), network, pnn.Recipe(**recipe), seed, "smoke")


RECIPE = {"methods": (toys.Held(),)}


def test_a_toy_has_its_json_and_its_mistakes_are_named():
    run = run_of(toys.OneLayer(16), **RECIPE)
    form = json.loads(json.dumps(run.to_dict()))
    assert form["network"] == {"name": "one-layer", "features": 16, "activation": "squared"}
    assert form["recipe"]["methods"] == [{"name": "held", "strength": 0.01}]
    assert pnn.Run.from_dict(form) == run
    assert run.name == f"ring-smoke-one-layer-seed0-{run.id}"
    form["network"]["name"] = "one-lajer"
    with pytest.raises(pnn.RunError, match=r"'one-layer', got 'one-lajer' \(did you mean 'one-layer'\?\)"):
        pnn.Run.from_dict(form)
    with pytest.raises(pnn.RunError, match="'one-layer' is not made for the rows of 'digits'"):
        dataclasses.replace(run, task=pnn.Digits())


def test_a_toy_activation_stands_in_a_network_of_the_book_and_a_toy_method_in_any_recipe(tmp_path):
    run = run_of(pnn.MLP("standard", 8, toys.Squared()), learning_rate=0.05, methods=(toys.Held(0.0),))
    record = pnn.fit(run, folder=tmp_path, progress=False)
    assert record.outcome == "ok"
    assert record.final["test"].accuracy > 0.9


def test_fit_asks_a_method_where_it_says(tmp_path, monkeypatch):
    """The same training, written out: half the start, the penalty's gradient, half of all gradients."""
    run = run_of(toys.OneLayer(4), epochs=1, batch_size=500, optimiser="sgd", **RECIPE)
    pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    from safetensors.torch import load_file

    found = load_file(tmp_path / run.name / "weights.safetensors")
    data = run.task.load()
    torch.manual_seed(0)
    model = run.network.build(data.form)
    with torch.no_grad():
        model[0].weight.mul_(0.5)
    x, y = data.normalise(data.train.x), data.train.y
    logits = model(x)[:, 0]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y.float())
    (loss + 0.01 * model[0].weight.square().sum()).backward()
    model[0].weight.grad.mul_(0.5)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(found[name], (parameter - 0.01 * parameter.grad).detach(), rtol=1e-4, atol=1e-6)


def test_fit_asks_what_to_keep_at_the_start_after_every_epoch_and_at_the_end(tmp_path):
    run = run_of(toys.OneLayer(4), epochs=2, methods=(toys.Held(), toys.Noted()))
    record = pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    from safetensors.torch import load_file

    ended = load_file(tmp_path / run.name / "weights.safetensors")["0.bias"].tolist()
    data = run.task.load()
    torch.manual_seed(0)
    drawn = run.network.build(data.form)[0].bias.tolist()
    first, between, last = record.readings["bias"]
    assert first == pytest.approx(drawn, rel=1e-4)
    assert last == pytest.approx(ended, rel=1e-4)
    assert between not in (first, last)
    chosen = data.normalise(data.train.x)[torch.arange(100) * len(data.train) // 100]
    assert record.readings["rows"] == pytest.approx([100, 0, chosen.mean().item()], rel=1e-4)
    assert pnn.Record.from_json(record.to_json()) == record


def test_toys_go_through_forecast_study_tables_and_figures(tmp_path):
    arms = {
        "squares": [run_of(toys.OneLayer(), seed, **RECIPE) for seed in range(3)],
        "lines": [run_of(toys.OneLayer(activation=pnn.Identity()), seed) for seed in range(3)],
    }
    results = tmp_path / "results"
    forecast = pnn.forecast(arms, results=results, device="cpu")
    assert (forecast.runs, forecast.missing) == (6, 6)
    assert forecast.seconds > 0
    records = pnn.study(arms, results=results, device="cpu", progress=False)
    assert [record.outcome for own in records.values() for record in own] == ["ok"] * 6
    assert pnn.study(arms, results=results, progress=False) == records  # read again, by the union's names
    assert str(pnn.forecast(arms, results=results)) == "all 6 Records are there"
    comparison = pnn.compare_records(records["lines"], records["squares"], measures.accuracy)
    assert comparison.difference > 20  # a line cannot bound a disc
    assert "ring" in setting(records)
    assert len(plots.learning_curves(records).axes) == 2


CELLS = {
    "parameters": 'seeds: int = 2  # of every arm\nresults: str = ""  # the folder of the Records',
    "study": """import pnn
import toys
from pnn.report import measures
from pnn.report.arms import setting

toys.extend()
recipe = pnn.Recipe(2, batch_size=50, augment="none", methods=(toys.Held(),))
runs = {
    name: [pnn.Run(toys.Ring(), toys.OneLayer(activation=kind), recipe, seed, "smoke") for seed in range(seeds)]
    for name, kind in {"squares": toys.Squared(), "lines": pnn.Identity()}.items()
}
print(pnn.forecast(runs, results=results))
records = pnn.study(runs, results=results, progress=False)
pnn.glue("difference", pnn.compare_records(*records.values(), measures.accuracy).difference)
print(setting(records))""",
}


@pytest.mark.notebook
def test_a_page_of_toys_is_executed(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]))
    cells = [nbformat.v4.new_code_cell(text, metadata={"tags": [tag]}) for tag, text in CELLS.items()]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "page.ipynb")
    results = tmp_path / "results"
    run_notebook(tmp_path / "page.ipynb", tmp_path / "out.ipynb", {"results": str(results)}, progress=False)
    printed = "".join(o.get("text", "") for c in nbformat.read(tmp_path / "out.ipynb", 4).cells for o in c.outputs)
    assert "4 of 4 trainings are to be done: about" in printed
    assert "size smoke, ring, 2 epochs, 2 seeds an arm" in printed
    assert len([*results.rglob("ring-smoke-one-layer-seed*.json")]) == 4
