"""The names of the package: each is there, is the same for an editor, and hides no module."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import pnn

ROOT = Path(__file__).parents[1]
MODULES = [found.name for found in pkgutil.walk_packages(pnn.__path__, "pnn.")]
LAZY = ["pnn", "pnn.sweep"]


def fresh(code: str) -> str:
    """What a new process prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("package", LAZY)
def test_every_public_name_is_there(package):
    module = importlib.import_module(package)
    assert len(set(module.__all__)) == len(module.__all__)
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        getattr(module, name)


@pytest.mark.parametrize("package", LAZY)
def test_an_editor_sees_the_names_that_python_finds(package):
    tree = ast.parse(Path(importlib.import_module(package).__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert block.test.id == "TYPE_CHECKING"
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    table, *rooms = [node.value for node in block.orelse if isinstance(node.targets[0], ast.Name)]
    found = {name: home for home, names in ast.literal_eval(table).items() for name in names}
    found |= {room: None for value in rooms for room in ast.literal_eval(value)}
    assert seen == found
    public = set(importlib.import_module(package).__all__) - {"__version__"}
    assert public == {name for name, home in seen.items() if home or name in public}


def test_no_name_hides_a_module():
    """`import pnn.studies.study` and `pnn.study(...)` both work, whichever comes first."""
    packages = [importlib.import_module(name) for name in MODULES]
    for package in (pnn, *packages):
        for name in getattr(package, "__all__", ()):
            getattr(package, name)
    for name in MODULES:
        parent, _, own = name.rpartition(".")
        assert getattr(sys.modules[parent], own) is sys.modules[name], f"{name} is hidden by what {parent} calls {own}"


def test_a_module_and_a_function_of_one_name_do_not_meet():
    code = "import {0}; print(callable(pnn.study), callable(pnn.studies.study.study), callable(pnn.audit))"
    assert fresh("import pnn; pnn.study; " + code.format("pnn.studies.study")) == "True True True"
    assert fresh(code.format("pnn.studies.study, pnn.analysis.audit")) == "True True True"


def test_the_rooms_are_attributes():
    rooms = sorted(path.parent.name for path in Path(pnn.__file__).parent.glob("*/__init__.py"))
    names = ", ".join(f"pnn.{room}.__name__" for room in rooms)
    assert fresh(f"import pnn; print(*[{names}])").split() == [f"pnn.{room}" for room in rooms]


def test_importing_the_package_imports_nothing_but_python():
    code = "import sys; before = set(sys.modules); import pnn; print(*set(sys.modules) - before)"
    assert {name.partition(".")[0] for name in fresh(code).split()} <= {"pnn", *sys.stdlib_module_names}


def test_a_name_imports_only_its_own():
    code = "import sys, pnn; pnn.PolyConv2d; pnn.budget; print(*(n for n in sys.modules if n.startswith('pnn.')))"
    rooms = {name.split(".")[1] for name in fresh(code).split()}
    assert rooms <= {"_version", "system", "nn", "analysis"}
