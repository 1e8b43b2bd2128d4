"""Any notebook at many settings: every run typed, kept and resumable, on this machine or a Dask cluster."""

from . import points
from .drive import run
from .folder import Outcome, SweepError
from .tabulate import export, table

__all__ = ["Outcome", "SweepError", "export", "points", "run", "table"]
