"""Polynomial neurons, and the harness that compares them fairly.

A name is imported when it is first asked for: the layers need torch alone, and nobody waits for what is not used.
"""

from typing import TYPE_CHECKING

from ._version import __version__
from .system.lazy import lazily

if TYPE_CHECKING:  # An editor sees this; a test compares it with the table below.
    from . import (  # noqa: F401 - These are the rooms.
        analysis,
        experiments,
        methods,
        networks,
        nn,
        report,
        runs,
        studies,
        sweep,
        system,
        tasks,
        training,
    )
    from .analysis.audit import Audit, Obstacle, audit, degree_along_line
    from .analysis.budget import Budget, budget, match_width
    from .methods.relinear import ReLinear, relinear_, relinear_groups
    from .networks.baselines import BagOfWords, BoostedTrees, Majority, QuadraticRidge
    from .networks.cnn import CNN, CNNModule
    from .networks.mlp import MLP, MLPModule
    from .networks.pair_cnn import PairCNN, PairCNNModule
    from .networks.polynext import PolyNeXt, PolyNeXtModule
    from .networks.resnet import ResNet, ResNetModule
    from .networks.text_cnn import TextCNN, TextCNNModule
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
    from .nn.activation import GELU, Identity, ReLU
    from .report.comparison import Comparison, compare, compare_records
    from .report.glue import glue, glue_comparison
    from .report.verdict import verdict
    from .runs.frame import frame
    from .runs.record import Record, Score
    from .runs.run import Recipe, Run
    from .runs.store import RecordError
    from .studies.forecast import Forecast, forecast
    from .studies.pool import StudyError
    from .studies.study import largest_size, study
    from .sweep.parameters import ParameterError, run_notebook
    from .system.choice import RunError
    from .tasks.boolq import BoolQ, BoolQWords
    from .tasks.cifar import CIFAR10, CIFAR100
    from .tasks.data import Data, DataError, Form, Split
    from .tasks.digits import Digits
    from .tasks.higgs import HIGGS
    from .tasks.known import Known
    from .tasks.own import OwnRows, own_rows
    from .training.checkpoint import CheckpointError
    from .training.fit import fit
else:
    _HOMES = {
        "analysis.audit": ("Audit", "Obstacle", "audit", "degree_along_line"),
        "analysis.budget": ("Budget", "budget", "match_width"),
        "methods.relinear": ("ReLinear", "relinear_", "relinear_groups"),
        "networks.baselines": ("BagOfWords", "BoostedTrees", "Majority", "QuadraticRidge"),
        "networks.cnn": ("CNN", "CNNModule"),
        "networks.mlp": ("MLP", "MLPModule"),
        "networks.pair_cnn": ("PairCNN", "PairCNNModule"),
        "networks.polynext": ("PolyNeXt", "PolyNeXtModule"),
        "networks.resnet": ("ResNet", "ResNetModule"),
        "networks.text_cnn": ("TextCNN", "TextCNNModule"),
        "nn": (
            "CCP",
            "NCP",
            "BilinearConv1d",
            "BilinearConv2d",
            "BilinearLinear",
            "CCPConv2d",
            "KANConv2d",
            "KANLinear",
            "NCPConv2d",
            "PolyConv1d",
            "PolyConv2d",
            "PolyLinear",
            "PolyNeXtBlock",
            "ProductConv2d",
            "ProductUnit",
            "QuadraticConv1d",
            "QuadraticConv2d",
            "QuadraticLinear",
            "StarConv2d",
            "StarLinear",
        ),
        "nn.activation": ("GELU", "Identity", "ReLU"),
        "report.comparison": ("Comparison", "compare", "compare_records"),
        "report.glue": ("glue", "glue_comparison"),
        "report.verdict": ("verdict",),
        "runs.frame": ("frame",),
        "runs.record": ("Record", "Score"),
        "runs.run": ("Recipe", "Run"),
        "runs.store": ("RecordError",),
        "studies.forecast": ("Forecast", "forecast"),
        "studies.pool": ("StudyError",),
        "studies.study": ("largest_size", "study"),
        "sweep.parameters": ("ParameterError", "run_notebook"),
        "system.choice": ("RunError",),
        "tasks.boolq": ("BoolQ", "BoolQWords"),
        "tasks.cifar": ("CIFAR10", "CIFAR100"),
        "tasks.data": ("Data", "DataError", "Form", "Split"),
        "tasks.digits": ("Digits",),
        "tasks.higgs": ("HIGGS",),
        "tasks.known": ("Known",),
        "tasks.own": ("OwnRows", "own_rows"),
        "training.checkpoint": ("CheckpointError",),
        "training.fit": ("fit",),
    }
    _ROOMS = (
        "analysis",
        "experiments",
        "methods",
        "networks",
        "nn",
        "report",
        "runs",
        "studies",
        "sweep",
        "system",
        "tasks",
        "training",
    )
    __getattr__, __dir__ = lazily(__name__, _HOMES, _ROOMS)

__all__ = [
    "CCP",
    "CIFAR10",
    "CIFAR100",
    "CNN",
    "GELU",
    "HIGGS",
    "MLP",
    "NCP",
    "Audit",
    "BagOfWords",
    "BilinearConv1d",
    "BilinearConv2d",
    "BilinearLinear",
    "BoolQ",
    "BoolQWords",
    "BoostedTrees",
    "Budget",
    "CCPConv2d",
    "CNNModule",
    "CheckpointError",
    "Comparison",
    "Data",
    "DataError",
    "Digits",
    "Forecast",
    "Form",
    "Identity",
    "KANConv2d",
    "KANLinear",
    "Known",
    "MLPModule",
    "Majority",
    "NCPConv2d",
    "Obstacle",
    "OwnRows",
    "PairCNN",
    "PairCNNModule",
    "ParameterError",
    "PolyConv1d",
    "PolyConv2d",
    "PolyLinear",
    "PolyNeXt",
    "PolyNeXtBlock",
    "PolyNeXtModule",
    "ProductConv2d",
    "ProductUnit",
    "QuadraticConv1d",
    "QuadraticConv2d",
    "QuadraticLinear",
    "QuadraticRidge",
    "ReLU",
    "ReLinear",
    "Recipe",
    "Record",
    "RecordError",
    "ResNet",
    "ResNetModule",
    "Run",
    "RunError",
    "Score",
    "Split",
    "StarConv2d",
    "StarLinear",
    "StudyError",
    "TextCNN",
    "TextCNNModule",
    "__version__",
    "audit",
    "budget",
    "compare",
    "compare_records",
    "degree_along_line",
    "experiments",
    "fit",
    "forecast",
    "frame",
    "glue",
    "glue_comparison",
    "largest_size",
    "match_width",
    "own_rows",
    "relinear_",
    "relinear_groups",
    "run_notebook",
    "study",
    "verdict",
]
