"""Weight decay leaves the parameters of activations alone."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from ..nn import HermiteBatchNorm, PolynomialActivation
from ..nn.learned import LearnedActivation
from ..system.choice import RunError
from .method import MethodBase, Recipe, Run, groups_of_recipe

ACTIVATIONS = (LearnedActivation, PolynomialActivation, HermiteBatchNorm, nn.PReLU)


@dataclass(frozen=True)
class NoDecay(MethodBase):
    """The parameters of activations are not decayed; the groups are the recipe's own otherwise.

    Zero is no special value of an activation's parameters: decayed, a TPGU fades to zero, and the control points of a
    PolyNeuron meet. Source: :cite:t:`hryniowski2019` trains so; :cite:t:`zou2025` decays its coefficients.
    """

    name: ClassVar[str] = "no-decay"

    def check(self, run: Run) -> None:
        """There must be a decay to leave out; see :meth:`~pnn.methods.method.MethodBase.check`."""
        if not run.recipe.weight_decay:
            raise RunError('the method "no-decay" is for recipes with a weight_decay above 0, got 0')

    def groups(self, model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
        """Split each of the recipe's groups; see :meth:`~pnn.methods.method.MethodBase.groups`."""
        spared = {p for module in model.modules() if isinstance(module, ACTIVATIONS) for p in module.parameters()}
        groups = []
        for group in groups_of_recipe(model, recipe):
            apart = [p for p in group["params"] if p in spared]
            groups.append(group | {"params": [p for p in group["params"] if p not in spared]})
            if apart:
                groups.append(group | {"params": apart, "weight_decay": 0.0})
        return groups
