"""What a notebook takes: its cell tagged ``parameters``, read as Python reads it, and its kernel."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..system.extras import needs
from ..system.home import home

TYPES = {"int": int, "float": float, "str": str, "bool": bool, "None": type(None)}
CONTAINERS = {"list": (list,), "sequence": (list, tuple), "tuple": (list, tuple)}
MAPPINGS = ("dict", "mapping")
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)  # nbformat's, of other files
REQUIRED = object()  # the default of a parameter that is declared without one
COMPUTED = object()  # the default of a parameter that only the cell itself can compute


class ParameterError(ValueError):
    """A parameter that a notebook does not declare, or a value that it does not take."""


@dataclass(frozen=True)
class Parameter:
    """A name that the cell assigns, and what may be assigned to it instead."""

    name: str
    annotation: ast.expr | None  # as written, else the type of the default; None takes anything
    default: Any  # REQUIRED and COMPUTED are no values
    help: str  # the comment behind the statement
    inferred: bool = False  # whether the annotation is the type of the default

    @property
    def expected(self) -> str:
        """The type, as the notebook writes it."""
        written = ast.unparse(self.annotation) if self.annotation else "any"
        return f"{written} (as its default is; an annotation would say more)" if self.inferred else written

    @property
    def allowed(self) -> list[str]:
        """The values that a comment which begins with "one of" lists in quotes."""
        return re.findall(r'"([^"]*)"', self.help) if self.help.startswith("one of") else []

    def fits(self, value: Any) -> bool:
        """Whether a value is of the parameter's type; a whole number is one where a float is meant."""
        return _fits(value, self.annotation)

    def typed(self, value: Any) -> Any:
        """A value that fits, its whole numbers as floats where only floats are meant, so that 1 and 1.0 are one."""
        words = re.findall(r"\w+", ast.unparse(self.annotation)) if self.annotation else []
        return _as_floats(value) if "float" in words and "int" not in words else value


def declared_parameters(notebook: str | Path) -> dict[str, Parameter]:
    """What the cell tagged ``parameters`` declares, by name.

    That is every name which a statement of the cell assigns: ``a = 1``, ``a: int = 1  # a comment``, ``a = 1; b = 2``,
    ``a: Literal["x", "y"] = "x"``, ``a: float | None = None``. Without an annotation the type is that of the default;
    what is computed, None or of a type unknown here may be anything.

    Raises:
        ParameterError: there is no such notebook, it is not Python's, or it has no such cell.
    """
    cells = [cell for cell in read_notebook(notebook).cells if "parameters" in cell.metadata.get("tags", [])]
    if not cells:
        raise ParameterError(f"{notebook} has no cell tagged parameters, so it takes none")
    source = cells[0].source  # It is the one behind which papermill puts the values.
    try:
        declared = {parameter.name: parameter for parameter in _statements(source)}
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ParameterError(
            f"{notebook}: its cell tagged parameters is not Python: {str(error) or 'too deeply nested'}"
        ) from error
    if not declared:
        raise ParameterError(f"{notebook}: its cell tagged parameters declares none; write one as `seed: int = 0`")
    return declared


def read_notebook(notebook: str | Path) -> Any:
    """A notebook as nbformat's own object.

    Raises:
        ParameterError: there is none, or the file is something else.
    """
    with needs("notebooks", "running a notebook"):
        import nbformat

    if not Path(notebook).is_file():
        raise ParameterError(f"there is no notebook {notebook}")
    try:
        return nbformat.read(notebook, 4)
    except (nbformat.ValidationError, *UNREADABLE) as error:
        why = f"{type(error).__name__}: {shortened(error, str)}"
        raise ParameterError(f"{notebook} cannot be read as a notebook: {why}") from error


def check_kernel(notebook: str | Path) -> None:
    """See to it that the notebook names a kernel which is installed and runs Python.

    Raises:
        ParameterError: it does not; the message says which there are.
    """
    with needs("notebooks", "running a notebook"):
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    home()  # Jupyter asks for it.
    name = read_notebook(notebook).metadata.get("kernelspec", {}).get("name")
    kernels = KernelSpecManager()
    there = ", ".join(sorted(kernels.find_kernel_specs())) or "none: python -m ipykernel install --sys-prefix"
    if not name:
        raise ParameterError(f"{notebook} names no kernel; choose one in Jupyter and save it. Installed here: {there}")
    try:
        language = kernels.get_kernel_spec(name).language
    except NoSuchKernel as error:
        raise ParameterError(
            f"{notebook} asks for the kernel {name!r}, which is not installed. Installed here: {there}"
        ) from error
    if language.lower() != "python":
        raise ParameterError(f"{notebook} is written in {language}; only notebooks in Python can be given parameters")


