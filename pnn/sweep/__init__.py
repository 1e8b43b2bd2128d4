"""Any notebook at many settings: every run typed, kept and resumable, on this machine or a Dask cluster."""

from . import points
from .drive import run
from .folder import Outcome, SweepError
from .report import failures, interactions, responses, settings, varied
from .tabulate import export, table

__all__ = [
    "Outcome",
    "SweepError",
    "export",
    "failures",
    "interactions",
    "points",
    "responses",
    "run",
    "settings",
    "table",
    "varied",
]
