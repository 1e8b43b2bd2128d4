"""What an environment must hold: the base for layers and their budgets, an extra for all else, named where it lacks.

Environments that hold less than this one are made by a `sitecustomize` that hides libraries, from children too.
"""

import ast
import functools
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
BASE = ["torch", "numpy", "safetensors", "tqdm"]
HIDE = """
import os, sys
from importlib.machinery import PathFinder

hidden = set(os.environ["HIDDEN"].split())

class Visible(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Visible
"""


def name_of(requirement: str) -> str:
    """The name of a requirement as all write it: in lower case, with hyphens."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def declared(extra: str) -> set[str]:
    """The libraries that pip installs for an extra, but for those that these require."""
    found = set()
    for requirement in EXTRAS[extra]:
        inner = re.match(r"polynomial-neurons\[(.*)\]", requirement)
        found |= set().union(*map(declared, inner[1].split(","))) if inner else {name_of(requirement)}
    return found


def with_requirements(names: set[str]) -> set[str]:
    """Libraries, and those that they require here."""
    found, new = set(), set(names)
    while new:
        found |= new
        direct = set()
        for name in new:
            try:
                direct |= {name_of(line) for line in requires(name) or () if "extra ==" not in line}
            except PackageNotFoundError:  # of another system or Python
                continue
        new = direct - found
    return found


@functools.cache
def libraries() -> dict[str, set[str]]:
    """By what is imported, what is installed."""
    return {module: set(map(name_of, names)) for module, names in packages_distributions().items()}


def holding(tmp_path: Path, names: set[str], without: tuple[str, ...] = ()) -> dict[str, str]:
    """The variables of an environment that holds these libraries, what they require, and pnn."""
    held = with_requirements(names) | {"polynomial-neurons"}
    hidden = {module for module, owners in libraries().items() if not owners & held} | set(without)
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PNN_")}
    return own | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "HIDDEN": " ".join(hidden)}


def call(*words: str, environment: dict[str, str], cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True)


def assert_runs(code: str, environment: dict[str, str], cwd: Path) -> None:
    numpy = "ignore:Failed to initialize NumPy:UserWarning"  # torch's own word where there is none
    done = call("-W", "error", "-W", numpy, "-c", code, environment=environment, cwd=cwd)
    assert done.returncode == 0, done.stderr


# --- what is declared ------------------------------------------------------------------------------------------------


def test_the_base_is_four_libraries():
    assert sorted(map(name_of, PROJECT["dependencies"])) == sorted(BASE)


def test_extras_hold_what_they_build_on():
    assert set(EXTRAS) == {"train", "notebooks", "cluster", "book", "he", "dev"}
    assert declared("train") < declared("notebooks") <= declared("book") & declared("cluster")
    assert declared("book") | declared("cluster") < declared("dev")


def test_the_console_script_is_the_command_line():
    (script,) = PROJECT["scripts"].items()
    assert script == ("pnn", "pnn.__main__:main")
    assert callable(importlib.import_module("pnn.__main__").main)


DOORS = {"report/plots": "notebooks"}  # packages whose own `needs` is around the imports of all their modules
# what is started by a sweep, which has asked for the libraries of the extra before
ASKED_BEFORE = {"sweep/notebook_process.py": "notebooks", "sweep/dask.py": "cluster"}
# what an import finds or does not, and both are well
OPTIONAL = {"report/glue.py": {"myst_nb"}, "system/colab.py": {"google", "IPython"}}


def imports(tree: ast.AST, extra: str = ""):
    """The libraries that code imports, each with the extra of the `needs` around it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], extra) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0], extra
        elif isinstance(node, ast.With) and getattr(node.items[0].context_expr, "func", None):
            call = node.items[0].context_expr
            yield from imports(node, call.args[0].value if getattr(call.func, "id", "") == "needs" else extra)
        else:
            yield from imports(node, extra)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "pnn").rglob("*.py")), ids=lambda path: path.relative_to(ROOT / "pnn").as_posix()
)
def test_every_import_is_of_the_base_or_says_its_extra(path):
    place = path.relative_to(ROOT / "pnn").as_posix()
    base = {"torch"} if place.startswith("nn/") else set(BASE)
    for library, extra in imports(ast.parse(path.read_text())):
        if library in {*sys.stdlib_module_names, *base, *OPTIONAL.get(place, ())}:
            continue
        extra = extra or DOORS.get(path.parent.relative_to(ROOT / "pnn").as_posix()) or ASKED_BEFORE.get(place, "")
        assert extra, f"{place} imports {library} outside of `with needs(extra, purpose)`"
        owners = libraries().get(library, {library})
        assert owners & with_requirements(declared(extra)), f"{place}: the extra {extra} does not bring {library}"


# --- what runs without the rest --------------------------------------------------------------------------------------


def test_the_layers_need_torch_alone(tmp_path):
    code = """
import torch
from pnn import nn
layer = nn.PolyConv2d(3, 4, kernel_size=3)
layer(torch.randn(2, 3, 8, 8)).sum().backward()
torch.optim.SGD(layer.parameters(), 0.1).step()
import importlib.util
assert not importlib.util.find_spec("safetensors"), "nothing is hidden"
"""
    assert_runs(code, holding(tmp_path, {"torch"}), tmp_path)


def test_budgets_widths_and_audits_need_the_base(tmp_path):
    code = """
import torch, pnn
model = pnn.CNNModule(3, 10, 8, "polynomial")
x = torch.randn(2, 3, 32, 32)
torch.nn.functional.cross_entropy(model(x), torch.tensor([1, 2])).backward()
torch.optim.Adam(model.parameters()).step()
assert pnn.budget(model, x).parameters == sum(p.numel() for p in model.parameters())
assert pnn.match_width(lambda width: pnn.CNNModule(3, 10, width, "polynomial"), pnn.CNNModule(3, 10, 149)) == 86
assert pnn.audit(torch.nn.Sequential(pnn.PolyLinear(4, 3)), torch.randn(1, 4)).degree == 2
from pnn import *
"""
    assert_runs(code, holding(tmp_path, set(BASE)), tmp_path)


