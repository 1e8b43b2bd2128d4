"""On Colab: the set-up cell of every notebook, run as it stands, and Drive, from which Records are read and kept."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

import pnn
from pnn import sweep
from pnn.runs.folders import results_folder
from pnn.system import colab
from pnn.tasks.sources import DataError

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(ROOT.glob("notebooks/**/*.ipynb"))
REPOSITORY = "https://github.com/polynomial-neurons/polynomial-neurons"

# --- the set-up cell -------------------------------------------------------------------------------------------------


def set_up_cell(path: Path) -> str:
    return next(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_fetches_the_same_version_this_one(path):
    begin = f"""\
from importlib.util import find_spec

if not find_spec("pnn"):  # on Colab: fetch this version, with its Records
    !git clone -q --depth 1 -c advice.detachedHead=false --branch v{pnn.__version__} {REPOSITORY}
    %cd polynomial-neurons
    %pip install -q ".[notebooks]"

"""
    assert set_up_cell(path).startswith(begin)


RUN_CELL = """
import json, sys

packages, target, cell = sys.argv[1:]
sys.path.append(packages)  # as a plain folder: what is installed there to be edited, as pnn may be, is not found
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
sys.path[:] = [*filter(None, sys.path), target]  # without the current folder, in which the checkout will be
assert not shell.run_cell("import pnn", silent=True).success, "pnn is there already"
shell.run_cell(cell).raise_error()
import pnn
from pnn.runs.folders import results_folder

found = [pnn.__file__, pnn.__version__, str(results_folder()), pnn.largest_size(pnn.experiments.cifar10)]
print(json.dumps(found))
"""


@pytest.mark.slow
def test_the_set_up_cell_installs_the_tagged_version_and_finds_its_records(tmp_path):
    pytest.importorskip("setuptools", minversion="77")  # with which it is built, offline
    published, target, content = (tmp_path / name for name in ("published", "installed", "content"))
    for folder in ("pnn", "results"):
        shutil.copytree(ROOT / folder, published / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE", "_toc.yml"):
        shutil.copy(ROOT / file, published)
    git = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-C", str(published)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "release"], ["tag", f"v{pnn.__version__}"]):
        subprocess.run([*git, *words], check=True)
    (published / "pnn" / "__init__.py").write_text("raise ImportError('this is not the release')")
    subprocess.run([*git, "commit", "-q", "-a", "-m", "the branch goes on"], check=True)
    target.mkdir()
    content.mkdir()
    instead = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{published.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
        "PIP_TARGET": str(target),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "false",  # which pip reads as: no isolation
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    cell = set_up_cell(ROOT / "notebooks/datasets/cifar10.ipynb")
    arguments = [sysconfig.get_path("purelib"), str(target), cell]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PNN_")} | instead
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN_CELL, *arguments],
        cwd=content,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    file, version, results, size = json.loads(done.stdout.splitlines()[-1])
    assert file == str(target / "pnn" / "__init__.py")
    assert version == pnn.__version__
    assert results == str(content / "polynomial-neurons" / "results")
    assert size == pnn.largest_size(pnn.experiments.cifar10, ROOT / "results") != "smoke"


# --- Drive -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def drive(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(colab, "DRIVE", tmp_path / "drive")
    return colab.DRIVE


@pytest.fixture
def mounted(drive, monkeypatch) -> list[str]:
    """Where Drive was mounted; google.colab can be imported, and this is a kernel."""
    places = []

    def mount(place: str) -> None:
        places.append(place)
        (Path(place) / "MyDrive").mkdir(parents=True)

    module = ModuleType("google.colab")
    module.drive = ModuleType("google.colab.drive")
    module.drive.mount = mount
    monkeypatch.setattr(Path, "is_mount", lambda path: str(path) in places)
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", module)
    monkeypatch.setattr("IPython.get_ipython", object)
    return places


def experiment(size: str) -> dict[str, list[pnn.Run]]:
    return {"none": []}


def refused(error: type[Exception], use: Callable[[], object]) -> None:
    with pytest.raises(error):
        use()


@pytest.mark.parametrize(
    "use",
    [
        lambda results: pnn.study([], results=results),
        lambda results: pnn.forecast([], results=results),
        lambda results: pnn.largest_size(experiment, results),
        lambda folder: refused(DataError, lambda: pnn.CIFAR10().load(folder)),
        lambda folder: refused(sweep.SweepError, lambda: sweep.table(folder)),
    ],
    ids=["study", "forecast", "largest_size", "data", "table"],
)
def test_drive_is_mounted_once_where_records_lie_there(use, drive, mounted):
    use(str(drive / "MyDrive" / "polynomial" / "results"))
    use(str(drive / "MyDrive" / "other"))
    assert mounted == [str(drive)]


def test_drive_is_mounted_where_the_environment_says_so(drive, mounted, monkeypatch):
    monkeypatch.setenv("PNN_RESULTS", str(drive / "MyDrive" / "results"))
    assert results_folder() == drive / "MyDrive" / "results"
    assert mounted == [str(drive)]


def test_a_relative_folder_may_lie_there_too(drive, mounted, monkeypatch):
    monkeypatch.chdir(drive.parent)
    results_folder("drive/MyDrive/results")
    assert mounted == [str(drive)]


def test_any_other_folder_mounts_nothing(drive, mounted):
    results_folder(drive.parent / "results")
    results_folder(drive.parent / "drive2" / "results")
    assert mounted == []


def test_a_folder_that_is_there_without_drive_is_no_drive(drive, mounted):
    """What is written there before Drive is mounted is lost with the machine."""
    drive.mkdir()
    results_folder(drive / "MyDrive" / "results")
    assert mounted == [str(drive)]


def test_elsewhere_than_on_colab_it_is_a_folder_like_any_other(drive):
    assert results_folder(drive / "MyDrive" / "results") == drive / "MyDrive" / "results"
    assert not drive.exists()


def test_what_is_not_a_notebook_says_how_to_mount(drive, mounted, monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    with pytest.raises(OSError, match=r"only a notebook can mount. Run there first: .*drive\.mount"):
        results_folder(drive / "MyDrive" / "results")
    assert mounted == []
