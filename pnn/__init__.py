"""Polynomial neurons, and the harness that compares them fairly."""

from . import experiments
from ._version import __version__
from .budget import Budget, budget, match_width
from .checkpoint import CheckpointError
from .data import Data, Form
from .models import CNN, MLP, PairCNN, TextCNN
from .nn import PolyConv1d, PolyConv2d, PolyLinear
from .notebook import ParameterError, glue, glue_comparison, run_notebook
from .run import Network, Recipe, Record, Run, RunError, Score, Task
from .sources import DataError, Split
from .stats import Comparison, compare, compare_records, verdict, verdict_equal
from .study import RecordError, StudyError, largest_size, study
from .train import fit

__all__ = [
    "CNN",
    "MLP",
    "Budget",
    "CheckpointError",
    "Comparison",
    "Data",
    "DataError",
    "Form",
    "Network",
    "PairCNN",
    "ParameterError",
    "PolyConv1d",
    "PolyConv2d",
    "PolyLinear",
    "Recipe",
    "Record",
    "RecordError",
    "Run",
    "RunError",
    "Score",
    "Split",
    "StudyError",
    "Task",
    "TextCNN",
    "__version__",
    "budget",
    "compare",
    "compare_records",
    "experiments",
    "fit",
    "glue",
    "glue_comparison",
    "largest_size",
    "match_width",
    "run_notebook",
    "study",
    "verdict",
    "verdict_equal",
]