@pytest.fixture
def to_train(tmp_path) -> dict[str, str]:
    """An environment of the extra `train`, but for the hub, which rows that are at hand do not need."""
    found = holding(tmp_path, declared("train") | set(BASE), without=("datasets", "huggingface_hub"))
    assert {"nbformat", "papermill", "IPython", "matplotlib", "ipykernel", "rich"} <= set(found["HIDDEN"].split())
    return found


STUDY = """
import pnn
task, network = pnn.Digits(validation=1300), pnn.CNN("polynomial", 2)
runs = [pnn.Run(task, network, pnn.Recipe(1, batch_size=64), seed=0, size="smoke")]
"""


def test_a_study_needs_no_notebooks_in_its_child_processes_neither(tmp_path, to_train):
    code = """
records = pnn.study(runs, jobs=2, device="cpu", results="results")
assert [record.outcome for record in records] == ["ok"]
"""
    assert_runs(STUDY + code, to_train, tmp_path)
    done = call("-m", "pnn", "study", "none", "--size", "smoke", environment=to_train, cwd=tmp_path)
    assert (done.returncode, done.stderr[:48]) == (2, "error: there is no experiment 'none'; there are ")


@pytest.mark.slow
def test_nor_does_the_study_of_an_experiment_with_its_baselines(tmp_path, to_train):
    words = ["study", "higgs", "--size", "smoke", "--seeds", "1", "--device", "cpu", "--jobs", "2"]
    done = call("-m", "pnn", *words, "--results", "results", environment=to_train, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    records = [json.loads(path.read_text()) for path in (tmp_path / "results").rglob("*.json")]
    assert {record["outcome"] for record in records} == {"ok"}
    assert "boosted-trees" in {record["run"]["network"]["name"] for record in records}


# --- what lacks is named ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "library", "extra"),
    [
        (["run", "run.json", "--device", "cpu"], "sklearn", "train"),
        (["notebook", str(ROOT / "notebooks/quickstart.ipynb"), "out.ipynb"], "pandas|rich", "notebooks"),
        (["sweep", str(ROOT / "notebooks/quickstart.ipynb"), "-p", "seed", "0:2"], "pandas|rich", "notebooks"),
        (["table", "sweeps/quickstart"], "pandas|rich", "notebooks"),
    ],
    ids=["run", "notebook", "sweep", "table"],
)
def test_the_command_line_says_which_extra_to_install(words, library, extra, tmp_path):
    run = {"task": {"name": "digits", "validation": 1300}, "network": {"name": "cnn", "neuron": "standard", "width": 2}}
    (tmp_path / "run.json").write_text(json.dumps({**run, "recipe": {"epochs": 1}, "seed": 0, "size": "smoke"}))
    done = call("-m", "pnn", *words, environment=holding(tmp_path, set(BASE)), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    pattern = rf'needs ({library}), which is not installed: pip install "polynomial-neurons\[{extra}\] @ git\+https://github.com/'
    assert re.search(pattern, done.stderr.splitlines()[-1])
    assert "Traceback" not in done.stderr


def test_so_does_every_other_door(tmp_path):
    code = """
import helper, pnn.sweep.points
from pnn import CIFAR10
from pnn.tasks.sources import _read_hub, _read_folder
refused, source = helper.refused, CIFAR10.source
refused("digits needs sklearn", "train", lambda: pnn.study(runs, device="cpu"))
refused("digits needs sklearn", "train", lambda: pnn.study(runs, device="cpu", jobs=2))
refused("a figure needs", "notebooks", lambda: __import__("pnn.report.plots"))
refused("a table needs pandas", "train", lambda: __import__("pnn.report.tables"))
refused("a comparison needs scipy", "train", lambda: pnn.compare([1.0, 2.0, 4.0], [2.0, 3.0, 3.0]))
refused("hub, as no folder is given .PNN_DATA., needs datasets", "train", lambda: _read_hub(source, "x", None))
refused("parquet files needs pyarrow", "train", lambda: _read_folder(source, {}, {}))
refused("settings needs yaml", "notebooks", lambda: pnn.sweep.points.read_file("grid.yaml"))
refused("running a notebook needs papermill", "notebooks", lambda: pnn.run_notebook("a.ipynb", "b.ipynb"))
"""
    helper = """
import re
import pnn

def refused(message, extra, use):
    try:
        use()
    except (ImportError, pnn.StudyError) as error:
        assert re.search(message, str(error)) and f'neurons[{extra}] @ git+https' in str(error), error
    else:
        raise AssertionError(f"nothing lacks: {message}")
"""
    (tmp_path / "helper.py").write_text(helper)
    assert_runs(STUDY + code, holding(tmp_path, set(BASE)), tmp_path)


# --- what is packed --------------------------------------------------------------------------------------------------


def test_the_wheel_holds_every_file_of_the_module(tmp_path):
    pytest.importorskip("setuptools", minversion="77")  # with which it is built, offline
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "pnn", tmp_path / "source/pnn", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "source")
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", ".", "./source"]
    done = call(*words, environment=dict(os.environ), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if name.startswith("pnn/")}
        (scripts,) = (name for name in packed.namelist() if name.endswith("entry_points.txt"))
        assert "pnn = pnn.__main__:main" in packed.read(scripts).decode()
    source = [path for path in (ROOT / "pnn").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert names == {path.relative_to(ROOT).as_posix() for path in source}
