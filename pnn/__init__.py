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
        testing,
        training,
    )
    from .analysis.audit import Audit, DegreeStep, Obstacle, audit, degree_along_line
    from .analysis.budget import Budget, budget, match_width
    from .analysis.channel_affine import ChannelAffine
    from .analysis.conversion import Conversion
    from .analysis.convert import convert
    from .analysis.fold import fold_batch_norm
    from .methods.boundary_loss import BoundaryLoss
    from .methods.clip_norm import ClipNorm
    from .methods.no_decay import NoDecay
    from .methods.plain_statistics import PlainStatistics
    from .methods.relinear import ReLinear, relinear_, relinear_groups
    from .methods.spline_constraints import SplineConstraints
    from .methods.watch_activations import WatchActivations
    from .methods.watch_interactions import WatchInteractions
    from .networks.baselines import BagOfWords, BoostedTrees, Majority, QuadraticRidge
    from .networks.cnn import CNN, CNNModule
    from .networks.cnn1d import CNN1d, CNN1dModule
    from .networks.convnext import ConvNeXt, ConvNeXtModule
    from .networks.funnel_mlp import FunnelMLP, FunnelMLPModule
    from .networks.lenet import LeNet, LeNetModule
    from .networks.mlp import MLP, MLPModule
    from .networks.pair_cnn import PairCNN, PairCNNModule
    from .networks.polynext import PolyNeXt, PolyNeXtModule
    from .networks.resnet import ResNet, ResNetModule
    from .networks.text_cnn import TextCNN, TextCNNModule
    from .nn import (
        APL,
        CCP,
        NCP,
        TPGU,
        XIELU,
        BilinearConv1d,
        BilinearConv2d,
        BilinearLinear,
        CCPConv2d,
        HermiteBatchNorm,
        KANConv2d,
        KANLinear,
        NCPConv2d,
        PolyConv1d,
        PolyConv2d,
        PolyLinear,
        PolyNeuron,
        PolyNeuronR,
        PolyNeXtBlock,
        PolynomialActivation,
        PolyNorm,
        PolyReLU,
        ProductConv2d,
        ProductUnit,
        QuadraticConv1d,
        QuadraticConv2d,
        QuadraticLinear,
        Rational,
        StarConv2d,
        StarLinear,
        Swish,
    )
    from .nn.activation import (
        GELU,
        APLChoice,
        Hermite,
        Identity,
        PolyNeuronChoice,
        PolyNeuronRChoice,
        Polynomial,
        PolyNormChoice,
        PolyReLUChoice,
        RationalChoice,
        ReLU,
        ReLUSquared,
        SiLU,
        SwishChoice,
        TPGUChoice,
        XIELUChoice,
    )
    from .nn.learned import ChannelsLast
    from .nn.polynomial_basis import fit_polynomial
    from .nn.quadratic_form import QuadraticForm, quadratic_form
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
    from .tasks.fsdd import FSDD
    from .tasks.hapt import HAPT
    from .tasks.higgs import HIGGS
    from .tasks.known import Known
    from .tasks.mnist import MNIST, FashionMNIST
    from .tasks.own import OwnRows, own_rows
    from .tasks.speech_commands import SpeechCommands
    from .tasks.uci_har import UCIHAR
    from .testing import LayerReport, check_layer
    from .training.checkpoint import CheckpointError
    from .training.fit import fit
