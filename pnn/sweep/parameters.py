"""Run a notebook with other parameters, which are compared with what it declares before a kernel starts."""

import ast
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..system.extras import needs
from ..system.meant import meant
from .declared import REQUIRED, Parameter, ParameterError, check_kernel, declared_parameters, shortened

FOLDERS = ("PNN_DATA", "PNN_RESULTS", "PNN_CACHE")
# What a text is read as is a literal, or the text itself. The last four are what a literal of many thousand signs ends
# with, be it one or not.
NO_LITERAL = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError)


def run_notebook(
    notebook: str | Path, output: str | Path, parameters: dict[str, Any] | None = None, *, progress: bool = True
) -> None:
    """Execute a notebook by papermill in the notebook's own folder, its parameters checked before a kernel starts.

    Raises:
        ParameterError: a parameter is unknown, ill-typed or not among the values that its comment lists; the kernel is
            not there; or the output is the notebook itself.
        papermill.PapermillExecutionError: a cell failed; the output notebook shows where.
    """
    with needs("notebooks", "running a notebook"):
        import papermill
        import papermill.log

    check_parameters(notebook, parameters or {})
    check_kernel(notebook)
    if Path(output).exists() and os.path.samefile(notebook, output):
        raise ParameterError(f"the output {output} is the notebook itself, which would be lost; give it another name")
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    paths, folder = (verbatim(notebook), verbatim(output)), str(Path(notebook).parent)
    # It warns of parameters that it cannot read itself.
    with _only_errors(papermill.log.logger), _environment(absolute_folders()):
        papermill.execute_notebook(*paths, parameters, cwd=folder, progress_bar=progress, language="python")


def absolute_folders() -> dict[str, str]:
    """The variables that name folders, from the root on: a notebook's kernel begins in another folder than this one."""
    given = {name: os.environ[name] for name in FOLDERS if os.environ.get(name)}
    return {name: str(Path(folder).expanduser().absolute()) for name, folder in given.items()}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ[name] for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.update(before)


@contextmanager
def _only_errors(logger: logging.Logger) -> Iterator[None]:
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def verbatim(path: str | Path) -> str:
    """A path that papermill takes as it is: it would put parameters into the braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def check_parameters(notebook: str | Path, parameters: Mapping[str, Any]) -> None:
    """Compare parameters with the notebook's cell tagged ``parameters``.

    There each is declared as ``name: type = default  # comment``; a comment that begins with "one of" lists, in
    quotes, the values that are allowed. :func:`pnn.sweep.declared.declared_parameters` says what else is read.

    Raises:
        ParameterError: see :func:`run_notebook`.
    """
    check_declared(notebook, declared_parameters(notebook), parameters)


def check_declared(notebook: str | Path, declared: Mapping[str, Parameter], parameters: Mapping[str, Any]) -> None:
    """Compare parameters with declarations that were read before, as :func:`check_parameters` does."""
    for name, value in parameters.items():
        if name not in declared:
            raise ParameterError(
                f"{notebook} has no parameter {name!r}{meant(name, declared)}; it has {', '.join(declared)}"
            )
        own, given = declared[name], type(value).__name__
        if not own.fits(value):
            raise ParameterError(
                f"{notebook}: {name} must be of type {own.expected}, got {shortened(value)} of type {given}"
            )
        # Whole numbers may be too large for a float as well.
        is_float = type(value) is float or (type(value) is int and type(own.typed(0)) is float)
        if is_float and not abs(value) <= sys.float_info.max:
            raise ParameterError(f"{notebook}: {name} must be a finite number, got {shortened(value)}")
        if own.allowed and value not in own.allowed:
            raise ParameterError(f"{notebook}: {name} must be {own.help}, got {shortened(value)}")
    if missing := [name for name, own in declared.items() if own.default is REQUIRED and name not in parameters]:
        raise ParameterError(f"{notebook}: {missing[0]} has no value of its own; give it one")


def parse_parameters(pairs: list[tuple[str, str]], declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """Names and values from the command line, each value as its parameter takes it."""
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ParameterError(f"-p {twice} is given twice")
    return {name: parse_value(text, declared.get(name)) for name, text in pairs}


def parse_value(text: str, parameter: Parameter | None = None) -> Any:
    """A Python literal as what it is, any other text as text; so is a literal where the parameter takes text alone."""
    try:
        value = ast.literal_eval(text)
    except NO_LITERAL:
        return text
    return text if parameter and parameter.fits(text) and not parameter.fits(value) else value
