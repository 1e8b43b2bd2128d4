"""Records are found wherever the current folder is."""

from pathlib import Path

import pytest

from pnn.runs import folders
from pnn.runs.folders import checkout_folder, results_folder, runs_folder
from pnn.system.colab import CLONE


def checkout(folder: Path) -> Path:
    (folder / "results").mkdir(parents=True)
    (folder / "_toc.yml").touch()
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The current folder, around which there is no checkout; the package is installed."""
    monkeypatch.delenv("PNN_RESULTS", raising=False)
    monkeypatch.setattr(folders, "__file__", str(tmp_path / "site-packages" / "pnn" / "runs" / "folders.py"))
    folder = tmp_path / "around" / "notebooks" / "ablations"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_results_are_those_of_the_checkout_around_or_lie_here(here):
    around = here.parents[1]
    assert results_folder() == here / "results"
    (around / "results").mkdir()
    assert results_folder() == here / "results"  # any folder may be called so: a checkout has a _toc.yml
    (around / "_toc.yml").touch()
    assert results_folder() == around / "results"


def test_what_is_given_comes_first_then_the_environment(here, monkeypatch):
    checkout(here.parent)
    monkeypatch.setenv("PNN_RESULTS", "~/elsewhere")
    assert results_folder() == Path.home() / "elsewhere"
    assert results_folder("~/given") == Path.home() / "given"


def test_symbolic_links_are_resolved(here, tmp_path, monkeypatch):
    real = checkout(tmp_path / "real")
    (real / "notebooks").mkdir()
    (here / "link").symlink_to(real / "notebooks")
    monkeypatch.chdir(here / "link")
    assert results_folder() == real / "results"


def test_the_checkout_of_an_editable_install_is_found_from_anywhere(here, tmp_path, monkeypatch):
    edited = checkout(tmp_path / "edited")
    (edited / "pnn" / "runs").mkdir(parents=True)
    (tmp_path / "linked").symlink_to(edited / "pnn")
    monkeypatch.setattr(folders, "__file__", str(tmp_path / "linked" / "runs" / "folders.py"))
    checkout(here / CLONE)
    assert checkout_folder() == edited
    assert checkout_folder() != checkout(here.parent) == checkout_folder()  # the one around is nearer


def test_the_clone_that_a_set_up_cell_made_is_found(here):
    assert checkout_folder() == here
    assert checkout_folder() != checkout(here / CLONE) == checkout_folder()


def test_the_runs_of_a_results_folder_are_one_place_whichever_name_that_has(here, monkeypatch):
    real = here / "results"
    real.mkdir()
    (here.parent / "link").symlink_to(real)
    monkeypatch.chdir(real)
    names = [real, Path("."), Path("../results"), here.parent / "link", real / "task" / "..", Path("new/../../results")]
    assert {runs_folder(name) for name in names} == {here / "runs"}


def test_where_records_will_lie_is_said_once_if_nothing_says_where_they_are(here, capsys, monkeypatch):
    assert results_folder() == results_folder() == here / "results"
    said = capsys.readouterr().err
    assert said == (
        f"there is no checkout of the book around {here}, so Records are kept in {here / 'results'}; "
        "PNN_RESULTS names another folder\n"
    )
    monkeypatch.setenv("PNN_RESULTS", str(here / "given"))
    results_folder()
    monkeypatch.delenv("PNN_RESULTS")
    results_folder(here / "given")
    (here / "results").mkdir()
    results_folder()
    (here / "results").rmdir()
    checkout(here.parent)
    results_folder()
    assert capsys.readouterr().err == ""
