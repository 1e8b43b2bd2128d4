"""Who has no home folder, as in many containers, gets one; whoever has one keeps it."""

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pnn.system.home import home
from pnn.tasks.sources import cache_folder

ROOT = Path(__file__).parents[2]
NOBODY = """
import pwd

def nobody(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")

pwd.getpwuid = nobody
"""


@pytest.fixture
def homeless(tmp_path, monkeypatch) -> Path:
    """A folder for temporary files; neither HOME nor an entry among the users."""

    def nobody(uid):
        raise KeyError(uid)

    monkeypatch.setenv("HOME", "to be restored")
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("PNN_CACHE", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_home_is_made_once_and_is_its_owners_alone(homeless):
    with pytest.raises(RuntimeError):
        Path.home()
    made = home()
    assert made == Path.home() == home() == Path(os.environ["HOME"])
    assert made.parent == homeless
    assert made.stat().st_mode & 0o777 == 0o700
    del os.environ["HOME"]
    assert home() == made
    assert cache_folder() == made / ".cache" / "pnn"


def test_a_home_that_somebody_else_may_have_made_is_not_taken(homeless):
    (homeless / "elsewhere").mkdir()
    (homeless / f"pnn-home-{os.getuid()}").symlink_to(homeless / "elsewhere")
    assert home().name != f"pnn-home-{os.getuid()}"
    assert home().parent == homeless


def test_a_home_that_is_there_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "mine"))
    assert home() == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()


def test_the_command_line_needs_no_home(tmp_path):
    """Jupyter cannot be imported without one."""
    (tmp_path / "sitecustomize.py").write_text(NOBODY)
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "PNN_CACHE")}
    variables = kept | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "TMPDIR": str(tmp_path)}
    words = ["sweep", str(ROOT / "notebooks/quickstart.ipynb"), "-p", "seeds", "1", "--dry-run", "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-m", "pnn", *words], env=variables, cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 runs, 1 to do" in done.stdout


def test_a_home_that_is_not_ones_own_to_write_is_none(homeless, monkeypatch):
    monkeypatch.setenv("HOME", "/")
    monkeypatch.setattr("pnn.system.home.os.access", lambda path, mode: path != Path("/"))
    assert home().parent == homeless
