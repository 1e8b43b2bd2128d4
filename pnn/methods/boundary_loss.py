"""How the inputs of polynomial activations are held inside an interval: a penalty on what lies outside."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ..nn import HermiteBatchNorm, PolyNeXtBlock, PolynomialActivation
from ..system.choice import RunError, check_at_least, check_types
from .method import MethodBase, Run

# Beyond this excess the exponential is continued by its tangent. A number of float32 holds e**88, but a gradient's norm
# is the root of a sum of squares, times a strength: it would be infinite from about e**40.
LINEAR_FROM = 30.0


@dataclass(frozen=True)
class BoundaryLoss(MethodBase):
    r"""A penalty on inputs of activations beyond a limit, added to the loss for every layer.

    .. math::

        \lambda \sum_\ell \operatorname{mean}_i \phi\big(\max(0, |x_{\ell i}| - B)\big), \qquad \phi(e) = \exp(e) - 1

    or :math:`\phi(e) = e^2`; or, with ``"maximum"``, the largest excess of a layer in the place of its mean. The
    exponential is continued by its tangent from an excess of 30 on, where in float32 the norm of a gradient could
    become infinite; below that it is the source's.

    Source: :cite:t:`alhossain2025`, whose exponential is not continued.
    """

    limit: float  # B, inside of the interval on which the activations were fitted
    strength: float = 10.0  # lambda
    form: Literal["exponential", "squared", "maximum"] = "exponential"
    # Of what: the inputs of polynomial activations; the factors of PolyNeXt's products; or these products, normalised:
    # factors can all be made small, which the BatchNorm behind their product undoes.
    of: Literal["activations", "factors", "products"] = "activations"
    name: ClassVar[str] = "boundary-loss"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, "limit", "strength")

    def check(self, run: Run) -> None:
        """It is for networks that have what it holds; see :meth:`~pnn.methods.method.MethodBase.check`."""
        activation = getattr(getattr(run.network, "activation", None), "name", None)
        if self.of == "activations" and activation not in ("polynomial", "hermite"):
            raise RunError(
                'the method "boundary-loss" of activations is for the activations "polynomial" and "hermite", '
                f"got {activation!r}"
            )
        if self.of != "activations" and run.network.name != "polynext":
            raise RunError(f'the method "boundary-loss" of {self.of} is for "polynext", got {run.network.name!r}')

    def start(self, model: nn.Module, learnt: list[nn.Module]) -> None:
        """Watch the layers; see :meth:`~pnn.methods.method.MethodBase.start`."""
        for module in list(model.modules()):
            if self.of == "activations" and isinstance(module, PolynomialActivation | HermiteBatchNorm):
                _watch(module, self, of_input=True)
            elif self.of == "factors" and isinstance(module, PolyNeXtBlock):
                for factor in (module.near, module.far, module.maps):
                    _watch(factor, self, of_input=False)
            elif self.of == "products" and isinstance(module, PolyNeXtBlock):
                for product in (module.norm2, module.norm4):
                    _watch(product, self, of_input=False)

    def penalty(self, model: nn.Module) -> Tensor:
        """See :meth:`~pnn.methods.method.MethodBase.penalty`."""
        found = [module.boundary_watch.take() for module in model.modules() if hasattr(module, "boundary_watch")]
        return self.strength * torch.stack(found).sum()

    def of_layer(self, x: Tensor) -> Tensor:
        """The loss of one layer, without the strength: a scalar in float32."""
        excess = (x.float().abs() - self.limit).relu()
        if self.form == "maximum":
            return excess.amax()
        if self.form == "squared":
            return excess.square().mean()
        # Two terms that are each 0 on the other's side: a difference would lose small gradients beside large ones.
        tangent = math.exp(LINEAR_FROM) * (excess - LINEAR_FROM).relu()
        return (torch.expm1(excess.clamp(max=LINEAR_FROM)) + tangent).mean()


def _watch(module: nn.Module, method: BoundaryLoss, of_input: bool) -> None:
    watch = _Watch(method)
    module.boundary_watch = watch
    if of_input:
        module.register_forward_pre_hook(watch.see_input)
    else:
        module.register_forward_hook(watch.see_output)


class _Watch:
    """What a layer's last forward pass adds to the loss, kept until it is asked for."""

    def __init__(self, method: BoundaryLoss) -> None:
        self.method = method
        self.kept: Tensor | None = None

    def see_input(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.kept = self.method.of_layer(inputs[0])

    def see_output(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.kept = self.method.of_layer(output)

    def take(self) -> Tensor:
        kept, self.kept = self.kept, None
        if kept is None:
            raise RuntimeError("the boundary loss is known after a forward pass, once")
        return kept

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Watch":
        """A copy of a network, such as its average, watches itself; what the first one has seen stays there."""
        memo[id(self)] = copied = _Watch(self.method)
        return copied
