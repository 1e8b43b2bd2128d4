"""Any notebook at many settings: every run typed, kept and resumable, on this machine or a Dask cluster."""

from typing import TYPE_CHECKING

from ..system.lazy import lazily

if TYPE_CHECKING:  # An editor sees this; a test compares it with the table below.
    from . import points
    from .drive import run
    from .folder import Outcome, SweepError
    from .report import (
        against_best,
        cell_means,
        failures,
        interactions,
        is_complete,
        responses,
        settings,
        varied,
        well_ended,
    )
    from .tabulate import export, table
else:
    _HOMES = {
        "drive": ("run",),
        "folder": ("Outcome", "SweepError"),
        "report": (
            "against_best",
            "cell_means",
            "failures",
            "interactions",
            "is_complete",
            "responses",
            "settings",
            "varied",
            "well_ended",
        ),
        "tabulate": ("export", "table"),
    }
    _MODULES = ("points",)
    __getattr__, __dir__ = lazily(__name__, _HOMES, _MODULES)

__all__ = [
    "Outcome",
    "SweepError",
    "against_best",
    "cell_means",
    "export",
    "failures",
    "interactions",
    "is_complete",
    "points",
    "responses",
    "run",
    "settings",
    "table",
    "varied",
    "well_ended",
]
