"""Notebooks: their form, their parameters checked before a kernel starts, and each executed at its smallest."""

import re
from pathlib import Path

import nbformat
import papermill
import pytest

import pnn
from pnn.studies.study import in_turn
from pnn.sweep.parameters import check_declared, check_parameters, declared_parameters, parse_parameters

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(ROOT.glob("notebooks/**/*.ipynb"))
CIFAR10 = ROOT / "notebooks/datasets/cifar10.ipynb"
SMALLEST = {
    "boolq": {"size": "smoke", "seeds": 2},
    "cifar100": {"size": "smoke"},
    "higgs": {"size": "smoke", "seeds": 2},
    "training_dynamics": {"size": "smoke", "task": "higgs"},
    "verdict": {},
    "width_scaling": {"size": "smoke", "task": "higgs"},
    "cifar10": {"size": "smoke", "epochs": 1},
    "expressivity": {"seeds": 1, "steps": 3, "draws": 1, "budgets": "11 22"},
    "neurons": {"size": "smoke", "task": "higgs", "seeds": 2},
    "relinear": {"size": "smoke", "task": "higgs", "seeds": 2},
    "precision": {"size": "smoke"},
    "when_it_pays": {"size": "smoke"},
    "stable_training": {"size": "smoke", "seeds": 1},
    "activation_discovery": {"size": "smoke", "seeds": 1},
    "tpgu": {"size": "smoke", "seeds": 2},
    "mnist": {"size": "smoke", "seeds": 2},
    "speech": {"size": "smoke", "seeds": 2},
    "activity": {"size": "smoke", "seeds": 2},
    "two_faults": {"size": "smoke", "seeds": 2, "steps": 3},
    "read_the_weights": {"size": "smoke", "seeds": 2},
    "quickstart": {"seeds": 1, "epochs": 1},
    "own_data": {"seeds": 2, "epochs": 1},
    "showcase": {"size": "smoke"},
    "speed": {},
    "trust": {},
    "drop_in": {},
    "status": {},
    "sweep_report": {},
}


def name_of(path: Path) -> str:
    return path.stem


def test_every_notebook_has_its_smallest_settings():
    assert SMALLEST.keys() == {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_is_thin_and_without_outputs(path):
    cells = nbformat.read(path, 4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert not any(re.search(r"^class ", cell.source, re.MULTILINE) for cell in code)
    declared = declared_parameters(path)
    assert all(d.expected in ("str", "int", "float", "bool") and d.help for d in declared.values())
    assert cells[0].source.startswith("# ")
    assert f"blob/main/{path.relative_to(ROOT).as_posix()}" in cells[0].source


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sise": "smoke"}, r"no parameter 'sise' \(did you mean 'size'\?\); it has size, seeds"),
        ({"size": "huge"}, r'size must be one of "largest", "smoke", "laptop", "paper".*got \'huge\''),
        ({"size": 3}, "size must be of type str, got 3 of type int"),
        ({"seeds": "3"}, "seeds must be of type int, got '3' of type str"),
        ({"seeds": True}, "seeds must be of type int, got True of type bool"),
        ({"seeds": 2.5}, "seeds must be of type int"),
    ],
)
def test_a_wrong_parameter_is_an_error_before_a_kernel_starts(parameters, message, tmp_path, monkeypatch):
    monkeypatch.setattr(papermill, "execute_notebook", lambda *_, **__: pytest.fail("a kernel was started"))
    with pytest.raises(pnn.ParameterError, match=message):
        pnn.run_notebook(CIFAR10, tmp_path / "out.ipynb", parameters)


DECLARED = """
size: str = "smoke"  # one of "smoke", "laptop"
rate: float = 0.1  # a number
steps: int = 3  # a number
flag: bool = False  # yes or no
"""


@pytest.fixture
def small(tmp_path) -> Path:
    """A notebook of nothing but parameters."""
    cell = nbformat.v4.new_code_cell(DECLARED.strip(), metadata={"tags": ["parameters"]})
    path = tmp_path / "small.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), path)
    return path


@pytest.mark.parametrize(
    "parameters", [{}, {"rate": 2}, {"rate": -1e308, "size": "laptop"}, {"steps": 10**400, "flag": True}, {"rate": 0.0}]
)
def test_parameters_as_declared_are_taken(small, parameters):
    check_parameters(small, parameters)
    check_declared(small, declared_parameters(small), parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rate": float("nan")}, "rate must be a finite number, got nan"),
        ({"rate": float("inf")}, "rate must be a finite number, got inf"),
        ({"rate": 10**400}, "rate must be a finite number, got 1000"),
        ({"rate": True}, "rate must be of type float, got True of type bool"),
        ({"rate": None}, "rate must be of type float, got None of type NoneType"),
        ({"rate": "0.1"}, "rate must be of type float, got '0.1' of type str"),
        ({"flag": 1}, "flag must be of type bool, got 1 of type int"),
        ({"size": "Smoke"}, 'size must be one of "smoke", "laptop", got \'Smoke\''),
        ({"size": "smoke", "stepps": 1}, r"no parameter 'stepps' \(did you mean 'steps'\?\); it has size, rate, steps"),
    ],
)
def test_parameters_not_as_declared_are_refused_with_the_notebooks_name(small, parameters, message):
    with pytest.raises(pnn.ParameterError, match=rf"^{small}.*{message}"):
        check_declared(small, declared_parameters(small), parameters)


def test_what_a_notebook_declares(small):
    declared = declared_parameters(small)
    assert {name: (own.expected, own.default) for name, own in declared.items()} == {
        "size": ("str", "smoke"),
        "rate": ("float", 0.1),
        "steps": ("int", 3),
        "flag": ("bool", False),
    }
    assert declared["size"].help == 'one of "smoke", "laptop"'


def test_a_missing_notebook_is_named():
    with pytest.raises(pnn.ParameterError, match=r"no notebook .*nowhere\.ipynb"):
        check_parameters("nowhere.ipynb", {})


def test_parameters_of_the_command_line(small):
    pairs = [("size", "smoke"), ("steps", "3"), ("rate", "1e-3"), ("flag", "True"), ("text", "'3'"), ("other", "3")]
    expected = {"size": "smoke", "steps": 3, "rate": 1e-3, "flag": True, "text": "3", "other": 3}
    assert parse_parameters(pairs, declared_parameters(small)) == expected
    with pytest.raises(pnn.ParameterError, match="-p steps is given twice"):
        parse_parameters([("steps", "1"), ("steps", "2")], {})


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_every_notebook_runs_at_its_smallest(path, tmp_path, monkeypatch):
    monkeypatch.setenv("PNN_RESULTS", str(tmp_path / "results"))
    monkeypatch.delenv("PNN_DATA", raising=False)
    pnn.run_notebook(path, tmp_path / "out.ipynb", SMALLEST[path.stem], progress=False)
    code = [cell for cell in nbformat.read(tmp_path / "out.ipynb", 4).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code if cell.source.strip())
    if path == CIFAR10:
        written = {path.stem for path in (tmp_path / "results/cifar10/smoke").glob("*.json")}
        assert written == {run.name for run in in_turn(pnn.experiments.cifar10("smoke"))}
