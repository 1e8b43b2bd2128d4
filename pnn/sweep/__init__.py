"""Any notebook at many settings: every run typed, kept and resumable, on this machine or a Dask cluster."""

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
