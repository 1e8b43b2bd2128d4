"""A package that imports its names when they are asked for."""

import importlib
import sys

import pytest

PACKAGE = """
from pnn.system.lazy import lazily
own = 1
__getattr__, __dir__ = lazily(__name__, {"part": ("f", "absent"), "deep.part": ("g",)}, ["room"])
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    files = {
        "__init__.py": PACKAGE,
        "part.py": "def f(): return 1",
        "room.py": "",
        "deep/__init__.py": "",
        "deep/part.py": "def g(): return 2",
    }
    for name, text in files.items():
        (tmp_path / "a_lazy_package" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a_lazy_package" / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("a_lazy_package")
    for name in [name for name in sys.modules if name.partition(".")[0] == "a_lazy_package"]:
        del sys.modules[name]


def loaded() -> set[str]:
    return {name.partition(".")[2] for name in sys.modules if name.startswith("a_lazy_package.")}


def test_nothing_is_imported_before_it_is_asked_for(package):
    assert loaded() == set()
    assert package.f() == 1
    assert loaded() == {"part"}
    assert package.g() == 2
    assert package.room is sys.modules["a_lazy_package.room"]
    assert loaded() == {"part", "deep", "deep.part", "room"}


def test_a_name_is_looked_up_once(package):
    assert "f" not in vars(package)
    assert package.f is vars(package)["f"]


def test_all_names_are_listed(package):
    assert {"own", "f", "g", "room"} <= set(dir(package))
    assert loaded() == set()


def test_other_names_are_an_attribute_error_that_names_the_package(package):
    with pytest.raises(AttributeError, match="module 'a_lazy_package' has no attribute 'h'"):
        package.h  # noqa: B018
    with pytest.raises(AttributeError, match=r"'a_lazy_package\.part' has no attribute 'absent'"):
        package.absent  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'h' from 'a_lazy_package'"):
        from a_lazy_package import h  # noqa: F401
