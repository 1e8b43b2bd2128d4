"""What a notebook declares, however its cell of parameters is written; its kernel, seen to before anything starts."""

import functools
import importlib
import json
import os
import re
from pathlib import Path

import nbformat
import pytest

import pnn
from pnn.sweep.declared import COMPUTED, REQUIRED, declared_parameters
from pnn.sweep.folder import check_points
from pnn.sweep.parameters import check_parameters

main = importlib.import_module("pnn.__main__").main

# a cell, a parameter's value that it takes, and one that it does not
STYLES = [
    ("a = 1", 2, "x"),
    ("a = 1", -2, 0.5),
    ("a = -1.5", 2, "x"),
    ("a = 'x'", "y", 1),
    ("a = True", False, 1),
    ("a = [1, 2]", ["x"], 1),
    ("a = {'x': 1}", {}, []),
    ("a = f'{1}'", "y", 1),
    ("a: int = 1", 2, True),
    ("a: float = 1", 2, "2"),
    ("a: 'int' = 1", 2, "x"),
    ("a: float | None = None", None, "x"),
    ("a: float | None = None", 2, True),
    ("a: Optional[int] = None", 3, 0.5),
    ("a: typing.Optional[int] = None", None, "x"),
    ("a: Union[int, str] = 1", "x", None),
    ("a: Literal['x', 2] = 'x'", 2, "y"),
    ("a: Literal['x', 2] = 'x'", "x", 2.0),
    ("a: list[int] = [1]", [], [0.5]),
    ("a: List[float] = [1]", [1, 0.5], ["x"]),
    ("a: list[int | None] = [1]", [None, 1], [True]),
    ("a: tuple[int, str] = (1, 'x')", [2, "y"], [2]),
    ("a: tuple[int, ...] = ()", (1, 2, 3), ("x",)),
    ("a: dict[str, int] = {}", {"x": 1}, {"x": "y"}),
    ("a: Annotated[int, 'of runs'] = 1", 2, "x"),
    ('a: str = "a=b"  # with = and #', "c=d#", 1),
    ("a: int = 1; b: int = 2  # two", 3, "x"),
    ("b = a = 1", 2, "x"),
    ("b, a = 'x', 1", 2, "x"),
    ("from typing import Literal\nimport os\na: Literal['x'] = 'x'", "x", "y"),
    ("%matplotlib inline\n!ls\na = 1", 2, "x"),
    ("a: list = [  # of three\n    1,\n    2,\n]", [3], 3),
    ("a = 'x'\na = 1", 2, "x"),
    ("'''a = 1.5'''\na = 1", 2, 1.5),
]
ANY_VALUE = [
    "a = None",
    "a = 2 * 60",
    "a = open",
    "a: Path = Path()",
    "a: Any = 1",
    "b, *c = a = range(3)",
    "a: 'x y' = 1",
]


@pytest.mark.parametrize(("cell", "right", "wrong"), STYLES, ids=repr)
def test_a_cell_is_read_as_python_reads_it(tmp_path, notebook_of, cell, right, wrong):
    notebook = notebook_of(tmp_path / "notebook.ipynb", parameters=cell)
    check_parameters(notebook, {"a": right})
    with pytest.raises(pnn.ParameterError, match=r"notebook\.ipynb: a must be of type "):
        check_parameters(notebook, {"a": wrong})


@pytest.mark.parametrize("cell", ANY_VALUE)
def test_what_a_cell_does_not_say_the_type_of_may_be_anything(tmp_path, notebook_of, cell):
    notebook = notebook_of(tmp_path / "notebook.ipynb", parameters=cell)
    for value in (1, 0.5, "x", None, [1]):
        check_parameters(notebook, {"a": value})


def test_the_type_of_a_default_is_told_as_such(tmp_path, notebook_of):
    notebook = notebook_of(tmp_path / "notebook.ipynb", parameters="a = 1")
    with pytest.raises(
        pnn.ParameterError, match=r"of type int \(as its default is; an annotation would say more\), got"
    ):
        check_parameters(notebook, {"a": 0.5})


def test_defaults_and_comments(tmp_path, notebook_of):
    cell = "a = -1  # one of \"x\"\nb: int\nc = open  # a # b\nd = (\n    1\n)  # behind\ne = '# no comment'"
    notebook = notebook_of(tmp_path / "notebook.ipynb", parameters=cell)
    found = {name: (own.default, own.help) for name, own in declared_parameters(notebook).items()}
    assert found == {
        "a": (-1, 'one of "x"'),
        "b": (REQUIRED, ""),
        "c": (COMPUTED, "a # b"),
        "d": (1, "behind"),
        "e": ("# no comment", ""),
    }
    with pytest.raises(pnn.ParameterError, match="b has no value of its own; give it one"):
        check_parameters(notebook, {"c": 1})


