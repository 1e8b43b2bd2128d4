"""Polynomial neurons, and the harness that compares them fairly."""

from . import experiments
from ._version import __version__
from .audit import Audit, Obstacle, audit, degree_along_line
from .budget import Budget, budget, match_width
from .checkpoint import CheckpointError
from .data import Data, Form
from .forecast import Forecast, forecast
from .models import CNN, MLP, PolyNeXt, ResNet
from .nn import (
    CCP,
    NCP,
    BilinearConv1d,
    BilinearConv2d,
    BilinearLinear,
    CCPConv2d,
    KANConv2d,
    KANLinear,
    NCPConv2d,
    PolyConv1d,
    PolyConv2d,
    PolyLinear,
    PolyNeXtBlock,
    ProductConv2d,
    ProductUnit,
    QuadraticConv1d,
    QuadraticConv2d,
    QuadraticLinear,
    StarConv2d,
    StarLinear,
)
from .notebook import ParameterError, glue, glue_comparison, run_notebook
from .run import Network, Recipe, Record, Run, RunError, Score, Task
from .sources import DataError, Split
from .stability import relinear_, relinear_groups
from .stats import Comparison, compare, compare_records, verdict, verdict_equal
from .study import RecordError, StudyError, largest_size, study
from .text_models import PairCNN, TextCNN
from .train import fit

__all__ = [
    "CCP",
    "CNN",
    "MLP",
    "NCP",
    "Audit",
    "BilinearConv1d",
    "BilinearConv2d",
    "BilinearLinear",
    "Budget",
    "CCPConv2d",
    "CheckpointError",
    "Comparison",
    "Data",
    "DataError",
    "Forecast",
    "Form",
    "KANConv2d",
    "KANLinear",
    "NCPConv2d",
    "Network",
    "Obstacle",
    "PairCNN",
    "ParameterError",
    "PolyConv1d",
    "PolyConv2d",
    "PolyLinear",
    "PolyNeXt",
    "PolyNeXtBlock",
    "ProductConv2d",
    "ProductUnit",
    "QuadraticConv1d",
    "QuadraticConv2d",
    "QuadraticLinear",
    "Recipe",
    "Record",
    "RecordError",
    "ResNet",
    "Run",
    "RunError",
    "Score",
    "Split",
    "StarConv2d",
    "StarLinear",
    "StudyError",
    "Task",
    "TextCNN",
    "__version__",
    "audit",
    "budget",
    "compare",
    "compare_records",
    "degree_along_line",
    "experiments",
    "fit",
    "forecast",
    "glue",
    "glue_comparison",
    "largest_size",
    "match_width",
    "relinear_",
    "relinear_groups",
    "run_notebook",
    "study",
    "verdict",
    "verdict_equal",
]
