"""The commit of the code: of the repository that tracks it, not of one that lies around it by chance."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pnn.system import machine


def git(*words: str, cwd: Path) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", *words]
    return subprocess.run(command, cwd=cwd, env=own, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def code(tmp_path, monkeypatch) -> Path:
    """A file of an installed package in a repository which does not track it."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("PNN_COMMIT", raising=False)
    file = tmp_path / "repository" / "venv" / "pnn" / "system" / "machine.py"
    file.parent.mkdir(parents=True)
    shutil.copy(machine.__file__, file)
    monkeypatch.setattr(machine, "__file__", str(file))
    git("init", "-q", cwd=tmp_path / "repository")
    git("commit", "-q", "--allow-empty", "-m", "of another project", cwd=tmp_path / "repository")
    return file


def test_a_repository_around_the_environment_is_not_that_of_the_code(code, monkeypatch):
    assert machine.commit() == ""
    monkeypatch.setenv("PNN_COMMIT", "abc123\n")
    assert machine.commit() == "abc123"


def test_the_repository_that_tracks_the_code_is_and_says_whether_files_differ(code, tmp_path, monkeypatch):
    monkeypatch.setenv("PNN_COMMIT", "abc123")  # Git knows better.
    git("add", ".", cwd=tmp_path / "repository")
    git("commit", "-q", "-m", "the code", cwd=tmp_path / "repository")
    head = git("rev-parse", "HEAD", cwd=tmp_path / "repository")
    assert machine.commit() == head
    (tmp_path / "link").symlink_to(code.parents[1])
    monkeypatch.setattr(machine, "__file__", str(tmp_path / "link" / "system" / "machine.py"))
    assert machine.commit() == head
    code.write_text("another")
    assert machine.commit() == f"{head}+"


def test_where_there_is_no_git_the_environment_names_the_commit(code, monkeypatch):
    monkeypatch.setenv("PATH", str(code.parent))
    assert machine.commit() == ""
    monkeypatch.setenv("PNN_COMMIT", "abc123")
    assert machine.commit() == "abc123"