def test_what_is_a_float_at_any_depth_is_one_run_however_it_is_written(tmp_path, notebook_of):
    cell = "a: float | None = None\nb: list[float] = []\nc: int | float = 0\nd: dict[str, float] = {}"
    notebook = notebook_of(tmp_path / "notebook.ipynb", parameters=cell)
    whole, floats = {"a": 1, "b": [1, 2], "d": {"x": 1}}, {"a": 1.0, "b": [1.0, 2.0], "d": {"x": 1.0}}
    (point,) = check_points(notebook, [whole, floats])
    assert json.dumps(point) == json.dumps(floats)
    assert len(check_points(notebook, [{"c": 1}, {"c": 1.0}])) == 2


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("a = = 1", "its cell tagged parameters is not Python: invalid syntax"),
        ("import os", "its cell tagged parameters declares none; write one as `seed: int = 0`"),
        ("-" * 100_000 + "1", "its cell tagged parameters is not Python: (too deeply nested|too many|maximum)"),
    ],
    ids=["syntax", "none", "deep"],
)
def test_a_cell_that_cannot_be_read_says_why(tmp_path, notebook_of, cell, message):
    notebook = notebook_of(tmp_path / "notebook.ipynb", parameters=cell)
    with pytest.raises(pnn.ParameterError, match=message):
        declared_parameters(notebook)


@pytest.mark.parametrize(
    "content", ["", "{", "[" * 100_000, "[]", "3", "{}", '{"nbformat": 4, "nbformat_minor": 5}', b"\xff\xfe"], ids=repr
)
def test_what_is_no_notebook_is_named(tmp_path, content):
    path = tmp_path / "page.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(pnn.ParameterError, match=r"page\.ipynb (cannot be read as a notebook|has no cell tagged)"):
        declared_parameters(path)


def with_kernel(path: Path, kernel: dict | None) -> Path:
    form = nbformat.read(path, 4)
    form.metadata = {} if kernel is None else {"kernelspec": kernel}
    nbformat.write(form, path)
    return path


@pytest.fixture
def kernels(tmp_path, monkeypatch) -> None:
    """There is a kernel of R besides Python's."""
    folder = tmp_path / "jupyter" / "kernels" / "ir"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({"argv": ["R"], "display_name": "R", "language": "R"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (None, r"names no kernel; choose one in Jupyter and save it\. Installed here: .*python3"),
        ({"name": "conda-env", "display_name": "x"}, "asks for the kernel 'conda-env', which is not installed"),
        ({"name": "ir", "display_name": "R"}, "is written in R; only notebooks in Python can be given parameters"),
    ],
    ids=["none", "missing", "foreign"],
)
def test_a_kernel_that_cannot_run_it_is_told_before_anything_is_started(
    tmp_path, notebook_of, kernels, no_process, capsys, kernel, message
):
    notebook = with_kernel(notebook_of(tmp_path / "page.ipynb"), kernel)
    out = tmp_path / "out"
    with pytest.raises(pnn.ParameterError, match=message):
        pnn.run_notebook(notebook, out / "page.ipynb", progress=False)
    for words in ([], ["--dry-run"]):
        assert main(["sweep", str(notebook), "-p", "seed", "1", "--out", str(out), *words]) == 2
        assert re.search(message, capsys.readouterr().err)
    assert not out.exists()


def test_a_notebooks_kernel_is_told_where_folders_are_that_are_named_from_here(tmp_path, notebook_of, monkeypatch):
    """It begins in the notebook's own folder."""
    notebook_of(tmp_path / "pages" / "page.ipynb")
    monkeypatch.chdir(tmp_path)
    for name, folder in (("PNN_DATA", "data"), ("PNN_RESULTS", "../results"), ("PNN_CACHE", "")):
        monkeypatch.setenv(name, folder)
    told = {}
    monkeypatch.setattr("papermill.execute_notebook", lambda *_, **options: told.update(os.environ, **options))
    pnn.run_notebook("pages/page.ipynb", "out.ipynb", progress=False)
    assert (told["PNN_DATA"], told["PNN_RESULTS"], told["PNN_CACHE"]) == (
        str(tmp_path / "data"),
        str(tmp_path / "../results"),
        "",
    )
    assert told["cwd"] == "pages"
    assert os.environ["PNN_DATA"] == "data"


def test_papermill_says_nothing_wrong_of_a_cell_that_it_cannot_read(tmp_path, notebook_of, capfd):
    notebook = notebook_of(tmp_path / "page.ipynb", parameters="a = 1; b: str = 'x=y'\nc: Literal['x'] = 'x'")
    papermill = importlib.import_module("papermill")
    with pytest.MonkeyPatch.context() as patch:
        prepare = functools.partial(papermill.execute_notebook, prepare_only=True)
        patch.setattr(papermill, "execute_notebook", prepare)
        pnn.run_notebook(notebook, tmp_path / "out.ipynb", {"a": 2, "b": "1", "c": "x"}, progress=False)
    cell = nbformat.read(tmp_path / "out.ipynb", 4).cells[1]
    assert cell.source.splitlines()[1:] == ["a = 2", 'b = "1"', 'c = "x"']
    assert capfd.readouterr() == ("", "")
