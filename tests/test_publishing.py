"""The workflows, `make release`, and the status page: what can be checked of them without GitHub."""

import dataclasses
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from whole import whole_record

import pnn
from pnn.runs.store import save_record
from pnn.studies.study import in_turn

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()


def load(name: str) -> dict:
    return yaml.safe_load((ROOT / ".github/workflows" / f"{name}.yml").read_text())


def steps_of(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


# --- the workflows ---------------------------------------------------------------------------------------------------


def test_there_are_five_workflows():
    assert [path.stem for path in WORKFLOWS] == ["book", "nightly", "release", "test", "weekly"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_bounded_reads_only_and_is_made_of_official_actions(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    assert all(job["runs-on"] == "ubuntu-latest" and job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())
    actions = [step["uses"] for step in steps_of(workflow) if "uses" in step]
    official = r"actions/[a-z-]+@v\d+|pypa/gh-action-pypi-publish@release/v1"
    assert all(re.fullmatch(official, action) for action in actions), actions
    assert "secrets." not in path.read_text()
    assert "://" not in path.read_text()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_makes_is_in_the_makefile(path):
    commands = "\n".join(step["run"] for step in steps_of(yaml.safe_load(path.read_text())) if "run" in step)
    targets = re.findall(r"^make (\S+)", commands, re.MULTILINE)
    assert targets
    assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in targets), targets


@pytest.mark.parametrize(
    ("name", "permissions"),
    [
        ("book", {"deploy": {"pages": "write", "id-token": "write"}}),
        ("release", {"release": {"contents": "write"}, "publish": {"id-token": "write"}}),
    ],
)
def test_only_what_publishes_may_write(name, permissions):
    found = {key: own["permissions"] for key, own in load(name)["jobs"].items() if "permissions" in own}
    assert found == permissions


def test_the_index_gets_the_module_alone_after_the_release(tmp_path):
    publish = load("release")["jobs"]["publish"]
    assert publish["needs"] == "release"
    assert publish["environment"]
    (select,) = (step["run"] for step in publish["steps"] if "run" in step)
    (upload,) = (step for step in publish["steps"] if "pypi-publish" in step.get("uses", ""))
    names = ["polynomial_neurons-1.2.3.tar.gz", "polynomial_neurons-1.2.3-py3-none-any.whl"]
    others = ["polynomial-neurons-book-1.2.3.tar.gz", "polynomial-neurons-records-1.2.3.tar.gz", "SHA256SUMS"]
    (tmp_path / "dist").mkdir()
    for name in [*names, *others]:
        (tmp_path / "dist" / name).touch()
    assert call("bash", "-ec", select, cwd=tmp_path).returncode == 0
    assert {path.name for path in (tmp_path / upload["with"]["packages-dir"]).iterdir()} == set(names)


HOME = PROJECT["urls"]["Repository"]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("book/**/*.md"), *ROOT.glob("notebooks/**/*.ipynb")]


def test_the_readme_can_be_read_where_no_file_lies_beside_it():
    """As on the package's page of the index."""
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 5
    assert [link for link in links if not link.startswith("https://")] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_address_of_the_repository_leads_to_what_is_not_there(path):
    owner = HOME.removeprefix("https://github.com/")
    places = re.findall(
        rf"(?:github\.com/{owner}|colab\.research\.google\.com/github/{owner})/(?:blob|tree)/main/([^)\s\"#]+)"
        rf"|raw\.githubusercontent\.com/{owner}/main/([^)\s\"#]+)",
        path.read_text(),
    )
    assert [place for one, other in places if not (ROOT / (place := one or other)).exists()] == []


def test_what_pip_is_told_to_install_can_be_had():
    """The module from its repository: the index may not have it yet."""
    texts = [path.read_text() for path in (*TEXTS, *ROOT.glob("pnn/**/*.py"))]
    told = [words for text in texts for words in re.findall(r"pip install [^`\n]*polynomial-neurons[^`\n]*", text)]
    assert told
    assert [words for words in told if f"git+{HOME}" not in words] == []


def test_the_tests_run_on_every_python_that_the_project_names():
    classifiers = " ".join(PROJECT["classifiers"])
    named = re.findall(r"Python :: (3\.\d+)", classifiers)
    workflow = load("test")
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"
    for name in (path.stem for path in WORKFLOWS):
        given = [step["with"]["python-version"] for step in steps_of(load(name)) if "setup-python" in str(step)]
        assert set(given) <= {*named, "${{ matrix.python }}"}


@pytest.mark.parametrize(
    ("name", "targets"), [("nightly", {"test-slow", "smoke", "torture"}), ("weekly", {"test", "constraints"})]
)
def test_what_takes_long_runs_by_the_clock_and_on_demand(name, targets):
    workflow = load(name)
    triggers = workflow[True]  # YAML reads `on` as a truth value
    assert triggers.keys() == {"schedule", "workflow_dispatch"}
    minute, hour, *_ = triggers["schedule"][0]["cron"].split()
    assert 0 < int(minute) < 60  # at full hours GitHub drops runs
    assert 0 <= int(hour) < 24
    assert {step["run"].removeprefix("make ") for step in steps_of(workflow) if "run" in step} == targets


def test_pull_requests_get_the_versions_that_were_green_and_one_job_a_week_gets_the_newest():
    kept = "${{ github.workspace }}/constraints.txt"
    assert load("test")["jobs"]["test"]["env"]["PIP_CONSTRAINT"] == kept
    assert load("nightly")["env"]["PIP_CONSTRAINT"] == kept
    weekly = load("weekly")["jobs"]["test"]
    assert [row["constraint"] for row in weekly["strategy"]["matrix"]["include"]] == ["constraints.txt", ""]
    assert "matrix.constraint &&" in weekly["env"]["PIP_CONSTRAINT"]


def test_the_oldest_torch_is_that_of_the_project():
    (bound,) = (r.removeprefix("torch>=") for r in PROJECT["dependencies"] if r.startswith("torch>="))
    commands = [step["run"] for step in load("test")["jobs"]["oldest-torch"]["steps"] if "run" in step]
    assert f'"torch=={bound}.*"' in commands[0]
    tests = commands[1].removeprefix("python -m pytest ").split()
    assert tests
    assert all((ROOT / path).exists() for path in tests)


def test_the_book_that_is_deployed_was_looked_at_in_a_browser():
    assert "make book BROWSER=required" in [step.get("run") for step in steps_of(load("book"))]
    assert "make book BROWSER=required" in (ROOT / ".ci/run").read_text().splitlines()


def test_the_book_that_is_deployed_is_the_one_that_is_built():
    (upload,) = (s for s in steps_of(load("book")) if s.get("uses", "").startswith("actions/upload-pages-artifact@"))
    folder = re.search(r"^OUT \?= (\S+)$", MAKEFILE, re.MULTILINE)[1]
    assert upload["with"]["path"] == f"{folder}/_build/html"


@pytest.mark.parametrize(
    ("tag", "status"), [(f"v{pnn.__version__}", 0), (pnn.__version__, 1), (f"v{pnn.__version__}.1", 1), ("v", 1)]
)
def test_a_tag_that_is_not_the_version_is_no_release(tag, status):
    steps = steps_of(load("release"))
    names = [step.get("name", step.get("run")) for step in steps]
    check = names.index("the tag is the version")
    assert check < names.index("make release")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", steps[check]["run"]],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "GITHUB_REF_NAME": tag},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    assert (f"the tag is {tag}, but" in done.stdout) == bool(status)


def test_the_citation_has_the_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == pnn.__version__


# --- make release ----------------------------------------------------------------------------------------------------

STAND_IN = """#!/bin/sh
# of the environment's Python: `-m build` leaves two small files, anything else does nothing
if [ "$2" = build ]; then
    mkdir -p dist "$$/polynomial_neurons-1.2.3"
    echo source > "$$/polynomial_neurons-1.2.3/PKG-INFO"
    tar -czf dist/polynomial_neurons-1.2.3.tar.gz -C $$ polynomial_neurons-1.2.3  # with the time of day
    rm -r $$
    echo wheel > dist/polynomial_neurons-1.2.3-py3-none-any.whl
fi
"""


def call(*words: str, cwd: Path) -> subprocess.CompletedProcess:
    """As from a shell: not as a part of the make or the git that may run these tests, nor of a checkout around it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "GIT_"))}
    environment = own | {"GIT_CEILING_DIRECTORIES": str(cwd.parent)}
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True)


def git(*words: str, cwd: Path) -> str:
    done = call("git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_release(checkout: Path) -> subprocess.CompletedProcess:
    return call("make", "--old-file=book", "release", "BIN=bin", cwd=checkout)


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A committed tree of version 1.2.3 with two Records, and a book that is built."""
    if "GNU tar" not in call("tar", "--version", cwd=tmp_path).stdout:
        pytest.skip("make release needs GNU tar")
    files = {
        "pnn/_version.py": '__version__ = "1.2.3"\n',
        "results/task/laptop/b.json": "{}\n",
        "results/task/laptop/a.json": "{}\n",
        "bin/python": STAND_IN,
        ".gitignore": (ROOT / ".gitignore").read_text(),
        "Makefile": MAKEFILE,
        "build/book/_build/html/index.html": "<p>book</p>\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "bin/python").chmod(0o755)
    git("init", cwd=tmp_path)
    git("add", ".", cwd=tmp_path)
    git("-c", "commit.gpgsign=false", "commit", "--message=a", cwd=tmp_path)
    return tmp_path


def test_a_release_has_four_files_and_their_sums_and_the_same_bytes_again(checkout):
    done = make_release(checkout)
    assert done.returncode == 0, done.stderr
    dist = checkout / "dist"
    archives = [f"polynomial-neurons-{what}-1.2.3" for what in ("book", "records")] + ["polynomial_neurons-1.2.3"]
    names = [*(f"{name}.tar.gz" for name in archives), "polynomial_neurons-1.2.3-py3-none-any.whl"]
    assert sorted(path.name for path in dist.iterdir()) == sorted([*names, "SHA256SUMS"])
    assert call("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=dist).returncode == 0
    sums = (dist / "SHA256SUMS").read_text()
    assert sorted(line.split()[1] for line in sums.splitlines()) == sorted(names)

    committed = int(git("log", "-1", "--format=%ct", cwd=checkout))
    for name in archives:
        with tarfile.open(dist / f"{name}.tar.gz") as archive:
            members = archive.getmembers()
        assert [m.name for m in members] == sorted(m.name for m in members)
        assert {m.name.split("/")[0] for m in members} == {name}
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {(committed, 0, 0, "", "")}
    with tarfile.open(dist / "polynomial-neurons-records-1.2.3.tar.gz") as archive:
        assert [Path(name).name for name in archive.getnames()][-2:] == ["a.json", "b.json"]

    for path in (checkout / "results").rglob("*.json"):  # the same commit, on another day, by another user
        path.chmod(0o600)
        os.utime(path, (0, 0))
    assert make_release(checkout).returncode == 0
    assert (dist / "SHA256SUMS").read_text() == sums


@pytest.mark.parametrize("name", ["results/task/laptop/a.json", "results/task/new.json"], ids=["changed", "untracked"])
def test_a_tree_that_differs_from_its_commit_is_not_released(checkout, name):
    (checkout / name).write_text("another\n")
    done = make_release(checkout)
    assert done.returncode != 0
    assert "commit or remove first what differs from it" in done.stderr
    assert name in done.stderr
    assert not (checkout / "dist").exists()


def test_what_is_no_checkout_is_not_released(checkout):
    shutil.rmtree(checkout / ".git")
    done = make_release(checkout)
    assert done.returncode != 0
    assert "not a git repository" in done.stderr
    assert not (checkout / "dist").exists()


# --- the status page -------------------------------------------------------------------------------------------------


@pytest.mark.notebook
def test_the_status_page_counts_every_record_once_and_needs_no_checkout(tmp_path, monkeypatch):
    first, second, *_ = in_turn(pnn.experiments.higgs("laptop"))
    well = whole_record(first, seconds=5400.0)
    other = pnn.Record.of_failure(dataclasses.replace(second, seed=99), "diverged", "why")
    other = dataclasses.replace(other, seconds=1800.0, used={"device": "an abacus"})
    for record in (well, other, pnn.Record.of_failure(second, "killed", "why")):
        save_record(record, tmp_path / "results")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    page = ROOT / "notebooks/analysis/status.ipynb"
    pnn.run_notebook(page, tmp_path / "out.ipynb", {"results": str(tmp_path / "results")}, progress=False)
    cells = nbformat.read(tmp_path / "out.ipynb", 4).cells
    shown = [output.data for cell in cells for output in cell.get("outputs", []) if "data" in output]
    text = re.sub(r"\s*\n\s*", "", "".join(part for data in shown for part in data.values()))
    for expected in (
        "unknown, this is no checkout",
        importlib.metadata.version("torch"),
        'data-label="Records">3</td>',
        'data-label="outcomes">1 ok, 1 diverged, 1 killed</td>',
        'data-label="hours">2.00</td>',
        'data-label="devices">an abacus; unknown</td>',
        f">2 of {len(set(in_turn(pnn.experiments.higgs('laptop'))))}</td>",
    ):
        assert expected in text, expected
    records = [o for cell in cells for o in cell.get("outputs", []) if "scrapbook" in o.get("metadata", {})]
    glued = {o.metadata.scrapbook.name: "".join(o.data.values()) for o in records}
    assert glued == {"records": "'3'", "hours": "'2.0'"}
