"""What an experiment is (Run) and what came of it (Record): frozen dataclasses with one JSON form.

``Run(task, network, recipe, seed, size)`` names one training; its id is the hash of its canonical JSON. Everything
that can change a result is in it, and nothing is configured anywhere else.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from . import data, models, text_models
from .fields import RunError, added, check_at_least, check_types, from_plain, to_plain
from .neurons import NEURONS
from .stability import relinear_

BASELINES = ("majority", "bag-of-words", "boosted-trees")  # no network: scikit-learn's, see `pnn.baselines`
SIZES = ("smoke", "laptop", "paper")
OUTCOMES = ("ok", "failed", "diverged", "oom", "timeout", "killed")


@dataclass(frozen=True)
class Task:
    """Which rows are learnt."""

    name: Literal["cifar10", "cifar100", "boolq", "boolq-words", "higgs", "digits"]
    validation: int = 5000  # rows carved from the training rows
    # subset: HIGGS subset (51k rows), the part of it that an offline folder holds; stand-in: embedded rows in the
    # task's own shape (scikit-learn's digits or breast-cancer table, random tokens)
    rows: Literal["real", "subset", "stand-in"] = "real"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "validation")
        if self.rows == "subset" and self.name != "higgs":
            raise RunError(f'Task.rows "subset" is of "higgs" alone, got {self.name!r}')

    @property
    def form(self) -> data.Form:
        """What a network must know of the rows."""
        return data.form_of(self.name)

    def load(self, folder: str | Path | None = None, device: str = "cpu") -> data.Data:
        """The task's data; see :func:`pnn.data.load`."""
        return data.load(self.name, self.validation, rows=self.rows, folder=folder, device=device)


@dataclass(frozen=True)
class Network:
    """Which function is learnt: a network of one kind of neuron, or a baseline without any."""

    name: Literal[
        "cnn", "mlp", "resnet", "polynext", "text-cnn", "pair-cnn", "majority", "bag-of-words", "boosted-trees"
    ]
    neuron: Literal[*NEURONS, "none"]  # none: a baseline; see `pnn.neurons`
    width: int  # channels of the first block, features of a layer; 0: a baseline
    activation: Literal["relu", "identity"] = "relu"
    depth: int = added(0)  # of an mlp, a resnet or a polynext; 0: the architecture's own
    pooling: Literal["max", "average"] = added("max")  # of a cnn
    start: Literal["torch", "relinear"] = added("torch")  # relinear: as the conventional network, `pnn.relinear_`

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, "depth")
        for field, value, names in (("depth", 0, ("mlp", "resnet", "polynext")), ("pooling", "max", ("cnn",))):
            if getattr(self, field) != value and self.name not in names:
                raise RunError(f"Network.{field} is of {' and '.join(map(repr, names))}, not of {self.name!r}")
        if self.name == "polynext" and (self.neuron, self.activation) != ("bilinear", "identity"):
            raise RunError(f'a "polynext" has the neuron "bilinear" and the activation "identity", got {self}')
        if self.start == "relinear" and self.neuron != "quadratic":
            raise RunError(f'Network.start "relinear" is of the neuron "quadratic", got {self.neuron!r}')
        if self.is_baseline != (self.neuron == "none"):
            raise RunError(f'Network.neuron "none" is that of baselines ({", ".join(BASELINES)}) and theirs alone')
        if self.is_baseline and self.width:
            raise RunError(f"Network.width must be 0, a baseline has none; got {self.width}")
        if not self.is_baseline:
            check_at_least(self, 1, "width")

    @property
    def is_baseline(self) -> bool:
        """Is it one of scikit-learn's, to compare the networks with?"""
        return self.name in BASELINES

    def takes(self, form: data.Form) -> bool:
        """Is it made for rows of this form?"""
        if self.name == "majority":
            return True
        if form.vocabulary:
            return self.name in ("text-cnn", "pair-cnn", "bag-of-words")
        return self.name in (("mlp", "boosted-trees") if len(form.shape) == 1 else ("cnn", "resnet", "polynext"))

    def build(self, form: data.Form, vectors: Tensor | None = None) -> nn.Module:
        """The network for rows of a form, initialised from torch's global generator; one output for two classes.

        Args:
            form: what the rows are like.
            vectors: of the tokens, for a network whose embedding starts from some.
        """
        outputs = 1 if form.classes == 2 else form.classes
        given = (outputs, self.width, self.neuron, self.activation)
        depth = {"depth": self.depth} if self.depth else {}
        if self.name == "cnn":
            model = models.CNN(form.shape[0], *given, pooling=self.pooling)
        elif self.name == "mlp":
            model = models.MLP(form.shape[0], *given, **depth)
        elif self.name == "resnet":
            model = models.ResNet(form.shape[0], *given, **depth)
        elif self.name == "polynext":
            model = models.PolyNeXt(form.shape[0], outputs, self.width, **depth)
        elif self.name == "text-cnn":
            model = text_models.TextCNN(form.vocabulary, *given)
        elif self.name == "pair-cnn":
            if vectors is None:
                raise RunError(f"the network {self.name!r} needs a task with vectors, such as 'boolq-words'")
            model = text_models.PairCNN(vectors, *given)
        else:
            raise RunError(f"the baseline {self.name!r} is no network")
        return relinear_(model) if self.start == "relinear" else model


