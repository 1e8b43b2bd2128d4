"""What a conversion did to a network, as a report."""

import functools
from collections import Counter
from dataclasses import dataclass

from torch import Tensor, nn

from .audit import Audit, audit
from .budget import Budget


@dataclass(frozen=True)
class Replaced:
    """One module that another one stands for now."""

    name: str
    old: str
    new: str
    kept: str  # what carried over, in words


@dataclass(frozen=True)
class Left:
    """One module that was meant and stayed."""

    name: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Conversion:
    """A converted network, and the report of what was done; printed, it is a page of text."""

    model: nn.Module
    replaced: tuple[Replaced, ...]
    left: tuple[Left, ...]
    width: str  # how the widths were matched, in words
    before: Budget
    after: Budget
    error: float  # the largest difference of outputs on the example, over the largest output
    source: nn.Module  # the network that was given
    example: Tensor

    @functools.cached_property
    def audits(self) -> tuple[Audit | None, Audit | None]:
        """What :func:`pnn.audit` finds before and after; None where torch cannot export a network."""
        return _audit(self.source, self.example), _audit(self.model, self.example)

    def __str__(self) -> str:
        kinds = Counter((one.old, one.new, one.kept) for one in self.replaced)
        lines = [f"{n} x {old} -> {new}; kept: {kept}" for (old, new, kept), n in kinds.items()]
        lines += [f"left: {one.name} ({one.kind}): {one.reason}" for one in self.left]
        lines.append(f"widths: {self.width}")
        for name in ("parameters", "macs", "activation_bytes"):
            old, new = getattr(self.before, name), getattr(self.after, name)
            lines.append(f"{name}: {old:,} -> {new:,} ({new / max(1, old) - 1:+.1%})")
        for name, found in zip(("before", "after"), self.audits, strict=True):
            text = "not known, torch cannot export it" if found is None else str(found).partition("\n")[0]
            lines.append(f"audit {name}: {text}")
        lines.append(f"largest difference of outputs on the example: {self.error:.2g} of the largest output")
        return "\n".join(lines)


def _audit(model: nn.Module, example: Tensor) -> Audit | None:
    try:
        return audit(model, example[:2])
    except ValueError:
        return None
