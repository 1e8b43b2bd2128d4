"""What a contributor relies on: the targets of make, the guide, the hooks, the versions, the templates, the types."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
CONSTRAINTS = (ROOT / "constraints.txt").read_text().splitlines()
HOOKS = {h["id"]: h for h in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]}


def normal(name: str) -> str:
    """The name of a package as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required(extra: str) -> set[str]:
    """The packages of an extra and of those that it names."""
    found = set()
    for requirement in PROJECT["project"]["optional-dependencies"][extra]:
        name, others = re.match(r"([\w.-]+)(?:\[([\w,]+)\])?", requirement).groups()
        if name == PROJECT["project"]["name"]:
            found.update(*(required(other) for other in others.split(",")))
        elif "python_version" not in requirement:
            found.add(normal(name))
    return found


def test_make_alone_builds_nothing_and_lists_every_target_that_has_a_purpose_of_its_own():
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = re.findall(r"^  make (\S+) +\S", done.stdout, re.MULTILINE)
    targets = re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE)
    assert set(listed) == {*targets} - {"committed"}
    assert listed[0] == "help"


def test_targets_that_are_no_files_say_so():
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert sorted(phony.split()) == sorted(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))


def test_ci_from_nothing_makes_what_the_makefile_has():
    called = re.findall(r"^make (\S+)", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert called == ["test", "test-slow", "smoke", "book"]


def test_the_guide_has_every_room_and_no_other():
    rooms = [path.parent.name for path in (ROOT / "pnn").glob("*/__init__.py")]
    listed = re.findall(r"^\| `(\w+)` \|", GUIDE.split("## The house")[1].split("## ")[0], re.MULTILINE)
    assert sorted(listed) == sorted(rooms)


def test_the_guide_names_targets_and_files_that_exist():
    targets = re.findall(r"`make ([a-z-]+)`", GUIDE)
    assert len(targets) > 5
    assert [target for target in targets if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)] == []
    named = re.findall(r"`([\w/.-]+\.(?:py|toml|yml|txt|bib|md))`", GUIDE)
    there = [name for name in named if not re.search("NAME|FAMILY|PAGE", name)]  # but for what stands for any
    assert len(there) > 5
    assert [name for name in there if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("cell", "clean"),
    [
        ('   "execution_count": null,\n   "outputs": [],\n', True),
        ('   "execution_count": 12,\n   "outputs": [],\n', False),
        ('   "execution_count": null,\n   "outputs": [\n    {\n', False),
    ],
)
def test_a_notebook_with_outputs_is_not_committed(cell, clean):
    hook = HOOKS["notebooks-without-outputs"]
    assert hook["language"] == "pygrep"
    found = any(re.search(hook["entry"], line) for line in cell.splitlines())
    assert found == (not clean)


def test_hooks_come_from_the_environment_and_fetch_nothing():
    assert all(hook["language"] in ("system", "pygrep") for hook in HOOKS.values())
    assert required("dev") >= {"pre-commit", "pre-commit-hooks", "ruff", "pyright", "pytest-xdist"}


def test_constraints_fix_one_version_of_all_that_is_needed_directly():
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in CONSTRAINTS), CONSTRAINTS
    names = [normal(line.split("==")[0]) for line in CONSTRAINTS]
    assert len(set(names)) == len(names)
    base = {normal(re.match(r"[\w.-]+", line)[0]) for line in PROJECT["project"]["dependencies"]}
    assert sorted((base | required("dev")) - set(names)) == []


@pytest.mark.parametrize("name", ["bug", "new_method", "wrong_number"])
def test_an_issue_form_has_what_github_asks_for(name):
    form = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text())
    assert form.keys() == {"name", "description", "labels", "body"}
    assert all(field["type"] in ("input", "textarea") and field["attributes"]["label"] for field in form["body"])
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    assert any(field["validations"]["required"] for field in form["body"] if "validations" in field)


def test_the_changelog_has_an_entry_for_what_is_not_released_yet():
    assert re.search(r"^## \[Unreleased\]$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_module_is_typed_for_those_who_install_it():
    assert (ROOT / "pnn/py.typed").read_bytes() == b""
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"]["pnn"]


def test_pyright_accepts_a_layer_and_refuses_a_mistake(tmp_path):
    """The types that users see are those of the layers, not Any."""
    program = tmp_path / "use.py"
    program.write_text(
        "import pnn.nn, torch\n"
        "layer = pnn.nn.PolyLinear(3, 4)\n"
        "reveal_type(layer.forward(torch.zeros(2, 3)))\n"
        "pnn.nn.PolyLinear('three', 4)\n"
    )
    pyright = Path(sys.executable).with_name("pyright")
    command = [pyright, "--pythonpath", sys.executable, program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert 'Type of "layer.forward(torch.zeros(2, 3))" is "Tensor"' in done.stdout, done.stdout + done.stderr
    assert re.findall(r"use\.py:(\d+):\d+ - error", done.stdout) == ["4"]
