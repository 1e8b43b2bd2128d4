"""What a training method may say of itself, and when the training loop asks."""

from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor, nn

Run = Recipe = Any  # They are those of pnn.runs, which imports the methods.


def groups_of_recipe(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """The groups of a recipe without a method that groups: an embedding and what AdamW does not decay stand apart."""
    rate = recipe.embedding_learning_rate
    own = [m.weight for m in model.modules() if rate and isinstance(m, nn.Embedding)]
    others = [p for p in model.parameters() if all(p is not q for q in own)]
    groups = [{"params": others}, *([{"params": own, "lr": rate}] if own else [])]
    if recipe.optimiser == "adamw":  # Biases, BatchNorm's numbers and scales are not decayed.
        groups[0] = {"params": [p for p in others if p.numel() > max(p.shape)]}
        groups.append({"params": [p for p in others if p.numel() <= max(p.shape)], "weight_decay": 0.0})
    return groups


class MethodBase:
    """One way to train: a frozen dataclass below this class, with a ``name`` and what it changes of the following.

    A recipe may have several methods. The loop asks each, in their order, at fixed points, and knows none by name.
    """

    name: ClassVar[str]

    def check(self, run: Run) -> None:
        """When a Run is made: raise :class:`pnn.RunError` if the method is not for it."""

    def phases(self, run: Run) -> list[Run]:
        """The Runs that are trained before this one, as which or from which it starts."""
        return []

    def start(self, model: nn.Module, learnt: list[nn.Module]) -> None:
        """When the model is initialised: change it in place. ``learnt`` are the networks of `phases`, as trained."""

    def groups(self, model: nn.Module, recipe: Recipe) -> list[dict[str, Any]] | None:
        """The optimiser's groups of parameters, all of the model's in one of them; None: the recipe's own."""
        return None

    def penalty(self, model: nn.Module) -> Tensor | None:
        """After every forward pass, in training and in evaluation: what is added to the loss, a scalar; None: nothing.

        A Record keeps its means over the steps of an epoch and over the validation rows as the curves ``penalty`` and
        ``validation_penalty``.
        """
        return None

    def after_backward(self, model: nn.Module) -> dict[str, Tensor] | None:
        """After every backward pass, before the optimiser's step: change the gradients in place.

        Returns:
            Numbers by the names of curves (``MEASURED`` in ``pnn/runs/record_check.py``), of which a Record keeps the
            mean over the steps of each epoch; None: nothing.
        """
        return None

    def before_evaluation(self, model: nn.Module, rows: Callable[[int], Tensor]) -> None:
        """Before every evaluation: change in place what is evaluated, the average of the weights if there is one.

        Args:
            model: in evaluation mode, in which it must be left.
            rows: so many training rows, or all if there are fewer, as the network takes them: neither augmented nor
                mixed, the same at every call, spread evenly over the training rows.
        """

    def after_epoch(self, model: nn.Module) -> dict[str, Tensor] | None:
        """Before the first epoch and after every one: small arrays to keep, read off the network that is evaluated.

        Returns:
            Arrays of numbers by name, the same names each time; ``Record.readings`` lists them under it, the start
            first. None: nothing.
        """
        return None

    def at_end(self, model: nn.Module, rows: Callable[[int], Tensor]) -> dict[str, Tensor] | None:
        """After the last evaluation: small arrays to keep, read off the network; ``Record.readings`` has them by name.

        Args:
            model: in evaluation mode, in which it must be left.
            rows: as in `before_evaluation`.

        Returns:
            Arrays of numbers by name, none that `after_epoch` has; None: nothing.
        """
        return None