@dataclass(frozen=True)
class Recipe:
    """How it is learnt: ``source`` names whose recipe, ``version`` is raised when the code under it changes meaning.

    ``"oporture"``: Adam without weight decay, learning rate by a cosine from its start to 0, one step an epoch,
    cross-entropy; on images random crop (4 pixels of padding) and flip; channels and columns normalised. What the
    source lacks is added: validation rows, an evaluation of the whole test set after the last epoch, and a seed.
    ``"fan-2023"``: SGD with momentum 0.9, a tenth of the learning rate after a half and after three quarters of the
    epochs; the quadratic parts of neurons at a rate of their own. ``"modern"``: AdamW, augmentation, mixing and
    averaging as networks that compete for accuracy are trained with. ``"book"``: this book's own; Adam, but with the
    learning rate held, and the training stopped early.
    ``"scikit-learn"``: the baselines, as :mod:`pnn.baselines` says; no other field means anything then.
    """

    epochs: int
    source: Literal["oporture", "fan-2023", "modern", "book", "scikit-learn"] = "oporture"
    version: int = 1
    batch_size: int = 128
    learning_rate: float = 1e-3
    augment: Literal["crop-flip", "rand-augment", "none"] = "crop-flip"  # rand-augment: after crop and flip
    precision: Literal["float32", "bfloat16"] = "float32"  # bfloat16: autocast; parameters stay float32
    channels_last: bool = True
    compile: bool = False
    schedule: Literal["cosine", "constant", "steps"] = added("cosine")  # steps: /10 at 1/2 and at 3/4 of the epochs
    embedding_learning_rate: float = added(0.0)  # of an embedding; 0: as of the rest
    # stop after so many epochs without a lower validation loss, and keep the network of the lowest; 0: the last counts
    patience: int = added(0)
    optimiser: Literal["adam", "adamw", "sgd"] = added("adam")  # sgd: with momentum 0.9
    weight_decay: float = added(0.0)
    quadratic_rate: float = added(1.0)  # learning rate of quadratic parts over that of the rest, `pnn.relinear_groups`
    quadratic_decay: float = added(0.0)  # weight decay of quadratic parts; 0: that of the rest
    # so many epochs before, in which the standard network is trained; the quadratic one starts as what it has learnt
    standard_epochs: int = added(0)
    mix: Literal["none", "mixup-cutmix"] = added("none")  # mixed are inputs and targets, one of the two ways a batch
    label_smoothing: float = added(0.0)
    average: float = added(0.0)  # decay a step of the weights' exponential moving average, which is evaluated; 0: none

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "epochs", "batch_size", "version")
        check_at_least(self, 0, "embedding_learning_rate", "patience", "weight_decay")
        check_at_least(self, 0, "quadratic_rate", "quadratic_decay", "standard_epochs")
        for name in ("label_smoothing", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise RunError(f"Recipe.{name} must be at least 0 and less than 1, got {getattr(self, name)!r}")
        if self.learning_rate <= 0:
            raise RunError(f"Recipe.learning_rate must be positive, got {self.learning_rate!r}")
        if self.version != 1:
            raise RunError(f"this version of pnn trains {self.source!r} version 1, got {self.version}")
        if self.average and self.patience:
            raise RunError("Recipe.average and Recipe.patience both say which weights count: give one of them")


@dataclass(frozen=True)
class Run:
    """One training, named completely."""

    task: Task
    network: Network
    recipe: Recipe
    seed: int
    size: Literal["smoke", "laptop", "paper"]  # which of an experiment's three sizes this run belongs to

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, "seed")
        if self.seed >= 2**64:
            raise RunError(f"Run.seed must be below 2**64, got {self.seed}")
        if not self.network.takes(self.task.form):
            raise RunError(f"Network.name {self.network.name!r} is not made for the rows of {self.task.name!r}")
        if self.network.is_baseline != (self.recipe.source == "scikit-learn"):
            raise RunError('Recipe.source "scikit-learn" is that of baselines and theirs alone')
        images = len(self.task.form.shape) == 3
        for field in ("augment", "mix"):
            if getattr(self.recipe, field) != "none" and not images:
                raise RunError(f'Recipe.{field} must be "none" for {self.task.name!r}, whose rows are no images')
        if self.task.form.classes == 2 and (self.recipe.mix != "none" or self.recipe.label_smoothing):
            raise RunError("Recipe.mix and Recipe.label_smoothing are for tasks of more than two classes")
        if self.network.start != "relinear":
            for field, value in (("quadratic_rate", 1), ("quadratic_decay", 0), ("standard_epochs", 0)):
                if getattr(self.recipe, field) != value:
                    raise RunError(f'Recipe.{field} is of networks with the start "relinear", of which this is none')

    def to_dict(self) -> dict[str, Any]:
        """The Run as nested dictionaries of plain values, ready for JSON."""
        return to_plain(self)

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> "Run":
        """The inverse of :meth:`to_dict`.

        Raises:
            RunError: a field is unknown, missing or ill-typed.
        """
        return from_plain(cls, form, "Run")

    @property
    def id(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the canonical JSON (keys sorted, no spaces)."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """A readable name for files and tables, unique by its id."""
        network = self.network
        what = network.name if network.is_baseline else f"{network.neuron}-{network.width}"
        return f"{self.task.name}-{self.size}-{what}-seed{self.seed}-{self.id}"


@dataclass(frozen=True)
class Score:
    """Loss and accuracy of the network as it ended, in evaluation mode, on unaugmented rows."""

    loss: float  # mean cross-entropy, nats
    accuracy: float  # 0..1


@dataclass(frozen=True)
class Record:
    """What came of a Run. Curves have one entry an epoch; the test rows are seen once, after the last."""

    run: Run
    outcome: Literal["ok", "failed", "diverged", "oom", "timeout", "killed"]
    message: str  # empty, or what went wrong and where
    curves: dict[str, list[float]]  # train_loss, train_accuracy (running, augmented), validation_loss, ..., norms
    final: dict[str, Score]  # train, validation, test; empty unless the outcome is ok
    budget: dict[str, float]  # parameters, macs, activation_bytes (of one row), step_seconds (median)
    seconds: float  # training and evaluation, all sittings together
    sittings: int  # 1 + how often it was continued from a checkpoint
    used: dict[str, Any]  # device, precision, channels_last, compile, threads, deterministic; best_epoch
    versions: dict[str, str]
    commit: str  # of the code, with "+" if files differed from it; empty if unknown
    data: dict[str, str]  # door, fingerprint

    def to_dict(self) -> dict[str, Any]:
        """The Record as nested dictionaries of plain values, ready for JSON."""
        return dataclasses.asdict(self) | {"run": self.run.to_dict()}

    @classmethod
    def of_failure(cls, run: Run, outcome: str, message: str) -> "Record":
        """The Record of a training that left nothing to report but its end."""
        nothing = {"curves": {}, "final": {}, "budget": {}, "used": {}, "versions": {}, "data": {}}
        return cls(run=run, outcome=outcome, message=message, seconds=0.0, sittings=0, commit="", **nothing)

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> "Record":
        """The inverse of :meth:`to_dict`.

        Raises:
            RunError: a field is unknown, missing or has a value that is not allowed.
        """
        fields = {f.name for f in dataclasses.fields(cls)}
        if not isinstance(form, dict) or form.keys() != fields:
            got = ", ".join(form) if isinstance(form, dict) else repr(form)
            raise RunError(f"a Record has the fields {', '.join(sorted(fields))}; got {got}")
        if form["outcome"] not in OUTCOMES:
            raise RunError(f"Record.outcome must be one of {', '.join(OUTCOMES)}, got {form['outcome']!r}")
        try:
            final = {split: Score(**score) for split, score in form["final"].items()}
        except (AttributeError, TypeError) as error:
            raise RunError(f"Record.final must hold a loss and an accuracy for each split: {error}") from error
        return cls(**{**form, "run": Run.from_dict(form["run"]), "final": final})