else:
    _HOMES = {
        "analysis.audit": ("Audit", "DegreeStep", "Obstacle", "audit", "degree_along_line"),
        "analysis.budget": ("Budget", "budget", "match_width"),
        "analysis.channel_affine": ("ChannelAffine",),
        "analysis.conversion": ("Conversion",),
        "analysis.convert": ("convert",),
        "analysis.fold": ("fold_batch_norm",),
        "methods.boundary_loss": ("BoundaryLoss",),
        "methods.clip_norm": ("ClipNorm",),
        "methods.no_decay": ("NoDecay",),
        "methods.plain_statistics": ("PlainStatistics",),
        "methods.relinear": ("ReLinear", "relinear_", "relinear_groups"),
        "methods.spline_constraints": ("SplineConstraints",),
        "methods.watch_activations": ("WatchActivations",),
        "methods.watch_interactions": ("WatchInteractions",),
        "networks.baselines": ("BagOfWords", "BoostedTrees", "Majority", "QuadraticRidge"),
        "networks.cnn": ("CNN", "CNNModule"),
        "networks.cnn1d": ("CNN1d", "CNN1dModule"),
        "networks.convnext": ("ConvNeXt", "ConvNeXtModule"),
        "networks.funnel_mlp": ("FunnelMLP", "FunnelMLPModule"),
        "networks.lenet": ("LeNet", "LeNetModule"),
        "networks.mlp": ("MLP", "MLPModule"),
        "networks.pair_cnn": ("PairCNN", "PairCNNModule"),
        "networks.polynext": ("PolyNeXt", "PolyNeXtModule"),
        "networks.resnet": ("ResNet", "ResNetModule"),
        "networks.text_cnn": ("TextCNN", "TextCNNModule"),
        "nn": (
            "APL",
            "BilinearConv1d",
            "BilinearConv2d",
            "BilinearLinear",
            "CCP",
            "CCPConv2d",
            "HermiteBatchNorm",
            "KANConv2d",
            "KANLinear",
            "NCP",
            "NCPConv2d",
            "PolyConv1d",
            "PolyConv2d",
            "PolyLinear",
            "PolyNeXtBlock",
            "PolyNeuron",
            "PolyNeuronR",
            "PolyNorm",
            "PolyReLU",
            "PolynomialActivation",
            "ProductConv2d",
            "ProductUnit",
            "QuadraticConv1d",
            "QuadraticConv2d",
            "QuadraticLinear",
            "Rational",
            "StarConv2d",
            "StarLinear",
            "Swish",
            "TPGU",
            "XIELU",
        ),
        "nn.activation": (
            "APLChoice",
            "GELU",
            "Hermite",
            "Identity",
            "Polynomial",
            "PolyNeuronChoice",
            "PolyNeuronRChoice",
            "PolyNormChoice",
            "PolyReLUChoice",
            "RationalChoice",
            "ReLU",
            "ReLUSquared",
            "SiLU",
            "SwishChoice",
            "TPGUChoice",
            "XIELUChoice",
        ),
        "nn.learned": ("ChannelsLast",),
        "nn.polynomial_basis": ("fit_polynomial",),
        "nn.quadratic_form": ("QuadraticForm", "quadratic_form"),
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
        "tasks.fsdd": ("FSDD",),
        "tasks.hapt": ("HAPT",),
        "tasks.higgs": ("HIGGS",),
        "tasks.known": ("Known",),
        "tasks.mnist": ("FashionMNIST", "MNIST"),
        "tasks.own": ("OwnRows", "own_rows"),
        "tasks.speech_commands": ("SpeechCommands",),
        "tasks.uci_har": ("UCIHAR",),
        "testing": ("LayerReport", "check_layer"),
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
        "testing",
        "training",
    )
    __getattr__, __dir__ = lazily(__name__, _HOMES, _ROOMS)

__all__ = [
    "APL",
    "CCP",
    "CIFAR10",
    "CIFAR100",
    "CNN",
    "FSDD",
    "GELU",
    "HAPT",
    "HIGGS",
    "MLP",
    "MNIST",
    "NCP",
    "TPGU",
    "UCIHAR",
    "XIELU",
    "APLChoice",
    "Audit",
    "BagOfWords",
    "BilinearConv1d",
    "BilinearConv2d",
    "BilinearLinear",
    "BoolQ",
    "BoolQWords",
    "BoostedTrees",
    "BoundaryLoss",
    "Budget",
    "CCPConv2d",
    "CNN1d",
    "CNN1dModule",
    "CNNModule",
    "ChannelAffine",
    "ChannelsLast",
    "CheckpointError",
    "ClipNorm",
    "Comparison",
    "ConvNeXt",
    "ConvNeXtModule",
    "Conversion",
    "Data",
    "DataError",
    "DegreeStep",
    "Digits",
    "FashionMNIST",
    "Forecast",
    "Form",
    "FunnelMLP",
    "FunnelMLPModule",
    "Hermite",
    "HermiteBatchNorm",
    "Identity",
    "KANConv2d",
    "KANLinear",
    "Known",
    "LayerReport",
    "LeNet",
    "LeNetModule",
    "MLPModule",
    "Majority",
    "NCPConv2d",
    "NoDecay",
    "Obstacle",
    "OwnRows",
    "PairCNN",
    "PairCNNModule",
    "ParameterError",
    "PlainStatistics",
    "PolyConv1d",
    "PolyConv2d",
    "PolyLinear",
    "PolyNeXt",
    "PolyNeXtBlock",
    "PolyNeXtModule",
    "PolyNeuron",
    "PolyNeuronChoice",
    "PolyNeuronR",
    "PolyNeuronRChoice",
    "PolyNorm",
    "PolyNormChoice",
    "PolyReLU",
    "PolyReLUChoice",
    "Polynomial",
    "PolynomialActivation",
    "ProductConv2d",
    "ProductUnit",
    "QuadraticConv1d",
    "QuadraticConv2d",
    "QuadraticForm",
    "QuadraticLinear",
    "QuadraticRidge",
    "Rational",
    "RationalChoice",
    "ReLU",
    "ReLUSquared",
    "ReLinear",
    "Recipe",
    "Record",
    "RecordError",
    "ResNet",
    "ResNetModule",
    "Run",
    "RunError",
    "Score",
    "SiLU",
    "SpeechCommands",
    "SplineConstraints",
    "Split",
    "StarConv2d",
    "StarLinear",
    "StudyError",
    "Swish",
    "SwishChoice",
    "TPGUChoice",
    "TextCNN",
    "TextCNNModule",
    "WatchActivations",
    "WatchInteractions",
    "XIELUChoice",
    "__version__",
    "audit",
    "budget",
    "check_layer",
    "compare",
    "compare_records",
    "convert",
    "degree_along_line",
    "experiments",
    "fit",
    "fit_polynomial",
    "fold_batch_norm",
    "forecast",
    "frame",
    "glue",
    "glue_comparison",
    "largest_size",
    "match_width",
    "own_rows",
    "quadratic_form",
    "relinear_",
    "relinear_groups",
    "run_notebook",
    "study",
    "verdict",
]