def shortened(given: Any, write: Callable[[Any], str] = repr) -> str:
    """A value as an error shows it."""
    try:
        text = write(given)
    except (ValueError, RecursionError):  # A whole number may have more digits than Python writes.
        text = f"a {type(given).__name__}"
    return text if len(text) < 80 else text[:77] + "..."


def _statements(source: str) -> Iterator[Parameter]:
    """The parameters in the order of the cell; a name that is assigned twice comes twice."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        # The lines that are IPython's own are left out, if that makes it Python.
        source = re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)
        tree = ast.parse(source)
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    for statement in tree.body:
        lines = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        comment = " ".join(comments[line] for line in lines if line in comments)
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            default = REQUIRED if statement.value is None else _value(statement.value)
            yield Parameter(statement.target.id, _plain(statement.annotation), default, comment)
        elif isinstance(statement, ast.Assign):
            for name, value in _assigned(statement):
                yield Parameter(name, _type_of(value), _value(value), comment, inferred=True)


def _assigned(statement: ast.Assign) -> Iterator[tuple[str, ast.expr | None]]:
    """The names of an assignment, such as ``a = b = 1`` or ``a, b = 1, 2``, and what each is assigned."""
    for target in statement.targets:
        if isinstance(target, ast.Name):
            yield target.id, statement.value
        elif isinstance(target, (ast.Tuple, ast.List)):
            values = statement.value.elts if isinstance(statement.value, (ast.Tuple, ast.List)) else []
            values = values if len(values) == len(target.elts) else [None] * len(target.elts)
            pairs = zip(target.elts, values, strict=True)
            yield from ((one.id, value) for one, value in pairs if isinstance(one, ast.Name))


def _value(node: ast.expr | None) -> Any:
    """A default, if it is a literal."""
    try:
        return COMPUTED if node is None else ast.literal_eval(node)
    except (ValueError, TypeError):
        return COMPUTED


def _type_of(node: ast.expr | None) -> ast.expr | None:
    """The type of a default as an annotation; None if it is not seen here."""
    if isinstance(node, ast.JoinedStr):
        return ast.Name("str")
    value = _value(node)
    return None if value is None or value is COMPUTED or value is ... else ast.Name(type(value).__name__)


def _plain(annotation: ast.expr) -> ast.expr:
    """An annotation that is written as text, without its quotes."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        with suppress(SyntaxError):
            return ast.parse(annotation.value, mode="eval").body
    return annotation


def _as_floats(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_as_floats(one) for one in value]
    if isinstance(value, dict):
        return {name: _as_floats(one) for name, one in value.items()}
    return float(value) if type(value) is int else value


def _fits(value: Any, annotation: ast.expr | None) -> bool:
    """Whether a value is of the type that an annotation says; an annotation that is not understood takes anything."""
    if annotation is None:
        return True
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return value is None
    annotation = _plain(annotation)
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _fits(value, annotation.left) or _fits(value, annotation.right)
    name, inner = _split(annotation)
    if name in TYPES:
        return type(value) is TYPES[name] or (name == "float" and type(value) is int)
    if name == "Literal":
        return any(type(value) is type(one) and value == one for one in map(_value, inner))
    if name == "Optional" and inner:
        return value is None or _fits(value, inner[0])
    if name == "Union" and inner:
        return any(_fits(value, one) for one in inner)
    if name in ("Annotated", "Final") and inner:
        return _fits(value, inner[0])
    name = name.lower()  # typing's own names of them begin with a capital.
    if name in CONTAINERS:
        return type(value) in CONTAINERS[name] and _all_fit(value, inner, name)
    if name in MAPPINGS:
        key, item = inner if len(inner) == 2 else (None, None)
        return type(value) is dict and all(_fits(k, key) and _fits(v, item) for k, v in value.items())
    return True


def _all_fit(values: list | tuple, inner: list[ast.expr], name: str) -> bool:
    """Whether the items of a list or tuple are of their types; ``tuple[int, str]`` has one for each place."""
    if not inner:
        return True
    many = isinstance(inner[-1], ast.Constant) and inner[-1].value is ...
    if name == "tuple" and not many:
        return len(values) == len(inner) and all(map(_fits, values, inner))
    return all(_fits(one, inner[0]) for one in values)


def _split(annotation: ast.expr) -> tuple[str, list[ast.expr]]:
    """``typing.Dict[str, int]`` as its last name and what stands between the brackets."""
    inner = []
    if isinstance(annotation, ast.Subscript):
        inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        annotation = annotation.value
    if isinstance(annotation, ast.Attribute):
        return annotation.attr, inner
    return (annotation.id if isinstance(annotation, ast.Name) else ""), inner
