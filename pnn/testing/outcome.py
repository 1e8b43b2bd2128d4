"""What came of the checks of a layer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["held", "failed", "does not apply", "not run"]


@dataclass(frozen=True)
class Check:
    """What came of one check.

    Attributes:
        name: of the check, such as ``"weight norm"``.
        outcome: ``"held"``; ``"failed"``; ``"does not apply"``, where the layer or its input has nothing of the kind;
            or ``"not run"``, where something is missing that has nothing to do with the layer.
        why: in words, unless it held.
    """

    name: str
    outcome: Outcome
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}" + (f" ({self.why})" if self.why else "")


@dataclass(frozen=True)
class LayerReport:
    """All checks of a layer, in their order; printed, a line a check.

    Attributes:
        layer: what was checked, in its own words.
        checks: what came of each.
    """

    layer: str
    checks: tuple[Check, ...]

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.outcome == "failed")

    def raise_for_failures(self) -> None:
        """Raise if a check failed.

        Raises:
            AssertionError: with the name and the reason of every check that failed.
        """
        if self.failures:
            raise AssertionError("\n".join([f"{self.layer} fails", *map(str, self.failures)]))

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def __getitem__(self, name: str) -> Check:
        """The check of a name."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"there is no check {name!r}; there are {', '.join(check.name for check in self.checks)}")

    def __str__(self) -> str:
        return "\n".join([self.layer, *(f"  {check}" for check in self.checks)])
