"""Run a notebook with other parameters, and what a notebook needs to become a page."""

import ast
import re
import sys
from pathlib import Path
from typing import Any

from ..system.extras import needs
from ..system.meant import meant


class ParameterError(ValueError):
    """A parameter that a notebook does not declare, or a value that it does not take."""


def run_notebook(
    notebook: str | Path, output: str | Path, parameters: dict[str, Any] | None = None, *, progress: bool = True
) -> None:
    """Execute a notebook by papermill, its parameters checked before a kernel starts.

    Raises:
        ParameterError: a parameter is unknown, ill-typed or not among the values that its comment lists.
        papermill.PapermillExecutionError: a cell failed; the output notebook shows where.
    """
    with needs("notebooks", "running a notebook"):
        import papermill

    check_parameters(notebook, parameters or {})
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    papermill.execute_notebook(
        verbatim(notebook), verbatim(output), parameters, cwd=str(Path(notebook).parent), progress_bar=progress
    )


def verbatim(path: str | Path) -> str:
    """A path that papermill takes as it is: it would put parameters into the braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def check_parameters(notebook: str | Path, parameters: dict[str, Any]) -> None:
    """Compare parameters with the notebook's cell tagged ``parameters``.

    There each is declared as ``name: type = default  # comment``; a comment that begins with "one of" lists, in
    quotes, the values that are allowed.

    Raises:
        ParameterError: see :func:`run_notebook`.
    """
    check_declared(notebook, declared_parameters(notebook), parameters)


def declared_parameters(notebook: str | Path) -> dict[str, dict[str, Any]]:
    """What the cell tagged ``parameters`` declares: by name ``inferred_type_name``, ``default`` and ``help``.

    Raises:
        ParameterError: there is no such notebook, or it has no such cell.
    """
    with needs("notebooks", "running a notebook"):
        import papermill

    if not Path(notebook).is_file():
        raise ParameterError(f"there is no notebook {notebook}")
    declared = papermill.inspect_notebook(verbatim(notebook))
    if not declared:
        raise ParameterError(f"{notebook} has no cell tagged parameters, so it takes none")
    return declared


def check_declared(notebook: str | Path, declared: dict[str, dict[str, Any]], parameters: dict[str, Any]) -> None:
    """Compare parameters with declarations that were read before, as :func:`check_parameters` does."""
    for name, value in parameters.items():
        if name not in declared:
            raise ParameterError(
                f"{notebook} has no parameter {name!r}{meant(name, declared)}; it has {', '.join(declared)}"
            )
        expected, comment = declared[name]["inferred_type_name"], declared[name]["help"]
        given = type(value).__name__
        if given != expected and (given, expected) != ("int", "float"):
            raise ParameterError(f"{notebook}: {name} must be of type {expected}, got {value!r} of type {given}")
        if expected == "float" and not abs(value) <= sys.float_info.max:  # Whole numbers may be too large as well.
            raise ParameterError(f"{notebook}: {name} must be a finite number, got {value!r}")
        allowed = re.findall(r'"([^"]*)"', comment) if comment.startswith("one of") else []
        if allowed and value not in allowed:
            raise ParameterError(f"{notebook}: {name} must be {comment}, got {value!r}")


def parse_parameters(pairs: list[list[str]]) -> dict[str, Any]:
    """Names and values from the command line."""
    return {name: parse_value(text) for name, text in pairs}


def parse_value(text: str) -> Any:
    """A Python literal as what it is, any other text as text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
