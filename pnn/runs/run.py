"""What an experiment is: a Run, a frozen dataclass with one JSON form.

``Run(task, network, recipe, seed, size)`` names one training; its id is the hash of its canonical JSON. Everything
that can change a result is in it, and nothing is configured anywhere else. Task, network, activation and methods are
choices (:mod:`pnn.system.choice`).
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from .. import methods as training_methods
from .. import networks, tasks
from ..system.choice import RunError, added, check_at_least, check_types, from_plain, to_plain

SIZES = ("smoke", "laptop", "paper")


@dataclass(frozen=True)
class Recipe:
    """How it is learnt: ``source`` names whose recipe, ``version`` is raised when the code under it changes meaning.

    ``"oporture"``: Adam without weight decay, learning rate by a cosine from its start to 0, one step an epoch,
    cross-entropy; on images random crop (4 pixels of padding) and flip; channels and columns normalised. What the
    source lacks is added: validation rows, an evaluation of the whole test set after the last epoch, and a seed.
    ``"fan-2023"``: SGD with momentum 0.9, a tenth of the learning rate after a half and after three quarters of the
    epochs. ``"al-hossain-2025"``: AdamW, a tenth of the learning rate where the validation loss, its boundary loss
    included, no longer falls. Unlike the source it evaluates the network of the last epoch, decays no biases and no
    numbers of BatchNorm, and neither rotates images nor changes their colours. ``"hryniowski-2019"``: Adam, and L2 on
    all parameters but those of activations; crop and flip. ``"zou-2025"``: AdamW, as ConvNeXt is trained, without its
    warm-up, mixing, averaging and stochastic depth. ``"pearce-2025"``: AdamW with a large weight decay, images as they
    are. ``"modern"``: AdamW, augmentation,
    mixing and averaging as networks that compete for accuracy are trained with. ``"book"``: this book's own; Adam, but
    with the learning rate held, and the training stopped early. ``"scikit-learn"``: the baselines, as
    :mod:`pnn.networks.baselines` says; no other field means anything then.
    """

    epochs: int
    source: Literal[
        "oporture",
        "fan-2023",
        "al-hossain-2025",
        "hryniowski-2019",
        "zou-2025",
        "pearce-2025",
        "modern",
        "book",
        "scikit-learn",
    ] = "oporture"
    version: int = 1
    batch_size: int = 128
    learning_rate: float = 1e-3
    augment: Literal["crop-flip", "rand-augment", "none"] = "crop-flip"  # rand-augment comes after crop and flip
    precision: Literal["float32", "bfloat16"] = "float32"  # bfloat16 by autocast; parameters stay float32
    channels_last: bool = True
    compile: bool = False
    # steps divides by 10 after 1/2 and 3/4 of the epochs, late-steps after 2/3 and 5/6, half after 1/2; plateau after 6
    # epochs without a validation loss, penalties of methods included, that is a tenth below the lowest
    schedule: Literal["cosine", "constant", "steps", "late-steps", "half", "plateau"] = added("cosine")
    embedding_learning_rate: float = added(0.0)  # of an embedding, 0 for that of the rest
    # Stop after so many epochs without a lower validation loss and keep the network of the lowest; 0 keeps the last.
    patience: int = added(0)
    optimiser: Literal["adam", "adamw", "sgd"] = added("adam")  # sgd has momentum 0.9
    weight_decay: float = added(0.0)
    mix: Literal["none", "mixup-cutmix"] = added("none")  # inputs and targets, in one of the two ways a batch
    label_smoothing: float = added(0.0)
    # The exponential moving average of the weights, which is evaluated, decays by this factor a step; 0 is no average.
    average: float = added(0.0)
    # the standard deviation of normal noise that is added to training inputs, in units of their own
    noise: float = added(0.0)
    methods: "tuple[training_methods.Method, ...]" = added(())  # see `pnn.methods`

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "epochs", "batch_size", "version")
        check_at_least(self, 0, "embedding_learning_rate", "patience", "weight_decay", "noise")
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

    task: "tasks.Task"
    network: "networks.Network"
    recipe: Recipe
    seed: int
    size: Literal["smoke", "laptop", "paper"]  # which of an experiment's three sizes this run belongs to

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, "seed")
        form, network, recipe = self.task.form, self.network, self.recipe
        if not network.fits(form):
            raise RunError(f"the network {network.name!r} is not made for the rows of {self.task.name!r}")
        if isinstance(network, networks.Baseline) != (recipe.source == "scikit-learn"):
            raise RunError('Recipe.source "scikit-learn" is that of baselines and theirs alone')
        for field in ("augment", "mix"):
            if getattr(recipe, field) != "none" and len(form.shape) != 3:
                raise RunError(f'Recipe.{field} must be "none" for {self.task.name!r}, whose rows are no images')
        if form.vocabulary and recipe.noise:
            raise RunError(f"Recipe.noise must be 0 for {self.task.name!r}, whose rows are token numbers")
        if form.classes <= 2 and (recipe.mix != "none" or recipe.label_smoothing):
            raise RunError("Recipe.mix and Recipe.label_smoothing are for tasks of more than two classes")
        for method in recipe.methods:
            method.check(self)

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
        return f"{self.task.name}-{self.size}-{networks.label(self.network)}-seed{self.seed}-{self.id}"
